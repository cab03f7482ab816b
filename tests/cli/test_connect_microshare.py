"""Connecting a Microshare tenant, and the source of its inspection points, on the command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from blocks import systems
from sandbox import microshare
from tests.cli.conftest import Landfall, answer


@pytest.fixture(scope="module")
def vendor() -> Iterator[microshare.Microshare]:
    """A small tenant."""
    with microshare.running(clusters=1, devices=3) as running:
        yield running


@pytest.fixture
def arguments(vendor: microshare.Microshare, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What connects `main` to it, the password in a variable; the connections are gone afterwards."""
    monkeypatch.setenv("MS_PASSWORD", microshare.PASSWORD)
    plain = {name: value for name, value in vendor.connection().items() if name != "password"}
    given = [f"--set={name}={value}" for name, value in plain.items()]
    yield ["connect", "microshare", "--name=main", *given, "--secret=password=MS_PASSWORD", "--json"]
    for system, name in (("microshare", "main"), ("record-source", "points")):
        if name in systems.connections(system):
            systems.delete(system, name)


def test_a_tenant_and_its_points_are_connected(
    landfall: Landfall, vendor: microshare.Microshare, arguments: list[str], tmp_path: Path
) -> None:
    """Two commands connect both, each with a test that says what it sees; JSON fields are given as JSON."""
    path = tmp_path / "points.csv"
    path.write_text("key,code\n1,R1\n2,R2\n")
    mapping = json.dumps({"id": "key", "reference": "code"})
    result = landfall(
        "connect", "record-source", "--name=points", "--set=kind=csv", f"--set=address={path}", f"--set=mapping={mapping}",
        "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    found = answer(result)["details"]
    assert (found["rows"], found["first id"], found["first reference"]) == ("2 in the first part", "1", "R1")
    rules = json.dumps([{"kind": "trap", "cluster": "Traps 1 | Motion"}])
    result = landfall(*arguments, "--set=points=points", f"--set=cluster_rules={rules}")
    assert result.exit_code == 0, result.output
    found = answer(result)["details"]
    assert (found["clusters"], found["devices"], found["points"]) == (2, 9, "record-source/points")
    [row] = [
        each
        for each in answer(landfall("connections", "list", "--json"))["connections"]
        if each["kind"] == "microshare"
    ]
    assert (row["status"], row["type"]) == ("active", "iot")
    assert row["identity"].startswith("sandbox@tenant.example at 127.0.0.1")
    assert systems.load("microshare", "main").rules().clusters[0]["cluster"] == "Traps 1 | Motion"


def test_a_wrong_password_is_found_at_once(
    landfall: Landfall, vendor: microshare.Microshare, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong password fails the test although the token of before is good, and the right one works right after it."""
    assert landfall(*arguments).exit_code == 0
    monkeypatch.setenv("MS_PASSWORD", "canary-wrong-password")
    result = landfall(*arguments)
    assert result.exit_code == 1
    assert answer(result)["error"]["code"] == "AuthRejected"
    assert "canary" not in result.output
    monkeypatch.setenv("MS_PASSWORD", microshare.PASSWORD)
    assert landfall(*arguments).exit_code == 0
    vendor.hidden = 9
    assert (
        "pest tenants live at"
        in answer(landfall("connections", "test", "microshare", "main", "--json"))["details"]["hint"]
    )
    vendor.hidden = 0


def test_what_is_missing_or_wrong_is_named(landfall: Landfall, arguments: list[str]) -> None:
    """A missing field, a rule without a cluster and a source that there is not are each told in a sentence."""
    result = landfall("connect", "microshare", "--name=main", "--json")
    assert result.exit_code == 2
    assert "also needs username, password" in answer(result)["error"]["message"]
    result = landfall(*arguments, '--set=cluster_rules=[{"site":"x"}]')
    assert result.exit_code == 2
    assert "rule 1 names no cluster" in answer(result)["error"]["message"]
    result = landfall(*arguments, "--set=points=nowhere")
    assert result.exit_code != 0
    assert "There is no connection record-source/nowhere" in str(result.exception or result.output)
