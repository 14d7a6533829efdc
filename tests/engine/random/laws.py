"""What must hold after every input whatever the diagram means, told from the tree, the inputs and the history alone.

Neither the reference nor the machine's own rules are asked: a law is broken by what was seen, not by what was expected.

    OneWinner           of an exclusive choice at most one way is taken, each time it is made
    SomethingIsWaited   a case that has not ended waits for something that moves it on
    DecisionsAreSeen    a gateway leaves by the way that what was decided, in frames as written, says
    NothingIsLost       what a completed step wrote is there until a later one writes it again
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from engine.inputs import Input, TokenMoved, WorkItemReturned
from engine.machine import Applied, Machine
from engine.spiff.rules.state import ActivityEvent
from tests.engine.random import blocks
from tests.engine.random.blocks import Block, Condition, Tree
from tests.engine.random.comparison import Mismatch, same
from tests.engine.random.insides import first_of
from tests.engine.random.ledger import UNKNOWN, Ledger

_DONE = ("completed", "skipped")


class Law:
    """judged: how often there was something to judge."""

    judged = 0


class LawBroken(Mismatch):
    pass


def path_of(address: str) -> str:
    """The scope an address is in."""
    return address.rpartition("/")[0]


def is_instance(address: str) -> bool:
    return "@" in address.rpartition("/")[2]


class OneWinner(Law):
    """chances: how often a choice was to be made; won: how often one of its ways was taken. Both by scope and choice.

    For an activity with interrupting events a chance is its activation, and its ways are its being done and those events; while
    it is open none has won, and no chance is left for another.
    """

    def __init__(self, tree: Tree) -> None:
        self.ways: dict[str, str] = {}  # element that begins a way of a gateway → that gateway
        self.wins_when: dict[str, tuple[str, ...]] = {}
        self.openers: set[str] = set()
        self.interrupted: dict[str, str] = {}  # interrupting boundary event → activity
        for part in tree.parts:
            self._learn(part)
        self.activities = set(self.interrupted.values())
        self.chances: Counter[tuple[str, str]] = Counter()
        self.won: Counter[tuple[str, str]] = Counter()

    def _learn(self, part: Any) -> None:
        if isinstance(part, blocks.Xor):
            ways = [way for _, way in part.branches] + ([part.otherwise] if part.otherwise else [])
            self._choice(part.id, [first_of(way) for way in ways], ("entered",))
        elif isinstance(part, blocks.Race):
            self._choice(part.id, [catch.id for catch, _ in part.branches], _DONE)
        for boundary in getattr(part, "boundaries", ()):
            if boundary.interrupting:
                self.interrupted[boundary.id] = part.id

    def _choice(self, opener: str, ways: list[str], wins_when: tuple[str, ...]) -> None:
        self.openers.add(opener)
        for way in filter(None, ways):
            self.ways[way], self.wins_when[way] = opener, wins_when

    def look(self, given: Input, applied: Applied, machine: Machine) -> None:
        moved = given.to if isinstance(given, TokenMoved | WorkItemReturned) else ""
        for event in applied.activities:
            if is_instance(event.address):
                continue
            scope, element = path_of(event.address), event.element
            if element == moved and event.event == "entered":
                self.chances[scope, self.ways.get(element, "")] += 1
                moved = ""
            self.chances[scope, element] += event.event == ("entered" if element in self.activities else "completed")
            self._count(scope, event)
        self._judge(machine)

    def _count(self, scope: str, event: ActivityEvent) -> None:
        element = event.element
        if element in self.ways and event.event in self.wins_when[element]:
            self.won[scope, self.ways[element]] += 1
        if element in self.interrupted and event.event == "completed":
            self.won[scope, self.interrupted[element]] += 1
        if element in self.activities and event.event in _DONE:
            self.won[scope, element] += 1

    def _judge(self, machine: Machine) -> None:
        open_now = Counter(
            (path_of(address), w.element) for address, w in machine.waits.items() if not is_instance(address)
        )
        self.judged = self.won.total()
        for (scope, choice), won in self.won.items():
            undecided = open_now[scope, choice] if choice in self.activities else 0
            if choice and won + undecided > self.chances[scope, choice]:
                raise LawBroken(f"{won} ways of {choice} in {scope!r}, chances {self.chances[scope, choice]}")


class SomethingIsWaited(Law):
    """Events on an activity do not count: they tell nothing of how the activity itself goes on."""

    def __init__(self, tree: Tree) -> None:
        self.starts = {part.start for part in tree.parts if isinstance(part, blocks.EventSub)}

    def look(self, given: Input, applied: Applied, machine: Machine) -> None:
        moving = [
            w for w in machine.waits.values() if not getattr(w, "attached_to", "") and w.element not in self.starts
        ]
        self.judged += not machine.is_ended
        if not machine.is_ended and not moving:
            raise LawBroken(f"the case waits for nothing that moves it on: {list(machine.waits)}")


class DecisionsAreSeen(Law):
    """Of every exclusive gateway passed in this step whose conditions read what the ledger knows: the way that must follow."""

    def __init__(self, tree: Tree) -> None:
        self.ledger = Ledger(tree)
        self.gateways = {part.id: part for part in tree.parts if isinstance(part, blocks.Xor)}

    def look(self, given: Input, applied: Applied, machine: Machine) -> None:
        self.ledger.write(given)
        for place, event in enumerate(applied.activities):
            gateway = self.gateways.get(event.element)
            if gateway is None or event.event != "completed":
                continue
            seen = self.ledger.visible(self.ledger.frame_of(event.address))
            chosen = chosen_way(gateway, seen)
            if chosen is not None:
                self.judged += 1
                scope = path_of(event.address)
                later = {e.element for e in applied.activities[place + 1 :] if path_of(e.address) == scope}
                self._judge(gateway, first_of(chosen), later)

    @staticmethod
    def _judge(gateway: blocks.Xor, wanted: str, later: set[str]) -> None:
        ways = [first_of(way) for _, way in gateway.branches] + [first_of(gateway.otherwise or blocks.Seq())]
        if wanted and wanted not in later:
            raise LawBroken(f"{gateway.id} did not lead to {wanted}, as what was decided says")
        taken = later & set(filter(None, ways)) - {wanted}
        if taken:
            raise LawBroken(f"{gateway.id} led to {taken}, against what was decided")


def chosen_way(gateway: blocks.Xor, seen: dict[str, Any]) -> Block | None:
    """None: it reads what the inputs alone do not tell."""
    for condition, way in gateway.branches:
        holds = whether(condition, seen)
        if holds is None:
            return None
        if holds:
            return way
    return gateway.otherwise


def whether(condition: Condition, seen: dict[str, Any]) -> bool | None:
    if not condition.variable.startswith(("v_", "s_")) or condition.operator == "less":
        return None
    value = seen.get(condition.variable)
    if value is UNKNOWN:
        return None
    is_it = value == condition.constant
    return {"is": is_it, "is not": not is_it, "truthy": bool(value), "falsy": not value}[condition.operator]


class NothingIsLost(Law):
    def __init__(self, tree: Tree) -> None:
        self.ledger = Ledger(tree)
        self.many = {part.id: part for part in tree.parts if isinstance(part, blocks.Many)}
        self.done: set[str] = set()  # instances that are done

    def look(self, given: Input, applied: Applied, machine: Machine) -> None:
        self.ledger.write(given)
        self._judge("the case", machine.variables, self.ledger.visible(""))
        for address in machine.waits:
            seen = self.ledger.visible(self.ledger.frame_of(address))
            self._judge(address, machine.view_of(address), seen)
        for event in applied.activities:
            if event.event in _DONE and is_instance(event.address):
                self.done.add(event.address)
            elif event.event == "completed" and event.element in self.many:
                self._judge_results(event.address, self.many[event.element], machine)

    def _judge(self, place: str, view: Any, written: dict[str, Any]) -> None:
        self.judged += len(written)
        for name, value in written.items():
            if value is not UNKNOWN and not (name in view and same(view[name], value)):
                raise LawBroken(f"{place} sees {name} as {view.get(name, '(nothing)')!r}, written was {value!r}")

    def _judge_results(self, address: str, many: blocks.Many, machine: Machine) -> None:
        """Every vote that was given is in the results."""
        own = f"v_{many.id}"
        frame = self.ledger.frame_of(address)
        if not many.output or (frame and not any(self.ledger.frame_of(wait) == frame for wait in machine.waits)):
            return
        results = machine.view_of(address).get(many.output)
        for instance, key in self._instances(address):
            vote = self.ledger.frames.get(instance, {}).get(own, UNKNOWN)
            if vote is UNKNOWN:
                continue
            found = results if many.output_item else [r.get(own) for r in results if r["key"] == key]
            if not any(same(value, vote) for value in found):
                raise LawBroken(f"{instance} gave {vote!r}, which is not in {results!r}")

    def _instances(self, address: str) -> Iterator[tuple[str, str]]:
        for instance in self.done:
            if instance.startswith(f"{address}@"):
                yield instance, instance.removeprefix(f"{address}@")


LAWS = (OneWinner, SomethingIsWaited, DecisionsAreSeen, NothingIsLost)
