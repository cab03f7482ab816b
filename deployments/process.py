"""One process in the background: started into a log, found again by another program, and stopped for sure."""

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec
import psutil

from connectors.redact import Redactor
from warehouse.home import home, made

LOG_BYTES_MAX = 20_000_000
# Processes that this program started itself; kept so that their ends are noticed and collected.
_children: dict[int, "subprocess.Popen[bytes]"] = {}


class ServiceFailed(Exception):
    """A process that Landfall runs in the background did not start."""

    cure = "Read the lines of its log in the message; the whole log is in the folder `logs` of LANDFALL_HOME."

    @property
    def code(self) -> str:
        """The documented code: the name of the class."""
        return type(self).__name__


class Process(msgspec.Struct):
    """A noted process: its number, what it was started as, where in its log this start begins."""

    name: str
    pid: int
    command: list[str]
    log_offset: int = 0

    @classmethod
    def start(cls, name: str, command: list[str], environment: dict[str, str]) -> "Process":
        """Start it in a session of its own, with this environment over ours (an empty value takes one away)."""
        path = made(home() / "logs") / f"{name}.log"
        if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
            path.replace(path.with_suffix(".old.log"))
        merged = {key: value for key, value in (os.environ | environment).items() if value}
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            offset = log.tell()
            child = subprocess.Popen(  # noqa: S603 (own programs, no shell)
                command,
                env=merged,
                cwd=home(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _children[child.pid] = child
        return cls(name, child.pid, command, offset)

    def is_alive(self) -> bool:
        """Whether the process under this number still is the one that was started."""
        return self._process() is not None

    def listens(self, port: int) -> bool:
        """Whether it is this process that listens on a port."""
        process = self._process()
        with suppress(psutil.Error):
            found = process.net_connections("tcp") if process else []
            return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)
        return False

    def environment_value(self, variable: str) -> str | None:
        """What a variable of its environment holds."""
        process = self._process()
        return process.environ().get(variable) if process else None

    def wait(self, done: Callable[[], bool], timeout_s: float, echo: Callable[[str], None] | None = None) -> bool:
        """Ask until it is done; False when the process has ended or the time is up. Tells every five seconds."""
        began = told = time.monotonic()
        while time.monotonic() - began < timeout_s:
            if done():
                return True
            if not self.is_alive():
                return False
            if echo and time.monotonic() - told > 5:
                told = time.monotonic()
                echo(f"waiting for the {self.name} ({told - began:.0f} s) …")
            time.sleep(0.1)
        return False

    def says(self, text: str, timeout_s: float, echo: Callable[[str], None]) -> bool:
        """Whether it writes this to its log in time."""
        return self.wait(lambda: text in self._log(), timeout_s, echo)

    def failed(self, what: str) -> ServiceFailed:
        """The error that shows the last lines of its log; the process, if it still runs, is stopped."""
        state = "it still runs but does not answer" if self.stop(grace_s=5) else "it ended at once"
        lines = [line for line in self._log().splitlines() if line.strip()][-15:]
        text = Redactor().redact("\n  ".join(lines))
        return ServiceFailed(f"{what} ({state}). The end of {home() / 'logs' / self.name}.log:\n  {text}")

    def stop(self, grace_s: float) -> bool:
        """End it and all that it started: asked to first, killed after ``grace_s``. False when it did not run."""
        process = self._process()
        if process is None:
            return False
        family = [process]
        with suppress(psutil.Error):
            family += process.children(recursive=True)
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.terminate()
        _, left = psutil.wait_procs(family, timeout=grace_s)
        for member in left:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(left, timeout=10)
        _children.pop(self.pid, None)
        return True

    def _process(self) -> psutil.Process | None:
        child = _children.get(self.pid)
        if child and child.poll() is not None:
            return None
        try:
            process = psutil.Process(self.pid)
            # Numbers are given anew: only what was started with these words, for this home, is ours. (The first word
            # is left out: some systems replace it by the path of the interpreter.)
            ours = process.cmdline()[1:] == self.command[1:]
            ours = ours and process.environ().get("LANDFALL_HOME") == str(home())
            return process if ours and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None

    def _log(self) -> str:
        with (home() / "logs" / f"{self.name}.log").open("rb") as log:
            log.seek(self.log_offset)
            return log.read().decode(errors="replace")
