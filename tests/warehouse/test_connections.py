"""ops.connection: its ten types, its four states, and what the log says of changes."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from warehouse import audit, connections, cursors
from warehouse.audit import Origin
from warehouse.connect import connect
from warehouse.errors import ConnectionChanged
from warehouse.run_log import Run

Session = psycopg.Connection[Any]
BY = Origin("night-shift", "cli")
STATES = ("testing", "active", "error", "inactive")
TYPES = ("payment_gateway", "erp", "accounting", "crm", "email", "sms", "shipping", "inventory", "api", "webhook")

# The state after each event, in the order of STATES.
EXPECTED = {
    "test passed": ("active", "active", "active", "inactive"),
    "test failed": ("error", "error", "error", "inactive"),
    "run succeeded": ("active", "active", "active", "inactive"),
    "run refused": ("error", "error", "error", "inactive"),
    "activated": ("active", "active", "active", "active"),
    "deactivated": ("inactive", "inactive", "inactive", "inactive"),
}


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    """A session on a database of the test's own."""
    with closing(connect(database)) as conn:
        yield conn


def test_every_type_of_system_can_be_connected(session: Session) -> None:
    """The ten types of integrations are known, each new connection is being tested, and a wrong type is refused."""
    for kind in TYPES:
        connections.save(session, "main", f"x-{kind}", kind, "acme", {}, by=BY)
    listed = connections.list_all(session)
    assert {row["type"] for row in listed} == set(TYPES)
    assert {row["status"] for row in listed} == {"testing"}
    with pytest.raises(psycopg.errors.CheckViolation):
        connections.save(session, "main", "x", "spreadsheet", "acme", {}, by=BY)


def test_what_moves_a_connection_from_state_to_state(session: Session) -> None:
    """Only a person ends `inactive`; a test or a run never does. Each change is in the log, no change is not."""
    assert set(connections.TRANSITIONS) == set(EXPECTED)
    connections.save(session, "main", "acme", "crm", "acme", {}, by=BY)
    for event, after in EXPECTED.items():
        for before, expected in zip(STATES, after, strict=True):
            session.execute("UPDATE ops.connection SET status = %s", (before,))
            count = len(audit.entries(session, 1000))
            assert connections.happened(session, "acme", "main", event, BY) == expected, (event, before)
            row = connections.show(session, "acme", "main")
            assert row is not None
            assert row["status"] == expected
            assert len(audit.entries(session, 1000)) - count == (before != expected)
    assert audit.entries(session, 1)[0]["after"] == {"status": "inactive"}
    assert connections.happened(session, "acme", "nobody", "activated") is None


def test_the_log_says_what_changed_and_no_secret(session: Session) -> None:
    """Fields are shown as they were and are, secrets only as changed; the same again is no change."""

    def save(fields: dict[str, Any], **secrets: str) -> list[str]:
        return connections.save(session, "main", "acme", "crm", "acme", fields, secrets=secrets, by=BY)

    assert save({"timeout_s": 60, "mode": "a"}, password="canary-one", token="canary-t")
    assert save({"timeout_s": 60.0, "mode": "a"}, password="canary-one", token="canary-t") == []
    assert save({"timeout_s": 90, "mode": "a"}, password="canary-two", token="canary-t") == ["password", "timeout_s"]
    assert save({"timeout_s": 90, "other": None}, password="canary-two") == ["mode", "other", "token"]
    connections.delete(session, "acme", "main", BY)
    log = [(row["action"], row["before"], row["after"]) for row in reversed(audit.entries(session))]
    assert log == [
        ("connection.made", None, {"type": "crm", "provider": "acme", "timeout_s": 60, "mode": "a", "password": "set", "token": "set"}),
        ("connection.changed", {"timeout_s": 60, "password": "set"}, {"timeout_s": 90, "password": "changed"}),
        ("connection.changed", {"mode": "a", "token": "set"}, {"other": None}),
        ("connection.deleted", {"status": "testing", "timeout_s": 90, "other": None, "password": "set"}, None),
    ]  # fmt: skip
    everything = session.execute("SELECT string_agg(a::text, '') FROM ops.audit_log a").fetchone()
    assert "canary" not in str(everything)


@pytest.mark.parametrize("kind", ["acme", "erp-acme"])
def test_a_name_keeps_its_company_for_as_long_as_there_are_rows_of_it(session: Session, kind: str) -> None:
    """Deleted and made anew, a connection must not mix another company's rows with those that have landed."""

    def connect_to(company: str) -> None:
        connections.save(session, "main", kind, "crm", "acme", {}, by=BY)
        connections.check_identity(session, kind, "main", company)

    connect_to("tried first")
    connections.delete(session, kind, "main", BY)  # nothing has landed
    connect_to("company 1")
    run = Run(uuid4(), kind.partition("-")[0], "main")
    cursors.save(session, run, "customer", cursors.State(None, 1, "v"))
    for _ in range(2):
        connections.delete(session, kind, "main", BY)
        with pytest.raises(ConnectionChanged, match="company 1 and now leads to company 2"):
            connect_to("company 2")
    connect_to("company 1")


def test_another_encryption_key_changes_no_secret(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the key was replaced secrets do not look changed, and from then on changes of them are seen again."""

    def save(secret: str) -> list[str]:
        return connections.save(session, "main", "acme", "crm", "acme", {}, secrets={"password": secret}, by=BY)

    save("canary-one")
    monkeypatch.setenv("LANDFALL_ENCRYPTION_KEY", "b3RoZXIta2V5LW9ubHktZm9yLXRlc3RzLTMyLWJ5dGU=")
    assert save("canary-one") == []
    assert save("canary-two") == ["password"]


def test_equal_secrets_cannot_be_told(session: Session) -> None:
    """Two connections with one password do not show that they share it, and without the key none can be guessed."""
    for name in ("east", "west"):
        connections.save(session, name, "acme", "crm", "acme", {}, secrets={"password": "canary-one"}, by=BY)
    prints = {row[0]["password"] for row in session.execute("SELECT secrets FROM ops.connection").fetchall()}
    assert len(prints) == 2
    assert "canary" not in str(prints)


def test_a_connection_of_an_earlier_version_is_taken_as_it_is(session: Session) -> None:
    """What was noted before fingerprints were kept does not look changed by somebody."""
    session.execute("INSERT INTO ops.connection (kind, name, type, provider) VALUES ('acme', 'main', 'crm', 'acme')")
    assert connections.save(session, "main", "acme", "crm", "acme", {"a": 1}, secrets={"b": "canary"}, by=BY) == []
    assert connections.save(session, "main", "acme", "crm", "acme", {"a": 2}, secrets={"b": "canary"}, by=BY) == ["a"]
    assert [row["action"] for row in audit.entries(session)] == ["connection.changed"]


def test_the_documents_show_the_same_table() -> None:
    """Whoever looks up in docs/operations.md what moves a connection reads what holds."""
    lines = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text().splitlines()
    cells = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    shown = {row[0]: tuple(row[1:5]) for row in cells if row[0] in EXPECTED}
    assert shown == EXPECTED
