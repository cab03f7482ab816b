"""Every way in which a run, a test of a connection or a look can fail, provoked with secrets in all that it touches.

One table says what is broken and by which code it ends; at the end every place where anything is written down is
searched for every secret.
"""

import base64
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import psycopg
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter
from prefect.logging.handlers import APILogHandler

from flows import test_connection as flow_file
from sandbox import quickbooks
from tests.cli.conftest import Landfall, answer
from tests.flows.conftest import NAME, UNLIMITED
from warehouse.locks import lock_key

SECRETS = [f"canary-{what}-7Q" for what in ("url-password", "query", "cookie", "payload", "database", "header")]
URL_PASSWORD, QUERY, COOKIE, PAYLOAD, DATABASE, HEADER = SECRETS
SAID = f"password={PAYLOAD} Authorization: Bearer {HEADER} https://u:{URL_PASSWORD}@x.example/?token={QUERY}"
HEAD = {"Content-Type": "application/json", "Set-Cookie": f"session={COOKIE}"}
DEEP = (
    b'{"QueryResponse":{"Item":[{"Id":"1","password":"%b","x":' % PAYLOAD.encode() + b"[" * 600 + b"]" * 600 + b"}]}}"
)


class Case:
    """What is broken where, and the codes by which the streams (``*``: the whole run) end."""

    def __init__(self, codes: dict[str, str], faults: dict[str, dict[str, Any]] | None = None, **given: Any) -> None:
        self.codes, self.faults, self.given = codes, faults or {}, given
        # Whether the test of the connection meets something here that repeats what it was told.
        self.tested = bool(given.keys() & {"token", "database", "tls"})


def fault(**body: Any) -> bytes:
    return json.dumps({"Fault": {"Error": [{"Message": SAID, "Detail": SAID, **body}], "type": "x"}}).encode()


CASES = {
    "answers of the vendor": Case(
        {"customer": "UnexpectedContentType", "invoice": "SourceError", "item": "SourceError", "vendor": "CountMismatch"},
        {
            "Customer": {"kind": "answer", "headers": {"Content-Type": "text/html"}, "body": f"<p>{SAID}".encode()},
            "Invoice": {"kind": "answer", "status": 400, "headers": HEAD, "body": fault(code="610")},
            "Item": {"kind": "answer", "headers": HEAD, "body": DEEP},
            "Vendor": {"kind": "empty_after_rows", "rows": 0},
        },
    ),
    "a vendor out of order": Case(
        {"customer": "RateLimited", "invoice": "Unavailable", "item": "IncompleteBody", "vendor": "Deadline"},
        {
            "Customer": {"kind": "throttle", "retry_after": ("86400",)},
            "Invoice": {"kind": "answer", "status": 503, "headers": HEAD, "body": SAID.encode()},
            "Item": {"kind": "answer", "headers": HEAD, "body": b'{"QueryResponse":{"password":"%b"' % PAYLOAD.encode()},
            "Vendor": {"kind": "drip", "bytes_per_s": 20},
        },
        fields={"retry_attempts": 1, "timeout_s": 1},
    ),
    "the warehouse": Case(
        {"customer": "StorageFull", "invoice": "TargetSchemaChanged", "item": "StateCorrupt"},
        damage=(
            "CREATE FUNCTION quickbooks.no_space() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$BEGIN RAISE EXCEPTION 'no space: {SAID}' USING ERRCODE = '53100'; END$$;"
            " CREATE TRIGGER no_space BEFORE INSERT OR UPDATE OR DELETE ON quickbooks.customer"
            " FOR EACH STATEMENT EXECUTE FUNCTION quickbooks.no_space();"
            f' ALTER TABLE quickbooks.invoice ADD CONSTRAINT "password={PAYLOAD}" CHECK (id IS NULL) NOT VALID;'
            " UPDATE ops.sync_cursor SET live_rows = 99 WHERE stream = 'item'"
        ),
        full=False,
    ),
    "records": Case(
        {"customer": "SchemaDrift", "item": "PayloadTooDeep", "vendor": "SuspiciousShrink"},
        spoil=True,
    ),
    "a wrong secret": Case({"*": "AuthRejected"}, fields={"client_secret": PAYLOAD}),
    "a consent that is gone": Case(
        {"*": "ReauthRequired"}, token={"status": 400, "body": json.dumps({"error": "invalid_grant", "error_description": SAID}).encode()},
        fields={"refresh_token": f"{HEADER}-2"},
    ),
    "a token host that talks": Case(
        {"*": "SourceError"}, token={"status": 400, "headers": HEAD, "body": fault(code="1")},
        fields={"refresh_token": f"{HEADER}-3"},
    ),
    "no such host": Case({"*": "Unavailable"}, fields={"base_url": "http://127.0.0.1:9", "retry_attempts": 1}),
    "an address with a password": Case(
        {"*": "BlockedAddress"}, fields={"base_url": f"http://u:{URL_PASSWORD}@api.example/?token={QUERY}"}
    ),
    "no encryption": Case({"*": "TlsError"}, tls=True, fields={"retry_attempts": 1}),
    "too many calls": Case({"*": "QuotaReached"}, fields={"metered_calls_per_month": 1}),
    "another company": Case({"*": "ConnectionChanged"}, fields={"realm_id": "42"}),
    "deactivated": Case({"*": "ConnectionInactive"}, inactive=True),
    "another key": Case({"*": "StateCorrupt"}, key=base64.b64encode(b"another".ljust(32)).decode()),
    "no database": Case({"*": "DatabaseUnavailable"}, database=f"postgresql://u:{DATABASE}@127.0.0.1:9/x"),
    "a wrong password": Case({"*": "DatabaseUnavailable"}, password=DATABASE),
    "already running": Case({"*": "AlreadyRunning"}, locked=True),
}  # fmt: skip


