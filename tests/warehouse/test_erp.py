"""The ERP hub: who serves which site, now and at any time; configuration; figures."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests import postgres
from warehouse import analyst, audit, connections, erp
from warehouse import erp_assignments as hub
from warehouse.audit import Origin
from warehouse.connect import connect
from warehouse.erp_assignments import Assignment
from warehouse.errors import AmbiguousConnection, AssignmentRefused

Session = psycopg.Connection[Any]
BY = Origin("night-shift", "cli")
JULY = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    """Two connections, and a client with three sites."""
    with closing(connect(database)) as conn:
        for name, kind in (("oracle-us", "erp-one"), ("netsuite-eu", "erp-other")):
            connections.save(conn, name, kind, "erp", kind.removeprefix("erp-"), {}, by=BY)
            connections.happened(conn, kind, name, "activated", BY)
        hub.add_client(conn, "globex", "Globex Retail", BY)
        for site in ("austin", "boston", "paris"):
            hub.add_site(conn, site, "globex", site.title(), BY)
        yield conn


def _who(session: Session, at: datetime | None = None) -> dict[str, tuple[Any, ...]]:
    if at is None:
        return {row["site_id"]: (row["source"], row["connection"], row["usable"]) for row in hub.effective(session)}
    rows = {site: hub.effective_at(session, site, at) for site in ("austin", "boston", "paris")}
    return {site: (row["source"], row["connection"]) for site, row in rows.items()}


def test_the_site_decides_else_its_client_else_nobody(session: Session) -> None:
    """Each site has one ERP: its own, else that of its client, else none; and the answer says why."""
    nobody = ("none", None, False)
    assert _who(session) == {"austin": nobody, "boston": nobody, "paris": nobody}
    assert "neither the site nor its client globex" in hub.effective_at(session, "paris")["why"]
    hub.assign(session, "client", "globex", Assignment("oracle-us", catalog_id="us"), BY)
    number = hub.assign(session, "site", "paris", Assignment("netsuite-eu", catalog_id="eu", data_types=["orders"]), BY)
    assert _who(session) == {
        "austin": ("client", "oracle-us", True), "boston": ("client", "oracle-us", True),
        "paris": ("site", "netsuite-eu", True),
    }  # fmt: skip
    paris = hub.effective_at(session, "paris")
    assert (paris["assignment_id"], paris["kind"], paris["catalog_id"], paris["data_types"]) == (number, "erp-other", "eu", ["orders"])  # fmt: skip
    assert "overrides that of its client" in paris["why"]
    assert hub.effective_at(session, "austin")["data_types"] == ["orders", "products", "order_status", "inventory"]
    assert hub.effective_at(session, "nowhere")["why"] == "there is no site nowhere"
    assert hub.clients(session) == [
        {"id": "globex", "name": "Globex Retail", "sites": 3, "default": "oracle-us", "catalog_id": "us"}
    ]


@pytest.mark.parametrize("how", ["inactive", "deleted"])
def test_an_override_that_does_not_work_says_so(session: Session, how: str) -> None:
    """A site whose own ERP is switched off or gone never gets its client's ERP in silence."""
    hub.assign(session, "client", "globex", Assignment("oracle-us"), BY)
    hub.assign(session, "site", "paris", Assignment("netsuite-eu"), BY)
    if how == "inactive":
        connections.happened(session, "erp-other", "netsuite-eu", "deactivated", BY)
    else:
        connections.delete(session, "erp-other", "netsuite-eu", BY)
    paris = hub.effective_at(session, "paris")
    assert (paris["source"], paris["connection"], paris["status"], paris["usable"]) == (
        "site",
        "netsuite-eu",
        how,
        False,
    )
    assert "no other ERP stands in" in paris["why"]
    assert _who(session)["austin"] == ("client", "oracle-us", True)


