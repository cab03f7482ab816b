"""Where points come from: a query, a file, an endpoint, Odoo, a function; and how they are told of devices."""

import json
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from connectors.errors import AuthRejected, BlockedAddress, ConnectorError, IncompleteBody, PagingLoop, SourceError
from connectors.microshare.points import Row, Source, Update, Written, point_of
from connectors.microshare.points_csv import CsvSource
from connectors.microshare.points_odoo import OdooSource
from connectors.microshare.points_python import PythonSource
from connectors.microshare.points_rest import RestSource
from connectors.microshare.points_sql import SqlSource
from sandbox import odoo
from sandbox.microshare import data
from tests.mariadb import MariaDB

UPDATES = [Update("1001", data.reference(1), data.eui(1), "active"), Update("9999", None, data.eui(2))]
STATEMENT = "UPDATE landfall_point SET device_id = :device_id, state = :state WHERE id = :id"


def everything(source: Source) -> list[Row]:
    """All rows of a source."""
    return [row for part in source.rows() for row in part]


def taker(updates: list[Update]) -> None:
    """A function of the user's own that takes updates."""
    taken.extend(updates)


def broken() -> Iterator[Row]:
    """A function of the user's own that fails on the way."""
    yield {"id": 1}
    raise RuntimeError("password=canary-in-a-message")


def points() -> list[Row]:
    """A function of the user's own."""
    return list(data.points(3))


taken: list[Update] = []
HERE = "tests.connectors.microshare.test_points"


@pytest.fixture(params=["sqlite", "postgres", "mariadb"])
def database_address(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The address of a database with points, and the password that goes with it."""
    if request.param == "sqlite":
        address, password = f"sqlite:///{tmp_path}/erp.db", ""
    elif request.param == "postgres":
        address, password = request.getfixturevalue("database").replace("postgresql://", "postgresql+psycopg://"), ""
    else:
        server: MariaDB = request.getfixturevalue("mariadb")
        server.execute("CREATE DATABASE IF NOT EXISTS erp_points", "DROP TABLE IF EXISTS erp_points.landfall_point")
        address, password = address_of(server)
    engine = create_engine(address.replace("@", f":{password}@") if password else address)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE landfall_point (id VARCHAR(20), reference VARCHAR(20), area VARCHAR(50), "
                                "device_id VARCHAR(40), state VARCHAR(20), price DECIMAL(20, 4))"))  # fmt: skip
        insert = text("INSERT INTO landfall_point VALUES (:id, :reference, :area, NULL, NULL, 1.50)")
        connection.execute(
            insert, [{name: each[name] for name in ("id", "reference", "area")} for each in data.points(600)]
        )
    engine.dispose()
    return address, password


def address_of(server: MariaDB) -> tuple[str, str]:
    """An address of MariaDB for whom may write there, and the password apart."""
    server.execute(
        "CREATE OR REPLACE USER 'erp'@'%' IDENTIFIED BY 'canary-erp-password'", "GRANT ALL ON erp_points.* TO 'erp'@'%'"
    )
    return f"mysql+pymysql://erp@{server.host}:{server.port}/erp_points", "canary-erp-password"


def test_a_query_is_read_and_never_writes(database_address: tuple[str, str]) -> None:
    """Points come from any database, exactly; a query that would write is refused, and 'o''clock %' is no trouble."""
    address, password = database_address
    source = SqlSource(address, "SELECT p.*, '12:30 %d' AS note FROM landfall_point p ORDER BY id", password)
    parts = list(source.rows())
    rows = [row for part in parts for row in part]
    assert len(parts) > 1
    assert (len(rows), rows[0]["note"]) == (600, "12:30 %d")
    assert Decimal(str(rows[0]["price"])) == Decimal("1.50")
    assert point_of(rows[1], {}) == point_of({**data.point(1), "customer": None, "site": None, "placement": None, "configuration": None}, {})  # fmt: skip
    for wrong in ("DELETE FROM landfall_point", "SELECT * FROM nowhere", "no SQL at all"):
        with pytest.raises(ConnectorError) as caught:
            everything(SqlSource(address, wrong, password))
        assert "canary" not in str(caught.value)
    assert len(everything(source)) == 600
    source.close()


def test_a_statement_tells_the_database(database_address: tuple[str, str]) -> None:
    """A device's id and state get back to the row of their point; an update that meets no row is refused, not lost."""
    address, password = database_address
    source = SqlSource(address, "SELECT * FROM landfall_point WHERE id = '1001'", password, STATEMENT)
    assert source.writable
    for _ in range(2):
        first, second = source.write_back(UPDATES)
        assert first == Written("1001", True)
        assert not second.ok
        assert "0 rows" in second.sentence
    [row] = everything(source)
    assert (row["device_id"], row["state"]) == (data.eui(1), "active")
    wide = SqlSource(address, "SELECT 1", password, "UPDATE landfall_point SET state = :state")
    assert [each.ok for each in wide.write_back(UPDATES[:1])] == [False]
    assert {row["state"] for row in everything(SqlSource(address, "SELECT * FROM landfall_point", password))} == {
        None,
        "active",
    }
    assert not SqlSource(address, "SELECT 1", password).write_back(UPDATES)[0].ok


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nonsense", "is none that SQLAlchemy can use"), ("oraclex://u@h/d", "is none that SQLAlchemy can use"),
        ("mysql+pymysql://u@127.0.0.1:1/d", "127.0.0.1/d cannot be reached"),
    ],
)  # fmt: skip
def test_a_database_that_is_not_there_says_so(address: str, words: str) -> None:
    """A wrong address and a server that is away are told apart, without the password."""
    with pytest.raises(ConnectorError, match=words) as caught:
        everything(SqlSource(address, "SELECT 1", "canary-password"))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("manner", [(",", "\n", ""), (";", "\r\n", "\ufeff"), ("\t", "\n", "")])
