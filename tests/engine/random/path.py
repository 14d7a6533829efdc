"""What may come in next, at random: inputs that have a place in the case as it is, and inputs that have none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from engine.inputs import (
    CaseCancelled,
    CaseResumed,
    CaseSuspended,
    ElementSkipped,
    IncidentRetried,
    Input,
    JobFailed,
    JobGivenUp,
    JobSucceeded,
    MessageReceived,
    TimerFired,
    TokenMoved,
    VariableEdited,
    WorkItemCompleted,
    WorkItemReturned,
)
from engine.machine import Machine
from engine.waits import IncidentWait, JobWait, MessageWait, TimerWait, UserTaskWait, Wait
from tests.engine.random.comparison import KINDS
from tests.engine.random.generator import ERRORS, START_VARIABLES, VALUES
from tests.engine.random.moving import Places, Refused, landing, returning
from tests.engine.random.reference import Reference
from tests.engine.random.run import Landed

STEPS = (timedelta(0), timedelta(minutes=1), timedelta(minutes=20), timedelta(hours=9), timedelta(days=2))
MOST_MOVES = 4  # in one path: an operator who keeps moving tokens gets nowhere


class RandomPath:
    """gone: address → kind of every wait there ever was. moves: how often a token was moved or an item returned."""

    machine: Machine
    reference: Reference
    random: Random
    places: Places
    checks_reference: bool
    gone: dict[str, str]
    moves = 0

    # -- what has a place

    def next_input(self) -> Input:
        at = self.machine.at + self.random.choice(STEPS)
        if self.machine.is_suspended:
            return CaseResumed(at=at, by="operator")
        roll = self.random.random()
        if roll < 0.02:
            return CaseSuspended(at=at, by="operator")
        if roll < 0.04:
            name = self.random.choice(START_VARIABLES)
            return VariableEdited(at=at, by="operator", values={name: self.random.choice(VALUES)})
        if roll < 0.1 and self.checks_reference and self.moves < MOST_MOVES and (moved := self.move(at)) is not None:
            self.moves += 1
            return moved
        if self.random.random() < 0.01:
            return CaseCancelled(at=at, by="operator", reason="test")
        waits = [wait for wait in self.machine.waits.values() if not stands_still(wait)]
        weights = [
            1 if isinstance(wait, IncidentWait) else 4 for wait in waits
        ]  # many incidents stay whatever is retried
        return self.answer(self.random.choices(waits, weights)[0], at)

    def move(self, at: datetime) -> Input | None:
        """A move or a return that the reference would let through; None where it finds none at once."""
        wait = self.random.choice(list(self.machine.waits.values()))
        is_return = isinstance(wait, UserTaskWait) and self.random.random() < 0.5
        among = sorted(self.places.user_tasks) if is_return else self.places.targets
        for to in self.random.sample(among, min(8, len(among))):
            given = (WorkItemReturned if is_return else TokenMoved)(at=at, wait=wait.address, by="operator", to=to)
            if isinstance(self.landing_of(given), Landed):
                return given
        return None

    def landing_of(self, given: TokenMoved | WorkItemReturned) -> Landed | Refused:
        work_out = returning if isinstance(given, WorkItemReturned) else landing
        return work_out(self.reference, self.places, given.wait, given.to)

    def answer(self, wait: Wait, at: datetime) -> Input:
        if isinstance(wait, UserTaskWait | JobWait) and self.random.random() < 0.04:
            values = {f"v_{wait.element}": self.random.choice(VALUES)}
            return ElementSkipped(at=at, wait=wait.address, by="operator", values=values)
        match wait:
            case TimerWait():
                at = max(at, wait.due or at)
                late = self.random.choice((None, at, at + timedelta(minutes=95)))
                return TimerFired(at=at, wait=wait.address, noticed=late)
            case MessageWait():
                payload = {"k": self.random.choice(VALUES)}
                return MessageReceived(at=at, wait=wait.address, message=wait.message, payload=payload)
            case UserTaskWait():
                values = {f"v_{wait.element}": self.random.choice(VALUES)} if self.random.random() < 0.95 else {}
                return WorkItemCompleted(at=at, wait=wait.address, by="somebody", values=values)
            case IncidentWait():
                return IncidentRetried(at=at, wait=wait.address, by="operator", variables=self.repairs())
            case JobWait():
                return self.job_input(wait, at)

    def job_input(self, wait: JobWait, at: datetime) -> Input:
        roll = self.random.random()
        if roll < 0.25:
            return JobFailed(at=at, wait=wait.address, code=self.random.choice(ERRORS), message="no")
        if roll < 0.33:
            return JobGivenUp(at=at, wait=wait.address, reason="five attempts")
        return JobSucceeded(at=at, wait=wait.address, result=self.random.choice(VALUES))

    def repairs(self) -> dict[str, Any]:
        """Variables an operator sets before an element runs again; not always the right ones."""
        names = [name for name in self.machine.variables if name.startswith(("s_", "v_"))]
        chosen = self.random.sample(names, min(len(names), self.random.randint(0, 3)))
        repaired = {name: self.random.choice(VALUES) for name in chosen}
        repaired |= {"m_bad": "PT7M"} if self.random.random() < 0.6 else {}
        return repaired | ({"l_bad": ["r"]} if self.random.random() < 0.6 else {})

    # -- what has none

    def stale(self) -> Iterator[tuple[Input, tuple[str, ...]]]:
        """Inputs that have no place now, with the codes they may be refused with."""
        machine, at = self.machine, self.machine.at + timedelta(days=30)
        waits = machine.waits
        ended = ("case.ended",) if machine.is_ended else ()
        for address, kind in self.gone.items():
            if address not in waits:
                yield self.blind(kind, address, at), ended or ("wait.gone",)
        for wait in waits.values():
            others = [kind for kind in KINDS.values() if kind != KINDS[type(wait)]]
            yield self.blind(self.random.choice(others), wait.address, at), ("wait.other_kind",)
            yield replace(self.answer(wait, at), at=machine.at - timedelta(seconds=1)), ("time.backwards",)
            if isinstance(wait, TimerWait) and wait.pause is not None:
                yield TimerFired(at=max(at, wait.pause.due), wait=wait.address), ("timer.not_due",)
            elif isinstance(wait, TimerWait) and wait.due is not None and wait.due > machine.at:
                yield TimerFired(at=machine.at, wait=wait.address), ("timer.not_due",)
            if isinstance(wait, MessageWait):
                yield self.blind("message", wait.address, at), ("wait.other_kind",)
        yield from self.refused_moves(at)
        yield self.blind("user", "nowhere:1", at), ended or ("wait.gone",)
        if ended:
            yield CaseCancelled(at=at, by="operator", reason="test"), ended

    def refused_moves(self, at: datetime) -> Iterator[tuple[Input, tuple[str, ...]]]:
        """Of one wait: to some element that the reference refuses."""
        waits = list(self.machine.waits.values())
        wait = self.random.choice(waits) if waits else None
        for made in (TokenMoved, WorkItemReturned) if wait is not None else ():
            assert wait is not None
            to = self.random.choice([*self.places.targets, *self.places.others, "nowhere"])
            given = made(at=at, wait=wait.address, by="operator", to=to)
            found = self.landing_of(given)
            if made is WorkItemReturned and not isinstance(wait, UserTaskWait):
                yield given, ("wait.other_kind",)
            elif isinstance(found, Refused):
                yield given, (found.code,)

    def blind(self, kind: str, address: str, at: datetime) -> Input:
        """An input of a kind for an address, whatever is there."""
        return {
            "user": lambda: WorkItemCompleted(at=at, wait=address, by="somebody", values={"v": 1}),
            "job": lambda: self.job_input(JobWait(address=address, element="", service=""), at),
            "timer": lambda: TimerFired(at=at, wait=address),
            "message": lambda: MessageReceived(at=at, wait=address, message="another", payload={}),
            "incident": lambda: IncidentRetried(at=at, wait=address, by="operator", variables={"v": 1}),
        }[kind]()


def stands_still(wait: Wait) -> bool:
    """A timer whose clock does."""
    return isinstance(wait, TimerWait) and wait.pause is not None
