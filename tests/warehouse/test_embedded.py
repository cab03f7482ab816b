import base64
import json
import locale
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.postgres import SETTINGS
from warehouse import embedded
from warehouse.cluster import Cluster, EmbeddedPostgresError, Owner, explain
from warehouse.errors import NotConfigured, StateCorrupt, StorageFull
from warehouse.home import home

AS_ROOT = os.geteuid() == 0
START = "from warehouse import embedded; print(embedded.start())"


def server_of(folder: Path) -> Cluster:
    return Cluster(folder / "postgres", embedded.programs())


def server_pid(folder: Path) -> int:
    pid = server_of(folder).pid()
    assert pid is not None
    return pid


def test_start_gives_a_database_to_land_in(reachable_home: Path) -> None:
    """The address leads to a database whose user can make schemas and logins, without being a superuser."""
    with psycopg.connect(embedded.start()) as conn:
        conn.execute("CREATE SCHEMA landed")
        conn.execute("CREATE ROLE somebody")
        assert conn.execute("SELECT similarity('Müller', unaccent('Müller')) > 0.3").fetchone() == (True,)
        assert conn.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
        assert conn.info.server_version // 10000 == 18


@pytest.mark.parametrize(("letters", "known"), [("C.UTF-8", True), ("nowhere.UTF-8", False)])
def test_letters_of_every_script_are_letters_where_the_system_knows_them(
    reachable_home: Path, letters: str, known: bool
) -> None:
    """Search makes trigrams of letters; a system that has no such locale gets a database all the same."""
    if known and not _has_locale(letters):
        pytest.skip(f"this system has no locale {letters}")
    nobody = pwd.getpwnam("nobody") if AS_ROOT else None
    folder = reachable_home / "postgres"
    folder.mkdir()
    if nobody:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    owner = Owner(nobody.pw_uid, nobody.pw_gid) if nobody else None
    cluster = Cluster(folder, embedded.programs(), owner, letters=letters)
    cluster.create("canary-letters-1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cluster.start(SETTINGS | {"port": port})
    with psycopg.connect(f"postgresql://postgres:canary-letters-1@127.0.0.1:{port}/postgres", autocommit=True) as conn:
        conn.execute("CREATE EXTENSION pg_trgm")
        assert conn.execute("SELECT show_trgm('мир') <> '{}'").fetchone() == (known,)
        assert conn.execute("SELECT lower('МИР'), 'b' > 'A', datcollate FROM pg_database LIMIT 1").fetchone() == (
            "мир", True, "C",
        )  # fmt: skip


def _has_locale(name: str) -> bool:
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, name)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return True


def test_only_the_owner_gets_in(reachable_home: Path) -> None:
    """The server listens on loopback alone and wants a password, which only the owner of the home can read."""
    url = embedded.start()
    connections = psutil.Process(server_pid(reachable_home)).net_connections("tcp")
    assert {connection.laddr.ip for connection in connections} == {"127.0.0.1"}
    passwords = json.loads((reachable_home / "postgres.json").read_text())
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url.replace(passwords["landfall"], "canary-guess-1"))
    assert stat.S_IMODE((reachable_home / "postgres.json").stat().st_mode) == 0o600
    log = (reachable_home / "postgres" / "postgres.log").read_text()
    assert not any(passwords[role] in log for role in ("postgres", "landfall", "prefect"))


def test_a_second_start_changes_nothing(reachable_home: Path) -> None:
    """Whoever starts a server that runs gets its address, and hears nothing."""
    said: list[str] = []
    url = embedded.start()
    pid = server_pid(reachable_home)
    assert embedded.start(said.append) == url == embedded.running_url()
    assert server_pid(reachable_home) == pid
    assert said == []


