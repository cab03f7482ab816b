"""Every fault switch does to a real client what its name says, where and as often as it was told."""

import gzip
from typing import Any

import httpx
import msgspec
import pytest

PAGE = "SELECT * FROM Invoice ORDERBY MetaData.LastUpdatedTime ASC MAXRESULTS 20 STARTPOSITION"


def test_any_bytes_can_be_the_answer(caller: Any) -> None:
    """Recorded bodies are served byte for byte, with their status and headers."""
    head = {"Content-Type": "text/plain"}
    caller.qb.faults.add("answer", status=418, body=b"\xff\x00 raw", headers=head, after=1)
    answers = [caller.get("/customer/1") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 418, 200]
    assert answers[1].content == b"\xff\x00 raw"
    assert answers[1].headers["content-type"].startswith("text/plain")


def test_faults_choose_entity_page_and_number(caller: Any) -> None:
    """A fault on the second page of invoices leaves counts, other pages and other entities alone."""
    caller.qb.faults.add("unauthorized", entity="Invoice", page=2)
    asked = ["SELECT COUNT(*) FROM Invoice", f"{PAGE} 1", "SELECT * FROM Item", f"{PAGE} 21", f"{PAGE} 21"]
    answers = [caller.query(statement) for statement in asked]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 401, 200]
    assert answers[3].json()["fault"]["error"][0]["code"] == "3200"
    assert [entry.fault for entry in caller.qb.journal.entries("/query")][-2:] == ["unauthorized", None]


