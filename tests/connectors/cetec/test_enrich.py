"""From the list to records with states: what is asked of MySQL, what is kept, what stops a run."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.cetec.client import Asked
from connectors.cetec.enrich import Enrichment, Found
from connectors.cetec.states import STATES
from connectors.errors import MassFlip, Unavailable
from connectors.mysql import Server
from connectors.stream import Page
from sandbox import cetec, mysql
from sandbox.cetec_data import INTERNAL_ID
from tests.connectors.cetec.conftest import Client
from tests.mariadb import SENTINEL, MariaDB

Rows = dict[str, dict[str, Any]]


@pytest.fixture
def databases(vendor: cetec.Cetec) -> Iterator[mysql.StandIn]:
    """A stand-in for MySQL with the databases of these customers, and a sentinel."""
    with mysql.running({**vendor.databases, SENTINEL: True}) as running:
        yield running


@pytest.fixture
def server(databases: mysql.StandIn) -> Server:
    """The connector to it."""
    return Server(host="127.0.0.1", port=databases.port, user="x", tls=False, sentinel=SENTINEL, retry_attempts=1)


class Runs:
    """Runs on one instance, each knowing what the one before it landed."""

    def __init__(self, client: Client, vendor: cetec.Cetec, server: Server | None) -> None:
        self.client, self.vendor, self.server = client, vendor, server
        self.landed: Rows = {}
        self.found = Found(datetime.now(UTC))
        self.page = Page()

    def __call__(self, server: Server | None = None, *, off: bool = False, **known: Any) -> Rows:
        """Run once; ``off``: without a MySQL connection. Gives the records by id."""
        settings = {name: known.pop(name) for name in ("required", "excluded_ids") if name in known}
        enrichment = Enrichment(earlier=self.landed, resident=self.vendor.resident, **known)
        reader = self.client(databases=None if off else server or self.server, **settings)
        (self.page,) = enrichment.pages(reader, None)
        assert enrichment.found is not None
        self.found = enrichment.found
        rows = {key: json.loads(bytes(raw)) for key, raw in zip(self.page.keys or (), self.page.records, strict=True)}
        self.landed = self.landed | {key: as_landed(row) for key, row in rows.items()}
        return {key: row | row["landfall"] for key, row in rows.items()}


def as_landed(row: dict[str, Any]) -> dict[str, Any]:
    """A record as it is read back from its row, near enough."""
    own = dict(row["landfall"])
    if own["database_checked_at"]:
        own["database_checked_at"] = datetime.fromisoformat(own["database_checked_at"])
    return {**{name: value for name, value in row.items() if name != "landfall"}, **own, "_deleted_at": None}


@pytest.fixture
def run(client: Client, vendor: cetec.Cetec, server: Server) -> Runs:
    """Runs with MySQL at hand."""
    return Runs(client, vendor, server)


def away() -> Server:
    """A MySQL that cannot be reached."""
    return Server(host="127.0.0.1", port=1, user="x", tls=False, retry_attempts=1)


def test_every_customer_is_in_one_state_and_counted(run: Runs, vendor: cetec.Cetec, databases: mysql.StandIn) -> None:
    """All customers come through, billing or not, the states add up, and MySQL saw one session."""
    rows = run()
    assert len(rows) == run.found.total == 80
    assert set(run.found.counts()) == set(STATES)
    assert {row["database_state"] for row in rows.values()} == {
        "true", "false", "itar_hosting", "unavailable", "invalid_domain", "not_billing"
    }  # fmt: skip
    assert run.found.without_table == 2
    assert databases.sessions == [1]
    assert run.page.complete


def test_mapped_residents_are_found_under_their_schema(run: Runs, vendor: cetec.Cetec) -> None:
    """A customer who hosts itself is looked up under the schema that somebody mapped, whatever the domain's case."""
    vendor.customers[13]["domain"] = str(vendor.customers[13]["domain"]).upper()
    vendor.customers[13]["resident_hosting"] = "1"
    mapped = {key.lower(): value.lower() for key, value in vendor.resident.items()}
    row = Enrichment(resident=mapped)
    (page,) = row.pages(run.client(databases=run.server), None)
    found = [json.loads(bytes(raw)) for raw in page.records if json.loads(bytes(raw))["id"] == "1013"]
    assert found[0]["landfall"]["database_schema"] == mapped[str(vendor.customers[13]["domain"]).lower()]
    assert found[0]["landfall"]["database_state"] == "true"


