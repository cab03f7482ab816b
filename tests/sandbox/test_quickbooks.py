"""The simulated accounting API behaves as the facts say: envelopes, query language, order, writes, CDC, limits."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import quickbooks
from sandbox.clock import pacific, parse_time

UNLIMITED = quickbooks.Limits(0, 0, 0)


def test_default_company_has_the_promised_sizes_and_repeats() -> None:
    """The same seed gives the same company, of the size that the demo announces."""
    with quickbooks.running() as one, quickbooks.running() as two:
        sizes = {name: len(one.store.ids(name)) for name in ("Customer", "Vendor", "Item", "Invoice")}
        assert sizes == {"Customer": 1_000, "Vendor": 300, "Item": 2_000, "Invoice": 5_000}
        assert all(one.store.row("Invoice", i).text == two.store.row("Invoice", i).text for i in ("1", "777", "5000"))


def test_invoice_amounts_add_up_to_the_cent(reader: Any) -> None:
    """Sums over landed lines can be checked against the invoice's own totals."""
    for id_ in reader.qb.store.ids("Invoice"):
        invoice = reader.qb.store.get("Invoice", id_)
        *lines, last = invoice["Line"]
        assert last["DetailType"] == "SubTotalLineDetail"
        assert "Id" not in last
        signs = {"DiscountLineDetail": -1}
        sums = [signs.get(line["DetailType"], 1) * Decimal(line.get("Amount", 0)) for line in lines]
        assert sum(sums) + Decimal(invoice["TxnTaxDetail"]["TotalTax"]) == Decimal(invoice["TotalAmt"])


def test_company_has_the_hard_cases(reader: Any) -> None:
    """What makes real companies hard is in the made-up one: ties, silent changes, both offsets, inactive rows."""
    rows = [reader.qb.store.get("Customer", id_) for id_ in reader.qb.store.ids("Customer")]
    changed = [row["MetaData"]["LastUpdatedTime"] for row in rows]
    assert len(set(changed)) < len(changed)
    assert {time[-6:] for time in changed} == {"-07:00", "-08:00"}
    assert any(r["SyncToken"] == "0" and r["MetaData"]["CreateTime"] < r["MetaData"]["LastUpdatedTime"] for r in rows)
    assert all(row["DisplayName"].endswith(" (deleted)") for row in rows if not row["Active"])
    assert any(row["Level"] == 2 and row["FullyQualifiedName"].count(":") == 2 for row in rows if row["Job"])
    invoices = [reader.qb.store.get("Invoice", id_) for id_ in reader.qb.store.ids("Invoice")]
    assert any(row.get("PrivateNote") == "Voided" and row["TotalAmt"] == 0 for row in invoices)
    kinds = {line["DetailType"] for row in invoices for line in row["Line"]}
    assert kinds >= {"SalesItemLineDetail", "GroupLineDetail", "DescriptionOnly", "DiscountLineDetail"}


def test_envelopes_are_the_vendors(reader: Any) -> None:
    """A page says where it starts and how much it holds; totalCount comes with invoices and not with customers."""
    customers = reader.query("select * from customer maxresults 3 startposition 5").json()
    assert list(customers["QueryResponse"]) == ["Customer", "startPosition", "maxResults"]
    assert (customers["QueryResponse"]["startPosition"], customers["QueryResponse"]["maxResults"]) == (5, 3)
    assert parse_time(customers["time"])
    invoices = reader.query("SELECT * FROM Invoice MAXRESULTS 2").json()["QueryResponse"]
    assert invoices["totalCount"] == 2
    assert reader.query("SELECT * FROM Invoice STARTPOSITION 9999").json()["QueryResponse"] == {}
    assert reader.query("SELECT COUNT(*) FROM Invoice").json()["QueryResponse"] == {"totalCount": 150}
    head = reader.query("SELECT * FROM Vendor MAXRESULTS 1").headers
    assert head["Content-Type"] == "application/json;charset=utf-8"
    assert head["intuit_tid"]


def test_inactive_rows_hide_unless_asked_for(reader: Any) -> None:
    """A full read must ask for inactive rows by name; counting them too."""
    every = "WHERE Active IN (true,false)"
    shown = reader.query("SELECT COUNT(*) FROM Vendor").json()["QueryResponse"]["totalCount"]
    total = reader.query(f"SELECT COUNT(*) FROM Vendor {every}").json()["QueryResponse"]["totalCount"]
    assert (total, shown) == (45, 44)
    assert len(reader.rows(f"SELECT * FROM Vendor {every} MAXRESULTS 1000")) == 45
    assert reader.rows("SELECT * FROM Vendor WHERE Active = false")[0]["DisplayName"].endswith(" (deleted)")


def test_default_order_is_newest_first_or_by_name(reader: Any) -> None:
    """Without ORDERBY transactions come newest first, name lists by name."""
    invoices = [parse_time(row["MetaData"]["LastUpdatedTime"]) for row in reader.rows("SELECT * FROM Invoice")]
    assert invoices == sorted(invoices, reverse=True)
    names = [row["FullyQualifiedName"] for row in reader.rows("SELECT * FROM Customer")]
    assert names == sorted(names)


