"""The hunt: chapters of kills, each with a fresh database and a fresh vendor, and the invariants after every kill.

Half and more of the kills are at places that earlier runs have passed, each place once before any is used again; the
rest come after a random time. All choices follow from the seed.
"""

import os
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from zlib import crc32

from benchmarks.crash.ground import Ground
from benchmarks.crash.invariants import clean_after_success, sessions_gone
from benchmarks.crash.planted import Bug
from benchmarks.crash.process import Life, Order, live
from benchmarks.crash.scenarios import SCENARIOS, Scenario
from benchmarks.crash.world import Source, World

CHAPTER_KILLS = 40  # then all is let finish in peace and compared
FIRST_RUN_KILLS = 8  # of them while nothing has landed yet
PLACE_SHARE = 0.7  # of the kills are at a place, the others at a moment
GIVE_UP_ON_PLACE = 3  # times that a run did not come by
SAID = 20  # violations that are told; one often breaks many rows
BUG_CHAPTER_KILLS = 15
MATTERS_SHARE = 0.75  # of the places are next to something that changes the world
_IDLE = re.compile(r"(before|after) (SELECT|connect|GET|SET|LOCK|ANALYZE|SAVEPOINT|BEGIN)\b")
WEIGHTS = {"quickbooks": 3, "changes": 3, "ledger": 4, "orders": 1, "plans": 2}
# What may fail without being a violation: the vendor's faults, and counts that changed twice while they were read.
EXPECTED = {"CountMismatch", "Unavailable", "IncompleteBody", "PlanIncomplete"}
# And what a process that survives its database may say.
WITHOUT_DATABASE = EXPECTED | {"DatabaseUnavailable", "OperationalError", "AdminShutdown", "InterfaceError"}


@dataclass
class Tally:
    """What was done and found."""

    kills: int = 0
    restarts: int = 0
    violations: list[str] = field(default_factory=list)
    points: set[tuple[str, bool, str]] = field(default_factory=set)


@dataclass
class Places:
    """The places that runs of a scenario pass, when nothing has landed yet and later, and how often each was used."""

    used: dict[tuple[str, bool], Counter[str]] = field(default_factory=dict)
    missed: Counter[tuple[str, bool, str]] = field(default_factory=Counter)

    def learn(self, scenario: str, first: bool, places: list[str]) -> None:
        """Take note of what a run has passed."""
        known = self.used.setdefault((scenario, first), Counter())
        for place in places:
            known.setdefault(place, 0)

    def least_used(self, scenario: str, first: bool) -> list[str]:
        """The places that were used least, without those that were missed too often."""
        known = {
            place: times
            for place, times in self.used.get((scenario, first), {}).items()
            if self.missed[scenario, first, place] < GIVE_UP_ON_PLACE
        }
        least = min(known.values(), default=0)
        return [place for place, times in known.items() if times == least]


