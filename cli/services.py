"""`landfall up` and `landfall down`."""

from typing import Annotated

import typer

from cli.console import emit, note


def up(as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False) -> None:
    """Start Postgres, the Prefect server with its UI and a worker in the background, and deploy what runs when.

    What runs already is left alone. Example: landfall up
    """
    from deployments import services

    found = services.up(echo=note)
    from deployments.bootstrap import bootstrap

    bootstrap(echo=lambda made: note(f"made {made}"))
    if as_json:
        emit(found)
        return
    print(f"Prefect UI   {found.get('ui')}")
    print("Next         landfall connect SYSTEM, landfall run SYNC, landfall status; landfall down stops it")


def down(as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False) -> None:
    """Stop what `landfall up` started. What has landed stays. Example: landfall down"""
    from deployments import services

    stopped = services.down(echo=note)
    if as_json:
        emit({"stopped": stopped})
