"""What tests of the ERP hub share: making a connection with the command line, and what is asked of the database."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.cli.conftest import PACE, Landfall, answer

SECRETS = ("password", "api_key", "client_secret", "private_key")


def connect(
    landfall: Landfall, monkeypatch: pytest.MonkeyPatch, system: str, name: str, given: Mapping[str, Any], *options: str
) -> None:
    """Connect a system as a person does; it must pass its test, unless the options say otherwise."""
    arguments = ["connect", system, f"--name={name}", *options]
    for field, value in {**({} if system == "erp-sftp" else PACE), **given}.items():
        if field in SECRETS:
            monkeypatch.setenv(field.upper(), str(value))
            arguments.append(f"--secret={field}={field.upper()}")
        else:
            arguments.append(f"--set={field}={value}")
    result = landfall(*arguments)
    assert result.exit_code == 0, result.output


def run(landfall: Landfall, name: str, *parameters: str, exit_code: int = 0) -> dict[str, Any]:
    """Run `sync-erp` on a connection; its answer."""
    options = [part for pair in parameters for part in ("-p", pair)]
    result = landfall("run", "erp", "--connection", name, *options, "--json")
    assert result.exit_code == exit_code, result.output
    return answer(result)


def ok(landfall: Landfall, *arguments: str) -> str:
    """Give a command that has to succeed; what it printed."""
    result = landfall(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def rows(database: str, query: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Ask the warehouse."""
    with psycopg.connect(database, row_factory=dict_row) as session:
        return session.execute(query, values).fetchall()  # type: ignore[arg-type]
