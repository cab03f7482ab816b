"""The audit log: it grows only, and whoever meddles with it is found out."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from warehouse import audit, connections
from warehouse.audit import Origin
from warehouse.connect import connect
from warehouse.errors import NotConfigured

Session = psycopg.Connection[Any]
BY = Origin("night-shift", "cli", "host-1", "192.0.2.7", "curl/8")
OTHER_KEY = "b3RoZXIta2V5LW9ubHktZm9yLXRlc3RzLTMyLWJ5dGU="


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    """A session of the owner of everything, who is able to switch the guards off."""
    with closing(connect(database)) as conn:
        yield conn


def test_a_row_says_who_did_what_from_where(session: Session) -> None:
    """Everything that was said comes back, the newest row first; prefixes choose."""
    audit.append(session, BY, "client.added", "client acme", None, {"name": "Acme «ü»", "n": 1})
    audit.append(session, Origin.here(), "client.renamed", "client acme", {"name": "a"}, {"name": "b"})
    last, first = audit.entries(session)
    assert (first["actor"], first["via"], first["host"]) == ("night-shift", "cli", "host-1")
    assert (first["address"], first["user_agent"]) == ("192.0.2.7", "curl/8")
    assert (first["before"], first["after"]) == (None, {"name": "Acme «ü»", "n": 1})
    assert last["actor"] not in ("", "unknown")
    assert [row["id"] for row in audit.entries(session, action="client.a")] == [1]
    assert audit.entries(session, object="site") == []
    assert audit.verify(session).ok


@pytest.mark.both_postgres
def test_writers_come_one_after_the_other(database: str, session: Session) -> None:
    """Many changes at a time make one chain without a gap, and one that is taken back leaves none either."""

    def write(number: int) -> None:
        with closing(connect(database)) as conn:
            for turn in range(5):
                audit.append(conn, BY, "thing.changed", f"thing {number}", None, {"turn": turn})
            with conn.transaction(force_rollback=True):
                audit.append(conn, BY, "thing.changed", "never")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    verdict = audit.verify(session)
    assert (verdict.findings, verdict.rows) == ([], 20)
    assert sorted(row["id"] for row in audit.entries(session, 100)) == list(range(1, 21))
    assert audit.entries(session, object="never") == []


@pytest.mark.parametrize("verb", ["UPDATE ops.audit_log SET actor = 'me'", "DELETE FROM ops.audit_log", "TRUNCATE ops.audit_log", "DELETE FROM ops.audit_head"])  # fmt: skip
def test_nobody_changes_it_by_accident(session: Session, verb: str) -> None:
    """Not even the owner of the database rewrites the log without first taking the guard away."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only grows"):
        session.execute(verb)


def _rehash(session: Session, start: int) -> None:
    """Make the chain anew from a row on, as somebody would who knows how, but has not the key."""
    with session.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(f"SELECT {audit._TEXTS} FROM ops.audit_log ORDER BY id").fetchall()
    last = "00" * 32
    for row in rows:
        if row["id"] >= start:
            row["hash"] = audit._hash(row | {"previous": last})
            session.execute(
                "UPDATE ops.audit_log SET previous = decode(%s, 'hex'), hash = decode(%s, 'hex') WHERE id = %s",
                (last, row["hash"], row["id"]),
            )
        last = row["hash"]
    session.execute(
        "UPDATE ops.audit_head SET (id, hash) = (SELECT id, hash FROM ops.audit_log ORDER BY id DESC LIMIT 1)"
    )


def _run(*statements: str) -> Callable[[Session], None]:
    def meddle(session: Session) -> None:
        for statement in statements:
            session.execute(sql.SQL(statement))  # type: ignore[arg-type]

    return meddle


def _forge(session: Session) -> None:
    session.execute("UPDATE ops.audit_log SET actor = 'somebody-else' WHERE id = 3")
    _rehash(session, 3)


def _remove_and_renumber(session: Session) -> None:
    session.execute("DELETE FROM ops.audit_log WHERE id = 3")
    session.execute("UPDATE ops.audit_log SET id = id - 1 WHERE id > 3")
    _rehash(session, 3)


