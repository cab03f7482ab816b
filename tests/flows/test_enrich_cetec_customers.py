"""The enrichment of Cetec's customers, whole: a simulated instance, a real MariaDB, the flow, and what landed."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State

from blocks import systems
from connectors.cetec.states import STATES
from flows.enrich_cetec_customers import enrich_cetec_customers
from sandbox import cetec
from tests.cli.conftest import PACE
from tests.mariadb import PASSWORD, SENTINEL, MariaDB

Landed = psycopg.Connection[dict[str, Any]]
Run = Callable[..., State[Any]]
NAME = "main"
COLUMNS = {"true": "existing_databases", "false": "no_database", "invalid_domain": "invalid_domains"}


@pytest.fixture
def vendor() -> Iterator[cetec.Cetec]:
    """A simulated instance with 80 customers: all states, each more than once."""
    with cetec.running(customers=80) as running:
        yield running


@pytest.fixture
def server(mariadb: MariaDB, vendor: cetec.Cetec) -> MariaDB:
    """MariaDB with the databases of these customers."""
    mariadb.make(vendor.databases)
    return mariadb


@pytest.fixture
def connect(landfall: object, vendor: cetec.Cetec, server: MariaDB) -> Iterator[Callable[..., None]]:
    """Points the connections cetec/main and mysql/main at both; further fields of cetec's can be given."""

    def point(mysql: dict[str, Any] | None = None, **fields: Any) -> None:
        given = {"host": server.host, "port": server.port, "user": server.user, "password": server.password}
        given |= {"ca_file": server.ca_file, "sentinel": SENTINEL, "retry_attempts": 1}
        systems.save("mysql", NAME, {**given, **(mysql or {})})
        systems.save("cetec", NAME, {**vendor.connection(), "mysql": NAME, "retry_attempts": 1, **PACE, **fields})

    point()
    yield point
    for system in ("cetec", "mysql"):
        systems.delete(system, NAME)


@pytest.fixture
def enrich(connect: object, landed: Landed, vendor: cetec.Cetec) -> Run:
    """Runs the flow on `main`, mapped residents told, and gives the state it ended in."""
    from warehouse import cetec as tables

    for domain, schema in vendor.resident.items():
        tables.map_resident(landed, NAME, domain, schema)  # type: ignore[arg-type]

    def run(**parameters: Any) -> State[Any]:
        return enrich_cetec_customers(NAME, **parameters, return_state=True)

    return run


def states(landed: Landed) -> dict[str, str]:
    return {row["id"]: row["database_state"] for row in landed.execute("SELECT * FROM cetec.customer").fetchall()}


def summary(landed: Landed) -> dict[str, Any]:
    row = landed.execute("SELECT * FROM cetec.run_summary ORDER BY checked_at DESC LIMIT 1").fetchone()
    assert row is not None
    return row


def last_run(landed: Landed) -> dict[str, Any]:
    row = landed.execute("SELECT * FROM ops.sync_run ORDER BY started_at DESC LIMIT 1").fetchone()
    assert row is not None
    return row


def test_every_customer_lands_once(enrich: Run, landed: Landed, vendor: cetec.Cetec, server: MariaDB) -> None:
    """All customers land with their state, the summary adds up, and a second run changes no row at all."""
    assert enrich().name == "Completed"
    first = landed.execute("SELECT * FROM cetec.customer ORDER BY id").fetchall()
    assert len(first) == 80
    counted = summary(landed)
    assert counted["total_customers"] == 80
    assert {state: counted[COLUMNS.get(state, state)] for state in STATES} == {
        state: Counter(states(landed).values())[state] for state in STATES
    }
    with closing(server.root()) as session:
        before = connections(session)
        vendor.journal.clear()
        assert enrich().name == "Completed"
        assert connections(session) - before == 1
    assert vendor.journal.count() == 1
    run = last_run(landed)
    assert (run["read"], run["unchanged"]) == (80, 80)
    assert landed.execute("SELECT * FROM cetec.customer ORDER BY id").fetchall() == first
    assert len(landed.execute("SELECT FROM cetec.run_summary").fetchall()) == 2


