"""Replaying dead letters: the records that were kept go through the landing once more."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from importlib import import_module
from importlib.util import find_spec
from uuid import uuid4

from connectors.catalog import find_stream
from connectors.redact import REDACTOR
from connectors.stream import Page, Stream
from warehouse import connections
from warehouse.connect import connect
from warehouse.dead_letters import Kept, open_letters
from warehouse.errors import NotConfigured
from warehouse.landing import Options, land
from warehouse.run_log import Counts, Run


def replay(url: str, *, number: int | None = None, fingerprint: str | None = None) -> dict[str, Counts]:
    """Land open dead letters again: all, one, or those of one cause. The counts for each sync/connection/stream.

    What lands closes its dead letter; what still cannot land stays open. A record that has landed in a newer
    version meanwhile is not set back.
    """
    with closing(connect(url)) as session:
        letters = open_letters(session, number=number, fingerprint=fingerprint)
    groups: dict[tuple[str, str, str], list[Kept]] = defaultdict(list)
    for letter in letters:
        groups[letter.sync, letter.connection, letter.stream].append(letter)
    return {"/".join(where): _land(url, where, group) for where, group in groups.items()}


def _stream(url: str, sync: str, connection: str, name: str) -> Stream | None:
    """The stream that a sync lands; where each connection has its own, as ``tasks/SYNC.py`` says with ``stream_of``."""
    found = find_spec(f"tasks.{sync}")
    own = getattr(import_module(found.name), "stream_of", None) if found else None
    stream: Stream | None = own(url, connection, name) if own else find_stream(sync, name)
    return stream


def _land(url: str, where: tuple[str, str, str], letters: Sequence[Kept]) -> Counts:
    sync, connection, name = where
    stream = _stream(url, sync, connection, name)
    if stream is None:
        raise NotConfigured(f"No connector declares the stream {sync}.{name} any more, so its dead letters cannot land")
    with closing(connect(url)) as session:
        rows = [row for row in connections.list_all(session) if row["name"] == connection]
    known = next((row for row in rows if row["kind"] == sync or row["kind"].startswith(f"{sync}-")), {})
    page = Page([letter.payload for letter in letters], at="the dead letters")
    options = Options(redact=REDACTOR.redact, accept_drift=True, identity=known.get("identity"))
    return land(url, Run(uuid4(), sync, connection), stream, lambda _cursor: iter([page]), options).counts
