"""The simulated query language takes what the vendor's takes, and refuses the rest in its words."""

from typing import Any

import pytest

from sandbox.clock import parse_time


def test_rows_without_maxresults_are_a_hundred(reader: Any) -> None:
    """Whoever forgets MAXRESULTS gets the vendor's default."""
    assert len(reader.rows("SELECT * FROM Invoice")) == 100


@pytest.mark.parametrize("order", ["ORDERBY", "order by", "OrderBy"])
def test_value_paging_finds_every_row(reader: Any, order: str) -> None:
    """Paging by change time reads a whole table, in either spelling of ORDERBY and of the page."""
    seen: set[str] = set()
    since = "2000-01-01T00:00:00-08:00"
    while True:
        page = reader.rows(
            f"SELECT * FROM Invoice WHERE MetaData.LastUpdatedTime >= '{since}' {order} MetaData.LastUpdatedTime asc"
            " MAXRESULTS 40 STARTPOSITION 1"
        )
        times = [parse_time(row["MetaData"]["LastUpdatedTime"]) for row in page]
        assert times == sorted(times)
        if {row["Id"] for row in page} <= seen:
            break
        seen |= {row["Id"] for row in page}
        since = page[-1]["MetaData"]["LastUpdatedTime"]
    assert len(seen) == 150


def test_conditions_compare_as_documented(reader: Any) -> None:
    """Operators, lists, patterns, quoted numbers, references and any case of values work as the vendor says."""
    assert reader.ids("SELECT * FROM Customer WHERE Id IN ('3', '5')") == sorted(["3", "5"], key=_name(reader))
    assert reader.ids("select * from INVOICE where id = '7'") == ["7"]
    amounts = [row["TotalAmt"] for row in reader.rows("SELECT * FROM Invoice WHERE TotalAmt > '50000.00'")]
    assert amounts
    assert min(amounts) > 50_000
    first = reader.rows("SELECT * FROM Customer MAXRESULTS 1")[0]["DisplayName"]
    assert reader.rows(f"SELECT * FROM Customer WHERE DisplayName = '{_quoted(first.upper())}'")
    assert reader.rows(f"SELECT * FROM Customer WHERE DisplayName LIKE '{_quoted(first[:4])}%'")
    references = reader.rows("SELECT * FROM Invoice WHERE CustomerRef = '1' AND TxnDate <= CURRENT_DATE")
    assert {row["CustomerRef"]["value"] for row in references} == {"1"}
    mine = reader.rows("SELECT * FROM Item WHERE Type IN ('Group','Category') ORDERBY Name DESC")
    assert {row["Type"] for row in mine} == {"Group", "Category"}
    assert [row["Name"] for row in mine] == sorted((row["Name"] for row in mine), reverse=True)


def _name(caller: Any) -> Any:
    return lambda id_: caller.qb.store.row("Customer", id_).name


def _quoted(text: str) -> str:
    return text.replace("'", "\\'")


def test_quotes_in_names_are_escaped_with_a_backslash(caller: Any) -> None:
    """A name with an apostrophe is found when it is escaped, and breaks the statement when it is not."""
    caller.qb.store.update("Customer", "1", {"DisplayName": "Baker's Dozen"})
    assert caller.ids(r"SELECT * FROM Customer WHERE DisplayName = 'Baker\'s Dozen'") == ["1"]
    assert caller.refusal("SELECT * FROM Customer WHERE DisplayName = 'Baker's Dozen'")[0] == "4000"


@pytest.mark.parametrize(
    ("statement", "code", "detail"),
    [
        ("SELECT * FROM Custmer", "4001", "QueryValidationError: invalid context declaration: Custmer"),
        ("SELECT * FROM Customer WHERE Shoe = '1'", "4001", "Shoe"),
        ("SELECT * FROM Invoice WHERE PrivateNote = 'x'", "4001", "PrivateNote"),
        ("SELECT * FROM Item WHERE Sku = 'SKU-1'", "4001", "Sku"),
        ("SELECT * FROM Customer WHERE Id > '5'", "4001", "Id"),
        ("SELECT * FROM Customer STARTPOSITION 0", "4001", "value 0 is too small. Min allowed value is 1"),
        ("SELECT * FROM Customer MAXRESULTS 1001", "4001", "1001"),
        ("SELECT * FROM Invoice WHERE MetaData.LastUpdatedTime > 'soon'", "4001", "soon"),
        ("SELECT Id FROM Customer", "4000", "column 8"),
        ("SELECT * FROM NULL", "4000", 'Encountered " "null" "NULL "" at line 1, column 15.'),
        ("SELECT * FROM Customer WHERE Id = '1' OR Id = '2'", "4000", '"or"'),
        ("SELECT * FROM Customer WHERE Id != '1'", "4000", "column 33"),
        ("SELECT * FROM Customer GROUP BY Id", "4000", "column 24"),
        ("", "4000", "<EOF>"),
    ],
)
def test_statements_that_cannot_be_asked_are_refused(reader: Any, statement: str, code: str, detail: str) -> None:
    """Each mistake in a statement gives the vendor's code and names what is wrong."""
    got, text = reader.refusal(statement)
    assert got == code
    assert detail in text


def test_post_query_and_the_plus_sign(reader: Any) -> None:
    """Statements may be posted; in an address an unescaped plus becomes a blank, which spoils an offset."""
    head = {"Authorization": f"Bearer {reader.bearer}", "Content-Type": "application/text"}
    statement = b"SELECT COUNT(*) FROM Item WHERE Active IN (true,false)"
    posted = reader.http.post(reader.company + "/query", content=statement, headers=head)
    assert posted.json()["QueryResponse"] == {"totalCount": 120}
    raw = "/query?query=SELECT%20*%20FROM%20Item%20WHERE%20MetaData.LastUpdatedTime%3E'2024-01-01T00:00:00+00:00'"
    assert reader.http.get(reader.company + raw, headers=head).status_code == 400
