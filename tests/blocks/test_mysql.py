"""The block of a MySQL server."""

import logging
from typing import Any

import pytest
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import ValidationError

from blocks.mysql import MySQL
from tests.mariadb import MariaDB

GIVEN: dict[str, Any] = {"host": "db.example.com", "user": "landfall", "password": "canary-mysql"}


class TestManners(BlockStandardTestSuite):
    """The block documents itself in the Prefect UI as Prefect's own blocks do."""

    test_has_a_valid_image = None  # a picture would have to come from a host on the internet

    @pytest.fixture
    def block(self) -> type[MySQL]:
        return MySQL


def test_the_password_never_shows() -> None:
    """A block, or the server made from it, that is printed or dumped shows no password."""
    block = MySQL(**GIVEN)
    for text in (repr(block), str(block), block.model_dump_json(), repr(block.client())):
        assert "canary" not in text


@pytest.mark.parametrize("way", [{"host": ""}, {"socket": "/run/mysqld/mysqld.sock"}])
def test_there_is_one_way_to_connect(way: dict[str, str]) -> None:
    """A block without a host or a socket, or with both, is refused when it is entered."""
    with pytest.raises(ValidationError, match="either a host or a socket"):
        MySQL(**{**GIVEN, **way})


def test_going_without_encryption_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Every run on a connection without TLS warns; one with TLS, or through a socket, has nothing to warn of."""
    with caplog.at_level(logging.WARNING, "landfall"):
        MySQL(**GIVEN).client()
        MySQL(**{**GIVEN, "host": "", "socket": "/run/mysqld/mysqld.sock"}).client()
        assert caplog.messages == []
        MySQL(**GIVEN, tls=False).client()
    assert "without encryption" in caplog.text


def test_the_test_says_which_way_it_went(mariadb: MariaDB) -> None:
    """The test of a connection says TCP or socket, and what may be read, on a real server."""
    login = {"user": mariadb.user, "password": mariadb.password}
    over_tcp = MySQL(host=mariadb.host, port=mariadb.port, ca_file=mariadb.ca_file, **login).test_connection()
    assert over_tcp["identity"] == "127.0.0.1"
    assert over_tcp["connected"].startswith("TCP to")
    through_socket = MySQL(socket=mariadb.socket, **login).test_connection()
    assert through_socket["connected"].startswith("through the socket")
