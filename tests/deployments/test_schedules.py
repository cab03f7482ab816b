from collections.abc import Iterator

import pytest
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from blocks import systems
from deployments import bootstrap, schedules

GIVEN = {"realm_id": "1", "client_id": "app", "client_secret": "canary-s", "refresh_token": "canary-r"}


@pytest.fixture(autouse=True)
def connections(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two connected companies, main and west, on a server that has been set up."""
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    bootstrap.bootstrap(echo=lambda _: None)
    for name in ("main", "west"):
        systems.save("quickbooks", name, GIVEN)
    bootstrap.start_schedules("main")
    yield
    for name in ("main", "west"):
        schedules.unschedule("quickbooks", name)
        systems.delete("quickbooks", name)


def _read(full_name: str) -> tuple[str, str, bool]:
    with get_client(sync_client=True) as client:
        only = client.read_deployment_by_name(full_name).schedules[0]
        return only.schedule.cron, only.schedule.timezone or "", only.active  # type: ignore[union-attr]


def test_a_connection_gets_its_own_times() -> None:
    """A second company runs when its own schedule says, as a deployment that can be seen in the UI."""
    name = schedules.schedule("quickbooks", "west", "7 6-20 * * 1-5", "America/Denver")
    assert name == "refresh-quickbooks/west"
    assert _read(name) == ("7 6-20 * * 1-5", "America/Denver", True)


def test_changing_the_times_leaves_one_schedule() -> None:
    """Scheduling again replaces the times."""
    schedules.schedule("quickbooks", "west", "7 * * * *", "UTC")
    name = schedules.schedule("quickbooks", "west", "9 * * * *", "UTC")
    assert _read(name)[0] == "9 * * * *"
    with get_client(sync_client=True) as client:
        assert len(client.read_deployment_by_name(name).schedules) == 1


def test_main_never_runs_twice() -> None:
    """Own times for main switch prefect.yaml's schedule off, and removing them switches it on again."""
    schedules.schedule("quickbooks", "main", "5 * * * *", "UTC")
    assert not _read("refresh-quickbooks/hourly")[2]
    assert schedules.unschedule("quickbooks", "main")
    assert _read("refresh-quickbooks/hourly")[2]
    assert not schedules.unschedule("quickbooks", "main")


def test_a_part_has_times_beside_those_of_the_whole() -> None:
    """A schedule with parameters of its own leaves the others of its connection alone, and goes with the connection."""
    name = schedules.schedule("quickbooks", "main", "0 2 * * *", "Europe/Berlin", {"full": True})
    assert name == "refresh-quickbooks/main.full-true"
    assert _read(name) == ("0 2 * * *", "Europe/Berlin", True)
    assert _read("refresh-quickbooks/hourly")[2], "the whole still runs"
    schedules.schedule("quickbooks", "main", "5 * * * *", "UTC")
    assert _read(name)[2]
    assert not _read("refresh-quickbooks/hourly")[2]
    assert schedules.times("quickbooks", "main", {"full": True}) == {
        "cron": "0 2 * * *", "timezone": "Europe/Berlin", "active": True,
    }  # fmt: skip
    assert schedules.unschedule("quickbooks", "main", {"full": True})
    assert schedules.times("quickbooks", "main", {"full": True}) is None
    assert not _read("refresh-quickbooks/hourly")[2], "the whole has times of its own still"


@pytest.mark.parametrize(("cron", "timezone"), [("99 * * *", "UTC"), ("hourly", "UTC"), ("7 * * * *", "Denver")])
def test_wrong_times_are_refused_with_the_form(cron: str, timezone: str) -> None:
    """A wrong expression or zone is answered with what is wrong and how it is written."""
    with pytest.raises(schedules.BadSchedule, match="Write five fields"):
        schedules.schedule("quickbooks", "west", cron, timezone)


def test_a_declared_deployment_is_not_overwritten() -> None:
    """A connection named as a deployment of prefect.yaml cannot take its place."""
    with pytest.raises(schedules.BadSchedule, match=r"prefect\.yaml has a deployment refresh-quickbooks/hourly"):
        schedules.schedule("quickbooks", "hourly", "7 * * * *", "UTC")


def test_a_deleted_connection_has_no_schedule_left() -> None:
    """Deleting a connection takes its own schedule away and leaves the others'."""
    schedules.schedule("quickbooks", "west", "7 * * * *", "UTC")
    assert schedules.remove_all("quickbooks", "west") == ["refresh-quickbooks/west"]
    with get_client(sync_client=True) as client, pytest.raises(ObjectNotFound):
        client.read_deployment_by_name("refresh-quickbooks/west")
    assert _read("refresh-quickbooks/hourly")[2]