@pytest.mark.both_postgres
def test_history_answers_who_served_whom_when(session: Session) -> None:
    """Assignments begin and end at given moments; the past stays as it was."""
    before, later = JULY - timedelta(days=1), JULY + timedelta(days=60)
    hub.assign(session, "client", "globex", Assignment("oracle-us", start=JULY), BY)
    hub.assign(session, "site", "paris", Assignment("netsuite-eu", start=JULY, end=JULY + timedelta(days=30)), BY)
    hub.assign(session, "client", "globex", Assignment("netsuite-eu", start=later), BY)
    assert _who(session, before)["paris"] == ("none", None)
    assert _who(session, JULY)["paris"] == ("site", "netsuite-eu"), "the first moment belongs to it"
    assert _who(session, JULY + timedelta(days=30))["paris"] == ("client", "oracle-us"), "the last does not"
    assert _who(session, later)["austin"] == ("client", "netsuite-eu")
    spans = [(row["connection"], row["valid_to"] is None) for row in hub.assignments(session, "client", "globex")]
    assert spans == [("netsuite-eu", True), ("oracle-us", False)]
    # The same moment again replaces what began then, rather than leaving a span without length.
    hub.assign(session, "client", "globex", Assignment("oracle-us", start=later), BY)
    assert len(hub.assignments(session, "client", "globex")) == 2
    assert hub.unassign(session, "client", "globex", "oracle-us", BY) >= 1
    assert _who(session)["austin"] == ("none", None, False)
    assert _who(session, JULY)["austin"] == ("client", "oracle-us"), "the past stays"


@pytest.mark.both_postgres
def test_one_default_and_one_override_at_a_time(session: Session) -> None:
    """Postgres itself refuses a second default of a client or a second override of a site, whoever writes it."""
    hub.assign(session, "client", "globex", Assignment("oracle-us"), BY)
    hub.assign(session, "client", "globex", Assignment("netsuite-eu", leads=False), BY)
    assert _who(session)["paris"] == ("client", "oracle-us", True), "what serves besides decides nothing"
    hub.assign(session, "site", "paris", Assignment("netsuite-eu"), BY)
    for statement in (
        "INSERT INTO erp.client_assignment (client_id, connection) VALUES ('globex', 'third')",
        "INSERT INTO erp.site_assignment (site_id, connection) VALUES ('paris', 'third')",
        "INSERT INTO erp.site_assignment (site_id, connection, overrides_client) VALUES ('paris', 'netsuite-eu', false)",
    ):
        with pytest.raises(psycopg.errors.ExclusionViolation):
            session.execute(statement)
    session.execute("INSERT INTO erp.client (id, name) VALUES ('other', 'Other')")
    session.execute("INSERT INTO erp.client_assignment (client_id, connection) VALUES ('other', 'oracle-us')")


def test_what_cannot_be_is_refused_in_a_sentence(session: Session) -> None:
    """Unknown parties and connections, sites of others, overlaps and wrong spans are named; nothing changes."""
    future = datetime.now(UTC) + timedelta(days=365)
    hub.assign(session, "site", "paris", Assignment("netsuite-eu", start=future), BY)
    count = len(audit.entries(session, 1000))
    for expected, act in {
        "There is no client nobody; there are: globex": lambda: hub.add_site(session, "x", "nobody", "X", BY),
        "There is no site rome; there are: austin, boston, paris": lambda: hub.assign(session, "site", "rome", Assignment("oracle-us"), BY),
        "There is no ERP connection sap; there are: netsuite-eu, oracle-us": lambda: hub.assign(session, "site", "paris", Assignment("sap"), BY),
        "begins later and would overlap": lambda: hub.assign(session, "site", "paris", Assignment("oracle-us"), BY),
        "it would end before it begins": lambda: hub.assign(session, "client", "globex", Assignment("oracle-us", start=JULY, end=JULY - timedelta(days=1)), BY),
        "a data type is not one that there is": lambda: hub.assign(session, "client", "globex", Assignment("oracle-us", data_types=["payroll"]), BY),
        "still has the sites austin, boston, paris": lambda: hub.remove(session, "client", "globex", BY),
    }.items():  # fmt: skip
        with pytest.raises(AssignmentRefused) as refused:
            act()
        assert expected in str(refused.value)
    hub.add_client(session, "acme", "Acme", BY)
    with pytest.raises(AssignmentRefused, match="belongs to client globex"):
        hub.add_site(session, "paris", "acme", "Paris", BY)
    assert len(audit.entries(session, 1000)) == count + 1
    assert len(hub.assignments(session, "client")) == 0


