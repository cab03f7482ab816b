"""The simulated tenant: as nasty as the vendor, and honest about what it holds."""

import json
import threading
from typing import Any

import httpx
import pytest

from sandbox import microshare
from sandbox.microshare import data


@pytest.fixture(scope="module")
def vendor() -> Any:
    """A small tenant."""
    with microshare.running(clusters=2, devices=4) as running:
        yield running


@pytest.fixture
def http(vendor: microshare.Microshare) -> Any:
    """Somebody who has signed in as web pages do."""
    form = {"csrfToken": "x", "username": microshare.USERNAME, "password": microshare.PASSWORD}
    answer = httpx.post(f"{vendor.base_url}/login", data=form)
    assert answer.status_code == 303
    assert "PLAY_SESSION" in answer.cookies
    token = next(reversed(vendor.sign_ins.tokens))
    with httpx.Client(base_url=vendor.base_url, headers={"Authorization": f"Bearer {token}"}) as client:
        yield client
    vendor.faults.clear()


def test_clusters_are_listed_in_pages_with_a_count_of_their_own(
    vendor: microshare.Microshare, http: httpx.Client
) -> None:
    """The envelope is the vendor's; it counts what is hidden; without details there are no devices."""
    vendor.hidden = 10
    answer = http.get("/device/*?details=true&discover=true&page=2&perPage=2").json()
    vendor.hidden = 0
    assert answer["meta"] == {"totalPages": 7, "currentPage": 2, "perPage": 2, "totalCount": 13, "currentCount": 1}
    assert answer["objs"][0]["recType"] == data.GATEWAYS
    bare = http.get(f"/device/{data.TRAPS}?discover=true").json()["objs"]
    assert [sorted(each) for each in bare] == [["_id", "id", "name", "recType", "tstamp"]] * 2
    assert len(http.get("/subset/device/*?details=true&discover=true").json()["objs"]) == 2


def test_locations_are_as_mixed_as_real_ones(vendor: microshare.Microshare) -> None:
    """Locations have three to nine elements, references repeat, and placeholders are shared."""
    devices = [each for id_ in vendor.clusters for each in vendor.devices(id_)]
    assert {len(each["meta"]["location"]) for each in devices} >= {3, 4, 5, 6, 9}
    assert len([each for each in devices if each["id"] == data.PLACEHOLDER]) > 1
    assert any("guid" not in each for each in devices)


def test_the_last_writer_wins(vendor: microshare.Microshare, http: httpx.Client) -> None:
    """Two who read, change and write at a time lose the first one's change: the sandbox protects nobody from that."""
    id_ = vendor.add(data.TRAPS, [])
    both = [http.get(f"/device/{data.TRAPS}/{id_}?details=true").json()["objs"][0] for _ in range(2)]
    for number, document in enumerate(both):
        document["data"]["devices"].append({"guid": f"writer-{number}"})
        assert http.put(f"/device/{data.TRAPS}/{id_}", json=document).status_code == 200
    assert [each["guid"] for each in vendor.devices(id_)] == ["writer-1"]
    assert http.put(f"/device/{data.TRAPS}/{id_}", content=b"{}").status_code == 400


def test_what_was_written_comes_back_byte_for_byte(vendor: microshare.Microshare, http: httpx.Client) -> None:
    """A document is kept as it was sent; only its stamp and checksum are the vendor's."""
    id_ = vendor.add(data.TRAPS, [])
    before = http.get(f"/device/{data.TRAPS}/{id_}?details=true").json()["objs"][0]
    sent = vendor.document(id_).replace(b'"devices":[]', b'"devices":[{"w":1.50,"n":"\\u00e9"} ]')
    http.put(f"/device/{data.TRAPS}/{id_}", content=sent)
    assert b'"devices":[{"w":1.50,"n":"\\u00e9"} ]' in vendor.document(id_)
    after = json.loads(vendor.document(id_))
    assert after["tstamp"] > before["tstamp"]
    assert after["checksum"] != before["checksum"]


@pytest.mark.parametrize(("kind", "status"), [("stored_504", 504), ("stored_500", 500)])
def test_a_write_can_be_stored_and_denied(
    vendor: microshare.Microshare, http: httpx.Client, kind: str, status: int
) -> None:
    """A write is carried out although its answer says that it failed; reading is not touched."""
    id_ = vendor.add(data.TRAPS, [])
    sent = vendor.document(id_).replace(b'"devices":[]', b'"devices":[{"guid":"x"}]')
    vendor.fault(kind, entity="write")
    assert http.get(f"/device/{data.TRAPS}/{id_}").status_code == 200
    assert http.put(f"/device/{data.TRAPS}/{id_}", content=sent).status_code == status
    assert len(vendor.devices(id_)) == 1
    assert vendor.journal.entries(statement="write")[-1].fault == kind


def test_a_foreign_writer_comes_in_between(vendor: microshare.Microshare, http: httpx.Client) -> None:
    """After a reading and before a write somebody else can be let in; their changes are whole."""
    id_ = vendor.add(data.TRAPS, [])
    met = threading.Event()

    def foreign(which: str) -> None:
        met.set()
        vendor.edit(which, lambda content: content["devices"].append({"guid": "theirs"}))

    vendor.after_read = foreign
    first = http.get(f"/device/{data.TRAPS}/{id_}?details=true").json()["objs"][0]
    vendor.after_read = None
    assert met.is_set()
    assert first["data"]["devices"] == []
    assert [each["guid"] for each in vendor.devices(id_)] == ["theirs"]


def test_refusals_are_the_vendors(vendor: microshare.Microshare, http: httpx.Client) -> None:
    """404 is a text, a question without its parameters is 503, a list without a bound is 504, a dead token is 401."""
    missing = http.get(f"/device/{data.TRAPS}/nobody")
    assert (missing.status_code, missing.headers["content-type"].split(";")[0]) == (404, "text/plain")
    assert "NotFoundException" in missing.text
    assert http.get("/device/*").status_code == 503
    assert http.get(f"/share/{data.EVENTS}").status_code == 504
    assert http.post(f"/device/{data.TRAPS}", json={}).status_code == 405
    vendor.expire_tokens()
    assert http.get("/device/*?discover=true").status_code == 401
