"""What Postgres and the way to it can do to a landing: nothing is lost, nothing is there twice, and the next run heals."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors.stream import Page
from sandbox import faultproxy
from tests import postgres
from tests.oracle import World
from warehouse import connect as connect_module
from warehouse.errors import DatabaseUnavailable, LockTimeout, StorageFull, TargetSchemaChanged, WarehouseError


@pytest.fixture
def proxy(world: World) -> Iterator[faultproxy.Proxy]:
    """A faulty way to the world's database."""
    with faultproxy.running("127.0.0.1", _port(world.url)) as running:
        yield running


def _port(url: str) -> int:
    return int(psycopg.conninfo.conninfo_to_dict(url)["port"])


def _through(world: World, proxy: faultproxy.Proxy) -> str:
    return world.url.replace(f":{_port(world.url)}/", f":{proxy.port}/")


def settle(world: World, seconds: float = 10.0) -> None:
    """Wait until Postgres has noticed that the dead are dead."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and world.query(
        "SELECT FROM pg_stat_activity WHERE application_name LIKE 'landfall lab%'"
    ):
        time.sleep(0.02)


def change(world: World) -> None:
    """What the source does between two runs: additions, changes, deletions."""
    world.source.fill(20, start=500)
    for key in ("1", "2", "3"):
        world.source.put(key, name="changed", lines=[{"sku": "x"}])
    for key in ("10", "11"):
        world.source.records.pop(key, None)


@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize("kind", ["reset", "fin"])
def test_a_connection_that_breaks_anywhere_loses_nothing(
    world: World, proxy: faultproxy.Proxy, way: str, kind: str
) -> None:
    """Cut at many places of the same landing: the tables are as before or as after, never between."""
    world.run()
    change(world)
    measure = World(world.url, world.stream, world.source, connection="measure")
    measure.run(url=_through(world, proxy))
    total = proxy.passed[way]
    outcomes = set()
    for step in range(1, 9):
        before = world.everything()
        proxy.toxics.clear()
        proxy.toxics.add(kind, way=way, at=total * step // 8 - 50, times=1)
        world.source.put("1", name=f"changed {kind} {way} {step}")
        try:
            world.run(url=_through(world, proxy))
        except WarehouseError as error:
            outcomes.add(type(error))
            settle(world)
            landed = world.log().get("status") == "success"
            assert landed or world.everything() == before
            assert world.log().get("status") in ("failed", "crashed", "success", None)
        else:
            outcomes.add(None)
    assert outcomes <= {DatabaseUnavailable, None}
    assert DatabaseUnavailable in outcomes
    proxy.toxics.clear()
    world.check_converges()


def test_a_lost_answer_to_commit_counts_once(world: World, proxy: faultproxy.Proxy) -> None:
    """The landing arrived although its answer did not: it is not repeated, and the run knows it."""
    world.run()
    change(world)
    healed = 0
    for at in range(12):  # staging commits too: page by page, and dead letters
        world.source.put("1", name=f"again {at}")
        proxy.toxics.clear()
        toxic = proxy.toxics.add("drop_reply", pattern=b"COMMIT", at=at, times=1)
        try:
            landed = world.run(url=_through(world, proxy))
        except DatabaseUnavailable:
            assert world.log()["status"] == "failed"
            landed = world.run(run_id=world.last and world.last.run_id)
        else:
            healed += bool(toxic.hit)
        counts = landed.counts
        assert counts.read == counts.inserted + counts.updated + counts.unchanged == len(world.source.records)
        assert (world.log()["status"], world.log()["updated"]) == ("success", counts.updated)
        assert counts.updated >= 1
        settle(world)
        world.check()
        if not toxic.hit:
            break
    assert at > 1
    assert not toxic.hit, "there were more commits than expected"
    assert healed == 1, "the last COMMIT is looked up, the others fail the run"
    world.check_converges()


def test_a_slow_connection_lands_all_the_same(world: World, proxy: faultproxy.Proxy) -> None:
    """Latency costs time and nothing else."""
    proxy.toxics.add("latency", seconds=0.002)
    world.run(url=_through(world, proxy))
    world.check_converges()


def _terminate(world: World) -> None:
    with psycopg.connect(postgres.server("18"), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'landfall lab%%'"
            " AND datname = %s",
            (psycopg.conninfo.conninfo_to_dict(world.url)["dbname"],),
        )


@pytest.mark.parametrize("page", [0, 1, 2, 3])
def test_a_writer_that_is_ended_by_the_server_loses_nothing(world: World, page: int) -> None:
    """Between any two pages, also after the last one: the run fails by name and the tables are as before."""
    world.run()
    before = world.everything()
    change(world)
    pages = world.source.pages()

    def read(_cursor: Any) -> Iterator[Page]:
        for number, each in enumerate(pages):
            if number == page:
                _terminate(world)
            yield each

    with pytest.raises(DatabaseUnavailable):
        world.run(read)
    assert world.everything() == before
    assert world.log()["status"] == "failed"
    world.check_converges()


def _hold(url: str, statement: str) -> Any:
    """Hold a lock in a session of its own until the block ends."""

    @contextmanager
    def held() -> Iterator[int]:
        with psycopg.connect(url) as other:
            other.execute(statement)
            yield other.info.backend_pid
            other.rollback()

    return held()


@pytest.mark.parametrize("when", ["before", "while reading", "at the end"])
def test_a_lock_that_somebody_holds_is_named(world: World, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names table and session; nothing waits for ever and readers are not kept out."""
    monkeypatch.setitem(connect_module._SETTINGS, "lock_timeout", "1s")  # five are long for a test
    world.run()
    change(world)
    before = world.everything()
    mode, table = ("ACCESS EXCLUSIVE", "thing") if when != "at the end" else ("SHARE", "thing_line")
    hold = _hold(world.url, f"LOCK TABLE lab.{table} IN {mode} MODE")
    pids: list[int] = []
    pages = world.source.pages()

    def read(_cursor: Any) -> Iterator[Page]:
        yield pages[0]
        if when != "before":
            pids.append(hold.__enter__())
        yield from pages[1:]

    try:
        if when == "before":
            pids.append(hold.__enter__())
        with pytest.raises(LockTimeout, match=rf"lab\.{table}") as caught:
            world.run(read)
    finally:
        hold.__exit__(None, None, None)
    assert str(pids[0]) in str(caught.value)
    assert world.everything() == before
    assert world.log()["error_code"] == "LockTimeout"
    world.check_converges()


