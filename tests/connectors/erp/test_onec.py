"""The 1C connector and the simulated base over real HTTP: every data type, the quirks of such bases, and what goes wrong."""

import json

import pytest

from connectors.erp import onec as connector
from connectors.erp.mapping import load
from connectors.erp.odata import Settings
from connectors.errors import (
    AuthRejected,
    CountMismatch,
    IncompleteBody,
    MappingInvalid,
    PagingLoop,
    ResponseTooLarge,
    SourceError,
    Unavailable,
    UnexpectedContentType,
)
from connectors.odata.auth import Basic
from sandbox import onec

MAPPING = load("1c")
SETS = {
    "orders": onec.ORDERS, "products": onec.PRODUCTS, "order_status": onec.ORDERS, "inventory": onec.BALANCE,
    "employees": onec.EMPLOYEES, "invoices": onec.INVOICES,
}  # fmt: skip


@pytest.fixture(scope="module")
def served():
    with onec.running(orders=40, products=90, invoices=12, employees=15) as running:
        yield running


@pytest.fixture
def base(served):
    """A base as it was in the beginning."""
    served.reset()
    return served


@pytest.fixture(scope="module")
def made():
    clients = {}
    yield clients
    for each in clients.values():
        each.close()


@pytest.fixture
def client(base, made):
    """Gives clients of the base, with small pages; waits are short."""

    def make(**given):
        asked = tuple(sorted(given.items()))
        if asked not in made:
            names = ("page_size", "paging")
            chosen = {"page_size": 16, **{name: given.pop(name) for name in names if name in given}}
            settings = Settings(service=connector.SERVICE, version="v3", guid_keys=True, **chosen)
            auth = Basic(given.pop("user", onec.USER), given.pop("password", onec.PASSWORD))
            common = {"base_url": base.connection()["base_url"], "retry_total_s": 30.0, "timeout_s": 30.0}
            made[asked] = connector.client(auth=auth, settings=settings, **{**common, **given})
        return made[asked]

    return make


def pages(client, name="orders"):
    return list(client.pages(name, None, MAPPING.binding(name)))


def records(given):
    return [json.loads(bytes(record)) for page in given for record in page.records]


@pytest.mark.parametrize("paging", ["key", "skip"])
@pytest.mark.parametrize("name", SETS)
def test_everything_is_read_once(base, client, name, paging):
    """All records of every data type arrive, each once, in an order of GUIDs that is not the texts' own."""
    given = pages(client(paging=paging), name)
    found = records(given)
    assert len(found) == len(base.sets[SETS[name]].records)
    assert given[-1].complete
    assert given[-1].cursor is None
    if name != "inventory":
        keys = [record["Ref_Key"] for record in found]
        assert len(set(keys)) == len(keys)
        assert keys != sorted(keys)
    assert not base.host.journal.count(statement="inlinecount")


def test_records_come_as_they_were_sent(base, client):
    """Padding, zero GUIDs, years of one and lines inside are handed on untouched."""
    text = next(bytes(r).decode() for page in pages(client(), "products") for r in page.records if b'"A-1 ' in bytes(r))
    assert '"Артикул":"A-1                      "' in text
    assert '"0001-01-01T00:00:00"' in text
    lines = [line for order in records(pages(client())) for line in order["Товары"]]
    assert lines
    assert all(isinstance(line["LineNumber"], str) for line in lines)


@pytest.mark.parametrize("size", [2, 39, 40, 41])
@pytest.mark.parametrize("paging", ["key", "skip"])
def test_the_end_is_where_nothing_comes(client, size, paging):
    """A set that is an exact multiple of the page, or one more or less, is read whole."""
    assert len(records(pages(client(page_size=size, paging=paging)))) == 40


def test_rows_deleted_while_reading(base, client):
    """Read by key nothing slides; read by offsets, a shift is noticed and the reading refused."""
    gone = [key for _, key in base.orders.ordered()][:3]

    def meddle(_set, page):
        if page == 2:
            for key in gone:
                base.orders.records.pop(key, None)
            base.orders._order = None

    base.host.on_page(meddle)
    assert len(records(pages(client()))) == 40
    base.reset()
    base.host.on_page(meddle)
    with pytest.raises(CountMismatch, match="rows moved"):
        pages(client(paging="skip"))


