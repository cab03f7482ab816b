"""The look at a MySQL server: which databases there are, asked of a real MariaDB."""

import socket
import time
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from connectors import mysql
from connectors.errors import AuthRejected, Deadline, TlsError, Unavailable
from connectors.mysql import Answer, Server
from tests.mariadb import BLIND, SENTINEL, MariaDB


@pytest.fixture(scope="module")
def databases(mariadb: MariaDB) -> MariaDB:
    """The server with a handful of databases."""
    mariadb.make(
        {"acme": True, "empty": False, "a_b": True, "aXc": True, "Straße": True, "CamelCase": True, "slow": True}
    )
    return mariadb


@pytest.fixture
def server(databases: MariaDB) -> Server:
    """The connector, over TCP with TLS."""
    return Server(
        host=databases.host,
        port=databases.port,
        user=databases.user,
        password=databases.password,
        ca_file=databases.ca_file,
        sentinel=SENTINEL,
        retry_attempts=1,
    )


def look(server: Server, *names: str) -> dict[str, Answer]:
    found = server.look(names, "usage_stats")
    return {name: found.of(name) for name in names}


def test_tells_what_is_there(server: Server) -> None:
    """A schema with the table, one without, and one that does not exist are three different answers."""
    assert look(server, "acme", "empty", "nowhere") == {
        "acme": Answer.HAS_TABLE,
        "empty": Answer.NO_TABLE,
        "nowhere": Answer.NO_SCHEMA,
    }


@pytest.mark.parametrize(
    "name", ["a%", "a_c", "axc", "ACME", "camelcase", "Strasse", "acme ", "", "x" * 200, "😀", "a'b"]
)
def test_compares_names_exactly(server: Server, name: str) -> None:
    """A customer never gets somebody else's database because of a wildcard, a letter's case or an accent."""
    assert look(server, name, "Straße", "a_b", "CamelCase") == {
        name: Answer.NO_SCHEMA,
        "Straße": Answer.HAS_TABLE,
        "a_b": Answer.HAS_TABLE,
        "CamelCase": Answer.HAS_TABLE,
    }


def test_one_connection_and_two_queries_for_everybody(server: Server, databases: MariaDB) -> None:
    """The server is not burdened: however many customers there are, one session asks two questions."""
    with closing(databases.root()) as session:
        before = _counters(session)
        look(server, *(f"customer_{number}" for number in range(500)), "acme")
        after = _counters(session)
    assert after["Connections"] - before["Connections"] == 1
    assert after["Com_select"] - before["Com_select"] == 2


def test_a_locked_database_delays_nobody_else(server: Server, databases: MariaDB) -> None:
    """Only the customer whose table is locked gets no answer; all others get theirs."""
    server = replace(server, query_timeout_s=0.5)
    with databases.locked("slow"):
        answers = look(server, "acme", "slow", "empty", "a_b", "nowhere")
    assert answers.pop("slow") is Answer.TIMED_OUT
    assert list(answers.values()) == [Answer.HAS_TABLE, Answer.NO_TABLE, Answer.HAS_TABLE, Answer.NO_SCHEMA]
    assert look(server, "slow") == {"slow": Answer.HAS_TABLE}


def test_stops_asking_when_the_time_is_over(
    server: Server, databases: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is locked all over cannot hold up a run: what is left has no answer in time."""
    monkeypatch.setattr(mysql, "TOTAL_S", 0.2)
    server = replace(server, query_timeout_s=0.2)
    began = time.monotonic()
    with databases.locked("slow"):
        assert set(look(server, "acme", "slow").values()) == {Answer.TIMED_OUT}
    assert time.monotonic() - began < 30


def test_a_missing_right_is_not_a_missing_database(server: Server) -> None:
    """A login whose right was taken away sees no database; the sentinel says that this is no news of the databases."""
    found = replace(server, user=BLIND).look(["acme"], "usage_stats")
    assert isinstance(found.failure, AuthRejected)
    assert SENTINEL in str(found.failure)
    assert found.of("acme") is Answer.FAILED


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"password": "canary-wrong-password"}, AuthRejected),
        ({"port": 1}, Unavailable),
        ({"host": "no-such-host.invalid"}, Unavailable),
        ({"ca_file": ""}, TlsError),
        ({"ca_file": "/no/such/file"}, TlsError),
    ],
)
def test_says_why_the_server_cannot_be_asked(server: Server, change: dict[str, Any], error: type[Exception]) -> None:
    """Each way in which a server can be away has its own code, in a sentence without the password."""
    failure = replace(server, **change).look(["acme"], "usage_stats").failure
    assert isinstance(failure, error)
    assert "canary" not in str(failure)


def test_a_server_that_does_not_answer_is_given_up(databases: MariaDB) -> None:
    """A server that accepts a connection and then says nothing does not hold up the run."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        deaf = Server(host="127.0.0.1", port=silent.getsockname()[1], user="x", query_timeout_s=0.1, retry_attempts=1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(mysql, "GRACE_S", 0.1)
            assert isinstance(deaf.look(["acme"], "usage_stats").failure, Deadline)


def test_never_goes_on_in_the_clear(databases: MariaDB) -> None:
    """A server without TLS is refused unless the connection says otherwise; the password does not leave before."""
    from sandbox import mysql as stand_in

    with stand_in.running({"acme": True}) as found:
        server = Server(host="127.0.0.1", port=found.port, user="x", password="canary-clear", retry_attempts=1)
        assert isinstance(server.look(["acme"], "usage_stats").failure, TlsError)
        assert look(replace(server, tls=False), "acme") == {"acme": Answer.HAS_TABLE}


def test_the_test_says_which_way_it_went(server: Server, databases: MariaDB) -> None:
    """Whoever sets a connection up reads how it connected, how long that took, and what the login may see."""
    over_tcp = server.test()
    assert over_tcp["connected"].startswith(f"TCP to 127.0.0.1:{databases.port}, TLSv1.")
    assert "MariaDB" in over_tcp["server"]
    assert over_tcp["readable_schemas"] >= 8
    assert over_tcp["schemas_with_usage_stats"] == 7
    assert over_tcp["milliseconds"] >= 0
    through_socket = replace(server, host="", socket=databases.socket).test()
    assert through_socket["connected"] == f"through the socket {databases.socket}"


def _counters(session: Any) -> dict[str, int]:
    """Connections so far, and SELECTs so far."""
    with session.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS WHERE Variable_name IN ('Connections', 'Com_select')")
        return {name: int(value) for name, value in cursor.fetchall()}
