"""The client of Microshare, against a simulated tenant over real HTTP."""

import logging
from datetime import timedelta
from typing import Any

import pytest

from connectors import redact
from connectors.errors import (
    AmbiguousWrite,
    AuthRejected,
    ConnectorError,
    Deadline,
    IncompleteBody,
    PagingLoop,
    RateLimited,
    RecordNotFound,
    SourceError,
    UnexpectedContentType,
)
from connectors.microshare.document import Document
from connectors.microshare.streams import STREAMS, wanted
from sandbox import microshare
from sandbox.microshare import data
from tests.connectors.microshare.conftest import Client

BY_NAME = {stream.name: stream for stream in STREAMS}


def test_discovery_reads_every_page_and_trusts_no_total(vendor: microshare.Microshare, client: Client) -> None:
    """All clusters are found on as many pages as there are, although the vendor counts thousands that nobody may see."""
    found = [answer for answer in client(page_size=2).discover() if answer.records]
    assert [len(answer.records) for answer in found] == [2, 1]
    vendor.hidden = 5000
    reader = client(page_size=2)
    assert sum(len(answer.records) for answer in reader.discover()) == 3
    assert vendor.journal.count(statement="discovery") < 12
    assert "counts 5,003 clusters and shows 3" in reader.hints[0]


def test_an_empty_page_between_others_is_read_over(vendor: microshare.Microshare, client: Client) -> None:
    """A page that comes empty by mistake is asked for again, so that what is on it is not taken for gone."""
    empty = '{"meta":{"totalPages":3,"currentPage":2,"totalCount":3},"objs":[]}'
    vendor.fault("answer", entity="discovery", after=1, times=1, body=empty)
    assert sum(len(answer.records) for answer in client(page_size=1).discover()) == 3


def test_a_source_that_goes_round_is_left(vendor: microshare.Microshare, client: Client) -> None:
    """A vendor that hands out the same page for ever ends the reading with its reason."""
    first = (
        b'{"meta":{"totalPages":9000,"currentPage":1},"objs":[' + vendor.document(next(iter(vendor.clusters))) + b"]}"
    )
    vendor.fault("answer", entity="discovery", times=None, body=first)
    with pytest.raises(PagingLoop, match="discovery page 2"):
        list(client().discover())


def test_a_run_discovers_once(vendor: microshare.Microshare, client: Client) -> None:
    """Clusters and devices are read from one discovery, which takes the vendor many seconds; a repetition asks anew."""
    reader = client()
    for name in ("cluster", "device"):
        assert list(BY_NAME[name].pages(reader, None))[-1].complete
    assert vendor.journal.count(statement="discovery") == 1
    list(BY_NAME["device"].pages(reader, None))
    assert vendor.journal.count(statement="discovery") == 2
    vendor.fault("forbidden", entity="discovery")
    with pytest.raises(AuthRejected):
        list(BY_NAME["device"].pages(reader, None))
    assert list(BY_NAME["device"].pages(reader, None))[-1].complete


def test_a_cluster_is_read_and_put_back_as_it_was(vendor: microshare.Microshare, client: Client) -> None:
    """A document that goes there and back keeps its bytes, and carries the checksum that is worked out here."""
    id_ = next(iter(vendor.clusters))
    reader = client()
    document = reader.cluster(data.TRAPS, id_)
    assert document.raw == vendor.document(id_)
    assert document.checksum == document.vendor_checksum
    reader.put(data.TRAPS, id_, document.with_changes(adds=[{"id": data.PLACEHOLDER, "guid": "new"}]))
    again = reader.cluster(data.TRAPS, id_)
    assert again.find("guid:new") is not None
    assert again.with_changes(removals=["guid:new"]).checksum == document.checksum
    reader.put(data.TRAPS, id_, again.with_changes(removals=["guid:new"]))
    assert vendor.journal.count(statement="read") + vendor.journal.count(statement="write") == 4


def test_nothing_but_clusters_is_ever_written(vendor: microshare.Microshare, client: Client) -> None:
    """Clusters are neither made nor removed: no such request can leave, and no record is changed."""
    reader = client()
    for method in ("POST", "DELETE", "PATCH"):
        with pytest.raises(ConnectorError, match="this connection sends only GET and PUT"):
            reader._http.request(method, f"/device/{data.TRAPS}")
    assert vendor.journal.count("/device/") == 0


