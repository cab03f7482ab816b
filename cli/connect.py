"""`landfall connect`: makes or changes the block of a connection, then tests it."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cli.console import FAILED, emit, fail, note
from cli.context import use_prefect, warehouse
from cli.sign_in import REDIRECT_URI, WAIT_S, begin, resume


def connect(
    system: Annotated[str, typer.Argument(help="The kind of system: quickbooks, microshare, warehouse, …")],
    name: Annotated[str, typer.Option(help="What to call this connection.")] = "main",
    given: Annotated[list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A field. Repeat.")] = None,
    secret: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=ENVVAR", help="A secret, read from this variable. Repeat.")
    ] = None,
    no_test: Annotated[bool, typer.Option("--no-test", help="Do not ask the system whether it works.")] = False,
    sign_in: Annotated[bool, typer.Option("--sign-in", help="Get the consent in a browser.")] = False,
    redirect_uri: Annotated[
        str, typer.Option(help="Where the browser is sent back to, as named in the vendor's portal.")
    ] = REDIRECT_URI,
    redirect: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address that the browser ended on, of a sign-in begun before.")
    ] = "",
    browser: Annotated[bool, typer.Option(help="Open the address to sign in at.")] = True,
    wait_s: Annotated[float, typer.Option(min=1, help="Seconds to wait for the sign-in.")] = WAIT_S,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False,
) -> None:
    """Make a connection, or change one: fields that are not given stay as they are.

    \b
    export QB_SECRET=… QB_REFRESH=…
    landfall connect quickbooks --name main --set realm_id=123 --set client_id=abc \\
        --secret client_secret=QB_SECRET --secret refresh_token=QB_REFRESH

    \b
    landfall connect quickbooks --name main --set client_id=abc --secret client_secret=QB_SECRET --sign-in

    \b
    landfall connect record-source --name points --set kind=csv --set address=/data/points.csv
    landfall connect microshare --name main --set username=sync@tenant.example --secret password=MS_PASSWORD \\
        --set points=points

    Without a field, `landfall connect SYSTEM` lists all of them.
    """
    use_prefect()
    from blocks import systems
    from deployments import bootstrap
    from tasks.connection import note_connection
    from tasks.origin import origin

    try:
        fields = {field.name: field for field in systems.fields(system)}
    except systems.UnknownSystem as error:
        fail(str(error), code=error.code)
    values = {**plain_values(system, given or [], fields), **secret_values(system, secret or [], fields)}
    bootstrap.bootstrap(echo=lambda made: note(f"made {made}"))
    is_new = name not in systems.connections(system)
    if is_new and (others := systems.namesakes(system, name)):
        # One sync serves both, and the rows that it lands are told apart by the name alone.
        fail(f"There is a connection {others[0]}/{name} already: give this one another name.", code="NameTaken")
    merged = {**systems.saved_values(system, name), **values}
    tokens: Mapping[str, Any] | None = None
    if sign_in or redirect:
        wish = Wish(redirect_uri, redirect, wait_s, browser and sys.stdout.isatty())
        decided, tokens = signed_in(system, name, merged, wish)
        merged |= decided
    missing = [field.name for field in fields.values() if field.required and field.name not in merged]
    if missing:
        fail(f"{system} also needs {', '.join(missing)}.\n{describe(system, fields)}", code="MissingField")
    if not is_new:  # what others have changed meanwhile is not this command's doing
        note_connection(system, name, systems.load(system, name))
    try:
        systems.save(system, name, merged)
    except ValueError as error:
        fail(str(error), code="BadField")
    note_connection(system, name, systems.load(system, name), origin())
    if tokens is not None:
        systems.load(system, name).keep(tokens)
    note(f"{'made' if is_new else 'changed'} the connection {system}/{name}")
    if is_new:
        for deployment in bootstrap.start_schedules(name):
            note(f"its schedule runs from now on: {deployment}")
            log_schedule("schedule.started", deployment)
    finish(system, name, test=not no_test, as_json=as_json)


def log_schedule(action: str, deployment: str) -> None:
    """Put in the audit log that a schedule of prefect.yaml was switched on or off."""
    from tasks.origin import origin
    from warehouse import audit

    with warehouse() as conn:
        audit.append(conn, origin(), action, f"schedule {deployment}")


@dataclass(frozen=True, slots=True)
class Wish:
    """How to sign in: the registered redirect address, a redirect that came already, patience, and a browser or not."""

    redirect_uri: str
    redirect: str
    wait_s: float
    browser: bool


def signed_in(
    system: str, name: str, merged: Mapping[str, Any], wish: Wish
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """Let a person sign in: the fields of the block that follow, and the tokens; whatever goes wrong ends the command."""
    from blocks import systems
    from connectors.errors import ConnectorError
    from warehouse.home import home

    kind: Any = systems.block_class(system)
    if not hasattr(kind, "signed_in"):
        fail(f"{system} has no sign-in; give its fields with --set and --secret.", code="NoSignIn")
    if lacking := [field for field in ("client_id", "client_secret") if not merged.get(field)]:
        fail(f"A sign-in to {system} needs {' and '.join(lacking)} first.", code="MissingField")
    where = home() / f"sign-in-{system}-{name.replace('/', '-')}.json"
    if wish.redirect:
        came = resume(where, wish.redirect)
    else:
        came = begin(
            where, lambda state: str(kind.sign_in_address(merged, wish.redirect_uri, state)), wish.redirect_uri,
            wish.wait_s, wish.browser,
        )  # fmt: skip
    try:
        decided, tokens = kind.signed_in(merged, came.url, came.redirect_uri, came.state)
    except ConnectorError as error:
        fail(f"{error} {error.cure}", code=error.code, status=FAILED)
    return decided, tokens


def finish(system: str, name: str, *, test: bool, as_json: bool) -> None:
    """Test the connection if asked to; say the outcome, exit 1 when the system refused."""
    from tasks.connection import check_connection

    if not test:
        if as_json:
            emit({"system": system, "name": name, "tested": False})
        return
    check = check_connection(system, name)
    if as_json:
        error = None if check.ok else {"code": check.code, "message": check.sentence}
        answer = {"system": system, "name": name, "tested": True, "ok": check.ok, "error": error}
        emit({**answer, "response_ms": check.response_ms, "details": check.details})
    else:
        note(f"{check.sentence} ({check.response_ms} ms)")
    if not check.ok:
        note(f"The connection is saved; correct it with `landfall connect {system} --name {name} …`.")
        raise typer.Exit(FAILED)


def plain_values(system: str, given: list[str], fields: dict[str, Any]) -> dict[str, str]:
    """Read the FIELD=VALUE pairs of --set; a secret among them is refused, since a shell remembers its commands."""
    values = {}
    for pair in given:
        field, value = _split(system, pair, "--set FIELD=VALUE", fields)
        if fields[field].secret:
            fail(
                f"{field} is a secret and a shell remembers its commands: put it in a variable and give its name, "
                f"as in --secret {field}={field.upper()}.",
                code="SecretInCommand",
            )
        values[field] = value
    return values


def secret_values(system: str, given: list[str], fields: dict[str, Any]) -> dict[str, str]:
    """Read the FIELD=ENVVAR pairs of --secret: the values of those variables."""
    values = {}
    for pair in given:
        field, variable = _split(system, pair, "--secret FIELD=ENVVAR", fields)
        value = os.environ.get(variable)
        if not value:
            # The text may be the secret itself, put there by mistake: it is not repeated.
            shown = variable if variable.isidentifier() and variable.isupper() else "given for it"
            sentence = f"{field}: the variable {shown} is not set; the form is --secret {field}=NAME_OF_A_VARIABLE."
            fail(sentence, code="NoSecret")
        values[field] = value
    return values


def describe(system: str, fields: dict[str, Any]) -> str:
    """Say which fields a system has: name, whether required or secret, default, description."""
    lines = [f"Fields of {system}:"]
    for field in fields.values():
        kind = "required" if field.required else f"default {field.default}"
        option = "--secret" if field.secret else "--set"
        lines.append(f"  {option:<8} {field.name:<20} {kind}: {field.description}")
    return "\n".join(lines)


def _split(system: str, pair: str, form: str, fields: dict[str, Any]) -> tuple[str, str]:
    field, equals, value = pair.partition("=")
    if not equals:
        fail(f"{field!r} has no value: the form is {form}.")
    if field not in fields:
        fail(f"{system} has no field {field!r}.\n{describe(system, fields)}", code="UnknownField")
    return field, value
