"""Reading page after page: ahead of time, without loops, counted in little memory."""

import random
from threading import Event, active_count, current_thread

import pytest

from connectors.errors import PagingLoop, SourceError
from connectors.paging import DistinctIds, LoopGuard, located, prefetch


def test_pages_come_in_order_from_another_thread():
    """All pages arrive, in order, and were read beside the caller."""
    threads = set()

    def pages():
        for number in range(50):
            threads.add(current_thread())
            yield number

    assert list(prefetch(pages())) == list(range(50))
    assert current_thread() not in threads


def test_only_so_far_ahead():
    """However slow the landing, no more than two pages wait in memory."""
    read = []
    third = Event()

    def pages():
        for number in range(10):
            read.append(number)
            if len(read) == 3:
                third.set()
            yield number

    pages_ahead = prefetch(pages(), ahead=2)
    assert next(pages_ahead) == 0
    assert not third.wait(0.2)
    assert next(pages_ahead) == 1
    assert third.wait(5)
    assert len(read) == 3
    pages_ahead.close()


def test_an_error_comes_after_the_pages_before_it():
    """What was read before an error is handed on, then the error itself is raised, once."""

    def pages():
        yield 1
        yield 2
        raise SourceError("the third page is bad")

    got = []
    with pytest.raises(SourceError, match="third page"):
        got.extend(prefetch(pages()))
    ahead = prefetch(pages())
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(SourceError):
        next(ahead)
    with pytest.raises(StopIteration):
        next(ahead)


def test_leaving_early_ends_the_thread():
    """A run that stops in the middle leaves no thread behind, and the source is left in an orderly way."""
    closed = Event()
    before = active_count()

    def pages():
        try:
            number = 0
            while True:
                yield (number := number + 1)
        finally:
            closed.set()

    for page in prefetch(pages()):
        if page == 3:
            break
    assert closed.wait(5)
    assert active_count() <= before + 1


def test_a_repeated_token_is_a_loop():
    """A source that points back to where we were ends the reading, naming the place."""
    guard = LoopGuard()
    guard.check("next=a", "page 1")
    guard.check("next=b", "page 2")
    with pytest.raises(PagingLoop, match=r"next=a\. \(at page 3\)"):
        guard.check("next=a", "page 3")


def test_ids_are_counted_once():
    """Ids of any kind are counted exactly, however often they come."""
    picker = random.Random(7)
    ids = [str(picker.randrange(1, 5000)) for _ in range(20_000)]
    ids += ["0", "007", "7", "SHIPPING_ITEM_ID", "", "٣", "9" * 18, "9" * 30, "-1"]
    counted = DistinctIds()
    for begin in range(0, len(ids), 999):
        counted.update(ids[begin : begin + 999])
    assert len(counted) == len(set(ids))


def test_an_error_learns_where_it_happened():
    """The innermost place is kept, and shown in the message."""
    with pytest.raises(SourceError, match=r"no\. \(at page 7\)") as caught, located("stream"), located("page 7"):
        raise SourceError("no.")
    assert caught.value.code == "SourceError"
