"""What services say when they refuse, in all their shapes."""

import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import AuthRejected, RateLimited, SourceError, Unavailable
from connectors.http import Body
from connectors.odata.faults import read_fault, to_error
from sandbox.odata import error_v2, error_v3, error_v4

OBJECT_IN_DETAILS = (
    b'{"error":{"code":"V1/042","message":{"lang":"en","value":"Locked"},"innererror":'
    b'{"errordetails":[{"code":"A","message":{"lang":"en","value":"by whom"}},{"message":"Locked"},7]}}}'
)


parts = st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["code", "message", "value", "details", "innererror", "errordetails", "lang"]), inner), max_leaves=6)  # fmt: skip
faults = st.dictionaries(st.sampled_from(["error", "odata.error"]), parts).map(lambda each: json.dumps(each).encode())


def body(status, content, **headers):
    return Body(httpx.URL("https://erp.example.com/sap/A_SalesOrder"), status, httpx.Headers(headers), content)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (error_v2("V1/042", "Order 17 is locked"), "V1/042", "V1/042: Order 17 is locked"),
        (error_v3("9", "Экземпляр сущности не найден"), "9", "9: Экземпляр сущности не найден"),
        (error_v4("A/1", "No such property"), "A/1", "A/1: No such property"),
        (b'\xef\xbb\xbf{"error":{"code":"","message":"plain"}}', "", "without a code: plain"),
        (OBJECT_IN_DETAILS, "V1/042", "V1/042: Locked; by whom"),
        (b'<?xml version="1.0"?><m:error xmlns:m="x"><m:code>-1</m:code><m:message>A &lt; B</m:message></m:error>', "-1", "-1: A < B"),
        (b'<error xmlns="x"><code>5</code><message xml:lang="en">No</message><innererror><message>in', "5", "5: No"),
    ],
)  # fmt: skip
def test_every_shape_is_read(content, code, words):
    """Code and words come out of JSON of every version and of XML, cut short or not."""
    fault = read_fault(content)
    assert (fault.code, fault.words) == (code, words)


@pytest.mark.parametrize(
    "content",
    [b"", b"Unauthorized", b'{"d":{"results":[]}}', b'{"value":[{"error":"is a field"}]}', b'{"error":"text"}', b"{",
     b"<html>error</html>", b'{"error":' + b"[" * 5000],
)  # fmt: skip
def test_what_is_no_fault(content):
    """Records and other documents are never taken for a refusal."""
    assert read_fault(content) is None


@pytest.mark.parametrize(
    ("status", "error"),
    [(200, SourceError), (400, SourceError), (404, SourceError), (401, AuthRejected), (403, AuthRejected),
     (429, RateLimited), (503, Unavailable), (500, Unavailable), (408, Unavailable)],
)  # fmt: skip
def test_what_a_status_makes_of_it(status, error):
    """The vendor's code and words are in the error, whatever its kind."""
    raised = to_error(read_fault(error_v2("V1/042", "Order 17 is locked")), body(status, b""))
    assert type(raised) is error
    assert "V1/042: Order 17 is locked" in str(raised)


def test_the_wait_asked_for():
    """Retry-After beside a fault is honoured."""
    raised = to_error(read_fault(error_v2("429", "slow down")), body(429, b"", **{"Retry-After": "7"}))
    assert raised.wait_s == 7.0


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=80), st.text(max_size=40).map(lambda text: f'{{"error":{text}}}'.encode()), faults))
def test_nothing_breaks_it(content):
    """Whatever an answer is, reading a fault from it gives one or none."""
    fault = read_fault(content)
    assert fault is None or isinstance(fault.words, str)
