"""What goes wrong between the S/4HANA connector and a system, and what is told of it."""

import json

import pytest

from connectors.erp.mapping import load
from connectors.errors import (
    AuthRejected,
    CountMismatch,
    Deadline,
    IncompleteBody,
    PagingLoop,
    RateLimited,
    ResponseTooLarge,
    SourceError,
    Unavailable,
    UnexpectedContentType,
)
from sandbox import sap_s4
from tests.connectors.erp.sap_s4_parts import MAPPINGS, keys, pages


def test_links_never_pass_for_complete_when_rows_slide(system, sap):
    """Followed by links that are offsets, a reading during which rows vanish is refused: one may have slid past."""
    system.switches.page_size = 10
    system.host.on_page(lambda _set, page: system.delete_order(str(page)) if page == 2 else None)
    with pytest.raises(CountMismatch, match="read 59 of 59 to 60 orders"):
        pages(sap(paging="link"))


@pytest.mark.parametrize("kind", ["unavailable", "truncate", "reset", "throttled"])
def test_a_fault_on_one_page_is_overcome(system, sap, waits, kind):
    """A fault that passes costs that page's repetition and nothing else."""
    system.host.fault(kind, entity="A_SalesOrder", page=2)
    found = keys(pages(sap()))
    assert len(found) == len(set(found)) == 60


FAULTS = [
    ("html", {}, UnexpectedContentType),
    ("html_404", {}, UnexpectedContentType),
    ("unauthorized", {}, AuthRejected),
    ("forbidden", {}, AuthRejected),
    ("not_activated", {}, SourceError),
    ("throttled", {}, RateLimited),
    ("unavailable", {}, Unavailable),
    ("truncate", {}, IncompleteBody),
    ("reset", {}, IncompleteBody),
    ("refused", {}, SourceError),
    ("refused_200", {}, SourceError),
    ("gzip_bomb", {"megabytes": 70}, ResponseTooLarge),
    ("answer", {"page": 2, "body": '{"d":{"results":[]}}'}, CountMismatch),
    ("repeat_page", {"page": 2}, PagingLoop),
]


@pytest.mark.parametrize(("kind", "options", "error"), FAULTS, ids=[kind for kind, _, _ in FAULTS])
def test_a_fault_that_stays_is_told(system, sap, waits, kind, options, error):
    """Each fault ends the reading with its own error and place, after a bounded number of requests, never as complete."""
    where = {} if "page" in options else {"after": 2, "times": None}
    system.host.fault(kind, entity="A_SalesOrder", **where, **options)
    given = []
    with pytest.raises(error) as caught:
        given.extend(sap().pages("orders", None, MAPPINGS["v2"].binding("orders")))
    assert type(caught.value) is error
    assert not any(page.complete for page in given)
    assert caught.value.at.startswith("orders")
    assert system.host.journal.count() < 20


def test_a_dripping_page_is_given_up(system, sap):
    """A system that drips is given up at the deadline of the connection."""
    system.host.fault("drip", entity="A_SalesOrder", page=1, bytes_per_s=20)
    with pytest.raises(Deadline):
        pages(sap(timeout_s=0.5, retry_attempts=1))


@pytest.mark.parametrize("links", ["none", "http://127.0.0.1:9"])
def test_links_that_lead_nowhere(system, sap, links):
    """A page that just ends, or points to another host, is never taken for the last one."""
    system.switches.page_size, system.switches.links = 20, links
    with pytest.raises((CountMismatch, SourceError)):
        pages(sap(paging="link"))
    assert len(keys(pages(sap()))) == 60


@pytest.mark.parametrize("off", [-1, 1, 40])
def test_a_count_that_does_not_match(system, sap, off):
    """When the system counts other than it gives, the reading is refused and says both numbers."""
    system.switches.count_off_by = off
    with pytest.raises(CountMismatch, match=f"read 60 of {60 + off} orders"):
        pages(sap())


