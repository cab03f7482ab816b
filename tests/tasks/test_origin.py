"""Who is behind a run: a person, a schedule, or nobody that is known."""

from types import SimpleNamespace
from typing import Any

import pytest
from prefect.client.schemas.objects import CreatedBy

from tasks import origin


def _in_a_run(monkeypatch: pytest.MonkeyPatch, deployment: str | None = None, **flow_run: Any) -> None:
    ordinary = {"auto_scheduled": False, "parent_task_run_id": None, "created_by": None}
    found = SimpleNamespace(**ordinary | {"deployment_id": "1" if deployment else None} | flow_run)
    monkeypatch.setattr(origin.FlowRunContext, "get", lambda: SimpleNamespace(flow_run=found))
    ours = SimpleNamespace(
        deployment=SimpleNamespace(name=deployment),
        flow_run=SimpleNamespace(flow_name="sync-acme"),
    )
    monkeypatch.setattr(origin, "runtime", ours)


def test_what_a_schedule_starts_is_no_persons_doing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of schedules, automations and other flows are not logged as somebody's."""
    person: list[dict[str, Any]] = [{}, {"created_by": CreatedBy(display_value="somebody")}]
    machine: list[dict[str, Any]] = [
        {"auto_scheduled": True}, {"parent_task_run_id": "1"}, {"created_by": CreatedBy(type="AUTOMATION")},
    ]  # fmt: skip
    for started, expected in [(each, True) for each in person] + [(each, False) for each in machine]:
        _in_a_run(monkeypatch, "hourly", **started)
        assert origin.started_by_a_person() is expected, started


def test_who_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a command line it is the user of the machine; in a worker whoever Prefect names, else unknown."""
    _in_a_run(monkeypatch)
    monkeypatch.setenv("SUDO_USER", "night-shift")
    here = origin.origin()
    assert here.actor.endswith("(sudo by night-shift)")
    assert (here.via, bool(here.host)) == ("cli", True)
    _in_a_run(monkeypatch, "hourly", created_by=CreatedBy(display_value="somebody"))
    assert (origin.origin().actor, origin.origin().via) == ("somebody", "flow sync-acme/hourly")
    _in_a_run(monkeypatch, "hourly")
    assert origin.origin().actor == "unknown"
