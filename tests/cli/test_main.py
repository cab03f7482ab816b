import subprocess
import sys
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli.main import app

COMMANDS = sorted(
    [
        *(["connections", name] for name in ("list", "show", "test", "activate", "deactivate", "delete")),
        ["analyst", "add"],
        *(["audit", name] for name in ("list", "verify")),
        *(["erp", party, name] for party in ("client", "site") for name in ("add", "list", "remove")),
        *(["erp", "assign", party] for party in ("client", "site")),
        *(["erp", "config", name] for name in ("set", "list")),
        *(["erp", "map", name] for name in ("check", "preview")),
        *(["erp", name] for name in ("unassign", "assignments", "effective", "statistics")),
        *(["cetec", name] for name in ("record-pull", "import-pulls", "map-resident", "residents")),
        *(["microshare", "plan", name] for name in ("list", "show", "approve", "apply", "undo")),
        *(["microshare", "device", name] for name in ("create", "update", "delete")),
        *(["dead-letters", name] for name in ("list", "show", "replay")),
        *(
            [name]
            for name in ("up", "down", "connect", "run", "schedule", "schedules", "status", "runs", "tables", "doctor")
        ),
        *([name] for name in ("search", "upgrade", "docs", "demo")),
    ]
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    """Each command has a help text with an example that begins with `landfall`."""
    answer = CliRunner().invoke(app, [*command, "--help"])
    assert answer.exit_code == 0
    if command[0] not in ("down",):
        assert f"landfall {' '.join(command)}" in " ".join(answer.output.split())


def test_no_command_goes_untested() -> None:
    """The list above holds every command that there is, so that a new one without help is noticed."""

    def commands(group: Any) -> list[list[str]]:
        nested = getattr(group, "commands", {})
        return [[name, *rest] for name, inner in nested.items() for rest in commands(inner)] or [[]]

    assert sorted(commands(typer.main.get_command(app))) == sorted([*COMMANDS, ["psql"]])


def test_help_comes_at_once() -> None:
    """`landfall --help` loads neither Prefect nor Postgres nor the systems' clients."""
    script = (
        "import sys\nfrom cli.main import app\n"
        "heavy = {'prefect', 'psycopg', 'httpx', 'pandas', 'rich.table'} & set(sys.modules)\nprint(heavy or 'light')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "light"


def test_a_wrong_command_is_a_usage_error() -> None:
    """A command that does not exist ends with 2, as shells expect."""
    assert CliRunner().invoke(app, ["lnad"]).exit_code == 2