def test_no_secret_is_anywhere(
    enrich: Run, landed: Landed, vendor: cetec.Cetec, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither token nor password nor a customer's login is in the database, in Prefect's records or in the logs."""
    vendor.columns = False
    vendor.customer(1002)["num_prod_users"] = "N/A"
    state = enrich()
    assert state.name == "Partial"
    run_id = state.state_details.flow_run_id
    with get_client(sync_client=True) as client:
        of_run = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
        told = client.read_flow_run(run_id).model_dump_json()
        artifacts = client.read_artifacts(flow_run_filter=of_run)
        told += "".join(each.model_dump_json() for each in artifacts)
    assert f"cetec-summary-{NAME}" in {each.key for each in artifacts}
    tables = landed.execute(
        "SELECT table_schema AS s, table_name AS t FROM information_schema.tables WHERE table_schema IN ('cetec', 'ops')"
    ).fetchall()
    for table in tables:
        told += str(landed.execute(f'SELECT t::text FROM "{table["s"]}"."{table["t"]}" t').fetchall())
    for secret in (PASSWORD, "canary-techx", cetec.TOKEN, quote(cetec.TOKEN, safe=","), quote(cetec.TOKEN, safe="")):
        assert secret not in told
        assert secret not in caplog.text


def test_a_bad_customer_stops_nobody(enrich: Run, landed: Landed, vendor: cetec.Cetec) -> None:
    """One customer with a number that is none becomes a dead letter; all others land."""
    vendor.customer(1002)["num_prod_users"] = "N/A"
    assert enrich().name == "Partial"
    assert len(states(landed)) == 79
    letter = landed.execute("SELECT key, reason_code, column_name FROM ops.dead_letter").fetchone()
    assert letter == {"key": "1002", "reason_code": "BadNumber", "column_name": "num_prod_users"}


def test_a_filtered_run_changes_only_what_it_asked_for(enrich: Run, landed: Landed, vendor: cetec.Cetec) -> None:
    """A run for one customer, or for some columns, leaves all other rows and columns alone and deletes nothing."""
    enrich()
    for customer in vendor.customers:
        customer["name"] = f"New {customer['name']}"
        customer["num_full_users"] = 1
    assert enrich(id="1001", columns="name").name == "Completed"
    rows = landed.execute("SELECT id, name, num_full_users FROM cetec.customer WHERE name LIKE 'New %'").fetchall()
    assert rows == [{"id": "1001", "name": "New Birch Optics", "num_full_users": 1}]
    assert summary(landed)["filtered"] is True
    assert len(landed.execute("SELECT FROM cetec.customer_current").fetchall()) == 80


def test_what_stops_a_run_leaves_everything_as_it_was(enrich: Run, landed: Landed, vendor: cetec.Cetec) -> None:
    """A shrunken list, a mass flip, a refused token, a column that must not be asked for: nothing lands, codes say why."""
    enrich()
    before = landed.execute("SELECT * FROM cetec.customer ORDER BY id").fetchall()
    kept = vendor.customers

    def fails(code: str, **parameters: Any) -> None:
        state = enrich(**parameters)
        assert state.is_failed()
        assert code in str(state.message)
        run = last_run(landed)
        assert (run["status"], run["error_code"], run["read"]) == ("failed", code, 0)
        assert landed.execute("SELECT * FROM cetec.customer ORDER BY id").fetchall() == before

    vendor.customers = kept[:30]
    fails("SuspiciousShrink")
    vendor.customers = []
    fails("SuspiciousShrink")
    vendor.customers = kept
    fails("SecretRefused", columns="id,techx_password")
    with tampered(kept, domain="gone_{id}"):
        fails("MassFlip")
    vendor.refuse("login_page")
    fails("UnexpectedContentType")
    assert len(landed.execute("SELECT FROM cetec.run_summary").fetchall()) == 1


def test_what_was_stopped_lands_once_accepted(enrich: Run, landed: Landed, vendor: cetec.Cetec) -> None:
    """After a look, `--accept-shrink` lands a shrunken list and a mass flip; customers who are gone are marked."""
    enrich()
    vendor.customers = vendor.customers[:30]
    with tampered(vendor.customers, domain="gone_{id}"):
        assert enrich(accept_shrink=True).name == "Completed"
    assert len(landed.execute("SELECT FROM cetec.customer_current").fetchall()) == 30
    assert "true" not in Counter(states(landed)[str(customer["id"])] for customer in vendor.customers)


def test_mysql_away_lands_with_what_was_known(enrich: Run, landed: Landed, connect: Callable[..., None]) -> None:
    """Without MySQL the customers land all the same, their states marked as those of before."""
    enrich()
    before = states(landed)
    connect(mysql={"port": 1})
    assert enrich().name == "Completed"
    assert states(landed) == before
    told = summary(landed)
    assert (told["mysql_status"], told["stale"]) == ("failed", told["existing_databases"] + told["no_database"])
    assert "cannot be reached" in told["mysql_message"]
    connect(mysql={"port": 1}, mysql_required=True)
    assert "Unavailable" in str(enrich().message)


def test_a_missing_mysql_connection_is_named(enrich: Run, connect: Callable[..., None]) -> None:
    """A Cetec connection that names a mysql connection that nobody made says which, and how to make it."""
    connect(mysql_required=False)
    systems.save("cetec", NAME, {**systems.saved_values("cetec", NAME), "mysql": "nowhere"})
    state = enrich()
    assert state.is_failed()
    assert "landfall connect mysql --name nowhere" in str(state.message)


def test_a_database_that_disappears_is_an_event(enrich: Run, landed: Landed, server: MariaDB) -> None:
    """Automations hear when a billing customer's database disappears and when it comes back; history keeps both."""
    enrich()
    began = datetime.now(UTC)
    server.execute("DROP DATABASE alder_circuits0")
    enrich()
    (gone,) = events("landfall.cetec.database-disappeared", began)
    assert gone["resource"]["prefect.resource.id"] == f"landfall.cetec.customer.{NAME}.1000"
    assert gone["payload"]["message"] == (
        "The database alder_circuits0 of Alder Circuits №0 has disappeared: there is no schema of this name."
    )
    past = landed.execute("SELECT database_state FROM cetec.customer_history WHERE id = '1000'").fetchall()
    assert "true" in {row["database_state"] for row in past}
    server.execute("CREATE DATABASE alder_circuits0", "CREATE TABLE alder_circuits0.usage_stats (day date)")
    enrich()
    assert len(events("landfall.cetec.database-came-back", began)) == 1


def test_a_pull_shows_in_the_next_run(enrich: Run, landed: Landed, landfall: Callable[..., Any]) -> None:
    """What somebody recorded with `landfall cetec record-pull` is the customer's last_pulled_at from the next run on."""
    assert landfall("cetec", "record-pull", "1000").exit_code == 1
    enrich()
    for at in ("2026-05-04T10:30:00Z", "2026-05-03T10:30:00Z", "2026-05-04T12:30:00+02:00"):
        result = landfall("cetec", "record-pull", "1000", "--by", "night-shift", "--at", at)
        assert result.exit_code == 0, result.output
    enrich()
    rows = landed.execute("SELECT id, last_pulled_at FROM cetec.customer WHERE last_pulled_at IS NOT NULL").fetchall()
    assert rows == [{"id": "1000", "last_pulled_at": datetime(2026, 5, 4, 10, 30, tzinfo=UTC)}]
    assert len(landed.execute("SELECT FROM cetec.backup_pull").fetchall()) == 2


def connections(session: Any) -> int:
    """How many sessions MariaDB has seen."""
    with session.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Connections'")
        return int(cursor.fetchall()[0][1])


@contextmanager
def tampered(customers: list[dict[str, Any]], **values: str) -> Iterator[None]:
    """Give all customers other values for a while."""
    before = [dict(customer) for customer in customers]
    for customer in customers:
        customer.update({name: value.format(**customer) for name, value in values.items()})
    try:
        yield
    finally:
        for customer, old in zip(customers, before, strict=True):
            customer.update(old)


def events(name: str, since: datetime) -> list[dict[str, Any]]:
    """The events of this name that reached the Prefect server since then; waits for the first."""
    deadline = time.monotonic() + 20
    wanted = {"filter": {"event": {"name": [name]}, "occurred": {"since": since.isoformat()}}}
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            found: list[dict[str, Any]] = client._client.post("/events/filter", json=wanted).json()["events"]
            if found:
                return found
            time.sleep(0.1)
    return []
