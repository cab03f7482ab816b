"""How long readers wait while a column of a large table becomes wider: `./run python -m benchmarks.widening`.

A table of a million rows is landed into once more by a record type whose column has a wider type. Meanwhile one reader
asks for single rows without a pause, and another counts the table over and over; the longest answer of the first is
what readers wait at most. Beside it the same with ALTER COLUMN … TYPE, which rewrites the table.
"""

import argparse
import json
import threading
import time
import uuid
from typing import Annotated, Any

import msgspec
import psycopg

from benchmarks.place import scratch, target
from connectors.stream import Page, Stream, column
from warehouse.landing import Options, land
from warehouse.migrate import upgrade
from warehouse.run_log import Run

ROWS = 1_000_000


class Thing(msgspec.Struct):
    """A thing."""

    id: Annotated[str, column("Its id", source="id")]
    name: Annotated[str | None, column("Its name", source="name")] = None
    pieces: Annotated[int | None, column("How many", source="pieces")] = None


class Wider(Thing):
    """A thing whose pieces may be words."""

    pieces: Annotated[str | None, column("How many, in words too", source="pieces")] = None  # type: ignore[assignment]


class Reader(threading.Thread):
    """Asks the same until it is told to stop; ``longest`` is the longest answer in seconds."""

    def __init__(self, url: str, question: str) -> None:
        super().__init__(daemon=True)
        self.url, self.question = url, question
        self.longest, self.answers, self.done = 0.0, 0, threading.Event()

    def run(self) -> None:
        """Ask."""
        with psycopg.connect(self.url, autocommit=True, prepare_threshold=None) as session:
            while not self.done.is_set():
                began = time.perf_counter()
                session.execute(self.question.encode()).fetchall()
                self.longest = max(self.longest, time.perf_counter() - began)
                self.answers += 1

    def stop(self) -> float:
        """End; the longest answer."""
        self.done.set()
        self.join()
        return self.longest


def measure(rows: int = ROWS) -> dict[str, Any]:
    """Seconds: ``{"rows", "quiet_s", "widening_s", "longest_wait_s", "answers", "rewrite_longest_wait_s"}``."""
    with scratch() as folder, target(folder) as place:
        url = place.fresh("widening")
        with psycopg.connect(url, autocommit=True) as session:
            upgrade(session)
        _land(url, Thing)
        with psycopg.connect(url, autocommit=True) as session:
            session.execute(
                "INSERT INTO lab.thing (connection, id, name, pieces, _row_hash, _run_id, _inserted_at, _changed_at)"
                " SELECT 'main', 'n' || n, 'thing ' || n, n, md5(n::text)::uuid, _run_id, now(), now()"
                " FROM generate_series(1, %s) n, (SELECT _run_id FROM lab.thing LIMIT 1) one",
                (rows,),
            )
        place.settle("widening")
        quiet, _, _ = _while_reading(url, lambda: time.sleep(2))
        longest, answers, took = _while_reading(url, lambda: _land(url, Wider))
        with psycopg.connect(url, autocommit=True) as session:
            session.execute("DROP VIEW lab.thing_current")
            rewrite = "ALTER TABLE lab.thing ALTER COLUMN pieces TYPE varchar(40)"
            rewriting, _, _ = _while_reading(url, lambda: session.execute(rewrite.encode()), table="lab.thing")
    return {
        "rows": rows, "quiet_s": round(quiet, 3), "widening_s": round(took, 1), "longest_wait_s": round(longest, 3),
        "answers": answers, "rewrite_longest_wait_s": round(rewriting, 3),
    }  # fmt: skip


def _while_reading(url: str, work: Any, table: str = "lab.thing_current") -> tuple[float, int, float]:
    single = Reader(url, f"SELECT pieces FROM {table} WHERE connection = 'main' AND id = 'n7'")  # noqa: S608
    count = Reader(url, f"SELECT count(pieces) FROM {table}")  # noqa: S608
    single.start()
    count.start()
    time.sleep(0.5)
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    count.stop()
    return single.stop(), single.answers, took


def _land(url: str, record: type[msgspec.Struct]) -> None:
    pages = [Page(records=[b'{"id":"0","name":"first","pieces":1}'])]
    stream = Stream(name="thing", schema="lab", record=record, key=("id",), pages=lambda *_: iter(pages))
    land(url, Run(uuid.uuid4(), "lab", "main"), stream, lambda _: iter(pages), Options())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    print(json.dumps(measure(parser.parse_args().rows)))


if __name__ == "__main__":
    main()