def test_two_processes_get_one_server(reachable_home: Path) -> None:
    """Two commands that both find no server end up on the same one."""
    starts = [subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    urls = {process.communicate(timeout=120)[0].strip() for process in starts}
    assert urls == {embedded.running_url()}


def test_what_landed_survives_a_stop(reachable_home: Path) -> None:
    """Stopping and starting again brings everything back under the same address."""
    url = embedded.start()
    with psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 1 AS x")
    assert embedded.stop() is True
    assert embedded.running_url() is None
    assert embedded.stop() is False
    assert embedded.start() == url
    with psycopg.connect(url) as conn:
        assert conn.execute("SELECT x FROM kept").fetchone() == (1,)


def test_a_killed_server_comes_back(reachable_home: Path) -> None:
    """A crash leaves a pid file behind; the next start copes with it and loses nothing that was committed."""
    url = embedded.start()
    with psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 1 AS x")
    os.kill(server_pid(reachable_home), signal.SIGKILL)
    wait_until_gone(reachable_home)
    assert (reachable_home / "postgres/data/postmaster.pid").exists()
    with psycopg.connect(embedded.start()) as conn:
        assert conn.execute("SELECT x FROM kept").fetchone() == (1,)


def test_a_reused_process_number_does_not_block_the_start(reachable_home: Path) -> None:
    """A pid file whose number now belongs to another program of the same user is seen through."""
    embedded.start()
    pid_file = reachable_home / "postgres/data/postmaster.pid"
    text = pid_file.read_text()
    embedded.stop()
    user = pwd.getpwnam("nobody").pw_uid if AS_ROOT else None
    with subprocess.Popen(["sleep", "60"], user=user) as other:
        pid_file.write_text(f"{other.pid}\n" + text.partition("\n")[2])
        try:
            assert embedded.start()
            assert other.poll() is None
        finally:
            other.kill()


def test_another_major_version_is_named(reachable_home: Path) -> None:
    """Data of another Postgres are left alone, and both versions are named."""
    embedded.start()
    embedded.stop()
    (reachable_home / "postgres/data/PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by Postgres 15 and this is Postgres 18.*pg_dump"):
        embedded.start()


def test_a_taken_port_is_left_to_its_owner(reachable_home: Path) -> None:
    """When another program took the port, the server moves to another one and says so."""
    url = embedded.start()
    embedded.stop()
    port = psycopg.conninfo.conninfo_to_dict(url)["port"]
    said: list[str] = []
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", int(port)))
        other.listen()
        moved = embedded.start(said.append)
    assert moved != url
    assert embedded.running_url() == moved
    assert any(f"port {port} is taken" in line for line in said)


def test_lost_passwords_are_not_a_reason_to_begin_anew(reachable_home: Path) -> None:
    """Without the file of passwords the data are not touched; the message says what to restore."""
    embedded.start()
    embedded.stop()
    (reachable_home / "postgres.json").unlink()
    with pytest.raises(EmbeddedPostgresError, match=r"postgres\.json, which holds the passwords"):
        embedded.start()
    assert (reachable_home / "postgres/data/PG_VERSION").exists()


def test_a_set_up_that_was_cut_off_is_completed(reachable_home: Path) -> None:
    """A first start that ended between two of its steps is taken up where it was, and keeps what is there."""
    url = embedded.start()
    with psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 1 AS x")
    state = json.loads((reachable_home / "postgres.json").read_text())
    (reachable_home / "postgres.json").write_text(json.dumps(state | {"ready": False}))
    assert embedded.running_url() is None
    with psycopg.connect(embedded.start()) as conn:
        assert conn.execute("SELECT x FROM kept").fetchone() == (1,)


def test_an_interrupted_first_start_is_made_good(reachable_home: Path) -> None:
    """A first start that was cut off before its end is completed by the next one."""
    embedded.start()
    embedded.stop()
    state = json.loads((reachable_home / "postgres.json").read_text())
    (reachable_home / "postgres.json").write_text(json.dumps(state | {"ready": False}))
    (reachable_home / "postgres/data").rename(reachable_home / "postgres/data.new")
    with psycopg.connect(embedded.start()) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(not AS_ROOT, reason="only root can make a folder that belongs to somebody else")
def test_a_folder_of_somebody_else_is_refused(reachable_home: Path) -> None:
    """Data that belong to another user are neither taken over nor started; the message names folder and user."""
    embedded.start()
    embedded.stop()
    os.chown(reachable_home / "postgres", 12345, 12345)
    with pytest.raises(EmbeddedPostgresError, match=r"postgres belongs to user 12345"):
        embedded.start()


@pytest.mark.skipif(not AS_ROOT, reason="only root runs Postgres as another user")
def test_root_opens_no_folder(own_home: Path) -> None:
    """Where `nobody` cannot pass, root's data lie under /var/lib/landfall, and no folder changes its mode."""
    own_home.mkdir(mode=0o700)
    folders = [own_home, *own_home.parents]
    before = [folder.stat().st_mode for folder in folders]
    url = embedded.start()
    process = next(p for p in psutil.process_iter(["pid"]) if listens(p, url))
    data = Path(process.cmdline()[2])
    try:
        assert data.is_relative_to("/var/lib/landfall/homes")
        assert process.username() == "nobody"
        assert [folder.stat().st_mode for folder in folders] == before
        assert embedded.stop()
    finally:
        shutil.rmtree(data.parent.parent)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home that cannot be made is told with its path and what to set."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("LANDFALL_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(NotConfigured, match=r"file/home .*set LANDFALL_HOME"):
        embedded.start()


def test_a_full_disk_is_called_so() -> None:
    """What Postgres says when the disk is full becomes an error of its own, with what to do."""
    error = explain(
        'FATAL:  could not write lock file "postmaster.pid": No space left on device', "Postgres does not start"
    )
    assert isinstance(error, StorageFull)
    assert "Make space" in str(error)


def test_the_key_is_made_once(own_home: Path) -> None:
    """The key has 32 bytes, stays the same, and only its owner can read it."""
    key = embedded.encryption_key()
    assert len(base64.b64decode(key)) == 32
    assert embedded.encryption_key() == key
    assert stat.S_IMODE((home() / "encryption.key").stat().st_mode) == 0o600


def test_a_damaged_key_is_not_replaced(own_home: Path) -> None:
    """A file that holds no key is reported, not overwritten: what was sealed may still be saved."""
    (home() / "encryption.key").write_text("canary-no-key\n")
    with pytest.raises(StateCorrupt, match=r"encryption\.key holds no key of 32 bytes") as caught:
        embedded.encryption_key()
    assert "canary" not in str(caught.value)
    assert (home() / "encryption.key").read_text() == "canary-no-key\n"


def listens(process: psutil.Process, url: str) -> bool:
    port = int(psycopg.conninfo.conninfo_to_dict(url)["port"])
    try:
        return any(found.laddr.port == port and found.status == "LISTEN" for found in process.net_connections("tcp"))
    except psutil.Error:
        return False


def wait_until_gone(folder: Path) -> None:
    deadline = time.monotonic() + 20
    while server_of(folder).pid() is not None and time.monotonic() < deadline:
        time.sleep(0.02)