def test_without_mysql_states_say_so(run: Runs) -> None:
    """Without a MySQL connection customers still land; ITAR goes before resident hosting here too."""
    rows = run(off=True)
    assert {row["database_state"] for row in rows.values()} == {
        "mysql_disabled", "resident_hosting", "itar_hosting", "invalid_domain", "not_billing"
    }  # fmt: skip
    assert (run.found.mysql_status, run.found.mysql_enabled) == ("skipped", False)


def test_a_second_run_gives_the_same_bytes(run: Runs) -> None:
    """Nothing that only says when a run was makes a row look changed."""
    first = run()
    assert run() == first


def test_mysql_away_on_the_first_run(run: Runs) -> None:
    """Where no earlier state is known, the row says that MySQL could not be asked."""
    rows = run(away())
    assert rows["1000"]["database_state"] == "mysql_error"
    assert rows["1007"]["database_state"] == "itar_hosting"
    assert run.found.mysql_status == "failed"
    assert str(run.found.mysql_message).startswith("Unavailable: ")


def test_mysql_away_later_keeps_what_was_known(run: Runs) -> None:
    """An earlier good state is never lost because MySQL was away: it stays, marked stale, with the time it is from."""
    first = run()
    rows = run(away())
    for key, row in rows.items():
        assert row["database_state"] == first[key]["database_state"]
        assert row["database_checked_at"] == first[key]["database_checked_at"]
        assert row["database_stale"] is (row["database_state"] in ("true", "false"))
    assert run.found.stale == run.found.states["true"] + run.found.states["false"]
    assert not run.found.changes
    assert run() == first


def test_a_stale_state_belongs_to_its_schema(run: Runs, vendor: cetec.Cetec) -> None:
    """A customer whose domain changes while MySQL is away does not keep the state of another database."""
    run()
    vendor.customer(1000)["domain"] = "another_name"
    assert run(away())["1000"]["database_state"] == "mysql_error"


def test_mysql_away_fails_the_run_where_it_is_required(run: Runs) -> None:
    """Where the connection says that MySQL is required, nothing lands without it."""
    with pytest.raises(Unavailable):
        run(away(), required=True)


def test_a_change_is_told(run: Runs, databases: mysql.StandIn) -> None:
    """A database that disappears is told, and so is its coming back."""
    run()
    del databases.schemas["alder_circuits0"]
    assert run()["1000"]["database_state"] == "false"
    assert [(change.id, change.there) for change in run.found.changes] == [("1000", False)]
    databases.schemas["alder_circuits0"] = True
    assert run()["1000"]["database_state"] == "true"
    assert [(change.id, change.there) for change in run.found.changes] == [("1000", True)]


def test_a_mass_flip_stops_until_accepted(run: Runs, databases: mysql.StandIn) -> None:
    """When over 5 % of the databases seem gone at once, nothing lands until somebody accepts it."""
    first = run()
    there = [row["database_schema"] for row in first.values() if row["database_state"] == "true"]
    for schema in there[: len(there) // 20 + 1]:
        del databases.schemas[schema]
    with pytest.raises(MassFlip, match=f"4 of {len(there)} databases"):
        run()
    assert sum(row["database_state"] == "false" for row in run(accept_flip=True).values()) == 4 + 4


def test_exactly_five_percent_is_no_mass_flip(run: Runs, databases: mysql.StandIn) -> None:
    """Up to the limit, databases that are gone are news and no accident."""
    first = run()
    there = [row["database_schema"] for row in first.values() if row["database_state"] == "true"]
    for schema in there[: len(there) // 20]:
        del databases.schemas[schema]
    run()
    assert len(run.found.changes) == 3


def test_the_servers_filter_is_not_trusted(run: Runs, vendor: cetec.Cetec) -> None:
    """Where an instance ignores a filter, only what was asked for lands, nothing is deleted, and people hear of it."""
    vendor.filters = False
    for asked, ids in (
        (Asked(id="1002"), {"1002"}),
        (Asked(external_key="K-00004"), {"1004"}),
        (Asked(name="alder circuits"), {"1000"}),
    ):
        assert run(asked=asked).keys() == ids
        assert not run.page.complete
        assert run.found.filtered
        assert "79 customers that the filter does not name" in run.found.warnings[0]


def test_columns_not_asked_for_stay(run: Runs, vendor: cetec.Cetec) -> None:
    """A run for some columns changes those and leaves the others as they landed."""
    before = run()["1001"]
    vendor.customer(1001).update(name="New name", num_prod_users=99)
    after = run(asked=Asked(id="1001", columns=("name",)))["1001"]
    assert after == {**before, "name": "New name"}


def test_columns_that_are_not_honoured_land_as_extra(run: Runs, vendor: cetec.Cetec) -> None:
    """An instance that sends everything is read too; nothing is lost but the login secret."""
    vendor.columns = False
    rows = run()
    assert rows["1001"]["addresses"] == [{"type": "billing", "city": "Eastmere", "zip": "10001"}]
    assert "canary-techx" not in json.dumps(rows)
    assert run.found.warnings == ["the field techx_password holds a secret and was left out (80 times)"]


@pytest.mark.parametrize("length", [50])
def test_a_list_of_a_round_length_is_told(run: Runs, vendor: cetec.Cetec, length: int) -> None:
    """A list that may have been cut is told; who is missing is not taken for deleted while it may be a cut."""
    del vendor.customers[55:]
    run()
    vendor.cut_at = length
    run()
    assert not run.page.complete
    assert run.found.warnings == [
        "the list is exactly 50 long, so it may have been cut",
        "5 customers are missing and were not taken for deleted",
    ]


def test_a_deep_cut_is_left_to_the_guard_against_shrinking(run: Runs, vendor: cetec.Cetec) -> None:
    """A list cut from 80 to 50 reaches the landing as complete, whose guard stops it."""
    run()
    vendor.cut_at = 50
    run()
    assert run.page.complete


def test_internal_accounts_do_not_land(run: Runs) -> None:
    """The accounts that a connection excludes are no customers; how many were left out is on record."""
    rows = run(excluded_ids=[str(INTERNAL_ID)])
    assert str(INTERNAL_ID) not in rows
    assert (run.found.excluded, run.found.total, run.page.fetched) == (1, 79, 80)


def test_what_is_no_customer_is_passed_on_without_a_key(run: Runs, vendor: cetec.Cetec) -> None:
    """An element of the list that is no customer becomes a dead letter and stops nobody."""
    vendor.fault("answer", body='[{"id": 1, "ok_to_bill": 0}, null, {"name": "nobody"}, 7]')
    enrichment = Enrichment()
    (page,) = enrichment.pages(run.client(databases=run.server), None)
    assert page.keys == ["1", "", "", ""]
    assert enrichment.found is not None
    assert enrichment.found.total == 1


def test_customers_who_share_a_domain_are_two(run: Runs, vendor: cetec.Cetec) -> None:
    """Two customers with one domain, blanks around it or not, are two rows with the state of that one database."""
    vendor.customer(1001)["domain"] = f" {vendor.customer(1000)['domain']} "
    rows = run()
    assert len(rows) == run.found.total == 80
    assert [rows[key]["database_schema"] for key in ("1000", "1001")] == ["alder_circuits0"] * 2


def test_a_customer_given_twice_is_counted_once(run: Runs, vendor: cetec.Cetec) -> None:
    """A customer that the list holds twice is handed on twice, for the landing to choose the last, and counted once."""
    vendor.customers.append({**vendor.customer(1000), "name": "Newer"})
    rows = run()
    assert len(run.page.records) == 81
    assert run.found.total == len(rows) == 80
    assert rows["1000"]["name"] == "Newer"


def test_pulls_are_shown(run: Runs) -> None:
    """A customer's row says when its backup was last pulled."""
    rows = run(pulls={"1000": datetime(2026, 5, 4, 10, 30, tzinfo=UTC)})
    assert rows["1000"]["last_pulled_at"] == "2026-05-04T10:30:00+00:00"
    assert rows["1001"]["last_pulled_at"] is None


def test_one_locked_database_is_its_own_customers_business(
    client: Client, vendor: cetec.Cetec, mariadb: MariaDB
) -> None:
    """On a real server with one table locked, one customer has no answer in time and all others their state."""
    mariadb.make(vendor.databases)
    real = Server(
        host=mariadb.host, port=mariadb.port, user=mariadb.user, password=mariadb.password, ca_file=mariadb.ca_file,
        sentinel=SENTINEL, query_timeout_s=0.5,
    )  # fmt: skip
    run = Runs(client, vendor, real)
    with mariadb.locked("alder_circuits0"):
        rows = run()
    assert [key for key, row in rows.items() if row["database_state"] == "batch_timeout"] == ["1000"]
    assert run.found.mysql_status == "completed"
    assert run()["1000"]["database_state"] == "true"
