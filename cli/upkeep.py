"""Upkeep: `landfall upgrade`, `analyst add`, `psql`, `docs`."""

import os
import shutil
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import typer

from cli.console import FAILED, emit, fail, note
from cli.context import address_without_password, warehouse, warehouse_url

analyst = typer.Typer(help="Read-only logins for people who query what has landed.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="End with one JSON object.")]


def upgrade(as_json: AsJson = False) -> None:
    """Bring the database to what this version needs; doing it again changes nothing. Example: landfall upgrade"""
    from warehouse.connect import connect
    from warehouse.migrate import upgrade as migrate

    conn = connect(warehouse_url())
    try:
        done = migrate(conn)
    finally:
        conn.close()
    if as_json:
        emit({"migrations": done})
        return
    print("\n".join(done) or "The database is current.")


@analyst.command("add")
def add_analyst(name: Annotated[str, typer.Argument(help="The login to make.")], as_json: AsJson = False) -> None:
    """Make a read-only login, or give one a new password, and say how to use it. Example: landfall analyst add reports"""
    from warehouse import analyst as logins

    with warehouse() as conn:
        try:
            password = logins.add(conn, name)
        except ValueError as error:
            fail(str(error), code="LoginTaken", status=FAILED)
        info = conn.info
        address = f"postgresql://{name}@{info.host}:{info.port}/{info.dbname}"
    if as_json:
        emit({"login": name, "password": password, "address": address})
        return
    print(f"Address   {address}")
    print(f"Password  {password}   (shown this once)")
    print("Reads everything that has landed; writes nothing.")


def psql(context: typer.Context) -> None:
    """Open psql on the database that rows land in. Example: landfall psql -c 'SELECT * FROM ops.freshness'"""
    url = warehouse_url()
    program = shutil.which("psql")
    if program is None:
        from warehouse import embedded

        program = str(embedded.programs() / "psql")
    # The password goes by the environment: the arguments of a program are there for every user to see.
    environment = {**os.environ, "PGPASSWORD": unquote(urlsplit(url).password or "")}
    os.execve(program, [program, address_without_password(url), *context.args], environment)  # noqa: S606


def docs(check: Annotated[bool, typer.Option("--check", help="Only say whether they are current.")] = False) -> None:
    """Write docs/tables.md and docs/errors.md from the code. Example: landfall docs --check"""
    from cli.documents import documents

    stale = []
    for path, text in documents().items():
        if path.exists() and path.read_text() == text:
            continue
        stale.append(path)
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    names = ", ".join(_short(path) for path in stale)
    if check and stale:
        note(f"Not current: {names}. Run `./run landfall docs` and commit them.")
        raise typer.Exit(FAILED)
    note(f"wrote {names}" if stale else "docs are current")


def _short(path: Path) -> str:
    return "/".join(path.parts[-2:])
