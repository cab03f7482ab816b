"""What tests share: private Postgres servers, a Prefect server, and an environment without this machine's settings.

``database`` and ``empty_database`` are addresses of a database of the test's own; with the mark
``both_postgres`` such a test runs on Postgres 18 and 15. ``prefect_api`` is a Prefect server.
"""

import copy
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests import postgres
from tests.authority import write_certificates

# Where recorded answers are, and how large the proofs are to be whose usual size is small.
FOR_TESTS = ("LANDFALL_FIXTURES", "LANDFALL_EXAMPLES", "LANDFALL_TEST_")
QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "GX_ANALYTICS_ENABLED": "false"}

# The server shows an event after a second, not after five.
QUICK = {"PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "1"}


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a folder of its own, and keep the settings of whoever runs the tests out of them."""
    config.addinivalue_line("markers", "both_postgres: run the test on Postgres 18 and on 15, the oldest supported")
    if not hasattr(config, "workerinput"):
        ours = ("LANDFALL_", "PREFECT_", "PG")
        for name in [name for name in os.environ if name.startswith(ours) and not name.startswith(FOR_TESTS)]:
            del os.environ[name]
        # Root's servers run as another user, who must be able to reach them: not every TMPDIR allows that.
        place = "/tmp" if os.geteuid() == 0 else tempfile.gettempdir()
        _sweep(Path(place))
        scratch = Path(tempfile.mkdtemp(prefix="landfall-tests-", dir=place))
        scratch.chmod(0o711)
        (scratch / "owner.pid").write_text(str(os.getpid()))
        # Prefect reads the authorities for every client that it makes, though its server is on loopback; one takes no time.
        write_certificates(scratch)
        os.environ |= QUIET | QUICK | {"PREFECT_API_SSL_CERT_FILE": str(scratch / "ca.pem")}
        os.environ["LANDFALL_TEST_SCRATCH"] = str(scratch)
    os.environ["PREFECT_HOME"] = str(postgres.scratch() / f"prefect-{os.getpid()}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers and take the folder away once the last process of the run is done."""
    if not hasattr(config, "workerinput"):
        _remove(postgres.scratch())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test marked ``both_postgres`` on both versions."""
    if metafunc.definition.get_closest_marker("both_postgres"):
        metafunc.parametrize("postgres_version", ["18", "15"], scope="session")


@pytest.fixture(scope="session")
def postgres_version() -> str:
    """The major version of Postgres that the test runs on."""
    return "18"


@pytest.fixture
def empty_database(postgres_version: str) -> Iterator[str]:
    """The address of a database with Landfall's extensions and nothing else; its user may do what `landfall` may."""
    with postgres.fresh_database(postgres_version, "landfall") as url:
        yield url


@pytest.fixture
def database(postgres_version: str) -> Iterator[str]:
    """The address of a database with all migrations."""
    with postgres.fresh_database(postgres_version, "migrated") as url:
        yield url


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[str]:
    """The address of a real Prefect server, which this process' flows use; one for the whole session."""
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    # The heartbeat's thread costs a second a flow.
    without_heartbeat = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    with prefect_test_harness(server_startup_timeout=180), without_heartbeat, _schemas_made_once():
        yield str(PREFECT_API_URL.value())


@contextmanager
def _schemas_made_once() -> Iterator[None]:
    """Prefect makes the schema of a block anew for every field that it saves: half a second for one of thirty."""
    from prefect.blocks.core import Block

    make = Block.model_json_schema.__func__  # type: ignore[attr-defined]
    made = functools.cache(make)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Block, "model_json_schema", classmethod(lambda *how, **more: copy.deepcopy(made(*how, **more))))
        yield


@pytest.fixture(scope="session")
def mariadb() -> Any:
    """A MariaDB server for the whole session (`tests.mariadb.MariaDB`); skipped where there is none to be had."""
    from tests import mariadb

    return mariadb.server()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of the test's own: nothing it does touches that of whoever runs the tests."""
    monkeypatch.setenv("LANDFALL_HOME", str(tmp_path / "home"))
    for name in ("LANDFALL_DATABASE_URL", "LANDFALL_ENCRYPTION_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


@pytest.fixture
def reachable_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home for tests that start the embedded Postgres, where root's can live too; it is stopped afterwards."""
    home = Path(tempfile.mkdtemp(prefix="home-", dir=postgres.scratch()))
    home.chmod(0o711)
    monkeypatch.setenv("LANDFALL_HOME", str(home))
    yield home
    postgres.stop_all(home)


def _sweep(place: Path) -> None:
    """Remove what runs that were killed have left behind, if it is ours."""
    for folder in place.glob("landfall-tests-*"):
        with suppress(OSError, ValueError):
            mine = folder.stat().st_uid == os.geteuid()
            if mine and not psutil.pid_exists(int((folder / "owner.pid").read_text())):
                _remove(folder)


def _remove(folder: Path) -> None:
    from tests import mariadb

    postgres.stop_all(folder)
    mariadb.stop_all(folder)
    shutil.rmtree(folder, ignore_errors=True)