def test_reads_and_wrong_paths(reader: Any) -> None:
    """One record, the company's name, and the vendor's refusals of ids and paths that do not exist."""
    assert reader.get("/invoice/7").json()["Invoice"]["Id"] == "7"
    info = reader.get(f"/companyinfo/{reader.qb.realm_id}").json()["CompanyInfo"]
    assert info["CompanyName"] == "Sandbox Trading Company"
    codes = {path: reader.get(path).json()["Fault"]["Error"][0]["code"] for path in _WRONG}
    assert codes == _WRONG
    other = reader.http.get("/v3/company/1/customer/1", headers={"Authorization": f"Bearer {reader.bearer}"})
    assert (other.status_code, other.json()["fault"]["error"][0]["code"]) == (403, "3100")


_WRONG = {"/customer/99999": "610", "/customer/1.5": "2030", "/customer/1/5": "500", "/shoe/1": "500"}


def test_create_update_void_and_delete(caller: Any) -> None:
    """Tests can change the company as its users do, through the API."""
    made = caller.post("/customer", {"DisplayName": "New Harbor Test"}).json()["Customer"]
    assert (made["SyncToken"], made["Active"], made["FullyQualifiedName"]) == ("0", True, "New Harbor Test")
    line = {"Amount": 100.25, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "2"}}}
    body = {"CustomerRef": {"value": made["Id"]}, "Line": [line]}
    invoice = caller.post("/invoice", body).json()["Invoice"]
    assert (invoice["TotalAmt"], invoice["Balance"], len(invoice["Line"])) == (100.25, 100.25, 2)
    owing = caller.get(f"/customer/{made['Id']}").json()["Customer"]
    assert (owing["Balance"], owing["SyncToken"]) == (100.25, "0")
    head = {"Id": invoice["Id"], "SyncToken": "0"}
    voided = caller.post("/invoice", head, operation="void").json()["Invoice"]
    assert (voided["TotalAmt"], voided["Line"][0]["Amount"], voided["PrivateNote"]) == (0, 0, "Voided")
    assert voided["SyncToken"] == "1"
    assert caller.post("/invoice", head, operation="delete").json()["Fault"]["Error"][0]["code"] == "5010"
    gone = caller.post("/invoice", {**head, "SyncToken": "1"}, operation="delete").json()["Invoice"]
    assert gone == {"domain": "QBO", "status": "Deleted", "Id": invoice["Id"]}
    renamed = {"Id": made["Id"], "SyncToken": "0", "DisplayName": "Newer Harbor Test", "sparse": True}
    assert caller.post("/customer", renamed).json()["Customer"]["FullyQualifiedName"] == "Newer Harbor Test"
    off = {"Id": made["Id"], "SyncToken": "1", "Active": False, "sparse": True}
    assert caller.post("/customer", off).json()["Customer"]["DisplayName"] == "Newer Harbor Test (deleted)"


@pytest.mark.parametrize(
    ("path", "record", "code"),
    [
        ("/customer", {}, "2020"),
        ("/invoice", {"BadField": 1}, "2010"),
        ("/customer", {"Id": "99999", "SyncToken": "0"}, "610"),
        ("/customer", {"DisplayName": "Amber Harbor Supply"}, "6240"),
        ("/vendor", {"DisplayName": "Amber Harbor Supply"}, "6240"),
        ("/customer?operation=delete", {"Id": "1", "SyncToken": "0"}, "500"),
    ],
)
def test_wrong_posts_are_refused(caller: Any, path: str, record: dict[str, Any], code: str) -> None:
    """A post that the vendor would refuse is refused with its code."""
    answer = caller.post(path, record)
    assert (answer.status_code, answer.json()["Fault"]["Error"][0]["code"]) == (400, code)