def test_a_site_that_is_removed_leaves_its_history(session: Session) -> None:
    """Removing ends what serves a site; who served it before can still be asked."""
    hub.assign(session, "site", "paris", Assignment("netsuite-eu", start=JULY), BY)
    hub.remove(session, "site", "paris", BY)
    assert "paris" not in _who(session)
    assert "was removed" in hub.effective_at(session, "paris")["why"]
    assert _who(session, JULY)["paris"] == ("site", "netsuite-eu")
    with pytest.raises(AssignmentRefused, match="There is no site paris"):
        hub.assign(session, "site", "paris", Assignment("netsuite-eu"), BY)
    hub.add_site(session, "paris", "globex", "Paris II", BY)
    assert _who(session)["paris"] == ("none", None, False)


def test_rows_of_a_connection_belong_to_the_one_it_serves(session: Session) -> None:
    """A connection of one site gives its rows that site; one of several gives at most their client."""
    assert erp.owner(session, "oracle-us") == {}
    hub.assign(session, "client", "globex", Assignment("oracle-us"), BY)
    hub.assign(session, "site", "paris", Assignment("netsuite-eu"), BY)
    assert erp.owner(session, "netsuite-eu") == {"client_id": "globex", "site_id": "paris"}
    assert erp.owner(session, "oracle-us") == {"client_id": "globex"}
    hub.add_client(session, "acme", "Acme", BY)
    hub.assign(session, "client", "acme", Assignment("oracle-us"), BY)
    assert erp.owner(session, "oracle-us") == {}


def test_every_change_is_in_the_audit_log(session: Session) -> None:
    """Who added, assigned, configured and removed what; doing the same again is no change."""
    start = len(audit.entries(session, 1000))
    hub.add_client(session, "globex", "Globex", BY)
    hub.add_client(session, "globex", "Globex", BY)
    hub.assign(session, "site", "paris", Assignment("netsuite-eu", settings={"region": "eu"}), BY)
    erp.configure(session, "oracle-us", "orders", {"direction": "bidirectional", "conflict_rule": "newest_wins"}, BY)
    erp.configure(session, "oracle-us", "orders", {"direction": "bidirectional"}, BY)
    hub.unassign(session, "site", "paris", "netsuite-eu", BY)
    hub.remove(session, "site", "paris", BY)
    rows = audit.entries(session, 1000)[: -start or None][::-1]
    assert [(row["action"], row["object"]) for row in rows] == [
        ("client.changed", "client globex"), ("assignment.made", "site paris"),
        ("configuration.changed", "connection oracle-us, orders"), ("assignment.ended", "site paris"),
        ("site.removed", "site paris"),
    ]  # fmt: skip
    assert rows[1]["after"]["settings"] == {"region": "eu"}
    assert rows[2]["before"]["direction"] == "pull"
    assert {row["actor"] for row in rows} == {"night-shift"}
    assert audit.verify(session).ok


def test_only_orders_go_both_ways(session: Session) -> None:
    """Products are not pushed, and what is not configured has the defaults."""
    with pytest.raises(psycopg.errors.CheckViolation, match="only_orders_go_both_ways"):
        erp.configure(session, "oracle-us", "products", {"direction": "push"}, BY)
    assert erp.configure(session, "oracle-us", "products", {"enabled": False}, BY) == {
        "direction": "pull", "enabled": False, "on_demand": True, "conflict_rule": "erp_wins",
    }  # fmt: skip
    assert [row["data_type"] for row in erp.configurations(session, "oracle-us")] == ["products"]
    connections.delete(session, "erp-one", "oracle-us", BY)
    assert erp.configurations(session, "oracle-us") == [], "it goes with its connection"


