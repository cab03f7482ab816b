"""The simulator against recorded answers: loads what was recorded, and answers the recorded requests alike."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest

from sandbox import quickbooks
from tests.sandbox.conftest import UNLIMITED, Caller

LIVE = "minimul__qbo_api"


@contextmanager
def recording(captures: Path) -> Iterator[Caller]:
    """Serve a company that holds nothing but the records of one recorded company."""
    nothing = dict.fromkeys(("customers", "vendors", "items", "invoices"), 0)
    with quickbooks.running(**nothing, captures=captures, only=[LIVE], limits=UNLIMITED) as qb:
        qb.store.vanish("Vendor", ["71"])  # made in a recorded batch, after the vendors had been read
        made = Caller(qb)
        with made.http:
            yield made


@pytest.fixture(scope="module")
def recorded(captures: Path) -> Iterator[Caller]:
    """The recorded company, for tests that only read."""
    with recording(captures) as made:
        yield made


@pytest.fixture
def fresh(captures: Path) -> Iterator[Caller]:
    """The recorded company, for a test that changes it."""
    with recording(captures) as made:
        yield made


def pair(captures: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a recorded request and answer."""
    exchange = json.loads((captures / LIVE / f"{name}.json").read_text())
    return exchange["request"], exchange["response"]


def replay(caller: Caller, request: dict[str, Any]) -> Any:
    """Send a recorded request to the simulator (some recordings lost the company out of their path)."""
    parts = urlsplit(request["uri"])
    path = parts.path.removeprefix("/v3").replace("/company/-COMPANY_ID-", "")
    params = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if request["method"] == "POST":
        return caller.post(path, request["body"], **params)
    return caller.get(path, **params)


