"""The client of Cetec's customer list, against a simulated instance over real HTTP."""

import json
import logging
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from connectors import redact
from connectors.cetec.client import DEFAULT_COLUMNS, Asked
from connectors.errors import (
    AuthRejected,
    ConnectorError,
    Deadline,
    IncompleteBody,
    RateLimited,
    ResponseTooLarge,
    SecretRefused,
    SourceError,
    Unavailable,
    UnexpectedContentType,
    WriteRefused,
)
from sandbox import cetec
from tests.connectors.cetec.conftest import Client


def asked_for(vendor: cetec.Cetec) -> dict[str, str]:
    """The parameters of the last request, without the token."""
    found: dict[str, str] = json.loads(vendor.journal.entries("/api/customer")[-1].statement)
    return found


def test_reads_all_customers_in_one_request(vendor: cetec.Cetec, client: Client) -> None:
    """The whole list comes with one request for the documented columns, without the login secret."""
    assert len(client().customers()) == 80
    assert vendor.journal.count() == 1
    assert asked_for(vendor) == {"columns": ",".join(DEFAULT_COLUMNS)}
    assert "techx_password" not in DEFAULT_COLUMNS


def test_takes_the_list_in_an_object_too(vendor: cetec.Cetec, client: Client) -> None:
    """Both shapes in which the list was seen are read."""
    vendor.wrapped = True
    assert len(client().customers()) == 80


@pytest.mark.parametrize("name", ["techx_password", "TECHX_PASSWORD", "id,techx_password", "some_passwd"])
def test_never_asks_for_a_login_secret(vendor: cetec.Cetec, client: Client, name: str) -> None:
    """Whoever names the login secret as a column is told why not, before a request leaves."""
    with pytest.raises(SecretRefused, match="live login"):
        client().customers(Asked(columns=(name,)))
    assert vendor.journal.count() == 0


def test_refuses_what_is_no_column(client: Client) -> None:
    """A column's name cannot carry parameters of its own."""
    with pytest.raises(SourceError, match="no name of a column"):
        client().customers(Asked(columns=("id&preshared_token=x",)))


def test_asks_for_what_states_need_beside_the_columns_wanted(vendor: cetec.Cetec, client: Client) -> None:
    """With columns of one's own, a customer's state can still be decided."""
    client().customers(Asked(name="Alder & Söhne", columns=("name, city",)))
    columns = "id,domain,ok_to_bill,resident_hosting,itar_hosting_bc,name,city"
    assert asked_for(vendor) == {"name": "Alder & Söhne", "columns": columns}


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("unauthorized", AuthRejected),
        ("forbidden", AuthRejected),
        ("login_redirect", AuthRejected),
        ("login_page", UnexpectedContentType),
        ("error_object", SourceError),
    ],
)
def test_a_refused_token_is_one_clear_error(
    vendor: cetec.Cetec, client: Client, how: str, error: type[ConnectorError], caplog: pytest.LogCaptureFixture
) -> None:
    """However the vendor refuses a token, the run says so at once, and the token is in no error and no log."""
    redact.install()
    caplog.set_level(logging.DEBUG)
    reader = client()
    vendor.refuse(how)
    with pytest.raises(error) as caught:
        reader.customers()
    assert vendor.journal.count() == 1
    told = f"{caught.value!r} {caught.value} {caplog.text}"
    for form in (cetec.TOKEN, quote(cetec.TOKEN, safe=""), quote(cetec.TOKEN, safe=",")):
        assert form not in told
    assert "/api/customer" in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("html", {}, UnexpectedContentType),
        ("unavailable", {}, Unavailable),
        ("truncate", {}, IncompleteBody),
        ("reset", {}, IncompleteBody),
        ("gzip_bomb", {}, ResponseTooLarge),
        ("answer", {"status": 429, "retry_after": ["86400"]}, RateLimited),
        ("answer", {"status": 200, "body": '{"status": "error", "message": "no"}'}, SourceError),
        ("answer", {"status": 200, "body": "[{"}, IncompleteBody),
        ("answer", {"status": 200, "body": "null"}, UnexpectedContentType),
        ("answer", {"status": 404, "body": "{}"}, SourceError),
    ],
)
def test_what_lasts_fails_with_its_code(
    vendor: cetec.Cetec, client: Client, fault: str, options: dict[str, Any], error: type[ConnectorError]
) -> None:
    """A fault that does not pass ends the run with its own code after a few requests; never as an empty list."""
    vendor.fault(fault, times=None, **options)
    with pytest.raises(error):
        client(retry_attempts=2, timeout_s=60.0).customers()
    assert vendor.journal.count() <= 2


@pytest.mark.parametrize(("fault", "options"), [("drip", {"bytes_per_s": 20}), ("latency", {"seconds": 3})])
def test_a_slow_answer_has_its_end(vendor: cetec.Cetec, client: Client, fault: str, options: dict[str, Any]) -> None:
    """An answer that takes too long in all ends the request, although single bytes may keep coming."""
    vendor.fault(fault, times=None, **options)
    with pytest.raises(Deadline):
        client(retry_attempts=1, timeout_s=0.5).customers()


@pytest.mark.parametrize("fault", ["unavailable", "truncate", "reset"])
def test_what_passes_is_tried_again(vendor: cetec.Cetec, client: Client, fault: str) -> None:
    """A fault that passes leaves no trace in what is read."""
    vendor.fault(fault)
    assert len(client().customers()) == 80
    assert vendor.journal.count() == 2


def test_cannot_write(client: Client) -> None:
    """Nothing that could change data at the vendor can leave through this connection."""
    with pytest.raises(WriteRefused):
        client()._http.post("/api/customer", json={})


def test_test_says_how_many_and_how_fast(vendor: cetec.Cetec, client: Client) -> None:
    """Whoever sets a connection up reads how many customers it gives."""
    answer = client().test()
    assert answer["customers"] == 80
    assert answer["milliseconds"] >= 0
    assert client().identity() == "127.0.0.1"


def test_records_are_as_the_vendor_wrote_them(vendor: cetec.Cetec, client: Client) -> None:
    """No value is read on the way, so that none is changed."""
    vendor.fault("answer", body='[{"id": 1,  "credit": 1.10}]')
    assert [bytes(raw) for raw in client().customers()] == [b'{"id": 1,  "credit": 1.10}']
    assert isinstance(client().customers()[0], msgspec.Raw)