@dataclass
class Hunt:
    """A hunt over one ground: one lane of several that share the chapters. Violations go to standard error at once."""

    ground: Ground
    source: Source
    seed: int
    lane: int = 0
    lanes: int = 1
    thorough: bool = False  # go by the places that matter, one after the other, as soon as they are known
    tally: Tally = field(default_factory=Tally)
    places: Places = field(default_factory=Places)
    normal_s: dict[str, float] = field(default_factory=dict)

    def run(self, kills: int) -> None:
        """Do this lane's share of so many kills, in chapters."""
        for chapter in range(self.lane, -(-kills // CHAPTER_KILLS), self.lanes):
            with self._world(chapter) as world:
                self._chapter(world, chapter, min(CHAPTER_KILLS, kills - chapter * CHAPTER_KILLS))

    def catches(self, bug: Bug) -> int | None:
        """After how many kills a planted bug was caught; None if it was not."""
        scenario = next(s for s in SCENARIOS if s.name == bug.scenario)
        chance = random.Random(f"{self.seed}/{bug.name}")  # noqa: S311
        hunt = Hunt(self.ground, self.source, self.seed, thorough=True)
        kills = 0
        while kills < bug.within:
            first, until = True, kills + BUG_CHAPTER_KILLS
            with self._world(f"{bug.name} {kills}") as world:
                while kills < until:
                    order = hunt._order(scenario, first, chance)
                    life = hunt._cycle(world, scenario, order, bug.plant, chance)
                    hunt._count(scenario, first, order, life)
                    kills += life.killed
                    first = first and life.killed
                    # Not any complaint will do: it must be the invariant that this bug breaks.
                    if any(fault.startswith(bug.breaks) for fault in self._faults(world, scenario, life, EXPECTED)):
                        return kills
        return None

    def _chapter(self, world: World, chapter: int, kills: int) -> None:
        chance = random.Random(f"{self.seed}/{chapter}")  # noqa: S311
        first_kills: Counter[str] = Counter()
        landed: set[str] = set()
        until = self.tally.kills + kills
        restart_at = self.tally.kills + chance.randrange(1, kills + 1) if self.ground.cluster else 0
        while self.tally.kills < until:
            scenario = chance.choices(SCENARIOS, [WEIGHTS[s.name] for s in SCENARIOS])[0]
            first = scenario.name not in landed
            order, allowed = self._order(scenario, first, chance), EXPECTED
            if first and first_kills[scenario.name] >= FIRST_RUN_KILLS:
                order = Order()
            if self.tally.kills >= restart_at > 0 and not first:
                after_s = chance.uniform(0, self.normal_s[scenario.name])
                order, allowed = (
                    Order(meanwhile_after_s=after_s, meanwhile=self.ground.restart_immediately),
                    WITHOUT_DATABASE,
                )
                restart_at, self.tally.restarts = 0, self.tally.restarts + 1
            life = self._cycle(world, scenario, order, None, chance)
            self._count(scenario, first, order, life)
            first_kills[scenario.name] += life.killed
            if not life.killed and not life.failures:
                landed.add(scenario.name)
            where = order.place or (life.places[-1] if life.places else "the start")
            for fault in self._faults(world, scenario, life, allowed):
                self._violation(fault, f"chapter {chapter}, {scenario.name}, kill {self.tally.kills}, at: {where}")
        for fault in self._settle(world, SCENARIOS):
            self._violation(fault, f"chapter {chapter}, at its end")

    def _order(self, scenario: Scenario, first: bool, chance: random.Random) -> Order:
        if self.thorough and (scenario.name, first) not in self.places.used:
            return Order()
        by_place = self.thorough or chance.random() < PLACE_SHARE
        place = self._place(scenario.name, first, chance) if by_place else None
        if place:
            return Order(place=place)
        normal_s = self.normal_s.get(scenario.name)
        return Order(kill_after_s=chance.uniform(0, 1.2 * normal_s)) if normal_s else Order()

    def _place(self, scenario: str, first: bool, chance: random.Random) -> str | None:
        found = self.places.least_used(scenario, first)
        # Each lane begins with its own part of the places.
        mine = [place for place in found if crc32(place.encode()) % self.lanes == self.lane]
        found = mine or found
        if self.thorough or chance.random() < MATTERS_SHARE:
            found = [place for place in found if not _IDLE.match(place)] or found
        place = chance.choice(found) if found else None
        if place:
            self.places.used[scenario, first][place] += 1
        return place

    def _cycle(
        self, world: World, scenario: Scenario, order: Order, before: Callable[[], None] | None, chance: random.Random
    ) -> Life:
        world.source.control("change", times=chance.randint(0, 5))
        if scenario.prepare:
            scenario.prepare(world)
        world.look()
        return live(world, scenario, order, before)

    def _count(self, scenario: Scenario, first: bool, order: Order, life: Life) -> None:
        self.places.learn(scenario.name, first, life.places)
        self.tally.kills += life.killed
        if order.place and life.killed:
            self.tally.points.add((scenario.name, first, order.place))
        elif order.place:
            self.places.missed[scenario.name, first, order.place] += 1
        if not life.killed and not order.meanwhile:
            self.normal_s[scenario.name] = life.seconds

    def _faults(self, world: World, scenario: Scenario, life: Life, allowed: set[str]) -> Iterator[str]:
        if life.hung:
            yield "hung: the process did not end by itself"
        for code, message in life.failures:
            if code not in allowed:
                yield f"failed: {code}: {message}"
        yield from sessions_gone(world)
        world.note_runs()
        world.look()
        for check in scenario.holds:
            yield from check(world)

    def _settle(
        self, world: World, scenarios: "tuple[Scenario, ...] | list[Scenario]", before: Callable[[], None] | None = None
    ) -> Iterator[str]:
        """Let everything happen in peace, twice: the first run must make all equal, the second change nothing."""
        world.source.control("quiet")
        for scenario in scenarios:
            if scenario.quiet:
                scenario.quiet()
            written = -1
            for _ in range(2):
                world.look()
                life = live(world, scenario, Order(), before)
                self._count(scenario, False, Order(), life)
                yield from self._faults(world, scenario, life, set())
                for check in scenario.settled:
                    yield from check(world)
                (count,) = world.rows("SELECT count(*) FROM watch.audit")[0]
                if written not in (-1, count):
                    yield f"end: a run of {scenario.name} that had nothing to do wrote {count - written} rows"
                written = count
        yield from clean_after_success(world)

    def _violation(self, fault: str, where: str) -> None:
        self.tally.violations.append(fault)
        if len(self.tally.violations) <= SAID:
            print(f"violation: {fault}\n  in {where}", file=sys.stderr, flush=True)

    @contextmanager
    def _world(self, name: object) -> Iterator[World]:
        seed = random.Random(f"{self.seed}/{name}/vendor").randrange(2**31)  # noqa: S311
        self.source.control("begin", seed=seed)
        with self.ground.database() as url:
            world = World(self.ground, self.source, url, seed)
            os.environ["LANDFALL_DATABASE_URL"] = url
            try:
                yield world
            finally:
                world.close()