def shape(value: Any) -> Any:
    """Return what holds of a value whatever its content: names and kinds."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def test_every_record_is_loaded_once_in_its_newest_version(captures: Path) -> None:
    """All wrappings are understood, numbers keep their text, and the newest version of a record wins."""
    with quickbooks.running(customers=0, vendors=0, items=0, invoices=0) as qb:
        counts = qb.load_captures(captures, only=[LIVE])
        assert (counts["Customer"], counts["Vendor"], counts["Invoice"]) == (41, 28, 2)
        assert qb.store.get("Invoice", "264")["PrivateNote"] == "Voided"
        assert b'"TotalAmt":100.0,' in qb.store.row("Invoice", "266").text
        assert qb.store.get("Customer", "1")["MetaData"]["LastUpdatedTime"] == "2020-09-29T06:02:35-07:00"
    with quickbooks.running(customers=0, vendors=0, items=0, invoices=0) as qb:
        others = qb.load_captures(captures, only=["fylein__fyle-qbo-api", "Boulevard__ExQuickBooks"])
        assert others["Customer"] == 42
        assert others["Item"] >= 19
        assert qb.store.get("CompanyInfo", "1")


@pytest.mark.parametrize(
    "name",
    [
        *(f"all/alt_select.{number}" for number in range(5)),
        *(f"all/vendors_by_5.{number}" for number in range(1, 5)),
        "all/employees_including_active.0",
        "all/employees_including_active.1",
        "get/id.0",
        "get/display_name.0",
        "misc/ampersand.0",
    ],
)
def test_recorded_questions_get_the_recorded_rows(recorded: Caller, captures: Path, name: str) -> None:
    """A recorded request is answered with the recorded rows in the recorded order and envelope."""
    request, response = pair(captures, name)
    answer = replay(recorded, request)
    assert answer.status_code == response["status"] == 200
    got, wanted = answer.json(), response["body"]
    assert list(got) == list(wanted)
    if "QueryResponse" in wanted:
        assert list(got["QueryResponse"]) == list(wanted["QueryResponse"])
        assert {name: _ids(value) for name, value in got["QueryResponse"].items()} == {
            name: _ids(value) for name, value in wanted["QueryResponse"].items()
        }


def _ids(value: Any) -> Any:
    return [row["Id"] for row in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ["error/400.1", "error/500.0", "error/500.1", "error/validation.0", "error/401.0"])
def test_recorded_refusals_are_refused_alike(recorded: Caller, captures: Path, name: str) -> None:
    """A recorded mistake gives the recorded status, code, words and shape."""
    request, response = pair(captures, name)
    good = recorded.bearer
    recorded.bearer = "outdated" if name == "error/401.0" else good
    answer = replay(recorded, request)
    recorded.bearer = good
    assert answer.status_code == response["status"]
    assert shape(answer.json()) == shape(response["body"])
    got, wanted = (body.get("Fault") or body["fault"] for body in (answer.json(), response["body"]))
    got, wanted = (fault.get("Error") or fault["error"] for fault in (got, wanted))
    for key in ("code", "Message", "message", "element"):
        assert got[0].get(key) == wanted[0].get(key)
    if name != "error/401.0" and "full path" not in wanted[0]["Detail"]:
        assert got[0]["Detail"] == wanted[0]["Detail"]


def test_recorded_unknown_property_and_parse_error(recorded: Caller, captures: Path) -> None:
    """An unknown property and a statement that does not parse give the recorded words and codes."""
    request, response = pair(captures, "error/400_json.0")
    got, wanted = (body["Fault"]["Error"][0] for body in (replay(recorded, request).json(), response["body"]))
    assert (got["code"], got["Message"]) == (wanted["code"], wanted["Message"])
    assert got["Detail"].split("(class")[0] == wanted["Detail"].split("(class")[0]
    wanted = json.loads((captures / "Boulevard__ExQuickBooks/api/query_error.json").read_text())
    assert recorded.query("SELECT * FROM NULL").json()["Fault"] == wanted["Fault"]


def test_recorded_void_and_delete_are_done_alike(fresh: Caller, captures: Path) -> None:
    """Voiding and deleting the recorded invoices gives the recorded answers."""
    _, before = pair(captures, "void/invoice.0")
    fresh.qb.store.put("Invoice", json.dumps(before["body"]["Invoice"]).encode())
    request, response = pair(captures, "void/invoice.1")
    assert _undated(replay(fresh, request).json()["Invoice"]) == _undated(response["body"]["Invoice"])
    request, response = pair(captures, "delete/invoice.1")
    assert replay(fresh, request).json()["Invoice"] == response["body"]["Invoice"]


def _undated(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "MetaData"}


def test_recorded_creates_have_the_recorded_shape(fresh: Caller, captures: Path) -> None:
    """A created customer has the fields that the vendor's has."""
    request, response = pair(captures, "create/customer.0")
    request["body"] = {"DisplayName": "Somebody Else's Works"}
    made, wanted = replay(fresh, request).json()["Customer"], response["body"]["Customer"]
    assert set(wanted) - set(made) == {"DefaultTaxCodeRef"}
    request, response = pair(captures, "create/invoice.0")
    made, wanted = replay(fresh, request).json()["Invoice"], response["body"]["Invoice"]
    assert set(made) <= set(wanted)
    assert (made["TotalAmt"], made["Line"][-1]) == (wanted["TotalAmt"], wanted["Line"][-1])


def test_recorded_cdc_is_answered_alike(fresh: Caller, captures: Path) -> None:
    """The recorded change data answer, which looks back further than documented, comes with the switch for it."""
    fresh.qb.api.cdc_too_old = "serve"
    request, response = pair(captures, "cdc/basic.0")
    got, wanted = (
        body["CDCResponse"][0]["QueryResponse"][0] for body in (replay(fresh, request).json(), response["body"])
    )
    assert {name: _ids(value) for name, value in got.items()} == {name: _ids(value) for name, value in wanted.items()}


def test_throttle_has_the_recorded_structure(caller: Caller, captures: Path) -> None:
    """The throttle's XML has the elements, attributes and texts of the recorded one."""
    caller.qb.faults.add("throttle")
    got = ElementTree.fromstring(caller.get("/customer/1").content)
    wanted = ElementTree.fromstring((captures / "intuit-docs/throttle_429.xml").read_bytes())
    for mine, theirs in zip(got.iter(), wanted.iter(), strict=True):
        assert (mine.tag, list(mine.attrib)) == (theirs.tag, list(theirs.attrib))
        assert (mine.text or "").strip() == (theirs.text or "").strip()
