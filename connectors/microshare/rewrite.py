"""Rewrites the document of a cluster, as safely as a vendor without preconditions allows.

The new document is made before the last reading. If that reading is byte for byte what the new document was made from, it is
sent at once, so that hardly any time lies between the two; else the edit of somebody else is taken in and it is read again.
Afterwards it is read once more: what was sent is believed only when it is seen.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from connectors.errors import AmbiguousWrite, ConnectorError, RecordNotFound, SourceError
from connectors.microshare.change import Change, Judged, Verdict, judge
from connectors.microshare.client import MicroshareClient
from connectors.microshare.document import Document

READINGS = 5  # how often others may change the document while we look, before we write in the longer window
REFUSED = "refused by Microshare"
FIRST_PAUSE_S = 0.5  # between looks for a lost answer, doubled each time until ``settle_s`` has passed


@dataclass(slots=True)
class Rewritten:
    """What came of it.

    ``verdicts`` says for each change: done (``why`` says how it was found), refused, or ``lost``: sent, and neither there
    nor known to be refused; ``found`` there is the device before. ``seen`` is its text afterwards. ``window_s`` lies between the answer to the last
    reading and the sending of the write.
    """

    verdicts: dict[int, Verdict] = field(default_factory=dict)
    seen: dict[int, str | None] = field(default_factory=dict)
    checksum_changed: bool = False
    calls: int = 0
    window_s: float = 0.0
    write_s: float = 0.0
    outcome: str = "nothing to write"


def rewrite(
    client: MicroshareClient,
    rec_type: str,
    id_: str,
    changes: Sequence[Change],
    *,
    checksum: str | None = None,
    settle_s: float = 10.0,
) -> Rewritten:
    """Carry out changes of one cluster's devices with one write; the caller holds the lock of the cluster.

    ``settle_s`` is how long a write may still take effect after its answer was lost. Raises errors of connectors.errors
    only when nothing was written. What happens after the write is in the verdicts, never an error.
    """
    done = Rewritten()

    def look(known: Document | None = None) -> Document:
        done.calls += 1
        return client.cluster(rec_type, id_, known)

    document = look()
    done.checksum_changed = checksum is not None and document.checksum != checksum
    judged = judge(document, changes)
    for left in reversed(range(READINGS)):
        done.verdicts = judged.verdicts
        if not judged.to_do:
            return done
        # No limit of requests a second may lie between the two.
        with client.together(2):
            latest = look(document)
            if latest is not document:
                document, judged = latest, judge(latest, changes)
                done.verdicts = judged.verdicts
                if left or not judged.to_do:
                    continue
            lost = _send(client, rec_type, id_, judged, done)
        if done.outcome == REFUSED:
            return done
        _verify(look, changes, judged, done, lost=lost, until=time.monotonic() + settle_s)
        break
    return done


def _send(client: MicroshareClient, rec_type: str, id_: str, judged: Judged, done: Rewritten) -> bool:
    """Write, once; whether the answer was lost."""
    done.calls += 1
    began = time.perf_counter()
    try:
        client.put(rec_type, id_, judged.document)
    except AmbiguousWrite:
        return True
    except (SourceError, RecordNotFound) as error:
        refusal = Verdict("refused", f"{error.code}: {error}")
        done.verdicts = done.verdicts | dict.fromkeys(judged.to_do, refusal)
        done.outcome = REFUSED
    finally:
        done.write_s, done.window_s = time.perf_counter() - began, client.window_s
    return False


def _verify(
    look: Callable[[], Document],
    changes: Sequence[Change],
    judged: Judged,
    done: Rewritten,
    *,
    lost: bool,
    until: float,
) -> None:
    """Look whether what was sent is there: once after an answer, for as long as it may take without one."""
    sent = [change for change in changes if change.number in judged.to_do]
    found: dict[int, Verdict] = {}
    pause_s = FIRST_PAUSE_S
    while True:
        seen = False
        with suppress(ConnectorError):
            found, seen = judge(look(), sent).verdicts, True
        missing = [each.number for each in sent if each.number not in found or found[each.number].what != "done"]
        lost = lost or not seen  # it may have taken effect, and we cannot see it
        left_s = until - time.monotonic()
        if not missing or not lost or left_s <= 0:
            break
        time.sleep(min(pause_s, left_s))
        pause_s *= 2
    how = "the answer was lost, it was found by reading" if lost else "written and seen"
    for change in sent:
        verdict, before = found.get(change.number), judged.verdicts[change.number].found
        if verdict is not None and verdict.what == "done":
            done.verdicts[change.number] = Verdict("done", how, before)
            done.seen[change.number] = verdict.found
        else:
            why = "the answer was lost, and it is not there" if lost else "it was overwritten by somebody else"
            done.verdicts[change.number] = Verdict("lost", why, before)
    done.outcome = (
        "verified" if not missing and not lost else "lost answer: found by reading" if not missing
        else "lost answer: not there" if lost else "overwritten by somebody else"
    )  # fmt: skip