@pytest.mark.parametrize(
    ("kind", "options", "is_stored"),
    [
        ("stored_504", {}, True), ("stored_500", {}, True), ("reset", {"fraction": 0.0}, True), ("truncate", {}, True),
        ("gateway_timeout", {}, False), ("malformed", {}, False), ("html", {}, False),
    ],
)  # fmt: skip
def test_a_lost_answer_is_doubt_and_is_sent_once(
    vendor: microshare.Microshare, client: Client, kind: str, options: dict[str, Any], is_stored: bool
) -> None:
    """A write whose answer says nothing certain is told as such, whether it was carried out or not, and sent once."""
    id_ = vendor.add(data.TRAPS, [])
    reader = client(retry_attempts=5)
    document = reader.cluster(data.TRAPS, id_).with_changes(adds=[{"guid": "new"}])
    vendor.fault(kind, entity="write", **options)
    with pytest.raises(AmbiguousWrite, match=f"The cluster {id_} was sent") as caught:
        reader.put(data.TRAPS, id_, document)
    assert caught.value.ambiguous
    assert vendor.journal.count(statement="write") == 1
    assert bool(vendor.devices(id_)) is is_stored
    vendor.clusters.pop(id_)


@pytest.mark.parametrize(
    ("kind", "options", "error"),
    [
        ("not_found", {}, RecordNotFound), ("forbidden", {}, AuthRejected), ("answer", {"status": 400}, SourceError),
        ("answer", {"status": 429}, RateLimited), ("answer", {"status": 303}, SourceError),
        ("answer", {"status": 401}, AuthRejected),
    ],
)  # fmt: skip
def test_a_refused_write_is_no_doubt(
    vendor: microshare.Microshare, client: Client, kind: str, options: dict[str, Any], error: type[ConnectorError]
) -> None:
    """A write that the vendor says no to was not carried out, and nobody has to look for it."""
    id_ = next(iter(vendor.clusters))
    reader = client()
    document = reader.cluster(data.TRAPS, id_)
    vendor.fault(kind, entity="write", times=None, **options)
    with pytest.raises(error):
        reader.put(data.TRAPS, id_, document)


def test_a_failed_sign_in_leaves_no_doubt_about_a_write(vendor: microshare.Microshare, client: Client) -> None:
    """When nobody could sign in, nothing was sent, and the error says so instead of doubting."""
    id_ = next(iter(vendor.clusters))
    vendor.fault("malformed", entity="login", times=None)
    with pytest.raises(ConnectorError) as caught:
        client().put(data.TRAPS, id_, Document(vendor.document(id_)))
    assert not isinstance(caught.value, AmbiguousWrite)
    assert vendor.journal.count(statement="write") == 0


@pytest.mark.parametrize(
    ("kind", "options", "error", "requests"),
    [
        ("not_found", {}, RecordNotFound, 1),
        ("malformed", {}, SourceError, 1),
        ("gateway_timeout", {}, Deadline, 2),
        ("forbidden", {}, AuthRejected, 1),
        ("html", {}, UnexpectedContentType, 1),
        ("truncate", {}, IncompleteBody, 2),
        ("answer", {"status": 429, "retry_after": ["86400"]}, RateLimited, 1),
        ("answer", {"body": '{"meta":{}}'}, SourceError, 1),
        ("answer", {"body": '{"objs":[{"a":'}, IncompleteBody, 2),
        ("answer", {"body": '{"objs":{}}'}, SourceError, 1),
    ],
)
def test_each_refusal_has_its_code(
    vendor: microshare.Microshare, client: Client, kind: str, options: dict[str, Any], error: type[ConnectorError],
    requests: int,
) -> None:  # fmt: skip
    """Whatever the vendor answers ends with one code and where it was; what repeating cannot heal is not repeated."""
    vendor.fault(kind, entity="discovery", times=None, **options)
    with pytest.raises(error) as caught:
        list(client(retry_attempts=2, timeout_s=30.0).discover())
    assert caught.value.at == "discovery page 1"
    assert vendor.journal.count(statement="discovery") == requests


