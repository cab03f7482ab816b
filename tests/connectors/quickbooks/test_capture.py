"""One question about all kinds of records: what its answer may be trusted with, and what not."""

from datetime import UTC, datetime, timedelta

from connectors.errors import SourceError
from connectors.quickbooks import capture
from connectors.quickbooks.answers import Changes
from connectors.quickbooks.capture import Capture

SINCE = datetime(2026, 5, 5, 10, tzinfo=UTC)
KINDS = ("Bill", "Customer", "Invoice")


class Vendor:
    """Answers for the vendor; ``asked`` is what it was asked."""

    def __init__(self, in_all=0, groups=3, fails=False):
        self.in_all, self.groups, self.fails = in_all, groups, fails
        self.asked = []
        self.time = SINCE + timedelta(hours=1)

    def __call__(self, entities, since):
        self.asked.append((entities, since))
        if self.fails:
            raise SourceError("not in this plan")
        return {entity: Changes((), 0, self.time, self.in_all, self.groups) for entity in entities}


def test_all_look_at_one_answer():
    """Every kind is served out of one answer, once; who asks again wants to know what is new."""
    vendor = Vendor()
    common = Capture(vendor, KINDS)
    assert [common.of(kind, SINCE + timedelta(minutes=2)).objects for kind in ("Invoice", "Customer", "Bill")] == [
        0
    ] * 3
    assert [entities for entities, _ in vendor.asked] == [KINDS]
    assert common.of("Bill", SINCE) is not None
    assert len(vendor.asked) == 2


def test_streams_that_began_a_little_earlier_are_served_too():
    """The question reaches back a few minutes further than the first stream needs, and no further."""
    vendor = Vendor()
    common = Capture(vendor, KINDS)
    assert common.of("Invoice", SINCE) is not None
    assert common.of("Customer", SINCE - timedelta(minutes=4)) is not None
    assert common.of("Bill", SINCE - timedelta(minutes=6)) is None


def test_an_answer_that_may_lack_something_is_not_trusted():
    """A full answer, or one with fewer groups than kinds, says nothing about what it does not show."""
    assert Capture(Vendor(in_all=1000), KINDS).of("Invoice", SINCE) is None
    assert Capture(Vendor(groups=2), KINDS).of("Invoice", SINCE) is None


def test_a_refusal_is_not_repeated_for_every_stream():
    """Where the common question is refused each stream asks for itself, and the common one is left alone for a while."""
    vendor = Vendor(fails=True)
    common = Capture(vendor, KINDS)
    assert [common.of(kind, SINCE) for kind in KINDS] == [None] * 3
    assert len(vendor.asked) == 1


def test_an_old_answer_is_not_news():
    """What was told before a stream last read everything is asked for again."""
    vendor = Vendor()
    common = Capture(vendor, KINDS)
    common.of("Invoice", SINCE)
    vendor.time = SINCE + timedelta(hours=9)
    assert common.of("Customer", SINCE + timedelta(hours=8)).time == vendor.time
    assert len(vendor.asked) == 2


def test_what_cannot_be_captured_is_not_asked_for():
    """Kinds that change data capture does not know would make the vendor refuse the question for all."""
    vendor = Vendor()
    assert Capture(vendor, ("TimeActivity", *KINDS)).of("TimeActivity", SINCE) is None
    assert Capture(vendor, ("Invoice",)).of("Invoice", SINCE) is None  # alone it asks for itself
    assert vendor.asked == []
    assert not {"JournalCode", "TaxAgency", "TimeActivity", "TaxCode", "TaxRate"} & set(capture.CAPTURED)
    assert len(capture.CAPTURED) <= 30
