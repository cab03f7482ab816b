"""The simulated Cetec instance, and the stand-in for MySQL beside it, behave as the vendor was seen to."""

import json
import signal
import subprocess
import sys
from typing import Any

import httpx
import pytest

from connectors.mysql import Answer, Server
from sandbox import cetec, cetec_data
from tests.connectors.cetec.conftest import vendor  # noqa: F401 - a fixture


def get(vendor: cetec.Cetec, **parameters: str) -> httpx.Response:  # noqa: F811
    return httpx.get(f"{vendor.base_url}/api/customer", params={"preshared_token": vendor.token, **parameters})


def test_there_are_as_many_customers_as_the_vendor_had_with_every_state() -> None:
    """The default instance has 344 customers, and every kind of customer and of database is among them."""
    customers = cetec_data.make(cetec_data.CUSTOMERS)
    assert len({customer["id"] for customer in customers}) == 344
    assert customers == cetec_data.make(cetec_data.CUSTOMERS)
    held = cetec_data.databases(customers)
    assert set(held.values()) == {True, False}
    assert {type(customer["ok_to_bill"]) for customer in customers} == {int, str, bool, type(None)}
    assert {customer["domain"] for customer in customers} >= {None, "", "   ", "undefined"}
    assert cetec_data.resident(customers)


def test_columns_and_filters_are_honoured_unless_switched_off(vendor: cetec.Cetec) -> None:  # noqa: F811
    """Versions that know these parameters, and those that do not, can both be had."""
    assert get(vendor, id="1001", columns="id,name").json() == [{"id": 1001, "name": "Birch Optics"}]
    vendor.filters = vendor.columns = False
    everything: list[dict[str, Any]] = get(vendor, id="1001", columns="id,name").json()
    assert len(everything) == 80
    assert "techx_password" in everything[0]


@pytest.mark.parametrize("how", cetec.REFUSALS)
def test_a_wrong_token_is_refused_in_each_known_way(vendor: cetec.Cetec, how: str) -> None:  # noqa: F811
    """All ways in which the vendor refuses a token can be had."""
    vendor.refusal = how
    answer = get(vendor, preshared_token="wrong")
    assert (answer.status_code, answer.content) == (cetec.REFUSALS[how][0], cetec.REFUSALS[how][2])
    assert "wrong" not in str(vendor.journal.entries())


def test_serves_in_a_process_of_its_own() -> None:
    """`python -m sandbox cetec` says on its first line all that one needs to connect to both."""
    command = [sys.executable, "-m", "sandbox", "cetec", "--customers", "40"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            answer = httpx.get(
                f"{told['cetec']['base_url']}/api/customer",
                params={"preshared_token": told["cetec"]["preshared_token"], "columns": "id"},
            )
            assert len(answer.json()) == 40
            found = Server(**told["mysql"]).look(["alder_circuits0", "nobody"], "usage_stats")
            assert (found.of("alder_circuits0"), found.of("nobody")) == (Answer.HAS_TABLE, Answer.NO_SCHEMA)
        finally:
            process.send_signal(signal.SIGTERM)