def test_requestid_makes_a_post_happen_once(caller: Any) -> None:
    """A post that is sent again under the same requestid gives the first answer and nothing new."""
    answers = [caller.post("/customer", {"DisplayName": "Once Only"}, requestid="r1").json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(caller.rows("SELECT * FROM Customer WHERE DisplayName = 'Once Only'")) == 1


def test_cdc_tells_changes_and_deletes(caller: Any) -> None:
    """Change data capture gives whole records, deletes last, an empty group where nothing changed."""
    store = caller.qb.store
    store.touch("Invoice", "3")
    store.delete("Invoice", "4")
    answer = caller.get("/cdc", entities="Customer,Invoice,Item", changedSince=_days_ago(caller, 1)).json()
    customers, invoices, items = answer["CDCResponse"][0]["QueryResponse"]
    assert [row["Id"] for row in invoices["Invoice"]] == ["3", "4"]
    assert invoices["Invoice"][1]["status"] == "Deleted"
    assert "Line" in invoices["Invoice"][0]
    assert len(customers.get("Customer", [])) <= 1
    assert items == {}


def test_cdc_stops_at_a_thousand_and_loses_deletes_first() -> None:
    """A client that trusts change data capture beyond its limit loses deletes, as at the vendor."""
    with quickbooks.running(customers=5, vendors=0, items=10, invoices=1_005, limits=UNLIMITED) as qb:
        qb.store.tie("Invoice", qb.store.ids("Invoice"))
        qb.store.delete("Invoice", "9")
        head = {"Authorization": f"Bearer {qb.oauth.access_token()}"}
        params = {"entities": "Invoice", "changedSince": "2010-01-01"}
        answer = httpx.get(f"{qb.base_url}/v3/company/{qb.realm_id}/cdc", params=params, headers=head).json()
    rows = answer["CDCResponse"][0]["QueryResponse"][0]["Invoice"]
    assert len(rows) == 1_000
    assert not any("status" in row for row in rows)


def test_cdc_looks_back_thirty_days(caller: Any) -> None:
    """What changed longer ago is not told, or refused, as the switch says."""
    caller.qb.store.tie("Item", ["1"], at=caller.qb.clock.now() - 40 * 86_400)
    asked = {"entities": "Item", "changedSince": _days_ago(caller, 50)}
    assert "1" not in str(caller.get("/cdc", **asked).json()["CDCResponse"])
    caller.qb.api.cdc_too_old = "serve"
    assert '"Id":"1"' in caller.get("/cdc", **asked).text
    caller.qb.api.cdc_too_old = "error"
    assert caller.get("/cdc", **asked).status_code == 400


def _days_ago(caller: Any, days: int) -> str:
    return pacific(caller.qb.clock.now() - days * 86_400)


def test_limits_are_enforced_with_the_vendors_xml() -> None:
    """Beyond the limit a request is throttled, in XML although JSON was asked for, without a word on how long."""
    assert quickbooks.Limits() == quickbooks.Limits(per_second=10, per_minute=500, in_flight=10)
    with quickbooks.running(customers=5, vendors=0, items=0, invoices=0, limits=quickbooks.Limits(0, 12, 0)) as qb:
        head = {"Authorization": f"Bearer {qb.oauth.access_token()}", "Accept": "application/json"}
        with httpx.Client(base_url=f"{qb.base_url}/v3/company/{qb.realm_id}", headers=head) as client:
            answers = [client.get("/customer/1") for _ in range(14)]
        assert [answer.status_code for answer in answers] == [200] * 12 + [429] * 2
        assert '<Error code="3001">' in answers[12].text
        assert "ThrottleExceeded; errorCode=003001; statusCode=429" in answers[12].text
        assert "Retry-After" not in answers[12].headers
        assert qb.journal.count(status=429) == 2


def test_requests_in_flight_are_limited() -> None:
    """A request that comes while as many as allowed are still being answered is throttled."""
    with quickbooks.running(customers=5, vendors=0, items=0, invoices=0, limits=quickbooks.Limits(0, 0, 1)) as qb:
        qb.faults.add("drip", bytes_per_s=20)
        head = {"Authorization": f"Bearer {qb.oauth.access_token()}"}
        with httpx.Client(base_url=f"{qb.base_url}/v3/company/{qb.realm_id}", headers=head) as client:
            with client.stream("GET", "/customer/1") as slow:
                pieces = slow.iter_raw()
                assert next(pieces)
                assert client.get("/customer/1").status_code == 429
            assert qb.peak_in_flight == 1


def test_runs_as_a_program_of_its_own(tmp_path: Path) -> None:
    """The demo starts it as a process, reads one line of JSON, turns its switches over HTTP, and stops it."""
    command = [sys.executable, "-m", "sandbox", "quickbooks", "--customers", "7", "--vendors", "3", "--invoices", "4"]
    root = Path(__file__).parents[2]
    with subprocess.Popen([*command, "--items", "5"], stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
            token = httpx.post(told["token_url"], data=form, auth=(told["client_id"], told["client_secret"])).json()
            company = f"{told['base_url']}/v3/company/{told['realm_id']}"
            control = f"{told['base_url']}/_sandbox"
            httpx.post(f"{control}/faults", json={"kind": "html", "times": 1}).raise_for_status()
            change = {"change": "update", "entity": "Customer", "id": "1", "changes": {"Notes": "seen"}}
            httpx.post(f"{control}/records", json=change).raise_for_status()
            head = {"Authorization": f"Bearer {token['access_token']}"}
            first, second = (httpx.get(f"{company}/customer/1", headers=head) for _ in range(2))
            assert first.headers["content-type"].startswith("text/html")
            assert second.json()["Customer"]["Notes"] == "seen"
            journal = httpx.get(f"{control}/journal").json()
            assert [(entry["status"], entry["fault"]) for entry in journal] == [(200, None), (200, "html"), (200, None)]
            assert told["refresh_token"] not in str(journal)
            assert httpx.post(f"{control}/faults", json={"kind": "none such"}).status_code == 400
        finally:
            process.terminate()
            assert process.wait(10) == 0
