"""Testing a connection and noting the outcome; shared by the flow `test-connection` and the command line."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from prefect.artifacts import create_table_artifact

from blocks import systems
from blocks.warehouse import database_url
from connectors.errors import ConnectorError
from connectors.redact import REDACTOR, Redactor
from tasks.origin import elsewhere, origin
from warehouse import connections
from warehouse.audit import Origin
from warehouse.connect import connect
from warehouse.errors import WarehouseError
from warehouse.migrate import upgrade


@dataclass(frozen=True, slots=True)
class Check:
    """What a test of a connection came to. ``response_ms`` is what the whole test took."""

    system: str
    name: str
    ok: bool
    sentence: str
    response_ms: int
    code: str | None = None
    details: dict[str, Any] = field(default_factory=dict)


def check_connection(system: str, name: str) -> Check:
    """Load the block, ask the system, note the outcome in ops.connection.

    A refusal is an answer, not an exception; so is another company than before under this name. Raises
    `UnknownSystem` and `UnknownConnection`.
    """
    block = systems.load(system, name)
    started = perf_counter()
    note_connection(system, name, block)
    try:
        details = block.test_connection()
        if _is_source(block):
            with _warehouse() as conn:
                connections.check_identity(conn, system, name, str(details["identity"]))
    except (ConnectorError, WarehouseError) as error:
        sentence = REDACTOR.redact(f"{error.code}: {error}")
        check = Check(system, name, False, sentence, _ms_since(started), error.code)
    else:
        said = ", ".join(f"{key} {_words(value)}" for key, value in details.items())
        check = Check(system, name, True, f"{system}/{name} answers: {said}", _ms_since(started), details=details)
    _note_outcome(check, block)
    return check


def note_connection(system: str, name: str, block: Any, by: Origin | None = None) -> None:
    """Write a connection and those of its fields that are no secrets to ops.connection.

    ``by`` is whoever has just saved the block; without, a difference is somebody else's, and is logged as that.
    """
    if _is_source(block):
        with _warehouse() as conn:
            note_block(conn, system, name, block, by)


def note_block(conn: Any, system: str, name: str, block: Any, by: Origin | None = None) -> None:
    """As `note_connection`, in a session that is open already; also of the connections that this one needs."""
    for needed, called in getattr(block, "uses", list)():
        note_block(conn, needed, called, systems.load(needed, called))
    clear, secrets = systems.values(block)
    # By shape alone (an address with a password): what else this process knows would differ from run to run.
    redact = Redactor().redact
    fields = {key: redact(value) if isinstance(value, str) else value for key, value in clear.items()}
    kind, provider = block.connection_type, block.provider
    connections.save(conn, name, system, kind, provider, fields, secrets=secrets, by=by or elsewhere())


def _note_outcome(check: Check, block: Any) -> None:
    if not _is_source(block):
        return
    with _warehouse() as conn:
        connections.note_test(conn, check.system, check.name, check.ok, check.sentence)
        connections.happened(conn, check.system, check.name, f"test {'passed' if check.ok else 'failed'}", origin())


def show_check(check: Check) -> None:
    """Put the outcome on the page of the flow run."""
    rows = [{"": key, "value": str(value)} for key, value in check.details.items()]
    rows.append({"": "answer", "value": "ok" if check.ok else check.sentence})
    rows.append({"": "response", "value": f"{check.response_ms} ms"})
    create_table_artifact(key=f"connection-{check.system}-{check.name}".lower(), table=rows, description=check.sentence)


def _ms_since(started: float) -> int:
    return round((perf_counter() - started) * 1000)


def _words(value: object) -> object:
    # What was asked of each part is for --json; the names of the parts are for people.
    return "/".join(map(str, value)) if isinstance(value, Mapping) else value


def _is_source(block: Any) -> bool:
    # The warehouse itself can be tested too, but no rows come from it.
    return hasattr(block, "connection_type")


@contextmanager
def _warehouse() -> Iterator[Any]:
    with closing(connect(database_url())) as conn:
        upgrade(conn)
        yield conn
