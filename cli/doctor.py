"""`landfall doctor`: looks at everything that a run needs, and says what to do about what is wrong."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from cli.console import FAILED, emit, table

# Below this a first landing of a middling company may fill the disk.
FREE_BYTES_ENOUGH = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``status`` is ok, warn or fail; ``todo`` says what to do."""

    check: str
    status: str
    found: str
    todo: str = ""


def doctor(as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False) -> None:
    """Look at everything that a run needs; exit 1 when something is wrong. Example: landfall doctor"""
    findings = [finding for check in (_python, _home, _prefect, _database, _key) for finding in _safely(check)]
    if as_json:
        emit({"checks": [asdict(finding) for finding in findings]})
    else:
        table("Doctor", [asdict(finding) for finding in findings])
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(FAILED)


def _safely(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check())
    except Exception as error:
        if not hasattr(error, "code"):
            raise
        found.append(Finding(check.__name__.strip("_"), "fail", str(error), str(getattr(error, "cure", ""))))
    return found


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding("python", "ok" if good else "warn", version, "" if good else "Use Python 3.11, 3.12 or 3.13.")


def _home() -> Iterator[Finding]:
    from warehouse.home import home

    free = shutil.disk_usage(home()).free
    good = free >= FREE_BYTES_ENOUGH
    yield Finding(
        "disk", "ok" if good else "warn", f"{free / 1024**3:.1f} GB free at {home()}", "" if good else "Make space."
    )


def _prefect() -> Iterator[Finding]:
    from deployments import services

    url = services.api_url()
    if url is None:
        yield Finding("prefect", "warn", "no server runs here", "Start it with `landfall up`, or set PREFECT_API_URL.")
        return
    import httpx

    services.use(url)
    try:
        httpx.get(f"{url}/health", timeout=5).raise_for_status()
    except httpx.HTTPError as error:
        yield Finding("prefect", "fail", f"{url} does not answer ({type(error).__name__})", "Run `landfall up`.")
        return
    yield Finding("prefect", "ok", url)
    yield _worker()


def _worker() -> Finding:
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

    from deployments.bootstrap import WORK_POOL

    with get_client(sync_client=True) as client:
        try:
            workers = client.read_workers_for_work_pool(WORK_POOL)
        except (ObjectNotFound, PrefectHTTPStatusError):
            return Finding("worker", "fail", f"there is no work pool {WORK_POOL}", "Run `landfall up`.")
    online = [worker for worker in workers if worker.status == "ONLINE"]
    if not online:
        todo = f"Run `landfall up`, or `prefect worker start --pool {WORK_POOL}` on the machine that should run syncs."
        return Finding("worker", "warn", "none is online, so schedules do not run", todo)
    return Finding("worker", "ok", f"{len(online)} online")


def _database() -> Iterator[Finding]:
    from contextlib import closing

    from cli.context import address_without_password, warehouse_url
    from warehouse.connect import connect
    from warehouse.health import needs, tokens
    from warehouse.migrate import pending

    url = warehouse_url()
    with closing(connect(url)) as conn:
        yield Finding("database", "ok", address_without_password(url))
        for need in needs(conn):
            # Migrations that wait are applied by the next run, and landing does without search.
            bad = "warn" if need.what in ("migrations", "search") else "fail"
            yield Finding(need.what, "ok" if need.ok else bad, need.found, "" if need.ok else need.cure)
        if not pending(conn):
            for need in tokens(conn):
                yield Finding(need.what, "ok" if need.ok else "warn", need.found, "" if need.ok else need.cure)


def _key() -> Iterator[Finding]:
    from warehouse.crypto import encryption_key

    encryption_key()
    yield Finding("encryption key", "ok", "32 bytes; keep a copy of it away from the database's backups")