MEDDLING: dict[str, tuple[Callable[[Session], None], str]] = {
    "a name is changed": (_run("UPDATE ops.audit_log SET actor = 'me' WHERE id = 2"), "row 2 was changed"),
    "a value is changed": (_run("""UPDATE ops.audit_log SET after = '{"turn": 9}' WHERE id = 4"""), "row 4 was changed"),
    "a time is changed": (_run("UPDATE ops.audit_log SET at = at - interval '1 day' WHERE id = 5"), "row 5 was changed"),
    "a row is removed": (_run("DELETE FROM ops.audit_log WHERE id = 3"), "row 3 is missing"),
    "rows are removed": (_run("DELETE FROM ops.audit_log WHERE id IN (2, 3)"), "rows 2 to 3 are missing"),
    "the first are removed": (_run("DELETE FROM ops.audit_log WHERE id < 3"), "rows 1 to 2 are missing"),
    "the last is cut off": (_run("DELETE FROM ops.audit_log WHERE id = 6"), "the last rows are missing: 5 are there of 6"),
    "all are cut off": (_run("DELETE FROM ops.audit_log"), "the last rows are missing: 0 are there of 6"),
    "two change places": (
        _run("UPDATE ops.audit_log SET id = CASE id WHEN 2 THEN 1003 ELSE 1002 END WHERE id IN (2, 3)",
             "UPDATE ops.audit_log SET id = id - 1000 WHERE id > 1000"),
        "row 2 does not follow the row before it",
    ),
    "a row is added": (
        _run("INSERT INTO ops.audit_log SELECT 7, at, 'me', via, host, address, user_agent, action, object, before, after,"
             " hash, hash, seal, key_id FROM ops.audit_log WHERE id = 6"),
        "row 7 was changed",
    ),
    "a chain is made anew": (_forge, "row 3 was written by somebody without the encryption key"),
    "a row is taken out and the rest made anew": (_remove_and_renumber, "row 3 was written by somebody without"),
    "the end is gone": (_run("DELETE FROM ops.audit_head"), "the end of the chain (ops.audit_head) is gone"),
}  # fmt: skip


def test_meddling_is_found(session: Session) -> None:
    """Changed, removed, moved, added and forged rows are named, and a guard that was taken away is too."""
    for turn in range(6):
        audit.append(session, BY, "thing.changed", "thing 1", {"turn": turn - 1}, {"turn": turn})
    mark = audit.verify(session).mark
    session.execute("ALTER TABLE ops.audit_log DISABLE TRIGGER audit_log_only_grows")
    session.execute("ALTER TABLE ops.audit_head DISABLE TRIGGER audit_head_stays")
    assert "the guard against changes is off: trigger audit_head_stays" in audit.verify(session).findings
    session.execute(
        "CREATE TEMP TABLE log_then AS TABLE ops.audit_log; CREATE TEMP TABLE head_then AS TABLE ops.audit_head"
    )
    for what, (meddle, expected) in MEDDLING.items():
        meddle(session)
        found = audit.verify(session, mark).findings
        assert any(expected in finding for finding in found), (what, found)
        _restore(session)
        assert len(audit.verify(session, mark).findings) == 2, "only the guards are still off"


def test_what_is_cut_off_with_its_end_is_found_by_a_mark_alone(session: Session) -> None:
    """Whoever also sets the end back leaves a chain that holds: only a mark that was kept elsewhere tells. We say so."""
    audit.append(session, BY, "a", "b")
    session.execute("CREATE TEMP TABLE head_then AS TABLE ops.audit_head")
    audit.append(session, BY, "c", "d")
    mark = audit.verify(session).mark
    with session.transaction():
        session.execute("ALTER TABLE ops.audit_log DISABLE TRIGGER audit_log_only_grows")
        session.execute("DELETE FROM ops.audit_log WHERE id = 2")
        session.execute("UPDATE ops.audit_head SET (id, hash) = (SELECT id, hash FROM head_then)")
        session.execute("ALTER TABLE ops.audit_log ENABLE TRIGGER audit_log_only_grows")
    assert audit.verify(session).ok
    assert audit.verify(session, mark).findings == ["row 2 is not there any more as it was when its mark was taken"]


def test_another_key_is_no_meddling(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the encryption key was changed old rows are still checked by their chain, and counted."""
    audit.append(session, BY, "a", "b")
    monkeypatch.setenv("LANDFALL_ENCRYPTION_KEY", OTHER_KEY)
    audit.append(session, BY, "c", "d")
    verdict = audit.verify(session)
    assert (verdict.findings, verdict.other_keys) == ([], 1)
    monkeypatch.delenv("LANDFALL_ENCRYPTION_KEY")
    monkeypatch.setenv("LANDFALL_DATABASE_URL", "postgresql://db.example.com/landfall")
    with pytest.raises(NotConfigured, match="LANDFALL_ENCRYPTION_KEY"):
        audit.append(session, BY, "e", "f")


def test_a_change_and_its_row_go_together(session: Session) -> None:
    """What was not committed was not logged, and what could not be logged was not done."""
    with session.transaction(force_rollback=True):
        connections.save(session, "main", "acme", "crm", "acme", {"base_url": "https://acme.example.com"}, by=BY)
    assert audit.entries(session) == []
    session.execute("ALTER TABLE ops.audit_head DISABLE TRIGGER audit_head_stays; DELETE FROM ops.audit_head")
    with pytest.raises(audit.StateCorrupt, match="audit verify"):
        connections.save(session, "main", "acme", "crm", "acme", {}, by=BY)
    assert connections.list_all(session) == []


def _restore(session: Session) -> None:
    session.execute(
        "DELETE FROM ops.audit_log; INSERT INTO ops.audit_log TABLE log_then;"
        "DELETE FROM ops.audit_head; INSERT INTO ops.audit_head TABLE head_then"
    )