def test_throttling_names_each_wait_in_turn(caller: Any) -> None:
    """A throttled client can be told seconds, a date, nonsense and a day, one after the other."""
    waits = ["2", "Thu, 05 Nov 2026 10:00:00 GMT", "abc", "86400"]
    caller.qb.faults.add("throttle", times=5, retry_after=waits)
    answers = [caller.get("/customer/1") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [429] * 5 + [200]
    assert [answer.headers["retry-after"] for answer in answers[:5]] == [*waits, "86400"]


def test_html_503_and_fault_with_status_200(caller: Any) -> None:
    """Sign-in pages, outages and faults under status 200 come as they do at the vendor."""
    caller.qb.faults.add("html")
    assert (caller.get("/customer/1").text[:9], caller.get("/customer/1").status_code) == ("<!DOCTYPE", 200)
    caller.qb.faults.add("unavailable", times=2)
    assert [caller.get("/customer/1").status_code for _ in range(3)] == [503, 503, 200]
    caller.qb.faults.add("fault_200")
    answer = caller.get("/customer/1")
    assert (answer.status_code, next(iter(answer.json()))) == (200, "Fault")


@pytest.mark.parametrize(("kind", "error"), [("truncate", httpx.RemoteProtocolError), ("reset", httpx.ReadError)])
def test_broken_bodies_break_off(caller: Any, kind: str, error: type[Exception]) -> None:
    """A body that ends early or is reset fails in the client, and the next request works."""
    caller.qb.faults.add(kind, page=1)
    with pytest.raises(error):
        caller.query(f"{PAGE} 1")
    assert len(caller.rows(f"{PAGE} 1")) == 20


def test_lost_answer_was_carried_out(caller: Any) -> None:
    """A reply can get lost after the token was rotated: the old token is then dead."""
    caller.qb.oauth.rotate_always = True
    caller.qb.faults.add("reset", path="/tokens/bearer", fraction=0.0)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        caller.refresh(caller.qb.refresh_token)
    assert caller.refresh(caller.qb.refresh_token).json()["error"] == "invalid_grant"


def test_drip_gives_byte_after_byte(caller: Any) -> None:
    """A dripping answer keeps every single read alive and ends only when the client gives up."""
    caller.qb.faults.add("drip", bytes_per_s=50)
    head = {"Authorization": f"Bearer {caller.bearer}"}
    with caller.http.stream("GET", caller.company + "/customer/1", headers=head) as answer:
        pieces = answer.iter_raw()
        assert [len(next(pieces)) for _ in range(3)] == [1, 1, 1]
    assert caller.get("/customer/1").status_code == 200


def test_gzip_bomb_is_small_on_the_wire(caller: Any) -> None:
    """A few kilobytes unpack to as many megabytes as asked."""
    caller.qb.faults.add("gzip_bomb", megabytes=3)
    head = {"Authorization": f"Bearer {caller.bearer}"}
    with caller.http.stream("GET", caller.company + "/customer/1", headers=head) as answer:
        packed = b"".join(answer.iter_raw())
    assert len(packed) < 10_000
    assert len(gzip.decompress(packed)) == 3_000_002


def test_latency_outlasts_a_clients_patience(caller: Any) -> None:
    """A slow vendor makes an impatient client give up, and is right again afterwards."""
    caller.qb.faults.add("latency", seconds=1.5)
    caller.http.timeout = httpx.Timeout(10, read=0.2)
    with pytest.raises(httpx.ReadTimeout):
        caller.get("/customer/1")
    caller.http.timeout = httpx.Timeout(10)
    assert caller.get("/customer/1").status_code == 200


def test_a_page_can_repeat_for_ever(caller: Any) -> None:
    """From the page named on, whatever is asked, the same page comes again."""
    caller.qb.faults.add("repeat_page", entity="Invoice", page=2)
    pages = [caller.ids(f"{PAGE} {start}") for start in (1, 21, 41, 61)]
    assert pages[0] != pages[1]
    assert pages[1] == pages[2] == pages[3]


def test_rows_can_run_dry_and_pages_have_odd_sizes(caller: Any) -> None:
    """After so many rows comes the empty answer; a page may hold one row too many."""
    caller.qb.faults.add("empty_after_rows", entity="Invoice", rows=30)
    assert [len(caller.rows(f"{PAGE} {start}")) for start in (1, 21, 41)] == [20, 10, 0]
    assert caller.query(f"{PAGE} 41").json()["QueryResponse"] == {}
    caller.qb.faults.clear()
    caller.qb.faults.add("page_rows", rows=21, times=1)
    assert [len(caller.rows(f"{PAGE} 1")) for _ in range(2)] == [21, 20]


def test_rows_can_change_between_pages(caller: Any) -> None:
    """An invoice that someone edits after the first page moves to the end, and offsets miss the one behind it."""
    every = caller.ids("SELECT * FROM Invoice ORDERBY MetaData.LastUpdatedTime ASC MAXRESULTS 1000")
    caller.qb.on_page(lambda _, page: caller.qb.store.touch("Invoice", every[0]) if page == 1 else None)
    read = [id_ for start in range(1, 200, 20) for id_ in caller.ids(f"{PAGE} {start}")]
    assert every[20] not in read
    assert read.count(every[0]) == 2


def test_records_can_be_spoilt(caller: Any) -> None:
    """Bad values reach the client as they are, and only in the records chosen."""
    store = caller.qb.store
    store.spoil("Invoice", "5", {"TotalAmt": "N/A", "Line.0.Description": "nul \x00 and \ud800"})
    text = caller.get("/invoice/5").text
    assert '"TotalAmt":"N/A"' in text
    assert "nul \\u0000 and \\ud800" in text
    store.spoil("Invoice", "6", {"TotalAmt": msgspec.Raw(b"12345678901234567.89")})
    assert '"TotalAmt":12345678901234567.89' in caller.get("/invoice/6").text
    store.spoil_text("Invoice", "7", b'{"Id":null}')
    assert caller.get("/invoice/7").text.startswith('{"Invoice":{"Id":null}')
    assert "N/A" not in caller.get("/invoice/8").text
    store.spoil_text("Invoice", "5", None)
    assert "N/A" not in caller.get("/invoice/5").text


def test_unknown_switches_are_named(caller: Any) -> None:
    """A misspelt fault or option says what there is instead."""
    with pytest.raises(ValueError, match="there are: answer, html"):
        caller.qb.faults.add("explode")
    with pytest.raises(ValueError, match="no colour"):
        caller.qb.faults.add("html", colour="red")
