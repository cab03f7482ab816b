"""Postgres may die at any statement, also before a landing has begun."""

from uuid import uuid4

import psycopg
import pytest

from tests.oracle import World
from warehouse import landing
from warehouse.errors import DatabaseUnavailable
from warehouse.landing import Options, land
from warehouse.run_log import Run


def test_a_session_that_dies_before_the_landing_has_a_code(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart of Postgres between connecting and landing is told as DatabaseUnavailable, which is tried again."""

    def dies(connection: "psycopg.Connection[object]", *_: object) -> None:
        connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(landing, "_lock", dies)
    with pytest.raises(DatabaseUnavailable):
        land(world.url, Run(uuid4(), "lab", "main"), world.stream, lambda _: iter(()), Options())
