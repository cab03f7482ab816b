"""The simulated systems that `landfall demo` shows, and how each is connected."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cli.console import note
from cli.context import warehouse

Sandbox = Mapping[str, Any]
Run = Callable[[str, Mapping[str, Any], str], Any]
"""Runs a deployment with parameters under a title, and gives the state it ended in."""


class DemoFailed(Exception):
    """The demo could not show what it promises."""

    code = "DemoFailed"
    cure = "Run `./run landfall doctor`, look at logs/worker.log in LANDFALL_HOME, then run `./run demo` again."


CONNECTION = "demo"
CLIENT, NORTH, SOUTH = "demo-client", "demo-north", "demo-south"


@dataclass(frozen=True, slots=True)
class Demo:
    """A system to show: ``connect`` makes the connections of a name out of what the sandbox says of itself.

    ``simulator`` is what ``python -m sandbox`` calls it. ``then``, where there is one, is what people do after the first
    run, with a way to run deployments; ``left`` sees that after the last one nothing is left to do.
    """

    sync: str
    deployment: str
    simulator: str
    words: str
    connect: Callable[[Sandbox, str], None]
    then: Callable[[str, Run], None] | None = None
    left: Callable[[str], None] | None = None
    connection: str = CONNECTION
    options: tuple[str, ...] = ()  # of the simulator


def _quickbooks(sandbox: Sandbox, name: str) -> None:
    _save("quickbooks", name, {**sandbox, "requests_per_second": 0, "requests_per_minute": 0})


def _cetec(sandbox: Sandbox, name: str) -> None:
    from warehouse import cetec

    note("what answers as MySQL here is a stand-in, no database: it only says which databases there would be")
    _save("mysql", name, sandbox["mysql"])
    with warehouse() as conn:
        for domain, schema in sandbox["resident"].items():
            cetec.map_resident(conn, name, domain, schema)
    _save("cetec", name, {**sandbox["cetec"], "mysql": name})


def _microshare(sandbox: Sandbox, name: str) -> None:
    _save("record-source", name, sandbox["odoo"])
    _save("microshare", name, {**sandbox["microshare"], "points": name})


def _approve_and_apply(name: str, run: Run) -> None:
    """What a person does with the plan that the first run has written: look, approve, apply, and see that it is done."""
    from warehouse import microshare_plan

    with warehouse() as conn:
        [plan] = microshare_plan.plans(conn, name, 1)
        note(f"the comparison found differences: plan {plan['id']} has {plan['planned']} changes, {plan['held']} held")
        for item in microshare_plan.items(conn, plan["id"], 3, None):
            note(f"  {item['action']} {item['device_key']}: {item['reason']}")
        microshare_plan.approve(conn, plan["id"], "demo")
    state = run("apply-microshare-plan/any", {"plan": plan["id"], "connection": name}, f"applying plan {plan['id']}")
    with warehouse() as conn:
        done = microshare_plan.plan(conn, plan["id"])
    note(f"plan {plan['id']} is {done['status']}: {done['applied']} applied, {done['refused']} refused")
    if done["status"] != "applied" or done["refused"]:
        raise DemoFailed(f"The plan was not applied as a whole: {state.message}")
    from deployments import syncs

    note("landing what was applied, in this process, as `landfall run microshare` does")
    landed: Any = syncs.load("microshare")(connection=name, return_state=True)
    if landed.name != "Completed":
        raise DemoFailed(f"What was applied did not land: {landed.message}")


def _nothing_left(name: str) -> None:
    from warehouse import microshare_compare, microshare_plan

    with warehouse() as conn:
        [plan] = microshare_plan.plans(conn, name, 1)
        found = microshare_compare.findings(conn, name)
    if plan["status"] != "applied":
        raise DemoFailed(f"The comparison after the plan still finds something to do: plan {plan['id']}.")
    note(f"nothing is left to do: {', '.join(f'{number} {finding}' for finding, number in found.items())}")


def _sap_s4(sandbox: Sandbox, name: str) -> None:
    """One SAP system that serves a client with two sites."""
    from warehouse import erp_assignments as hub
    from warehouse.audit import Origin

    _save("erp-sap-s4", name, sandbox)
    with warehouse() as conn:
        by = Origin.here()
        hub.add_client(conn, CLIENT, "A client with two sites", by)
        for site in (NORTH, SOUTH):
            hub.add_site(conn, site, CLIENT, site.removeprefix("demo-").title(), by)
        if all(row["connection"] != name for row in hub.effective(conn, CLIENT)):
            hub.assign(conn, "client", CLIENT, hub.Assignment(name, catalog_id="main"), by)


def _sftp(sandbox: Sandbox, name: str) -> None:
    """An SFTP drop that serves one of that client's sites, in place of the SAP system."""
    from warehouse import erp_assignments as hub
    from warehouse.audit import Origin

    _save("erp-sftp", name, sandbox)
    with warehouse() as conn:
        if (SOUTH, name) not in {(row["site_id"], row["connection"]) for row in hub.effective(conn, CLIENT)}:
            hub.assign(conn, "site", SOUTH, hub.Assignment(name), Origin.here())


def who_serves_whom() -> list[dict[str, Any]]:
    """The sites of the demo's client: which ERP serves each, and why."""
    from warehouse import erp_assignments as hub

    with warehouse() as conn:
        return hub.effective(conn, CLIENT)


def _save(system: str, name: str, given: Sandbox) -> None:
    """Make a connection to a simulator and test it."""
    from blocks import systems
    from tasks.connection import check_connection, note_connection
    from tasks.origin import origin

    names = {field.name for field in systems.fields(system)}
    systems.save(system, name, {key: value for key, value in given.items() if key in names} | {"test_mode": True})
    note_connection(system, name, systems.load(system, name), origin())
    check = check_connection(system, name)
    if not check.ok:
        raise DemoFailed(f"The simulator of {system} refused: {check.sentence}")
    note(f"connected: {check.sentence}")


SYSTEMS = (
    Demo(
        "quickbooks",
        "refresh-quickbooks/hourly",
        "quickbooks",
        "a simulated QuickBooks with 1,000 customers, 300 vendors, 2,000 items, 5,000 invoices, and what else books hold",
        _quickbooks,
        # The vendor's 10 requests a second would be most of what people wait for here.
        options=("--per-second", "0", "--per-minute", "0"),
    ),
    Demo(
        "cetec",
        "enrich-cetec-customers/daily",
        "cetec",
        "a simulated Cetec ERP with 344 customers, and a stand-in for the MySQL server with their backups",
        _cetec,
    ),
    Demo(
        "microshare",
        "reconcile-microshare/quarter-hourly",
        "microshare",
        "a simulated Microshare with 26 devices in 3 clusters, and an Odoo with 26 inspection points",
        _microshare,
        then=_approve_and_apply,
        left=_nothing_left,
    ),
    Demo(
        "erp",
        "sync-erp/daily",
        "sap-s4",
        "a simulated SAP S/4HANA with 1,000 products, 400 orders, 200 billing documents, and stock",
        _sap_s4,
    ),
    Demo(
        "erp",
        "sync-erp/daily",
        "sftp",
        "a simulated SFTP server with files of 300 products, their stock and 50 orders",
        _sftp,
        connection="demo-files",
    ),
)
