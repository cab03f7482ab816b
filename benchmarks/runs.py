"""The runs of one benchmark: ours, the baseline and the peers, in turn, each checked for what it landed."""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import contents, copying, place
from benchmarks.data import CUSTOMERS, INVOICES
from benchmarks.environments import NoEnvironment, python_of
from benchmarks.measure import CommandFailed, Cost, run

PEERS = Path(__file__).parent / "peers"
# pandas takes so long that it loads only the first records; its CPU is given for all of them, in proportion.
PANDAS_SHARE = 0.1


class WrongContents(Exception):
    """A tool has landed something else than the source holds: its figures would mean nothing."""


@dataclass(slots=True)
class Runs:
    """What was measured so far: costs by name, and why a name has none."""

    target: place.Target
    source: place.Source
    installation: place.Installation
    scale: float
    folder: Path
    costs: dict[str, list[Cost]] = field(default_factory=lambda: defaultdict(list))
    missing: dict[str, str] = field(default_factory=dict)
    expected: dict[int, contents.Contents] = field(default_factory=dict)
    expected_share: contents.Contents = field(default_factory=dict)
    expected_types: dict[str, str] = field(default_factory=dict)
    files: dict[str, copying.Files] = field(default_factory=dict)

    def measure(self, name: str, command: list[str], database: str = "", *, checkpoint: bool = True) -> Cost:
        """Run and measure a command, keep and tell the cost."""
        environment = self.installation.environment | {"PYTHONUNBUFFERED": "1"}
        if database:
            environment["LANDFALL_DATABASE_URL"] = self.target.url(database)
        known = [self.source.pid, *self.installation.server_pids()]
        admin, log = f"{self.target.admin}/postgres", self.folder / f"{name}.log"
        cost = run(command, environment, admin, log, known, checkpoint=checkpoint)
        self.costs[name].append(cost)
        print(
            f"{name:16} {cost.client_s:7.2f} + {cost.postgres_s:6.2f} = {cost.cpu_s:7.2f} s CPU, {cost.wall_s:6.1f} s,"
            f" {cost.wal_bytes / 1e6:6.0f} MB WAL, {cost.peak_rss / 1e6:5.0f} MB; others {cost.other_s:.1f} s",
            file=sys.stderr, flush=True,
        )  # fmt: skip
        return cost

    def ours(self, name: str, version: int | str, connection: str = "bench") -> Cost:
        """`landfall run quickbooks` on a version of the source."""
        self.source.control(version=version)
        words = ("run", "quickbooks", "--connection", connection, "--json")
        cost = self.measure(name, [*place.LANDFALL, *words], "ours", checkpoint=version == 1)
        self.target.settle("ours")
        return cost

    def round_of_ours(self) -> None:
        """A first load and a re-run of ours, both checked, and the baseline with what the first has landed."""
        url = self.target.fresh("ours")
        self.ours("first", 1)
        self.check_live(url, 1)
        self.expected[1] = contents.contents(url, contents.OURS)
        self.expected_types = contents.types(url, contents.OURS)
        self.expected_share = contents.contents(url, contents.OURS, self._share_of_invoices())
        for name in ("copy", "copy_bare"):
            if name not in self.files:
                self.files[name] = copying.export(url, self.folder / name, bare=name == "copy_bare")
        # No checkpoint between the two: after one, every page touched goes to the WAL whole.
        self.ours("rerun", 2)
        self.check_live(url, 2)
        self.expected[2] = contents.contents(url, contents.OURS)
        for name, files in self.files.items():
            copied = self.target.fresh("copied")
            self.measure(name, files.command(copied))
            self._check(name, contents.contents(copied, contents.OURS), self.expected[1])

    def hour_of_ours(self) -> None:
        """A first load, and an hourly run after it that reads changes and deletions only."""
        url = self.target.fresh("ours")
        self.ours("first", 1, "bench-hourly")
        told = self.ours("delta", "hour", "bench-hourly").output
        self.check_live(url, "hour")
        fetched = sum(stream["fetched"] for stream in json.loads(told.splitlines()[-1])["streams"].values())
        if fetched > 0.02 * (CUSTOMERS + INVOICES) * self.scale:
            raise WrongContents(f"the hourly run read {fetched} records: that is no reading of changes")

    def check_live(self, url: str, version: int | str) -> None:
        """Compare the rows that ours holds with those that the company has."""
        # In the second version 0.1 % is gone and 0.1 % is new; in an hour no customer goes.
        customers = round(CUSTOMERS * self.scale)
        company = {
            "customer": customers + (customers // 1000 if version == "hour" else 0),
            "invoice": round(INVOICES * self.scale),
        }
        live = contents.live_rows(url)
        for table, count in company.items():
            if live[table] != count:
                raise WrongContents(f"version {version}: {live[table]} rows in {table} instead of {count}")

    def peer(self, name: str, *, rerun: bool) -> None:
        """A first load by a peer, and a re-run where that is wanted; left out, with the reason, where it fails."""
        peer = PEER[name]
        try:
            command = peer.command(python_of(peer.environment), self.source.url)
            url = self.target.fresh(name)
            for version in (1, 2) if rerun else (1,):
                self.source.control(version=version)
                step = f"{name}_{'first' if version == 1 else 'rerun'}"
                self.measure(step, [*command(url), *self._share(name)], checkpoint=version == 1)
                self.target.settle(name)
                self._check_peer(name, url, version)
        except (NoEnvironment, CommandFailed) as error:
            self.missing[name] = str(error)
            print(f"{name} is left out: {error}", file=sys.stderr)

    def _share(self, name: str) -> list[str]:
        return [str(PANDAS_SHARE)] if name == "pandas" else []

    def _check_peer(self, name: str, url: str, version: int) -> None:
        if name == "pandas":
            queries = {table: query for table, query in PEER[name].queries.items() if table != "customer"}
            found = contents.contents(url, queries, self._share_of_invoices())
            self._check(name, found, {table: self.expected_share[table] for table in found})
            return
        self._check(name, contents.contents(url, PEER[name].queries), self.expected[version])
        if PEER[name].queries is contents.OURS:  # who says what a column is says what it is with us
            self._check_types(name, contents.types(url, contents.OURS), self.expected_types)

    def _share_of_invoices(self) -> float:
        return INVOICES * self.scale * PANDAS_SHARE

    @staticmethod
    def _check_types(name: str, found: Mapping[str, str], expected: Mapping[str, str]) -> None:
        for column, kind in found.items():
            if kind != expected.get(column, kind):
                raise WrongContents(f"{name}: {column} is {kind} instead of {expected[column]}")

    @staticmethod
    def _check(name: str, found: contents.Contents, expected: contents.Contents) -> None:
        for table, value in expected.items():
            if found[table] != value:
                raise WrongContents(f"{name}: {table} holds {found[table]} instead of {value} (rows, sum of hashes)")


@dataclass(frozen=True, slots=True)
class Peer:
    """How to run a peer, and what to ask its tables."""

    environment: str
    script: str
    queries: Mapping[str, str]

    def command(self, python: Path, base_url: str) -> Callable[[str], list[str]]:
        """The command for a database."""
        more = [str(python.with_name("target-postgres"))] if self.environment == "singer" else []
        return lambda url: [str(python), str(PEERS / self.script), base_url, url, *more]


PEER = {
    "dlt_arrow": Peer("dlt", "dlt_arrow.py", contents.OURS),
    "dlt_dict": Peer("dlt", "dlt_dict.py", contents.DLT_DICT),
    "singer": Peer("singer", "singer.py", contents.OURS),
    "pandas": Peer("pandas", "pandas_sql.py", contents.PANDAS),
}
