"""Plays random inputs on a random process: the machine and the reference side by side, compared after every input.

After each input, the first that does not hold raises `Mismatch`:
- machine and reference agree on variables, open waits (address, kind, due and all the rest), end and outcome;
- dump → load gives an equal machine with the same snapshot;
- a cold machine, loaded from the snapshot before the input, took the input exactly as the live one;
- replay of the inputs with what was computed for them gives an equal machine (looked at when the path is over);
- every activity is entered once and left once;
- every input that no longer has a place is refused with a Conflict, and nothing changed;
- the laws of `laws.py` hold.
That the definition all cases share is what it was is looked at when a process has been played (`trial.py`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, is_dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from engine.errors import Conflict
from engine.inputs import (
    Input,
    Started,
    TokenMoved,
    WorkItemReturned,
)
from engine.machine import Applied, Machine, Process, compile_process, replay
from tests.engine.random.blocks import Boundary, EventSub, Tree
from tests.engine.random.comparison import KINDS, Mismatch, difference, same, seen, shown
from tests.engine.random.composites import reference
from tests.engine.random.drawing import draw
from tests.engine.random.generator import GIVEN, START_VARIABLES, VALUES, generate
from tests.engine.random.laws import LAWS
from tests.engine.random.moving import Places
from tests.engine.random.path import RandomPath
from tests.engine.random.reference import Reference
from tests.engine.random.run import Landed

MONDAY = datetime(2026, 3, 2, 1, tzinfo=UTC)  # 9 o'clock in Shanghai
LONGEST_PATH = 25


@dataclass
class Play(RandomPath):
    """One path through one process. inputs: those applied so far, with what the machine computed for them.

    checks_snapshots: compare with cold machines, replays and the history as well, and not with the reference alone.
    checks_reference: without it only the laws are looked at, and no token is moved.
    """

    tree: Tree
    process: Process
    random: Random
    machine_class: type[Machine] = Machine
    checks_snapshots: bool = True
    checks_reference: bool = True
    laws: tuple[type[Any], ...] = LAWS
    tally: Counter[str] = field(default_factory=Counter)
    inputs: list[Input] = field(default_factory=list)
    history: dict[str, str] = field(default_factory=dict)  # address → last event of its activity
    course: list[bytes] = field(default_factory=list)  # the machine's canonical form after each input
    gone: dict[str, str] = field(default_factory=dict)  # address → kind of every wait there ever was

    def run(self) -> None:
        self.start()
        while not self.machine.is_ended and len(self.inputs) < LONGEST_PATH:
            self.take(self.next_input())
        self.check_replay()
        self.tally.update({type(law).__name__: law.judged for law in self.kept})

    def start(self, started: Started | None = None) -> None:
        """started: at random where it is not given."""
        self.labels, self.places = labels(self.tree), Places(self.tree)
        if started is None:
            variables = {name: self.random.choice(VALUES) for name in START_VARIABLES} | GIVEN
            started = Started(at=MONDAY, by="starter", variables=variables, settings=self.tree.settings)
        self.machine, applied = self.machine_class.start(self.process, started)
        self.reference: Reference = reference(self.tree, started)
        self.inputs.append(replace(started, computed=applied.computed))
        self.kept = [law(self.tree) for law in self.laws]
        self.judge(started, applied)

    def take(self, given: Input) -> None:
        cold = self.machine_class.load(self.process, self.machine.dump()) if self.checks_snapshots else None
        landed = self.landing_of(given) if isinstance(given, TokenMoved | WorkItemReturned) else None
        self.inputs.append(given)
        applied = self.machine.apply(given)
        self.inputs[-1] = replace(given, computed=applied.computed)
        if cold is not None and (cold.apply(given) != applied or cold.canonical() != self.machine.canonical()):
            raise Mismatch("a machine loaded from its snapshot took the input otherwise")
        self.tally[type(given).__name__] += 1
        if isinstance(landed, Landed):
            self.reference.move(landed, given.at)
        elif self.checks_reference:
            self.reference.take(given)
        self.judge(given, applied)

    # -- what must hold

    def judge(self, given: Input, applied: Applied) -> None:
        for law in self.kept:
            law.look(given, applied, self.machine)
        if self.checks_reference:
            self.tell(applied)
            self.check_sent(applied)
            self.check()

    def check(self) -> None:
        self.compare()
        if self.checks_snapshots:
            self.check_snapshot()
        if not self.machine.is_suspended:  # else everything is refused alike
            self.check_stale()
        self.gone |= {address: KINDS[type(wait)] for address, wait in self.machine.waits.items()}

    def tell(self, applied: Applied) -> None:
        """The history of activities: each is entered once and left once, and what waits has not been left."""
        self.tally.update(self.labels[event.element] for event in applied.activities if event.event == "completed")
        if not self.checks_snapshots:
            return
        for event in applied.activities:
            if (self.history.get(event.address) or "new") != ("new" if event.event == "entered" else "entered"):
                raise Mismatch(f"{event} comes after {self.history.get(event.address)}")
            self.history[event.address] = event.event
        for address, wait in self.machine.waits.items():
            if (
                not self.labels[wait.element].startswith(("Boundary", "EventSub"))
                and self.history[address] != "entered"
            ):
                raise Mismatch(f"{address} waits and is {self.history[address]}")
        if self.machine.is_ended and "entered" in self.history.values():
            raise Mismatch(f"the case has ended, its activities have not: {self.history}")

    def check_sent(self, applied: Applied) -> None:
        """The same messages; branches that run in parallel send in an order that is nobody's promise."""
        found = sorted(repr((one.message, one.correlation, dict(one.payload))) for one in applied.sent)
        wanted = sorted(map(repr, self.reference.sent))
        self.reference.sent.clear()
        if found != wanted:
            raise Mismatch(f"sent {found}, expected {wanted}")

    def compare(self) -> None:
        machine, expected = self.machine, self.reference
        pairs = {
            "variables": (machine.variables, expected.variables),
            "views": (self.views(), {address: expected.view_of(address) for address in expected.waits}),
            "waits": (seen(machine), {address: shown(wait) for address, wait in expected.waits.items()}),
            "ended": (machine.is_ended, expected.is_ended),
            "outcome": (machine.outcome, expected.outcome),
        }
        for name, (found, wanted) in pairs.items():
            if not same(found, wanted):
                raise Mismatch(f"{name}: {difference(found, wanted)}")

    def views(self) -> dict[str, Any]:
        return {address: dict(self.machine.view_of(address)) for address in self.machine.waits}

    def check_snapshot(self) -> None:
        snapshot = self.machine.dump()
        loaded = self.machine_class.load(self.process, snapshot)
        if (
            loaded.canonical() != self.machine.canonical()
            or loaded.dump() != snapshot
            or seen(loaded) != seen(self.machine)
        ):
            raise Mismatch("dump → load is not equal")
        self.course.append(self.machine.canonical())

    def check_replay(self) -> None:
        """Once a path, step by step: the states of a replay of the first n inputs are those of the replay of all."""
        if self.machine_class is not Machine or not self.course:
            return
        again = replay(self.process, self.inputs[:1])
        for number, (given, then) in enumerate(zip([None, *self.inputs[1:]], self.course, strict=True), 1):
            if given is not None:
                again.apply(given)
            if again.canonical() != then:
                raise Mismatch(f"replay of {number} inputs is not equal")

    def check_stale(self) -> None:
        before = self.machine.canonical(), self.checks_snapshots and self.machine.dump()
        for given, codes in self.stale():
            self.tally["stale"] += 1
            try:
                self.machine.apply(given)
            except Conflict as conflict:
                self.tally[conflict.code] += 1
                if conflict.code not in codes:
                    raise Mismatch(f"{given} was refused with {conflict.code}, expected {codes}") from conflict
            else:
                raise Mismatch(f"a stale input was taken: {given}")
        if (self.machine.canonical(), self.checks_snapshots and self.machine.dump()) != before:
            raise Mismatch("a refused input changed the machine")


def labels(tree: Tree) -> dict[str, str]:
    """What each element of the tree is, by its id: for counting what the paths came through."""
    found: dict[str, str] = {}

    def walk(part: Any) -> None:
        if isinstance(part, tuple):
            for item in part:
                walk(item)
        elif is_dataclass(part):
            name = type(part).__name__
            if isinstance(part, Boundary | EventSub):
                name += f" {type(part.event).__name__} {'interrupting' if part.interrupting else 'beside'}"
                found[part.start if isinstance(part, EventSub) else part.id] = name
            found.setdefault(getattr(part, "id", ""), name)
            for value in vars(part).values():
                walk(value)

    walk(tree.scope)
    return defaultdict(lambda: "gateway", found)


def drawn(seed: int) -> tuple[Tree, Process]:
    tree = generate(seed)
    return tree, compile_process(*draw(tree, seed))