@pytest.mark.parametrize("kind", ["unavailable", "truncate", "reset"])
def test_a_fault_on_one_page_is_overcome(base, client, waits, kind):
    """A fault that passes costs that page's repetition and nothing else."""
    base.host.fault(kind, entity=onec.ORDERS, page=2)
    assert len(records(pages(client()))) == 40


FAULTS = [
    ("business", SourceError, "a refusal of the configuration"),
    ("business_xml", SourceError, "a refusal of the configuration"),
    ("no_rights", AuthRejected, "lacks the right"),
    ("unauthorized", AuthRejected, "does not accept the login"),
    ("unpublished", SourceError, "composition of the standard OData interface"),
    ("html", UnexpectedContentType, "text/html"),
    ("html_404", UnexpectedContentType, "404 with text/html"),
    ("unavailable", Unavailable, "503"),
    ("truncate", IncompleteBody, "before it was complete"),
]


@pytest.mark.parametrize(("kind", "error", "said"), FAULTS, ids=[kind for kind, _, _ in FAULTS])
def test_a_fault_that_stays_is_told(base, client, waits, kind, error, said):
    """Each refusal is told in 1C's words and ours; one of the configuration is not asked again, however it is numbered."""
    base.host.fault(kind, entity=onec.ORDERS, after=2, times=None)
    with pytest.raises(error, match=said) as caught:
        pages(client())
    assert type(caught.value) is error
    assert caught.value.at == "orders page 2"
    assert base.host.journal.count(onec.ORDERS) == (6 if kind in ("unavailable", "truncate") else 3)


def test_a_page_that_repeats(base, client):
    """A base that answers with the same page again is not asked for ever."""
    base.host.fault("repeat_page", entity=onec.ORDERS, page=2)
    for paging in ("key", "skip"):
        with pytest.raises((PagingLoop, CountMismatch)):
            pages(client(paging=paging))
    assert base.host.journal.count(onec.ORDERS) < 12


def test_bases_that_cannot_compare_keys(base, client):
    """A base that refuses to compare keys is named the setting that helps."""
    base.switches.keys_filter = False
    with pytest.raises(SourceError, match="set `paging` of the connection to skip"):
        pages(client())
    assert len(records(pages(client(paging="skip")))) == 40


def test_what_is_not_published(client):
    """A set of another name is told by its line in the mapping, and one that is missing by 1C's own words."""
    own = "products:\n  read:\n    set: Catalog_Nomenclature\n"
    binding = load("1c", own).binding("products")
    with pytest.raises(MappingInvalid, match="Catalog_Nomenclature is not among what") as caught:
        client().test([binding])
    assert "line 3" in str(caught.value)
    with pytest.raises(SourceError, match="not published"):
        list(client().pages("products", None, binding))


def test_a_connection_can_be_tested(client):
    """A test reads one record of each data type and compares the mapping with the metadata, functions included."""
    told = client().test([MAPPING.binding(name) for name in MAPPING.data_types])
    assert set(told["data_types"]) == set(SETS)
    with pytest.raises(MappingInvalid, match="Артикль"):
        client().test([load("1c", "products: {fields: {sku: Артикль}}").binding("products")])


def test_a_filter_of_ones_own(base, client):
    """A condition of the mapping's own holds for pages and counts, whatever operators are in it."""
    first = next(iter(base.products.records.values()))["Description"]
    own = f"products: {{read: {{filter: \"Description eq '{first}' or IsFolder eq true\"}}}}"
    found = records(list(client(page_size=2).pages("products", None, load("1c", own).binding("products"))))
    assert sum(record["IsFolder"] for record in found) == len(found) == 3


def test_a_large_answer(client):
    """An answer beyond what the connection allows is refused before it fills the memory."""
    with pytest.raises(ResponseTooLarge):
        pages(client(max_body_bytes=1000), "inventory")


def test_a_wrong_password(client):
    """A wrong login in Cyrillic is refused in a sentence without it."""
    with pytest.raises(AuthRejected, match="does not accept the login") as caught:
        pages(client(password="канарейка-1"))
    assert "канарейка" not in str(caught.value)


def test_rows_that_may_not_be_seen(base, client):
    """Where the connection says so, rows that the login may not see are left out by the base itself."""
    pages(client(allowed_only=True))
    assert base.host.journal.count(onec.ORDERS, statement='"allowedOnly": "true"') == base.host.journal.count(
        onec.ORDERS
    )


def test_identity(client, base):
    """Two bases of one host are two systems."""
    assert client().identity().endswith("/trade")