def test_a_link_that_repeats(system, sap):
    """Links that lead back end the reading after one round."""
    system.switches.page_size = 20
    system.host.fault("repeat_page", entity="A_SalesOrder", page=2)
    with pytest.raises(PagingLoop):
        pages(sap(paging="link"))
    assert system.host.journal.count("A_SalesOrder") < 8


def test_services_that_cannot_filter_by_key(system, sap):
    """A service that refuses to filter by key says so, and is read by its links."""
    system.switches.keys_filter, system.switches.page_size = False, 20
    with pytest.raises(SourceError, match="key is not supported"):
        pages(sap())
    assert len(keys(pages(sap(paging="link")))) == 60


def test_a_bad_record_is_handed_on(system, sap):
    """Records that make no sense, or have no key, are not the connector's to judge and cost no other."""
    system.orders.spoil("10", text='{"SalesOrder":"10","TotalNetAmount":"N/A","x":"half \\ud800"}')
    system.orders.spoil("11", text='{"SalesOrder":null}')
    system.orders.spoil("12", text='{"SalesOrder":12,"TotalNetAmount":1e5}')
    given = pages(sap())
    assert sum(len(page.records) for page in given) == 60
    assert given[-1].complete


@pytest.mark.parametrize("numbers", [["25"], ["24", "25"], ["26"], ["60"], ["59", "60"], ["1"]])
def test_bad_records_at_the_edge_of_a_page(system, sap, numbers):
    """A record without a key at the end of a page, or of all, comes once, and nothing behind it is missed."""
    for number in numbers:
        system.orders.spoil(number, text='{"SalesOrder":null}')
    given = pages(sap())
    assert sum(len(page.records) for page in given) == 60
    assert given[-1].complete


def test_a_page_of_nothing_but_bad_records(system, sap):
    """Where no record of a full page has a key, nobody can tell what follows, and that is said."""
    for number in range(1, 26):
        system.orders.spoil(str(number), text='{"SalesOrder":null}')
    with pytest.raises(SourceError, match="No record of the page has a SalesOrder"):
        pages(sap())


def test_an_empty_page_that_is_not_the_end(system, sap):
    """A page without records that points on is followed, and one that points to itself is not followed for ever."""
    on = f"{sap_s4.V2_ROOT}/API_SALES_ORDER_SRV/A_SalesOrder?$orderby=SalesOrder&$skiptoken=25&$top=10"
    system.host.fault("answer", entity="A_SalesOrder", page=2, body=json.dumps({"d": {"results": [], "__next": on}}))
    assert len(keys(pages(sap()))) == 60
    system.reset()
    system.host.fault(
        "answer", entity="A_SalesOrder", after=2, times=None, body='{"d":{"results":[],"__next":"A_SalesOrder?x=1"}}'
    )
    with pytest.raises(PagingLoop):
        pages(sap())


def test_a_service_that_cannot_count(system, sap):
    """Without a count, a reading by key still ends where nothing comes; one by links promises nothing."""
    binding = load("sap-s4", "orders: {read: {counted: false}}").binding("orders")
    system.host.fault("refused", path="$count", times=None)
    assert list(sap().pages("orders", None, binding))[-1].complete
    assert not list(sap(paging="link").pages("orders", None, binding))[-1].complete


def test_refusals_are_told_apart(system, sap):
    """A wrong password, a wrong client, a missing right and a service that is not activated each say what they are."""
    with pytest.raises(AuthRejected, match="does not accept the login"):
        pages(sap(password="canary-password-1"))
    system.switches.sap_client = "200"
    with pytest.raises(AuthRejected, match="Client does not exist"):
        pages(sap())
    system.switches.sap_client = ""
    system.host.fault("not_activated", path="A_Product", times=None)
    with pytest.raises(SourceError, match="MAINT_SERVICE"):
        pages(sap(), "products")
