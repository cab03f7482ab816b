from collections.abc import Iterator

import pytest
from prefect.client.orchestration import get_client
from prefect.variables import Variable

from blocks import systems
from deployments import bootstrap

GIVEN = {"realm_id": "1", "client_id": "app", "client_secret": "canary-s", "refresh_token": "canary-r"}
HOURLY = "refresh-quickbooks/hourly"


@pytest.fixture
def server(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A Prefect server that the programs which bootstrap starts find too."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    return prefect_api


@pytest.fixture
def connection() -> Iterator[str]:
    """The QuickBooks connection main, gone afterwards."""
    yield "main"
    if "main" in systems.connections("quickbooks"):
        systems.delete("quickbooks", "main")
    Variable.unset("landfall_bootstrap")


def _silent(_: str) -> None:
    pass


def _hourly_is_on() -> bool:
    with get_client(sync_client=True) as client:
        return bool(client.read_deployment_by_name(HOURLY).schedules[0].active)


def test_what_is_declared_is_what_the_server_gets(server: str) -> None:
    """After bootstrap the server has the pool, the automation and every deployment of prefect.yaml, importable anywhere."""
    bootstrap.bootstrap(echo=_silent)
    with get_client(sync_client=True) as client:
        pool = client.read_work_pool("landfall")
        assert pool.type == "process"
        environment = pool.base_job_template["variables"]["properties"]["env"]["default"]
        assert environment == {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(bootstrap.HEARTBEAT_S)}
        assert bootstrap.SILENCE.total_seconds() >= 3 * bootstrap.HEARTBEAT_S
        assert len(client.read_automations_by_name(bootstrap.ZOMBIES)) == 1
        found = bootstrap.deployed(client)
        assert {HOURLY, "test-connection/any"} <= bootstrap.declared() <= found.keys()
        for name in bootstrap.declared():
            assert str(bootstrap.ROOT) not in str(found[name].pull_steps)
            assert found[name].entrypoint is not None
            assert found[name].entrypoint.startswith("flows.")


def test_a_second_time_changes_nothing(server: str) -> None:
    """Bootstrap can run at every start: it makes nothing twice."""
    bootstrap.bootstrap(echo=_silent)
    assert bootstrap.bootstrap(echo=_silent) == []


def test_a_deleted_deployment_comes_back(server: str) -> None:
    """What somebody deleted in the UI is made again at the next start."""
    bootstrap.bootstrap(echo=_silent)
    with get_client(sync_client=True) as client:
        client.delete_deployment(client.read_deployment_by_name("test-connection/any").id)
        assert any("deployments" in made for made in bootstrap.bootstrap(echo=_silent))
        assert client.read_deployment_by_name("test-connection/any").name == "any"


def test_no_schedule_runs_for_a_company_that_nobody_connected(server: str, connection: str) -> None:
    """A schedule is off until its connection is made, and then stays as it is when everything is deployed again."""
    bootstrap.bootstrap(echo=_silent)
    if _hourly_is_on():
        Variable.unset("landfall_bootstrap")
        bootstrap.bootstrap(echo=_silent)
    assert not _hourly_is_on()
    systems.save("quickbooks", connection, GIVEN)
    assert bootstrap.start_schedules(connection) == [HOURLY]
    assert _hourly_is_on()
    Variable.unset("landfall_bootstrap")
    bootstrap.bootstrap(echo=_silent)
    assert _hourly_is_on()


def test_a_failing_deploy_says_why(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When `prefect deploy` fails, its last words and the command to try are in the error."""
    monkeypatch.setattr(bootstrap, "_is_current", lambda _: False)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(bootstrap.DeployFailed, match=r"\./run prefect deploy --all"):
        bootstrap.bootstrap(echo=_silent)