def test_a_file_is_read_as_text_and_written_in_its_manner(tmp_path: Path, manner: tuple[str, str, str]) -> None:
    """Leading zeros stay, NA is a text; a device id lands in its cell, and delimiter, line ends and mark stay."""
    delimiter, end, mark = manner
    lines = [
        ["id", "reference", "area", "barcode", "state"],
        ["0007", "NA", 'Dock "2"', "", ""],
        ["1e5", "R,2;3", "Zoë", "x", "y"],
    ]
    path = tmp_path / "points.csv"
    cells = [
        ['"' + cell.replace('"', '""') + '"' if set(cell) & set(',;"') else cell for cell in line] for line in lines
    ]
    path.write_bytes((mark + end.join(delimiter.join(line) for line in cells) + end).encode())
    path.chmod(0o640)
    source = CsvSource(str(path), {"device_id": "barcode"}, writable=True)
    assert [list(row.values()) for row in everything(source)] == lines[1:]
    before = path.read_bytes()
    answers = source.write_back(
        [Update("0007", None, "EUI1", "active"), Update("7", None, "EUI2"), Update("1e5", None, "x")]
    )
    assert [each.ok for each in answers] == [True, False, True]
    [first, second] = everything(source)
    assert (first["barcode"], first["state"], list(second.values())) == ("EUI1", "active", lines[2])
    written = path.read_bytes()
    assert written.startswith(mark.encode())
    assert written.count(b"\r\n") == before.count(b"\r\n")
    assert written.count(delimiter.encode()) == before.count(delimiter.encode())
    assert oct(path.stat().st_mode & 0o777) == "0o640"
    stamp = os.stat(path).st_mtime_ns
    source.write_back([Update("1e5", None, "x", "y")])
    assert os.stat(path).st_mtime_ns == stamp  # nothing to write, nothing written
    assert not CsvSource(str(path), {"device_id": "nowhere"}, writable=True).write_back([UPDATES[0]])[0].ok
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file"), (b"", "no first line"), (b"id,name\n1,\xff\n", "not in UTF-8"), (b'id,n\n1,"open\n', "no CSV"),
     (b"id,n\n1,2,3\n", "no CSV"), (b"id,id\n1,2\n", "several columns called 'id'")],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes | None, words: str) -> None:
    """A missing, empty, mis-encoded or broken file is told by name, and is never an empty source."""
    path = tmp_path / "points.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=words) as caught:
        everything(CsvSource(str(path)))
    assert "points.csv" in str(caught.value)


