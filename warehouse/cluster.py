"""One private Postgres server on this machine: make it, start it, stop it, and say clearly why it will not."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from warehouse.errors import StorageFull, WarehouseError

# Replaying the WAL of a crash under max_wal_size = 4GB took under a minute on a slow disk.
START_TIMEOUT_S = 180
# A fast stop waits for one checkpoint; after that an immediate stop is safe, the next start replays.
STOP_TIMEOUT_S = 30


class EmbeddedPostgresError(WarehouseError):
    """The Postgres that Landfall runs on this machine cannot be made, started or reached."""

    cure = "Do what the message says; the way round is LANDFALL_DATABASE_URL, a Postgres (15 or newer) of your own."


class PortTaken(EmbeddedPostgresError):
    """Another program listens on the port of the embedded Postgres."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The system user as whom Postgres runs; it refuses to run as root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Postgres server in ``folder`` (data in ``folder/data``), run by the programs in ``programs``.

    ``owner`` is given when this process is root. ``libraries`` is a further folder of shared libraries
    that the programs need. ``letters`` is the locale that says what a letter is: C knows those of ASCII alone, and
    search forgives typing errors in letters only. Callers hold a lock of their own: two of these at once on one folder
    would race.
    """

    folder: Path
    programs: Path
    owner: Owner | None = None
    libraries: str = ""
    initdb_options: tuple[str, ...] = field(
        default=("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    )
    letters: str = "C.UTF-8"

    @property
    def data(self) -> Path:
        """Where Postgres keeps everything that must survive."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Where the server writes what it has to say."""
        return self.folder / "postgres.log"

    def create(self, password: str) -> None:
        """Make the data folder, with a superuser ``postgres`` who has this password; nothing when it is there.

        It is made beside its place and renamed, so an interrupted attempt leaves no half-made data.
        """
        self._check_folder()
        if self.data.exists():
            return
        fresh = self.folder / "data.new"
        secret = self.folder / "password.new"
        shutil.rmtree(fresh, ignore_errors=True)
        secret.unlink(missing_ok=True)
        try:
            secret.touch(mode=0o600)
            secret.write_text(password + "\n")
            self._give(secret)
            try:
                self._initdb(fresh, secret, self.letters)
            except EmbeddedPostgresError as error:
                if "invalid locale" not in str(error):
                    raise
                self._initdb(fresh, secret, "C")  # macOS has none of that name
            with (fresh / "postgresql.conf").open("a") as conf:
                conf.write("\ninclude = 'landfall.conf'\n")
            fresh.rename(self.data)
        except OSError as error:
            raise explain(str(error), f"cannot make the data folder {self.data}") from error
        finally:
            secret.unlink(missing_ok=True)

    def start(self, settings: Mapping[str, str | int]) -> None:
        """Start the server with these settings and return once it accepts connections.

        Raises `PortTaken`, `warehouse.errors.StorageFull` or `EmbeddedPostgresError`.
        """
        self._check_folder()
        self._check_version()
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.pid() is not None:
            if self._phase() == "ready":
                return
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"Postgres on {self.data} is still busy starting or stopping; see {self.log}."
                )
            time.sleep(0.05)
        self._clear_leftovers()
        self._write_settings(settings)
        while True:
            offset = self._log_size()
            result = self._call(
                str(self.programs / "pg_ctl"), "start", "-D", str(self.data), "-l", str(self.log),
                "-w", "-t", str(START_TIMEOUT_S), timeout_s=START_TIMEOUT_S + 20,
            )  # fmt: skip
            if result.returncode == 0:
                return
            said = result.stdout + self.said(offset)
            # The last sessions of a killed server need a moment to notice that it is gone.
            if "is still in use" not in said or time.monotonic() > deadline:
                raise explain(said, f"Postgres does not start on {self.data}")
            time.sleep(0.2)

    def stop(self) -> bool:
        """Stop the server; False when none was running."""
        if self.pid() is None:
            return False
        for mode in ("fast", "immediate"):
            result = self._call(
                str(self.programs / "pg_ctl"), "stop", "-D", str(self.data), "-m", mode,
                "-w", "-t", str(STOP_TIMEOUT_S), timeout_s=STOP_TIMEOUT_S + 20,
            )  # fmt: skip
            if result.returncode == 0 or self.pid() is None:
                return True
        raise EmbeddedPostgresError(f"Postgres (pid {self.pid()}) does not stop; see {self.log}.")

    def pid(self) -> int | None:
        """The process id of the running server of this folder, or None.

        A pid file that outlived its server is told by what runs under that number now.
        """
        lines = self._pid_file()
        if not lines:
            return None
        try:
            process = psutil.Process(int(lines[0]))
            alive = process.status() != psutil.STATUS_ZOMBIE and str(self.data) in process.cmdline()
        except (psutil.Error, ValueError):
            return None
        return process.pid if alive else None

    def said(self, offset: int = 0) -> str:
        """What the server has written to its log from this offset on, at most the last 4,000 bytes."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(offset, self._log_size() - 4000))
                return log.read().decode(errors="replace")
        except OSError:
            return ""

    def _log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _phase(self) -> str:
        # The eighth line: starting, ready, stopping (src/include/utils/pidfile.h).
        lines = self._pid_file()
        return lines[7].strip() if len(lines) > 7 else "starting"

    def _clear_leftovers(self) -> None:
        # Postgres copes with the pid file of a dead server, unless that number still (a process that nobody has
        # collected) or again (usual after a restart of a container) belongs to a process of the same user. Its check
        # of shared memory still stands between us and a server of this folder that we overlooked.
        lines = self._pid_file()
        if lines and lines[0].strip().isdigit() and psutil.pid_exists(int(lines[0])):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
        for leftover in self.folder.glob(".s.PGSQL.*"):
            leftover.unlink(missing_ok=True)

    def _check_folder(self) -> None:
        wanted = self.owner.uid if self.owner else os.geteuid()
        try:
            if not self.folder.exists():
                self.folder.mkdir(mode=0o700)
                self._give(self.folder)
            for path in (self.folder, self.data):
                if path.exists() and path.stat().st_uid != wanted:
                    raise EmbeddedPostgresError(
                        f"{path} belongs to user {path.stat().st_uid}, not to {wanted} as whom Postgres would run: "
                        "run as the user who made it, or set LANDFALL_HOME to another folder."
                    )
        except OSError as error:
            raise explain(str(error), f"cannot use the folder {self.folder}") from error

    def _check_version(self) -> None:
        try:
            made_by = (self.data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise EmbeddedPostgresError(
                f"{self.data} is no data folder of Postgres ({error.strerror}): restore it from a backup, "
                "or move it away to begin anew."
            ) from error
        version = self._run(str(self.programs / "postgres"), "--version").split()[-1]
        if version.split(".")[0] != made_by:
            raise EmbeddedPostgresError(
                f"{self.data} was made by Postgres {made_by} and this is Postgres {version}: copy the data over with "
                f"pg_dump of version {made_by}, or move the folder away to begin anew."
            )

    def _initdb(self, folder: Path, secret: Path, letters: str) -> None:
        self._run(
            str(self.programs / "initdb"), "-D", str(folder), "-U", "postgres", f"--pwfile={secret}",
            "--auth=scram-sha-256", "--encoding=UTF8", *self.initdb_options, f"--lc-ctype={letters}",
        )  # fmt: skip

    def _write_settings(self, settings: Mapping[str, str | int]) -> None:
        path = self.data / "landfall.conf"
        lines = [f"{name} = '{str(value).replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items()]
        try:
            path.write_text(
                "# Written anew at every start; your own settings go into postgresql.auto.conf.\n" + "".join(lines)
            )
            self._give(path)
        except OSError as error:
            raise explain(str(error), f"cannot write {path}") from error

    def _give(self, path: Path) -> None:
        if self.owner:
            os.chown(path, self.owner.uid, self.owner.gid)

    def _run(self, *command: str) -> str:
        result = self._call(*command, timeout_s=120)
        if result.returncode != 0:
            raise explain(result.stdout, f"{Path(command[0]).name} failed in {self.folder}")
        return result.stdout

    def _call(self, *command: str, timeout_s: int) -> subprocess.CompletedProcess[str]:
        # Nothing of this process' environment goes along: it may hold secrets, or PG* variables that mislead.
        env = {"PATH": os.defpath, "LC_ALL": "C", "LD_LIBRARY_PATH": self.libraries}
        # The server inherits the output of pg_ctl; a pipe would keep the reader waiting, a file does not.
        with tempfile.TemporaryFile("w+") as output:
            try:
                result = subprocess.run(  # noqa: S603 (own programs, no shell)
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=env, cwd="/",
                    timeout=timeout_s, text=True, check=False,
                    user=self.owner.uid if self.owner else None,
                    group=self.owner.gid if self.owner else None,
                    extra_groups=[] if self.owner else None,
                )  # fmt: skip
            except subprocess.TimeoutExpired as error:
                raise EmbeddedPostgresError(
                    f"{Path(command[0]).name} took over {timeout_s} s; see {self.log}."
                ) from error
            except OSError as error:
                raise EmbeddedPostgresError(f"cannot run {command[0]}: {error.strerror}.") from error
            output.seek(0)
            return subprocess.CompletedProcess(command, result.returncode, output.read())


def explain(said: str, what: str) -> WarehouseError:
    """The error for what Postgres or the system said."""
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return StorageFull(f"{what}: the disk is full. Make space (500 MB at least) and run the same command again.")
    if "Address already in use" in said or "could not create any TCP/IP sockets" in said:
        return PortTaken(
            f"{what}: another program listens on its port. Stop that program and run the same command again."
        )
    if "Permission denied" in said:
        return EmbeddedPostgresError(
            f"{what}: permission denied to the user as whom Postgres runs (`nobody` if started by root): "
            "open the way to that folder, or set LANDFALL_HOME to another one."
        )
    lines = [
        line for line in said.splitlines() if any(word in line for word in ("FATAL", "PANIC", "rror", "could not"))
    ]
    reason = (lines or said.strip().splitlines() or ["no word of explanation"])[-1].strip()
    return EmbeddedPostgresError(f"{what}: {reason}")
