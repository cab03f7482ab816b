"""A real pgbouncer before Postgres: in session mode all works, in transaction mode it is noticed and refused."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.debian import unpacked
from tests.oracle import World, expected
from warehouse.connect import connect, refuse_transaction_pooling
from warehouse.errors import SessionPooling
from warehouse.health import needs
from warehouse.locks import lock_key, try_lock

INI = """
[databases]
session = host=127.0.0.1 port={server} dbname={database} pool_mode=session
transaction = host=127.0.0.1 port={server} dbname={database} pool_mode=transaction
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
ignore_startup_parameters = extra_float_digits
"""


@pytest.fixture
def pooler(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a pgbouncer, without a database's name: `session` and `transaction` are there."""
    place, libraries = unpacked("test-pgbouncer", ["pgbouncer"], "no pgbouncer")
    folder = postgres.scratch() / f"pgbouncer-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    port = postgres._some_port()
    server, name = database.rpartition(":")[2].split("/")
    (folder / "users.txt").write_text(f'"landfall" "{postgres.PASSWORD}"\n')
    (folder / "pgbouncer.ini").write_text(INI.format(server=server, database=name, port=port, folder=folder))
    program = next(path for path in (place / "usr/sbin/pgbouncer", Path("/usr/sbin/pgbouncer")) if path.exists())
    as_user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [program, *as_user, folder / "pgbouncer.ini"], env={"LD_LIBRARY_PATH": libraries},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 20
        while not _listens(port):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, "pgbouncer does not answer"
            time.sleep(0.05)
        yield f"postgresql://landfall:{postgres.PASSWORD}@127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_transaction_mode_is_refused_also_by_an_idle_pool(pooler: str) -> None:
    """A lock of a session would hold nothing there: landing and doctor say so, however few backends the pool has."""
    address = f"{pooler}transaction"
    with connect(address) as first, connect(address) as second:
        key = lock_key("test")
        assert try_lock(first, key)
        assert try_lock(second, key), "this is what would happen: two holders of one lock"
    with connect(address) as session:
        with pytest.raises(SessionPooling, match="pgbouncer"):
            refuse_transaction_pooling(session)
        said = {need.what: need for need in needs(session)}
        assert not said["sessions"].ok
        assert "session mode" in said["sessions"].cure
    world = World(address)
    world.source.fill(3)
    with pytest.raises(SessionPooling):
        world.run()


def test_session_mode_lands(pooler: str) -> None:
    """Behind a pool in session mode landing works as on a direct address, and locks die with their holder."""
    address = f"{pooler}session"
    world = World(address)
    world.source.fill(50)
    with connect(address) as session:
        refuse_transaction_pooling(session)
        assert all(need.ok for need in needs(session) if need.what == "sessions")
        assert try_lock(session, lock_key("test"))
        with connect(address) as other:
            assert not try_lock(other, lock_key("test"))
    # The pool's own sessions outlive ours, so the oracle's look at what is left over says nothing here.
    assert world.run().counts.inserted == 50
    assert world.run().counts.unchanged == 50
    assert world.landed() == expected(world.source.records.values())