def test_an_endpoint_is_read_to_its_end(serve: Callable[..., Any], reply: Callable[..., bytes]) -> None:
    """A list comes from where it is in the answer, over as many answers as there are, with the token on each."""

    def answer(asked: Any) -> bytes:
        number = int(asked.query.get("page", "1"))
        following = f"/points?page={number + 1}" if number < 3 else None
        return reply(json.dumps({"data": {"items": [{"id": number, "weight": 1}]}, "next": following}))  # fmt: skip

    wire = serve(answer)
    source = RestSource(f"{wire.url}/points", "data.items", "next", "canary-token")
    assert [row["id"] for row in everything(source)] == [1, 2, 3]
    assert {asked.headers["authorization"] for asked in wire.asked} == {"Bearer canary-token"}
    named = RestSource(f"{wire.url}/points?page=3", "data.items", token="canary-token", token_header="X-Key")
    assert len(everything(named)) == 1
    assert wire.asked[-1].headers["x-key"] == "canary-token"
    assert not source.writable
    assert [each.ok for each in source.write_back(UPDATES)] == [False, False]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('{"rows":[1]}', SourceError), ('{"other":[]}', SourceError), ('{"rows":[', IncompleteBody),
        ('{"rows":[],"next":"http://elsewhere.example/points"}', BlockedAddress), ('{"rows":[],"next":"/points"}', PagingLoop),
    ],
)  # fmt: skip
def test_an_endpoint_that_answers_otherwise_is_no_empty_list(
    serve: Callable[..., Any], reply: Callable[..., bytes], waits: list[float], body: str, error: type[ConnectorError]
) -> None:
    """Another shape, a broken answer, a way to another host and a circle each end with their own error."""
    wire = serve(lambda asked: reply(body))
    with pytest.raises(error):
        everything(RestSource(f"{wire.url}/points", "rows", "next", "canary-token"))


@pytest.fixture(scope="module")
def erp() -> Iterator[odoo.Odoo]:
    """An Odoo with more points than fit in one answer, one of them archived."""
    products = odoo.products([data.point(number) for number in range(520)])
    products[3]["active"] = False
    with odoo.running(products) as running:
        yield running


def odoo_source(erp: odoo.Odoo, **settings: Any) -> OdooSource:
    """A source of its products."""
    given = erp.connection()
    login = {name: given[name] for name in ("address", "database", "user", "password")}
    return OdooSource(**{**login, "domain": json.loads(given["query"]), "writable": True, **settings})


def test_odoo_is_read_and_told(erp: odoo.Odoo, waits: list[float]) -> None:
    """Products become points: no False where a text is empty, archived ones told as such; a barcode takes the DevEUI."""
    source = odoo_source(erp)
    rows = everything(source)
    assert len(rows) == 520
    assert (rows[0]["barcode"], rows[0]["description"], rows[3]["active"]) == (None, None, False)
    point = point_of(rows[1], source.mapping)
    assert (point.id, point.reference, point.customer, point.area) == (
        "1001", data.reference(1), "Harbour Cold Store", "Loading Dock",
    )  # fmt: skip
    first, second = source.write_back(UPDATES)
    assert first.ok
    assert not second.ok
    assert "Record does not exist" in second.sentence
    assert erp.records[1001]["barcode"] == data.eui(1)
    erp.faults.add("truncate", path="/xmlrpc/", times=2)
    assert len(everything(odoo_source(erp))) == 520


def test_odoo_says_what_is_wrong(erp: odoo.Odoo) -> None:
    """A wrong key, an unknown model and an unknown field are three errors that a person understands."""
    with pytest.raises(AuthRejected, match=r"refuses the sign-in of sync@erp\.example"):
        everything(odoo_source(erp, password="canary-wrong"))
    with pytest.raises(SourceError, match="KeyError"):
        everything(odoo_source(erp, model="no.model"))
    with pytest.raises(SourceError, match=r"has no field x_reference"):
        everything(odoo_source(erp, fields=["id", "x_reference"]))


def test_a_function_gives_points_and_takes_updates() -> None:
    """Whatever can be written in Python can be a source; what it raises is told with its name."""
    source = PythonSource(f"{HERE}:points", f"{HERE}:taker")
    assert [point_of(row, {}).id for row in everything(source)] == ["1000", "1001", "1002"]
    taken.clear()
    assert [each.ok for each in source.write_back(UPDATES)] == [True, True]
    assert len(taken) == 2
    assert not PythonSource(f"{HERE}:points").write_back(UPDATES)[0].ok
    for name, words in (
        ("points", "names no function"), (f"{HERE}:nothing", "cannot be found"), ("no_such_module:f", "cannot be found"),
        (f"{HERE}:HERE", "is no function"), (f"{HERE}:broken", "RuntimeError"), ("json:loads", "TypeError"),
    ):  # fmt: skip
        with pytest.raises(SourceError, match=words) as caught:
            everything(PythonSource(name))
        assert "canary" not in str(caught.value)
