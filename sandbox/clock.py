"""The simulated time, and the vendor's way to write it: Pacific time, with the offset of the season."""

import threading
import time
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

_STANDARD, _SUMMER = timezone(timedelta(hours=-8)), timezone(timedelta(hours=-7))


class Clock:
    """Real time plus what tests add, so that a token can be a day older at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead_s = 0.0

    def now(self) -> float:
        """Return the simulated time in Unix seconds."""
        with self._lock:
            return time.time() + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Let this much time pass at once."""
        with self._lock:
            self._ahead_s += seconds

    def set(self, at: float | str) -> None:
        """Go to a moment (Unix seconds or ISO text); time runs on from there."""
        moment = parse_time(at) if isinstance(at, str) else at
        with self._lock:
            self._ahead_s = moment - time.time()


@lru_cache(maxsize=256)
def _summer(year: int) -> tuple[float, float]:
    # Own rule instead of zoneinfo: slim machines come without a time zone database.
    march = 14 - date(year, 3, 1).weekday()
    november = 7 - date(year, 11, 1).weekday()
    begin = datetime(year, 3, march, 10, tzinfo=UTC)
    return begin.timestamp(), datetime(year, 11, november, 9, tzinfo=UTC).timestamp()


def pacific_zone(at: float) -> timezone:
    """Return the fixed offset that Pacific time has at a moment (US rule since 2007)."""
    begin, end = _summer(time.gmtime(at).tm_year)
    return _SUMMER if begin <= at < end else _STANDARD


def pacific(at: float, *, millis: bool = False) -> str:
    """Write a moment as the vendor does: ``2026-05-05T02:11:41-07:00``, in envelopes with milliseconds."""
    moment = datetime.fromtimestamp(at, pacific_zone(at))
    return moment.isoformat(timespec="milliseconds" if millis else "seconds")


def parse_time(text: str) -> int:
    """Return the Unix second of an ISO time or date; Pacific where it has no offset. ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=pacific_zone(moment.replace(tzinfo=_STANDARD).timestamp()))
    return int(moment.timestamp())
