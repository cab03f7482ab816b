"""Which files of a drop folder have landed: what the cursor of a landing says, and all that was noted before it."""

from collections.abc import Collection, Sequence
from contextlib import closing
from typing import Any

from warehouse.connect import connect, translated

File = tuple[str, str]


class FileLedger:
    """The files of one connection; each call has a session of its own, so that threads may share it.

    The cursor of a stream names the files of its last landing and is committed with their rows. `committed` reads it;
    `note` writes it down for good, after the fact: what a killed run could not note is noted by the next one.
    """

    def __init__(self, url: str, connection: str) -> None:
        self._url, self._connection = url, connection

    def committed(self, stream: str) -> list[File]:
        """Names and SHA-256 of the files in the last landing of a stream."""
        row = self._ask(
            "SELECT cursor -> 'files' FROM ops.sync_cursor WHERE (sync, connection, stream) = ('erp', %s, %s)",
            (self._connection, stream),
        )
        return [(str(name), str(sha256)) for name, sha256 in (row[0][0] or [] if row else [])]

    def last(self, stream: str, names: Collection[str]) -> dict[str, str]:
        """SHA-256 of the last file that landed under each of these names."""
        rows = self._ask(
            "SELECT DISTINCT ON (name) name, sha256 FROM erp.landed_file"
            " WHERE connection = %s AND stream = %s AND name = ANY(%s) ORDER BY name, id DESC",
            (self._connection, stream, list(names)),
        )
        return {str(name): str(sha256) for name, sha256 in rows}

    def note(self, stream: str, files: Sequence[File]) -> None:
        """Note files that have landed, in their order; one that is the last of its name already is not noted again."""
        with closing(connect(self._url, "landfall files")) as session, translated("noting files"):
            for name, sha256 in files:
                session.execute(
                    "INSERT INTO erp.landed_file (connection, stream, name, sha256) SELECT %(c)s, %(s)s, %(n)s, %(h)s"
                    " WHERE %(h)s IS DISTINCT FROM (SELECT sha256 FROM erp.landed_file"
                    " WHERE connection = %(c)s AND stream = %(s)s AND name = %(n)s ORDER BY id DESC LIMIT 1)",
                    {"c": self._connection, "s": stream, "n": name, "h": sha256},
                )

    def _ask(self, query: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with closing(connect(self._url, "landfall files")) as session, translated("reading which files have landed"):
            return session.execute(query, values).fetchall()
