import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from cli.main import app

COMMANDS = sorted(
    [
        *(["connections", name] for name in ("list", "show", "test", "activate", "deactivate", "delete")),
        ["analyst", "add"],
        *(["cetec", name] for name in ("record-pull", "import-pulls", "map-resident", "residents")),
        *(["dead-letters", name] for name in ("list", "show", "replay")),
        *([name] for name in ("up", "down", "connect", "run", "schedule", "status", "runs", "tables", "doctor")),
        *([name] for name in ("upgrade", "docs", "demo")),
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
    group = typer.main.get_command(app)
    found = []
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        nested = getattr(command, "commands", None)
        found += [[name, inner] for inner in nested] if nested else [[name]]
    assert sorted(found) == sorted([*COMMANDS, ["psql"]])


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