TRIGGER = """
CREATE TABLE IF NOT EXISTS public.trouble (times int);
TRUNCATE public.trouble; INSERT INTO public.trouble VALUES ({times});
CREATE SEQUENCE IF NOT EXISTS public.tries; ALTER SEQUENCE public.tries RESTART;
CREATE OR REPLACE FUNCTION public.trouble() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('public.tries') <= (SELECT times FROM public.trouble) THEN
        RAISE EXCEPTION 'no way' USING ERRCODE = '{code}';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER trouble AFTER INSERT OR UPDATE ON lab.{table} FOR EACH STATEMENT EXECUTE FUNCTION public.trouble();
"""


@pytest.mark.parametrize("code", ["40001", "40P01"])
@pytest.mark.parametrize("table", ["thing", "thing_line", "place"])
def test_deadlocks_and_serialization_failures_are_tried_again(world: World, code: str, table: str) -> None:
    """Twice in a row they pass unnoticed, and nothing is counted twice."""
    world.run()
    change(world)
    world.query(TRIGGER.format(code=code, times=2, table=table))
    counts = world.run().counts
    assert (counts.inserted, counts.updated, counts.deleted) == (20, 3, 2)
    world.check_converges()
    before = world.everything()
    change(world)
    world.query(TRIGGER.format(code=code, times=99, table=table))
    with pytest.raises(DatabaseUnavailable):
        world.run()
    assert world.everything() == before


@pytest.mark.parametrize("table", ["thing", "place"])
def test_a_full_disk_leaves_everything_as_it_was(world: World, table: str) -> None:
    """It is said so, nothing is half there, and once there is space the next run lands."""
    world.run()
    before = world.everything()
    change(world)
    world.query(TRIGGER.format(code="53100", times=1, table=table))
    with pytest.raises(StorageFull):
        world.run()
    assert world.everything() == before
    assert world.log()["error_code"] == "StorageFull"
    world.check_books()
    world.check_converges()


@pytest.mark.parametrize(
    ("damage", "names"),
    [
        ("ALTER TABLE lab.thing DROP COLUMN amount CASCADE", "amount"),
        ("ALTER TABLE lab.thing RENAME COLUMN pieces TO parts", "pieces"),
        ("DROP VIEW lab.thing_current; ALTER TABLE lab.thing ALTER name TYPE varchar(10)", "name"),
        (
            "ALTER TABLE lab.thing ADD COLUMN mine text NOT NULL DEFAULT 'x'; ALTER TABLE lab.thing ALTER mine DROP DEFAULT",
            "mine",
        ),
        ("ALTER TABLE lab.thing_line ALTER sku SET NOT NULL", "sku"),
        ("ALTER TABLE lab.thing ADD CONSTRAINT small CHECK (pieces < 400)", "small"),
        ("CREATE UNIQUE INDEX one_name ON lab.thing (name)", "one_name"),
        ("DROP TABLE lab.place CASCADE", "place"),
    ],
)
def test_a_table_that_somebody_changed_is_not_forced(world: World, damage: str, names: str) -> None:
    """The error names what was changed; nothing lands and nobody's view is dropped."""
    world.run()
    world.query("CREATE VIEW public.analyst AS SELECT id, good FROM lab.thing")
    world.query(damage)
    before = world.query("SELECT t::text FROM lab.thing t ORDER BY 1")
    change(world)
    with pytest.raises(TargetSchemaChanged, match=names):
        world.run()
    assert world.query("SELECT t::text FROM lab.thing t ORDER BY 1") == before
    assert world.query("SELECT count(*) FROM public.analyst") == [(250,)]
    world.check_books()


