"""What a command costs: CPU seconds of its processes and of Postgres, WAL, memory, wall, and what else was busy.

CPU of the command is what the kernel counted for it and all descendants that were waited for; of Postgres, for the
server's process, its children and those that have ended. Memory is sampled: the largest process, and the tree.
"""

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

SAMPLE_S = 0.1
TIMEOUT_S = 3600


@dataclass(frozen=True, slots=True)
class Cost:
    """What one measured command cost. Seconds; bytes."""

    client_s: float
    postgres_s: float
    wall_s: float
    wal_bytes: int
    peak_rss: int
    peak_tree_rss: int
    other_s: float
    output: str = ""

    @property
    def cpu_s(self) -> float:
        """CPU seconds of client and Postgres together."""
        return self.client_s + self.postgres_s


class CommandFailed(Exception):
    """A measured command ended with an error; the message holds the end of its output."""


def run(
    command: Sequence[str],
    environment: dict[str, str],
    admin: str,
    log: Path,
    ignored: Sequence[int] = (),
    *,
    checkpoint: bool = True,
) -> Cost:
    """Run a command to its end and measure it.

    ``admin`` is the address of the Postgres server it loads into, for a superuser. ``ignored`` are processes (the
    page server, the Prefect server) whose CPU is neither the command's nor foreign. ``checkpoint``: have the dirty
    pages of earlier loads written first; before a re-run it would make every page touched go to the WAL whole.
    """
    with psycopg.connect(admin, autocommit=True) as session:
        if checkpoint:
            session.execute("CHECKPOINT")
        server = _postmaster(session)
        _until_ended(session, server)
        sessions = {child.pid for child in psutil.Process(server).children()}
        wal, cpu, busy, others = _wal(session), cpu_of_server(server), _busy(), _cpu_of(ignored)
        began = time.monotonic()
        client_s, peak, peak_tree, output = _execute(command, environment, log)
        wall_s = time.monotonic() - began
        _until_gone(server, sessions)
        postgres_s = cpu_of_server(server) - cpu
        all_s = _busy() - busy
        other_s = max(0.0, all_s - client_s - postgres_s - (_cpu_of(ignored) - others))
        return Cost(client_s, postgres_s, wall_s, _wal(session) - wal, peak, peak_tree, other_s, output)


def _execute(command: Sequence[str], environment: dict[str, str], log: Path) -> tuple[float, int, int, str]:
    reading, writing = os.pipe()
    with log.open("ab") as errors:
        child = subprocess.Popen(command, env=environment, stdout=writing, stderr=errors, stdin=subprocess.DEVNULL)  # noqa: S603
    os.close(writing)
    collected: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(reading, collected), daemon=True)
    reader.start()
    # Not Popen.wait: only wait4 tells what the child and its descendants used.
    ended: list[tuple[int, float]] = []
    waiter = threading.Thread(target=_wait, args=(child.pid, ended), daemon=True)
    with _watched(child.pid) as peaks:
        waiter.start()
        try:
            waiter.join(TIMEOUT_S)
        finally:
            in_time = bool(ended)
            if not in_time:
                child.kill()
                waiter.join()
        if not in_time:
            raise CommandFailed(f"{command[0]} took over {TIMEOUT_S} s and was stopped; see {log}")
    reader.join(10)
    status, cpu_s = ended[0]
    child.returncode = os.waitstatus_to_exitcode(status)
    output = b"".join(collected).decode(errors="replace")
    if child.returncode:
        said = log.read_text(errors="replace")[-3000:]
        raise CommandFailed(f"{' '.join(command)[:200]} ended with {child.returncode}:\n{said}\n{output[-1000:]}")
    return cpu_s, peaks[0], peaks[1], output


def _wait(pid: int, ended: list[tuple[int, float]]) -> None:
    _, status, usage = os.wait4(pid, 0)
    ended.append((status, usage.ru_utime + usage.ru_stime))


def _drain(pipe: int, collected: list[bytes]) -> None:
    with os.fdopen(pipe, "rb") as file:
        collected.append(file.read())


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Peak memory of the largest process and of the whole tree, in bytes, while the body runs."""
    peaks, stop = [0, 0], threading.Event()

    def watch() -> None:
        with suppress(psutil.Error):
            root = psutil.Process(pid)
            while not stop.wait(SAMPLE_S):
                sizes = []
                for process in (root, *root.children(recursive=True)):
                    with suppress(psutil.Error):
                        sizes.append(process.memory_info().rss)
                peaks[0], peaks[1] = max(peaks[0], *sizes, 0), max(peaks[1], sum(sizes))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        stop.set()
        thread.join()


def _until_ended(session: "psycopg.Connection[tuple[object, ...]]", server: int) -> None:
    """Wait for processes of the server that are no longer at work, such as a VACUUM's: what one of them used is counted
    when it is gone for good, and must not count as the command's."""
    for _ in range(100):
        # In this order: a process that begins meanwhile is not taken for one that ends.
        children = [child.pid for child in psutil.Process(server).children()]
        working = {int(str(pid)) for (pid,) in session.execute("SELECT pid FROM pg_stat_activity")}
        if working.issuperset(children):
            return
        time.sleep(0.05)


def _until_gone(server: int, known: set[int]) -> None:
    """Wait for the sessions of the command to end: what they used is counted with the server only then."""
    for _ in range(100):
        if {child.pid for child in psutil.Process(server).children()} <= known:
            return
        time.sleep(0.05)


def cpu_of_server(postmaster: int) -> float:
    """CPU seconds of a Postgres server so far, those of sessions that have ended included."""
    server = psutil.Process(postmaster)
    own = server.cpu_times()
    total: float = own.user + own.system + getattr(own, "children_user", 0.0) + getattr(own, "children_system", 0.0)
    return total + _cpu_of(child.pid for child in server.children())


def _cpu_of(pids: Sequence[int] | Iterator[int]) -> float:
    total = 0.0
    for pid in pids:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            for member in (process, *process.children(recursive=True)):
                times = member.cpu_times()
                total += times.user + times.system
    return total


def _busy() -> float:
    """CPU seconds that the whole machine has spent so far."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def _postmaster(session: "psycopg.Connection[tuple[object, ...]]") -> int:
    row = session.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(psutil.Process(int(str(row[0]))).ppid())


def _wal(session: "psycopg.Connection[tuple[object, ...]]") -> int:
    row = session.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
    assert row is not None
    return int(str(row[0]))
