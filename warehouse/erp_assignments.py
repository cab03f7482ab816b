"""Who is served by which ERP connection, and when: clients, their sites, and assignments with history.

Every change goes to ops.audit_log in its own transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from warehouse import audit
from warehouse.audit import Origin
from warehouse.erp import check_connection, row_of, rows_of
from warehouse.errors import AssignmentRefused

Connection = psycopg.Connection[Any]
Party = Literal["client", "site"]
_FLAG = {"client": "is_default", "site": "overrides_client"}


@dataclass(frozen=True, slots=True)
class Assignment:
    """A connection that serves a client or a site.

    ``leads``: it is the client's default, or overrides that for the site. ``start`` None: from now on; ``end`` None:
    until further notice. ``data_types`` empty: orders, products, order_status and inventory.
    """

    connection: str
    leads: bool = True
    catalog_id: str | None = None
    data_types: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    start: datetime | None = None
    end: datetime | None = None


def add_client(conn: Connection, id: str, name: str, by: Origin) -> None:
    """Add a client, rename it, or bring it back."""
    with conn.transaction():
        before = row_of(conn, "SELECT name, closed_at::text FROM erp.client WHERE id = %s FOR UPDATE", id)
        conn.execute(
            """INSERT INTO erp.client (id, name) VALUES (%s, %s)
               ON CONFLICT (id) DO UPDATE SET name = excluded.name, closed_at = NULL""",
            (id, name),
        )
        _log_change(conn, by, "client", id, before, {"name": name, "closed_at": None})


def add_site(conn: Connection, id: str, client_id: str, name: str, by: Origin) -> None:
    """Add a site to a client, rename it, or bring it back; AssignmentRefused if it belongs to another client."""
    with conn.transaction():
        _there(conn, "client", client_id)
        before = row_of(conn, "SELECT name, client_id, closed_at::text FROM erp.site WHERE id = %s FOR UPDATE", id)
        if before and before["client_id"] != client_id:
            raise AssignmentRefused(
                f"Site {id} belongs to client {before['client_id']}; sites do not change hands, so add it under another id"
            )
        conn.execute(
            """INSERT INTO erp.site (id, client_id, name) VALUES (%s, %s, %s)
               ON CONFLICT (id) DO UPDATE SET name = excluded.name, closed_at = NULL""",
            (id, client_id, name),
        )
        _log_change(conn, by, "site", id, before, {"name": name, "client_id": client_id, "closed_at": None})


def remove(conn: Connection, party: Party, id: str, by: Origin) -> None:
    """Close a client or a site and end its assignments; what was stays as history.

    AssignmentRefused for a client that still has sites.
    """
    with conn.transaction():
        _there(conn, party, id)
        if party == "client":
            rows = conn.execute("SELECT id FROM erp.site WHERE client_id = %s AND closed_at IS NULL ORDER BY 1", (id,))
            if sites := ", ".join(row[0] for row in rows.fetchall()):
                raise AssignmentRefused(f"Client {id} still has the sites {sites}; remove those first")
        ended = _end(conn, party, id, None, None)
        row = conn.execute(
            sql.SQL("UPDATE erp.{} SET closed_at = clock_timestamp() WHERE id = %s RETURNING closed_at::text").format(
                sql.Identifier(party)
            ),
            (id,),
        ).fetchone()
        assert row is not None
        audit.append(conn, by, f"{party}.removed", f"{party} {id}", {"assignments": ended}, {"closed_at": row[0]})


def assign(conn: Connection, party: Party, id: str, given: Assignment, by: Origin) -> int:
    """Let a connection serve a client or a site from a moment on, in place of what would then; returns its number.

    AssignmentRefused if the party or the connection is not there, or if a later assignment stands in the way.
    """
    with conn.transaction(), _explained(party, id, given):
        _there(conn, party, id)
        check_connection(conn, given.connection)
        start = given.start or _now(conn)
        replaced = _end(conn, party, id, given.connection, start)
        if given.leads:
            replaced += _end(conn, party, id, None, start, leading=True)
        columns: dict[str, Any] = {
            f"{party}_id": id, "connection": given.connection, _FLAG[party]: given.leads,
            "catalog_id": given.catalog_id, "settings": Jsonb(dict(given.settings)), "valid_from": start,
            "valid_to": given.end,
        }  # fmt: skip
        if given.data_types:
            columns["data_types"] = list(given.data_types)
        row = row_of(
            conn,
            sql.SQL("INSERT INTO erp.{} ({}) VALUES ({}) RETURNING *").format(
                sql.Identifier(f"{party}_assignment"),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
                sql.SQL(", ").join(sql.Placeholder() for _ in columns),
            ),
            *columns.values(),
        )
        assert row is not None
        audit.append(conn, by, "assignment.made", f"{party} {id}", {"ended": replaced} if replaced else None, row)
    return int(row["id"])


def unassign(conn: Connection, party: Party, id: str, connection: str, by: Origin, at: datetime | None = None) -> int:
    """End the assignments of a connection to a client or a site; how many there were."""
    with conn.transaction():
        _there(conn, party, id)
        ended = _end(conn, party, id, connection, at)
        if ended:
            audit.append(
                conn, by, "assignment.ended", f"{party} {id}", {"assignments": ended}, {"at": at or _now(conn)}
            )
    return len(ended)


def clients(conn: Connection) -> list[dict[str, Any]]:
    """The clients that are not removed: id, name, how many sites, the connection that is their default now."""
    return rows_of(
        conn,
        """SELECT c.id, c.name, (SELECT count(*) FROM erp.site s WHERE s.client_id = c.id AND s.closed_at IS NULL) AS sites,
               a.connection AS "default", a.catalog_id
           FROM erp.client c LEFT JOIN erp.client_assignment a
             ON a.client_id = c.id AND a.is_default AND tstzrange(a.valid_from, a.valid_to) @> now()
           WHERE c.closed_at IS NULL ORDER BY c.id""",
    )


def effective(conn: Connection, client_id: str | None = None) -> list[dict[str, Any]]:
    """Every site (of a client): which ERP serves it now, and why."""
    return rows_of(
        conn,
        """SELECT site_id, site_name, client_id, client_name, source, connection, kind, status, usable, catalog_id,
               data_types, settings, assignment_id, valid_from::text, valid_to::text, why
           FROM erp.effective_assignment WHERE %(client)s::text IS NULL OR client_id = %(client)s
           ORDER BY client_id, site_id""",
        {"client": client_id},
    )


def effective_at(conn: Connection, site_id: str, at: datetime | None = None) -> dict[str, Any]:
    """Which ERP served a site at a moment (None: now), and why."""
    query = """SELECT site_id, client_id, source, connection, kind, status, usable, catalog_id, data_types, settings,
                   assignment_id, valid_from::text, valid_to::text, why
               FROM erp.effective_erp(%(site)s, coalesce(%(at)s, now()))"""
    return rows_of(conn, query, {"site": site_id, "at": at})[0]


def assignments(conn: Connection, party: Party, id: str | None = None) -> list[dict[str, Any]]:
    """All assignments of clients or of sites, also ended and coming ones, the latest first."""
    query = sql.SQL(
        """SELECT id, {party}, connection, {flag}, catalog_id, data_types, settings, valid_from::text, valid_to::text
           FROM erp.{table} WHERE %(id)s::text IS NULL OR {party} = %(id)s ORDER BY {party}, valid_from DESC, id DESC"""
    ).format(
        party=sql.Identifier(f"{party}_id"),
        flag=sql.Identifier(_FLAG[party]),
        table=sql.Identifier(f"{party}_assignment"),
    )
    return rows_of(conn, query, {"id": id})


def _there(conn: Connection, party: Party, id: str) -> None:
    query = sql.SQL("SELECT closed_at IS NULL FROM erp.{} WHERE id = %s FOR UPDATE").format(sql.Identifier(party))
    row = conn.execute(query, (id,)).fetchone()
    if not (row and row[0]):
        known = sql.SQL("SELECT id FROM erp.{} WHERE closed_at IS NULL ORDER BY 1 LIMIT 20").format(
            sql.Identifier(party)
        )
        names = ", ".join(each[0] for each in conn.execute(known).fetchall()) or "none yet"
        raise AssignmentRefused(f"There is no {party} {id}; there are: {names}")


def _end(
    conn: Connection, party: Party, id: str, connection: str | None, at: datetime | None, *, leading: bool = False
) -> list[int]:
    """End what holds at a moment (None: now and whenever later), of one connection or all; the numbers of what ended.

    What would not even have begun by then goes altogether.
    """
    moment = at or _now(conn)
    names = {"table": sql.Identifier(f"{party}_assignment"), "party": sql.Identifier(f"{party}_id")}
    mine = sql.SQL("{party} = %(id)s AND (%(connection)s::text IS NULL OR connection = %(connection)s)").format(**names)
    if leading:
        mine += sql.SQL(" AND {}").format(sql.Identifier(_FLAG[party]))
    values = {"id": id, "connection": connection, "at": moment}
    # An assignment that begins at that very moment would otherwise end before it begins.
    begins = sql.SQL("valid_from = %(at)s") if at else sql.SQL("valid_from >= %(at)s")
    gone = conn.execute(
        sql.SQL("DELETE FROM erp.{table} WHERE {mine} AND {begins} RETURNING id").format(
            mine=mine, begins=begins, **names
        ),
        values,
    ).fetchall()
    ended = conn.execute(
        sql.SQL(
            """UPDATE erp.{table} SET valid_to = %(at)s
               WHERE {mine} AND valid_from < %(at)s AND (valid_to IS NULL OR valid_to > %(at)s) RETURNING id"""
        ).format(mine=mine, **names),
        values,
    ).fetchall()
    return sorted(int(row[0]) for row in gone + ended)


@contextmanager
def _explained(party: Party, id: str, given: Assignment) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.ExclusionViolation:
        raise AssignmentRefused(
            f"Another assignment of {party} {id} begins later and would overlap this one of {given.connection}: give this"
            " one an end, or end that one first"
        ) from None
    except psycopg.errors.CheckViolation as error:
        ends = error.diag.constraint_name == "it_ends_after_it_begins"
        why = "it would end before it begins" if ends else "a data type is not one that there is"
        raise AssignmentRefused(f"{party.capitalize()} {id} cannot be assigned to {given.connection}: {why}") from None


def _log_change(
    conn: Connection, by: Origin, what: str, id: str, before: dict[str, Any] | None, after: dict[str, Any]
) -> None:
    if before != after:
        audit.append(conn, by, f"{what}.{'changed' if before else 'added'}", f"{what} {id}", before, after)


def _now(conn: Connection) -> datetime:
    row = conn.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment
