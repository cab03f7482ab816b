"""The three ways in which companies use the hub, from connecting to the rows that analysts read."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import anyio
import pytest
from prefect.client.orchestration import get_client
from prefect.server.schemas.schedules import CronSchedule

from blocks import systems
from deployments import bootstrap, schedules
from sandbox import erp_sftp, onec, sap_s4
from tests import sshd
from tests.cli.conftest import Landfall, answer
from tests.flows.erp_parts import connect, ok, rows, run


@pytest.fixture(autouse=True)
def tidy(landfall: Landfall) -> Iterator[None]:
    """A work pool for schedules; afterwards no connection and no schedule of the test is left."""
    with get_client(sync_client=True) as client:
        bootstrap._ensure_work_pool(client)
    yield
    for system in systems.family("erp"):
        for name in systems.connections(system):
            schedules.remove_all(system, name)
            systems.delete(system, name)


def _times(name: str, start: datetime, count: int) -> list[datetime]:
    """The next moments at which the server's own scheduler lets a deployment run."""
    with get_client(sync_client=True) as client:
        (only,) = client.read_deployment_by_name(f"sync-erp/{name}").schedules
    return anyio.run(CronSchedule(**only.schedule.model_dump()).get_dates, count, start)


def test_one_erp_serves_five_sites(landfall: Landfall, monkeypatch: pytest.MonkeyPatch, database: str) -> None:
    """A client's SAP serves all its sites: products every day on a schedule, orders both ways (read so far) on demand."""
    with sap_s4.running(orders=12, products=20, bills=3, stocked=4) as system:
        connect(landfall, monkeypatch, "erp-sap-s4", "sap-production", system.connection())
        ok(landfall, "erp", "client", "add", "acme", "--name", "Acme")
        for number in range(1, 6):
            ok(landfall, "erp", "site", "add", f"acme-{number}", "--client", "acme")
        ok(landfall, "erp", "assign", "client", "acme", "--connection", "sap-production", "--catalog", "main")
        sites = answer(landfall("erp", "site", "list", "--json"))["sites"]
        assert {(row["source"], row["connection"], row["usable"], row["catalog_id"]) for row in sites} == {
            ("client", "sap-production", True, "main")
        }
        assert len(sites) == 5
        daily = ["--connection", "sap-production", "-p", "data_types=products", "--cron", "0 6 * * *"]
        ok(landfall, "schedule", "erp", *daily)
        assert _times("sap-production.products", datetime(2026, 5, 1, tzinfo=UTC), 1)[0].hour == 6
        ok(landfall, "erp", "config", "set", "orders", "--connection", "sap-production", "--direction", "bidirectional")
        landed = run(landfall, "sap-production", "data_types=orders,products")
        assert {name: stream["inserted"] for name, stream in landed["streams"].items()} == {
            "sales_order": 12,
            "product": 20,
        }
        ours = rows(database, "SELECT client_id, site_id, count(*) AS n FROM erp.sales_order_current GROUP BY 1, 2")
        assert ours == [{"client_id": "acme", "site_id": None, "n": 12}], "which of the five, SAP does not say"
        system.touch(system.orders.keys()[0], OverallSDProcessStatus="C")
        again = run(landfall, "sap-production", "data_types=orders")
        assert again["streams"]["sales_order"]["updated"] == 1
        actions = [row["action"] for row in answer(landfall("audit", "list", "--json", "--limit=100"))["entries"]]
        assert [actions.count(each) for each in ("site.added", "assignment.made", "schedule.made", "configuration.changed", "run.started")] == [5, 1, 1, 1, 2]  # fmt: skip
        assert answer(landfall("audit", "verify", "--json"))["ok"]


def test_two_erps_serve_two_regions(landfall: Landfall, monkeypatch: pytest.MonkeyPatch, database: str) -> None:
    """Ten sites, four of which have another ERP, another catalog and other times than the rest of their client."""
    american, european = [f"us-{number}" for number in range(6)], [f"eu-{number}" for number in range(4)]
    with sap_s4.running(orders=6, products=9, bills=2, stocked=2) as us, onec.running(orders=5, products=7, invoices=1, employees=1) as eu:  # fmt: skip
        connect(landfall, monkeypatch, "erp-sap-s4", "us", us.connection())
        connect(landfall, monkeypatch, "erp-1c", "eu", eu.connection())
        ok(landfall, "erp", "client", "add", "globex")
        for site in american + european:
            ok(landfall, "erp", "site", "add", site, "--client", "globex")
        ok(landfall, "erp", "assign", "client", "globex", "--connection", "us", "--catalog", "catalog-us")
        for site in european:
            ok(landfall, "erp", "assign", "site", site, "--connection", "eu", "--catalog", "catalog-eu")
        found = answer(landfall("erp", "site", "list", "--json"))["sites"]
        served = {row["site_id"]: (row["connection"], row["source"], row["catalog_id"]) for row in found}
        expected = dict.fromkeys(american, ("us", "client", "catalog-us"))
        assert served == expected | dict.fromkeys(european, ("eu", "site", "catalog-eu"))
        for name, zone in (("us", "America/Chicago"), ("eu", "Europe/Berlin")):
            times = ["--cron", "30 5 * * *", "--timezone", zone, "-p", "data_types=orders,products"]
            ok(landfall, "schedule", "erp", "--connection", name, *times)
            (moment,) = _times(f"{name}.orders-products", datetime(2026, 7, 1, tzinfo=UTC), 1)
            assert (moment.astimezone(ZoneInfo(zone)).hour, moment.astimezone(UTC).hour) == (
                5,
                {"us": 10, "eu": 3}[name],
            )
            run(landfall, name, "data_types=orders,products")
        query = "SELECT connection, client_id, count(*) AS n FROM erp.{}_current GROUP BY 1, 2 ORDER BY 1"
        for table, (in_eu, in_us) in {"sales_order": (5, 6), "product": (7, 9)}.items():
            assert [tuple(row.values()) for row in rows(database, query.format(table))] == [
                ("eu", "globex", in_eu), ("us", "globex", in_us),
            ]  # fmt: skip
        ok(landfall, "connections", "deactivate", "erp-1c", "eu")
        paris: dict[str, Any] = answer(landfall("erp", "effective", "eu-1", "--json"))
        assert (paris["source"], paris["connection"], paris["usable"]) == ("site", "eu", False)
        assert "no other ERP stands in" in ok(landfall, "erp", "effective", "eu-1")
        assert answer(landfall("erp", "effective", "us-1", "--json"))["usable"]


def test_files_that_come_at_night_are_products_and_stock_alone(
    landfall: Landfall, monkeypatch: pytest.MonkeyPatch, database: str, tmp_path: Path
) -> None:
    """An old ERP drops files on an SFTP server: at 02:00 by its own clock products and stock land; orders stay there."""
    erp_sftp.fill(tmp_path / "drop" / "inbox", products=12, locations=2, orders=3)
    (tmp_path / "keys").mkdir()
    folders = {name: str(tmp_path / "drop" / name) for name in ("inbox", "processing", "archive", "error")}
    with sshd.running(tmp_path / "keys") as server:
        login = server.login()
        given = {
            "host": login.host, "port": login.port, "user": login.user, "host_key": login.host_key, "stable_s": "0.05",
            "private_key": login.private_key, **folders,
        }  # fmt: skip
        connect(landfall, monkeypatch, "erp-sftp", "legacy", given)
        nightly = ["--connection", "legacy", "-p", "data_types=products,inventory", "--cron", "0 2 * * *"]
        ok(landfall, "schedule", "erp", *nightly, "--timezone", "America/New_York")
        (moment,) = _times("legacy.products-inventory", datetime(2026, 7, 1, 12, tzinfo=UTC), 1)
        assert moment == datetime(2026, 7, 2, 6, tzinfo=UTC)
        shown = answer(landfall("erp", "map", "preview", "--connection", "legacy", "--json"))["data_types"]
        assert len(shown["products"]["rows"]["product"]) == 10
        assert len(list((tmp_path / "drop" / "inbox").iterdir())) == 3, "a preview takes nothing away"
        with get_client(sync_client=True) as client:
            parameters = client.read_deployment_by_name("sync-erp/legacy.products-inventory").parameters
        landed = run(landfall, "legacy", "data_types=" + ",".join(parameters["data_types"]))
        assert {name: stream["inserted"] for name, stream in landed["streams"].items()} == {
            "product": 12,
            "inventory_level": 24,
        }
        assert [path.name for path in (tmp_path / "drop" / "inbox").iterdir()] == ["orders_20260504.csv"]
        assert len(list((tmp_path / "drop" / "archive").rglob("*.csv"))) == 2
        again = run(landfall, "legacy", "data_types=products,inventory", "full=true")
        assert all(each["unchanged"] == each["read"] > 0 for each in again["streams"].values())
        wrong = f"host_key=SHA256:{'A' * 43}"
        refused = landfall("connect", "erp-sftp", "--name", "legacy", "--set", wrong)
        assert "HostKeyMismatch" in refused.output
    on_hand = rows(database, "SELECT count(*) AS n FROM erp.inventory_level_current WHERE location_key = 'W1'")
    assert on_hand == [{"n": 12}]


def test_a_night_run_is_at_two_by_the_clock_of_the_plant(landfall: Landfall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every night at 02:00 where the plant is, products and stock alone; when clocks change too, once a night."""
    with onec.running(orders=1, products=1, invoices=1, employees=1) as plant:
        connect(landfall, monkeypatch, "erp-1c", "plant", plant.connection())
        nightly = ["--connection", "plant", "-p", "data_types=products,inventory", "--cron", "0 2 * * *"]
        ok(landfall, "schedule", "erp", *nightly, "--timezone", "Asia/Tashkent")
        name = "plant.products-inventory"
        assert _times(name, datetime(2026, 5, 1, tzinfo=UTC), 2) == [
            datetime(2026, 5, day, 21, tzinfo=UTC) for day in (1, 2)
        ]
        ok(landfall, "schedule", "erp", *nightly, "--timezone", "Europe/Berlin")
        spring = _times(name, datetime(2026, 3, 27, 12, tzinfo=UTC), 4)
        assert len({moment.astimezone(ZoneInfo("Europe/Berlin")).date() for moment in spring}) == 4
        with get_client(sync_client=True) as client:
            deployment = client.read_deployment_by_name(f"sync-erp/{name}")
        assert deployment.parameters == {"connection": "plant", "data_types": ["products", "inventory"]}
        (listed,) = [
            row for row in answer(landfall("schedules", "--json"))["schedules"] if row["connection"] == "plant"
        ]
        assert (listed["deployment"], listed["sync"], listed["cron"]) == (f"sync-erp/{name}", "erp", "0 2 * * *")
        assert (listed["active"], listed["part"]) == (True, {"data_types": ["products", "inventory"]})
        rows_of_log = answer(landfall("audit", "list", "--object", "schedule erp/plant", "--json"))["entries"]
        assert [(row["action"], (row["before"] or {}).get("timezone")) for row in rows_of_log] == [
            ("schedule.changed", "Asia/Tashkent"), ("schedule.made", None),
        ]  # fmt: skip
        ok(landfall, "connections", "delete", "erp-1c", "plant", "--yes")
        with get_client(sync_client=True) as client:
            assert name not in {found.name for found in client.read_deployments()}
