"""The simulated OData services, asked as any other program would ask: they answer as the vendors' do."""

from datetime import UTC, datetime

import httpx
import pytest

from sandbox import onec, sap_s4

V2 = f"{sap_s4.V2_ROOT}/API_SALES_ORDER_SRV"


@pytest.fixture(scope="module")
def system():
    with sap_s4.running(orders=25, products=20, bills=5, stocked=6) as running:
        yield running


@pytest.fixture
def ask(system):
    """Asks the system with a good login; every answer is returned as it came."""
    system.reset()
    with httpx.Client(base_url=system.base_url, auth=(sap_s4.USER, sap_s4.PASSWORD), timeout=10) as http:
        yield lambda path, method="GET", **options: http.request(
            method, path, params={f"${name}": value for name, value in options.items()} or None
        )


def numbers(answer):
    return [row["SalesOrder"] for row in answer.json()["d"]["results"]]


def test_version_2(ask):
    """Decimals and counts are texts, dates verbose, what is not expanded is deferred, what is, is in an envelope."""
    plain = ask(f"{V2}/A_SalesOrder", filter="SalesOrder eq '2'", inlinecount="allpages").json()["d"]
    (order,) = plain["results"]
    assert plain["__count"] == "1"
    assert (order["TotalNetAmount"], order["LastChangeDateTime"]) == ("111.350", "/Date(1767600000000+0000)/")
    assert order["SalesOrderDate"] == "/Date(1767657600000)/"
    assert "uri" in order["to_Item"]["__deferred"]
    (expanded,) = ask(f"{V2}/A_SalesOrder", filter="SalesOrder eq '2'", expand="to_Item").json()["d"]["results"]
    assert len(expanded["to_Item"]["results"]) == 2


def test_version_4(ask):
    """Dates are ISO, items a plain list, and decimals texts or numbers as asked for."""
    answer = ask(f"{sap_s4.V4_ORDERS}/SalesOrder", filter="SalesOrder eq '2'", expand="_Item", count="true").json()
    (order,) = answer["value"]
    assert answer["@odata.count"] == 1
    assert (order["SalesOrderDate"], order["LastChangeDateTime"]) == ("2026-01-06", "2026-01-05T08:00:00Z")
    assert order["TotalNetAmount"] == 111.35
    assert len(order["_Item"]) == 2


def test_the_order_of_keys_is_the_databases(ask):
    """Numbers are ordered as numbers although they are texts."""
    assert numbers(ask(f"{V2}/A_SalesOrder", orderby="SalesOrder", filter="SalesOrder gt '8'", top="3")) == [
        "9",
        "10",
        "11",
    ]


@pytest.mark.parametrize(
    ("condition", "many"),
    [
        ("LastChangeDateTime ge datetimeoffset'2026-01-05T08:10:00Z'", 5),
        ("SalesOrderDate lt datetime'2026-01-07T00:00:00'", 2),
        ("TransactionCurrency eq 'EUR' and not (SalesOrder le '4')", 6),
        ("TotalNetAmount gt 900m or SalesOrder eq '1'", 11),
        ("substringof('0000',PurchaseOrderByCustomer) eq true", 7),
        ("startswith(SoldToParty,'1001') and CompleteDeliveryIsDefined eq true", 4),
        ("SoldToParty eq 'O''Neill'", 0),
        ("RequestedDeliveryDate eq null", 5),
    ],
)
def test_filters(ask, condition, many):
    """Conditions mean what the protocol says."""
    answer = ask(f"{V2}/A_SalesOrder", filter=condition)
    assert len(numbers(answer)) == many
    assert ask(f"{V2}/A_SalesOrder/$count", filter=condition).text == str(many)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"filter": "Nothing eq 'x'"}, "no property 'Nothing'"),
        ({"filter": "contains(SoldToParty,'x')"}, "no function 'contains'"),
        ({"filter": "LastChangeDateTime ge datetime'2026-01-05T08:10:00'"}, "not defined for Edm.DateTimeOffset"),
        ({"filter": "SalesOrder eq 17"}, "not defined for Edm.String"),
        ({"filter": "SalesOrder eq '17"}, "invalid token"),
        ({"filter": "(SalesOrder eq '17'"}, "missing"),
        ({"orderby": "Nothing"}, "unknown"),
        ({"expand": "to_Nowhere"}, "unknown"),
        ({"top": "many"}, "Invalid value"),
    ],
)
def test_questions_that_make_no_sense(ask, options, said):
    """A wrong question is refused in the vendor's shape."""
    answer = ask(f"{V2}/A_SalesOrder", **options)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]["value"]


def test_paging_by_the_server(ask, system):
    """The server cuts pages and links on; a multiple of the page ends in an empty one without a link."""
    system.switches.page_size = 5
    seen, link = [], f"{V2}/A_SalesOrder?$orderby=SalesOrder"
    for _ in range(10):
        page = ask(link).json()["d"]
        seen.append([row["SalesOrder"] for row in page["results"]])
        link = page.get("__next")
        if not link:
            break
    assert [len(page) for page in seen] == [5, 5, 5, 5, 5, 0]
    assert [number for page in seen for number in page] == [str(n) for n in range(1, 26)]


def test_tokens_are_offsets(ask, system):
    """A row that vanishes behind a token lets another slide past it, as on real servers of the protocol."""
    system.switches.page_size = 5
    page = ask(f"{V2}/A_SalesOrder?$orderby=SalesOrder").json()["d"]
    system.delete_order("1")
    assert numbers(ask(page["__next"]))[0] == "7"


def test_nobody_writes(ask):
    """Without a token nothing is written, and the answer says how to get one."""
    answer = ask(f"{V2}/A_SalesOrder", method="POST")
    assert (answer.status_code, answer.headers["x-csrf-token"]) == (403, "Required")


def test_changes_show_in_both_versions(ask, system):
    """An order that is changed is changed in both, with its stamp and its ETag."""
    before = datetime.now(UTC)
    system.touch("3", OverallSDProcessStatus="C")
    old = ask(f"{V2}/A_SalesOrder", filter="SalesOrder eq '3'").json()["d"]["results"][0]
    new = ask(f"{sap_s4.V4_ORDERS}/SalesOrder", filter="SalesOrder eq '3'").json()["value"][0]
    assert datetime.fromisoformat(new["LastChangeDateTime"]) >= before
    assert old["OverallSDProcessStatus"] == "C"
    assert new["@odata.etag"] == old["__metadata"]["etag"]


def test_1c():
    """1C pages nothing by itself, and an inline count makes it ignore paging altogether."""
    with (
        onec.running(orders=9, products=9, invoices=1, employees=1) as base,
        httpx.Client(base_url=base.connection()["base_url"], auth=httpx.BasicAuth(b"x", b"y")) as http,
    ):
        assert http.get("/odata/standard.odata/Catalog_Номенклатура").status_code == 401
        http.auth = httpx.BasicAuth(onec.USER.encode(), onec.PASSWORD.encode())
        path = "/odata/standard.odata/Document_ЗаказПокупателя"
        assert len(http.get(path, params={"$top": "2"}).json()["value"]) == 2
        counted = http.get(path, params={"$top": "2", "$inlinecount": "allpages"}).json()
        assert (len(counted["value"]), counted["odata.count"]) == (9, "9")
        missing = http.get("/odata/standard.odata/Catalog_Nothing")
        assert (missing.status_code, missing.json()["odata.error"]["code"]) == (404, "8")
        balance = http.get("/odata/standard.odata/AccumulationRegister_ТоварыНаСкладах/Balance()").json()["value"]
        assert len(balance) == 4