def test_two_kinds_cannot_share_a_name(session: Session) -> None:
    """A connection of another kind under a known name is refused, since their rows could not be told apart."""
    with pytest.raises(AmbiguousConnection, match="erp-other/oracle-us"):
        connections.save(session, "oracle-us", "erp-other", "erp", "other", {}, by=BY)
    connections.save(session, "oracle-us", "quickbooks", "accounting", "quickbooks", {}, by=BY)


def test_figures_are_of_syncs_that_have_ended(session: Session) -> None:
    """Totals are the sum of their parts, and runs under way, skipped ones and other syncs are left out."""

    def log(
        stream: str, status: str, seconds: int | None = 10, read: int = 0, sync: str = "erp", dead: int = 0
    ) -> None:
        ended = None if seconds is None else JULY + timedelta(seconds=seconds)
        code = "X" if status in ("failed", "skipped") else None
        session.execute(
            """INSERT INTO ops.sync_run_log (run_id, sync, connection, stream, status, started_at, finished_at, read, inserted,
                   dead_lettered, error_code) VALUES (%s, %s, 'sap', %s, %s, %s, %s, %s, %s, %s, %s)""",
            (uuid4(), sync, stream, status, JULY, ended, read, read - dead, dead, code),
        )

    log("sales_order", "success", 10, 100)
    log("sales_order", "partial", 20, 50, dead=5)
    log("sales_order", "failed", 30)
    log("sales_order", "running", None)  # nobody holds its lock: it has crashed
    log("sales_order", "cancelled", 999)
    log("product", "success", 40, 7)
    log("product", "skipped", 1)
    log("*", "skipped", 1)
    log("customer", "success", 1, 9, sync="quickbooks")
    rows = {row["data_type"]: row for row in erp.statistics(session, "sap")}
    assert set(rows) == {"orders", "products", "all"}
    orders = rows["orders"]
    assert [orders[name] for name in ("total_syncs", "successful_syncs", "partial_syncs", "failed_syncs", "cancelled_syncs")] == [5, 1, 1, 2, 1]  # fmt: skip
    assert (orders["average_duration_s"], orders["records_processed"], orders["records_failed"]) == (20.0, 150, 5)
    assert orders["last_success_at"] == "2026-07-01 00:00:20+00"
    assert (rows["all"]["total_syncs"], rows["all"]["records_processed"], rows["all"]["average_duration_s"]) == (
        6,
        157,
        25.0,
    )


def test_analysts_read_who_serves_whom(session: Session, database: str) -> None:
    """An analyst may ask the view, the function, the figures and the audit log, and change none of them."""
    hub.assign(session, "client", "globex", Assignment("oracle-us"), BY)
    with psycopg.connect(postgres.server("18"), autocommit=True) as admin:
        login = f"reader_{uuid4().hex[:8]}"
        password = analyst.add(admin, login)
    name = session.info.dbname
    address = f"postgresql://{login}:{password}@{session.info.host}:{session.info.port}/{name}"
    with psycopg.connect(address, autocommit=True) as reader:
        assert reader.execute("SELECT count(*) FROM erp.effective_assignment WHERE usable").fetchone() == (3,)
        assert reader.execute("SELECT connection FROM erp.effective_erp('paris')").fetchone() == ("oracle-us",)
        assert reader.execute("SELECT count(*) > 0 FROM ops.audit_log").fetchone() == (True,)
        for table in ("erp.sync_statistics", "erp.sync_log", "erp.sync_config", "erp.client_assignment"):
            reader.execute(f"SELECT * FROM {table}")  # type: ignore[arg-type]
        reader.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("INSERT INTO ops.audit_log (id) VALUES (99)")