@pytest.fixture
def books() -> Iterator[quickbooks.QuickBooks]:
    """A company with enough records to shrink and to drift."""
    with quickbooks.running(customers=40, vendors=30, items=6, invoices=12, limits=UNLIMITED) as running:
        yield running


def test_no_error_writes_a_secret_down(
    books: quickbooks.QuickBooks,
    connect: Callable[..., None],
    refresh: Callable[..., Any],
    landfall: Landfall,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """K1: whatever fails, and whatever the vendor or Postgres repeats, none of our secrets can be read anywhere."""
    caplog.set_level(logging.DEBUG)
    basic = base64.b64encode(f"{books.client_id}:{books.client_secret}".encode()).decode()
    secrets = [*SECRETS, books.client_secret, books.refresh_token, basic, books.oauth.access_token()]
    connect(books)
    runs, said = [refresh()], []
    assert runs[0].name == "Completed"
    for name, case in CASES.items():
        with psycopg.connect(database, autocommit=True) as session, monkeypatch.context() as patch:
            _break(case, books, connect, session, patch)
            runs.append(refresh(full=case.given.get("full", True)))
            if case.tested:
                said += [landfall("connections", "test", "quickbooks", NAME, "--json").output]
            if "token" in case.given or "password" in case.given:
                said += [str(flow_file.test_connection("quickbooks", NAME, return_state=True).message)]
            if "database" in case.given:
                said += [landfall(command, "--json").output for command in ("doctor", "status")]
            _mend(books, connect, session)
        found = _codes(runs[-1], database)
        assert found >= set(case.codes.items()), f"{name}: {sorted(found)}"
    for command in (["status"], ["runs"], ["doctor"], ["dead-letters", "list"], ["connections", "list"]):
        said.append(landfall(*command, "--json").output)
    letters = answer(landfall("dead-letters", "list", "--json"))["dead_letters"]
    assert letters, "a record with a secret in it was kept"
    said += [landfall("dead-letters", "show", str(letter["example"]), "--json").output for letter in letters]
    said += [caplog.text, *capfd.readouterr(), *_stored(runs), *_tables(database)]
    assert len(said) > 100
    for secret in secrets:
        found = [text[max(0, at - 200) : at + 60] for text in said if (at := text.find(secret)) >= 0]
        assert not found, f"{secret} was written down: …{found[0]}…"


def _break(
    case: Case, books: quickbooks.QuickBooks, connect: Callable[..., None], session: "psycopg.Connection[Any]",
    patch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for entity, how in case.faults.items():
        books.faults.add(**{"entity": entity, "times": None} | how)
    given = case.given
    if token := given.get("token"):
        books.faults.add("answer", path="tokens/bearer", times=None, **token)
    fields = dict(given.get("fields", {}))
    if given.get("tls"):
        fields["base_url"] = books.base_url.replace("http:", "https:")
    connect(books, **fields)
    if fields.keys() & {"client_secret", "refresh_token"}:
        books.oauth.expire_access_tokens()
    if given.get("spoil"):
        ids = books.store.ids
        for key in ids("Customer")[:30]:
            books.store.spoil("Customer", key, {"Balance": SAID})
        for key in ids("Invoice")[:2]:
            books.store.spoil("Invoice", key, {"TotalAmt": SAID})
        deep = rb'{"password":"%b\u0000","x":' % PAYLOAD.encode() + b"[" * 600 + b"]" * 600 + b"}"
        books.store.spoil("Item", ids("Item")[0], {"deep": msgspec.Raw(deep)})
        books.store.vanish("Vendor", ids("Vendor")[5:])
    if given.get("damage"):
        books.store.update("Customer", books.store.ids("Customer")[0], {"CompanyName": "Changed"})
        books.store.update("Invoice", books.store.ids("Invoice")[0], {"DocNumber": "Changed"})
        books.store.update("Vendor", books.store.ids("Vendor")[0], {"CompanyName": "Changed"})
        books.store.spoil("Vendor", books.store.ids("Vendor")[0], {"Balance": SAID})
        session.execute(given["damage"])
    if given.get("inactive"):
        session.execute("UPDATE ops.connection SET status = 'inactive'")
    if given.get("locked"):
        session.execute("SELECT pg_advisory_lock(%s)", (lock_key("run", "quickbooks", NAME),))
    if "key" in given:
        patch.setenv("LANDFALL_ENCRYPTION_KEY", given["key"])
    if "database" in given:
        patch.setenv("LANDFALL_DATABASE_URL", given["database"])
    if "password" in given:
        patch.setenv("LANDFALL_DATABASE_URL", session.info.dsn and _with_password(session, given["password"]))


def _with_password(session: "psycopg.Connection[Any]", password: str) -> str:
    info = session.info
    return f"postgresql://{info.user}:{password}@{info.host}:{info.port}/{info.dbname}"


def _mend(books: quickbooks.QuickBooks, connect: Callable[..., None], session: "psycopg.Connection[Any]") -> None:
    books.faults.clear()
    session.execute("DROP FUNCTION IF EXISTS quickbooks.no_space CASCADE")
    session.execute(f'ALTER TABLE quickbooks.invoice DROP CONSTRAINT IF EXISTS "password={PAYLOAD}"')
    session.execute("UPDATE ops.connection SET status = 'active'")


def _codes(state: Any, database: str) -> set[tuple[str, str]]:
    """How each stream ended, and under ``*`` every code there is."""
    raised = state.result(raise_on_failure=False) if state.is_failed() else None
    code = getattr(raised, "code", None)
    with psycopg.connect(database) as session:
        rows = session.execute(
            "SELECT stream, error_code FROM ops.sync_run WHERE flow_run_id = %s AND error_code IS NOT NULL",
            (state.state_details.flow_run_id,),
        ).fetchall()
    return {*rows, *(("*", found) for _, found in rows), ("*", str(code))}


def _stored(runs: list[Any]) -> Iterator[str]:
    """All that Prefect keeps of these runs, and what it was told meanwhile."""
    APILogHandler().flush()
    with get_client(sync_client=True) as client:
        found = client._client
        ids = [str(state.state_details.flow_run_id) for state in runs]
        for kind in ("flow_runs", "task_runs", "artifacts"):
            wanted = {"flow_runs": {"id": {"any_": ids}}, "limit": 200}
            yield found.post(f"/{kind}/filter", json=wanted).raise_for_status().text
        for offset in range(0, 2000, 200):
            yield "\n".join(log.message for log in client.read_logs(LogFilter(), limit=200, offset=offset))
        yield found.post("/events/filter", json={"limit": 50}).raise_for_status().text
        yield found.post("/block_documents/filter", json={"include_secrets": False}).raise_for_status().text


def _tables(database: str) -> Iterator[str]:
    with psycopg.connect(database) as session:
        tables = session.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'ops'::regnamespace AND relkind = 'r'"
        )
        for (table,) in tables.fetchall():
            yield from (row for (row,) in session.execute(f"SELECT t::text FROM ops.{table} t").fetchall())