def test_an_added_column_and_an_analysts_view_do_no_harm(world: World) -> None:
    """People may add nullable columns, indexes and views."""
    world.run()
    world.query("ALTER TABLE lab.thing ADD COLUMN note text; CREATE INDEX ON lab.thing (name)")
    world.query("UPDATE lab.thing SET note = 'mine' WHERE id = '1'")
    world.query("CREATE VIEW public.analyst AS SELECT * FROM lab.thing")
    change(world)
    world.check_converges()
    assert world.query("SELECT note FROM public.analyst WHERE id = '1'") == [("mine",)]


def test_readers_never_see_a_half_done_landing(world: World) -> None:
    """Whoever looks while runs land sees one whole state of the source after the other."""
    world.source.records.clear()
    seen: set[tuple[Any, ...]] = set()
    over = threading.Event()

    def look() -> None:
        with psycopg.connect(world.url, autocommit=True) as conn:
            while not over.is_set():
                row = conn.execute(
                    "SELECT (SELECT count(DISTINCT name) FROM lab.thing_current), (SELECT count(*) FROM lab.thing_current),"
                    " (SELECT count(*) FROM lab.thing_line_current), (SELECT count(*) FROM lab.place_current)"
                ).fetchone()
                seen.add(tuple(row or ()))

    def version(number: int) -> None:
        for key in range(200 + number):
            world.source.put(str(key), name=f"v{number}", lines=[{"sku": "a"}] * (number + 1), home={"city": "c"})

    version(0)
    world.run()
    reader = threading.Thread(target=look)
    reader.start()
    try:
        for number in range(1, 6):
            version(number)
            world.run()
    finally:
        over.set()
        reader.join()
    assert seen <= {(1, 200 + n, (200 + n) * (n + 1), 200 + n) for n in range(6)}
    assert seen


KILLED = """
import os, signal, sys
from tests.oracle import World
from connectors.stream import Page
world = World(sys.argv[1])
world.source.fill(250)
def read(cursor):
    for number, page in enumerate(world.source.pages(25)):
        if str(number) == sys.argv[2]:
            print(world.last.run_id, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        yield page
world.run(read)
"""


@pytest.mark.parametrize("page", [0, 5, 10])
def test_a_killed_run_reads_as_crashed_and_the_next_one_lands(world: World, page: int) -> None:
    """No reaper is needed for that, and what the dead left in staging is gone after the next run."""
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    died = subprocess.run(
        [sys.executable, "-c", KILLED, world.url, str(page)],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    settle(world)
    status = world.query("SELECT status FROM ops.sync_run WHERE run_id = %s", died.stdout.strip())
    assert status == [("crashed",)]
    assert world.query("SELECT count(*) FROM lab.thing") == [(0,)]
    world.check_converges()
    assert world.query("SELECT status FROM ops.sync_run_log WHERE run_id = %s", died.stdout.strip()) == [("crashed",)]


def test_a_paused_writer_that_lost_its_session_writes_nothing(world: World) -> None:
    """Another run lands while it sleeps; when it wakes up it can only fail."""
    world.run()

    def read(_cursor: Any) -> Iterator[Page]:
        yield Page(records=[b'{"id":"1","name":"from the paused one","meta":{"changed":"2030-01-01T00:00:00Z"}}'])
        _terminate(world)
        settle(world)
        other = World(world.url, world.stream, world.source)
        change(other)
        other.run()
        yield Page()

    with pytest.raises(DatabaseUnavailable):
        world.run(read)
    world.check_converges()


def test_a_server_that_is_restarted_at_once_loses_nothing(tmp_path_factory: Any) -> None:
    """After an immediate restart in the middle the run has failed and the next one lands."""
    # A server of its own, since all other tests share theirs.
    folder = postgres.scratch() / "postgres-restarted"
    admin = postgres._start("18", folder)
    try:
        from warehouse.migrate import upgrade

        url = postgres.address(admin, "landfall", "landfall")
        with psycopg.connect(url, autocommit=True) as conn:
            upgrade(conn)
            conn.execute("ALTER DATABASE landfall SET synchronous_commit = on")
        world = World(url)
        world.source.fill(250)
        world.run()
        change(world)

        def read(_cursor: Any) -> Iterator[Page]:
            pages = world.source.pages()
            yield pages[0]
            os.kill(_postmaster(folder), signal.SIGQUIT)
            yield from pages[1:]

        with pytest.raises(WarehouseError):
            world.run(read)
        _restart(folder, admin)
        assert world.query("SELECT status FROM ops.sync_run WHERE run_id = %s", world.last and world.last.run_id) == [
            ("crashed",)
        ]
        world.check_converges()
    finally:
        postgres.stop_all(folder)


def _postmaster(folder: Path) -> int:
    [found] = folder.glob("**/postmaster.pid")
    return int(found.read_text().splitlines()[0])


def _restart(folder: Path, admin: str) -> None:
    import pwd

    from warehouse import embedded
    from warehouse.cluster import Cluster, Owner

    nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    cluster = Cluster(folder, embedded.programs(), Owner(nobody.pw_uid, nobody.pw_gid) if nobody else None)
    deadline = time.monotonic() + 10
    while cluster.pid() is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    cluster.start(postgres.SETTINGS | {"port": _port(admin)})