def test_odd_texts_do_not_cost_the_page(vendor: microshare.Microshare, client: Client) -> None:
    """A cluster with half a surrogate in its name is handed on with the others."""
    body = b'{"meta":{"totalPages":1},"objs":[{"_id":"a","name":"\\ud800"},' + vendor.document(
        next(iter(vendor.clusters))
    )
    vendor.fault("answer", entity="discovery", body=body + b"]}")
    [answer] = client().discover()
    assert [Document(bytes(record)).id for record in answer.records] == ["a", next(iter(vendor.clusters))]


def test_events_are_read_since_the_last_run(vendor: microshare.Microshare, client: Client) -> None:
    """Events and incidents are asked for by time, since a list without a bound is not answered; a slash is found out."""
    vendor.slash_on_lists = True
    vendor.happen([1, 2], ago=timedelta(days=3))
    reader = client()
    pages = list(BY_NAME["sensor_event"].pages(reader, None))
    assert sum(len(page.records) for page in pages) == 2
    cursor = pages[-1].cursor
    assert cursor
    vendor.happen([3])
    later = list(BY_NAME["sensor_event"].pages(reader, cursor))
    assert sum(len(page.records) for page in later) == 3  # the last ones once more: some may have been stored late
    assert later[-1].cursor
    assert later[-1].cursor["stored_at"] > cursor["stored_at"]
    assert [page.complete for page in later] == [False] * len(later)
    assert len(wanted(reader)) == 4
    vendor.records.clear()


def test_figures_count_a_failure_as_one(vendor: microshare.Microshare, client: Client) -> None:
    """Times are those of calls that succeeded; a page of HTML with status 200 is a failure like any other."""
    reader = client(retry_attempts=1)
    reader.test()
    vendor.fault("html", entity="read")
    id_ = next(iter(vendor.clusters))
    with pytest.raises(UnexpectedContentType):
        reader.cluster(data.TRAPS, id_)
    with pytest.raises(RecordNotFound):
        reader.cluster(data.TRAPS, "68b1357b3270e76ce8e99999")
    reader.put(data.TRAPS, id_, reader.cluster(data.TRAPS, id_))
    figures = {each.kind: (each.calls, each.failures) for each in reader.timings.figures()}
    assert figures == {"login": (1, 0), "discovery": (1, 0), "read": (3, 2), "write": (1, 0)}
    [read] = [each for each in reader.timings.figures() if each.kind == "read"]
    assert read.average_ms == read.median_ms == read.p95_ms == read.longest_ms


def test_a_test_tells_what_there_is(vendor: microshare.Microshare, client: Client) -> None:
    """Whoever sets a connection up reads what it sees, and is warned of the host that shows a part."""
    answer = client().test()
    assert (answer["clusters"], answer["devices"]) == (3, 18)
    assert "hint" not in answer
    vendor.hidden = 7
    assert "the account may not see the others" in client().test()["hint"]
    assert client().identity() == "sandbox@tenant.example at 127.0.0.1"


def test_the_pace_does_not_come_between_reading_and_writing(vendor: microshare.Microshare, client: Client) -> None:
    """Permission for both is waited for at once, so that a limit leaves nobody time to write in between."""
    taken: list[str] = []

    class Limiter:
        def slot(self) -> Any:
            from contextlib import nullcontext

            taken.append("slot")
            return nullcontext()

    reader = client(limiter=Limiter())
    id_ = next(iter(vendor.clusters))
    with reader.together(2):
        assert len(taken) == 2
        reader.put(data.TRAPS, id_, reader.cluster(data.TRAPS, id_))
        assert len(taken) == 2
    reader.cluster(data.TRAPS, id_)
    assert len(taken) == 3


def test_no_secret_is_told(vendor: microshare.Microshare, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Neither password nor token nor cookie is in a log or an error, whatever goes wrong."""
    redact.install()
    caplog.set_level(logging.DEBUG)
    reader = client()
    reader.test()
    token = next(iter(vendor.sign_ins.tokens))
    vendor.fault("answer", entity="discovery", status=500, times=None, body=f"{microshare.PASSWORD} {token}")
    with pytest.raises(ConnectorError) as caught:
        client(retry_attempts=1).test()
    told = f"{caught.value!r} {caught.value} {caplog.text}"
    assert microshare.PASSWORD not in told
    assert token not in told
    assert "eyJ" not in told
