"""One case's recorded inputs on a candidate version: what would have become of it. Pure: nothing is written, called or sent.

Unlike a migration (carry_over.py) this makes the best of a journal that does not quite fit:
- Inputs are matched by element, by the same activation where there is one, else by the next of that element.
- What a service task said is looked up when the candidate asks for it, an in-transaction one at once, as it was live.
- The candidate's own timers fire by their own dates, due ones first; recorded firings count for nothing but the time.
- An instant of the working-day calendar is used again only where the element still asks for the same (`keeps`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from engine.errors import Conflict
from engine.inputs import (
    Input,
    SignatureRefused,
    Started,
    TimerFired,
    Variables,
    WorkItemCompleted,
    WorkItemSigned,
)
from engine.machine import Applied, Machine, Process
from engine.machine_state import MachineState
from engine.replay.input_record import Answer, InputRecord, Unplaced, as_recorded, without_ordinals
from engine.waits import IncidentWait, JobWait, UserTaskWait, element_of

Said = WorkItemCompleted | WorkItemSigned | SignatureRefused  # by people at a work item
MOST_FIRINGS = 1_000  # of timers between two inputs


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version to try. settings: its own. at_once: names of in-transaction service tasks.

    people: user tasks that a group works on. elements: renamed elements, old id → new id. refusal: why the form of this
    task does not take these values, "" where it does.
    """

    process: Process
    settings: Variables
    at_once: frozenset[str]
    people: frozenset[str]
    elements: Mapping[str, str]
    refusal: Callable[[UserTaskWait, Variables], str]


@dataclass(frozen=True, slots=True)
class Rerun:
    """Where the case stands on the candidate when its journal is used up.

    lacking: elements that wait for a result the journal does not have; the run could not go past them. misfit: the input
    the run stopped at. unplaced: inputs that found no place, the run went on without them. work: items of groups, by
    element, that were completed or are open.
    """

    machine: Machine
    lacking: tuple[str, ...]
    misfit: Unplaced | None
    unplaced: tuple[Unplaced, ...]
    work: Counter[str]


def rerun(candidate: Candidate, inputs: Sequence[Input], keeps: frozenset[str], until: datetime) -> Rerun:
    """inputs: a journal from its Started on. keeps: elements of the candidate whose recorded instants count.

    until: timers due by then fire after the last input.
    """
    run = _Run(candidate, InputRecord(as_recorded(inputs, candidate.elements), keeps))
    run.play(until)
    return Rerun(run.machine, tuple(run.lacking), run.misfit, run.unplaced(), run.work)


class _Run:
    """The machine of the candidate, and what of the record it took so far."""

    def __init__(self, candidate: Candidate, record: InputRecord) -> None:
        self.candidate = candidate
        self.record = record
        self.machine: Machine
        self.is_over = False
        self.lacking: list[str] = []
        self.misfit: Unplaced | None = None
        self.work: Counter[str] = Counter()
        self.held: dict[int, str] = {}  # index in the record → why it found no place

    def play(self, until: datetime) -> None:
        started = cast(Started, self.record.given(0))
        self.record.keep_instants(started)
        first = replace(started, settings=self.candidate.settings, computed=self.record.instants)
        try:
            self.machine, applied = Machine.start(self.candidate.process, first)
        except Conflict as conflict:
            self._begin_elsewhere(first, conflict.code)
            return
        self._stepped(applied)
        for index in range(1, len(self.record)):
            if self.is_over:
                return
            if index not in self.record.used:
                self._take(index)
        self._advance(until)

    def unplaced(self) -> tuple[Unplaced, ...]:
        return tuple(self.record.told(index, why) for index, why in self.held.items())

    def _begin_elsewhere(self, first: Started, why: str) -> None:
        """The candidate has no such start event: no input fits; where it would begin is all that can be told."""
        start = self.candidate.process.starts[0]
        self.machine, _ = Machine.start(self.candidate.process, replace(first, start=start.id))
        self.misfit = replace(self.record.told(0, why), element=first.start)
        self.is_over = True

    def _take(self, index: int) -> None:
        given = self.record.given(index)
        self.record.keep_instants(given)
        if isinstance(given, TimerFired):
            # Others that were due at the same instant had not fired yet: what came in between comes first here, too.
            self._advance(given.at, up_to=given.wait if given.wait in self.machine.waits else "")
            return
        self._advance(given.at)
        if self.is_over or index in self.record.used:
            return
        why = self._give(index)
        while why and not self.is_over and self._answer_ahead():
            why = self._give(index)
        if why and not self.is_over:
            self.held[index] = why

    def _advance(self, until: datetime, up_to: str = "") -> None:
        """Fire what is due, in due order; up_to: address of the last one to fire."""
        for _ in range(MOST_FIRINGS):
            if self.is_over or not (due := self.machine.due_before(until)):
                return
            at = max(due[0].due, self.machine.at)
            fired = TimerFired(at=at, wait=due[0].address, computed=self.record.instants)
            self._stepped(self.machine.apply(fired))
            if fired.wait == up_to:
                return
        self.is_over = True
        self.lacking.extend(sorted({wait.element for wait in self.machine.due_before(until)}))

    def _give(self, index: int) -> str:
        """Apply the input where it belongs; why it could not be, "" when it was."""
        given: Any = self.record.given(index)  # Any: of the inputs with a wait
        address = getattr(given, "wait", None)
        why = ""
        for place in [None] if address is None else _places(self.machine, address):
            if self._is_refused(index, place):
                return "form.refused"
            try:
                applied = self.machine.apply(self._moved(given, place))
            except Conflict as conflict:
                why = conflict.code
                continue
            self.record.used.add(index)
            self._stepped(applied)
            return ""
        if address and element_of(address) not in self.candidate.process.elements:
            return "element.gone"
        return why or "not_reached"

    def _is_refused(self, index: int, place: str | None) -> bool:
        """Whether the form of the work item at this place does not take the values; the run is over then."""
        given, wait = self.record.given(index), self.machine.waits.get(place) if place else None
        if not isinstance(given, WorkItemCompleted) or not isinstance(wait, UserTaskWait):
            return False
        refusal = self.candidate.refusal(wait, given.values)
        if refusal:
            self.misfit = self.record.told(index, "form.refused", refusal)
            self.is_over = True
        return bool(refusal)

    def _moved(self, given: Any, place: str | None) -> Any:  # Any: an input keeps its type
        changed: dict[str, Any] = {"at": max(given.at, self.machine.at), "computed": self.record.instants}
        if place is not None:
            changed["wait"] = place
        return replace(given, **changed)

    def _stepped(self, applied: Applied) -> None:
        """After each step, as it was live: in-transaction tasks answer; then inputs that had come too early."""
        self._count(applied)
        while not self.is_over:
            if self.machine.is_ended:
                self.is_over = True
                return
            wait = _asked_at_once(self.machine, self.candidate.at_once)
            if wait is not None:
                if not self._answer(wait):
                    self.lacking.append(wait.element)
                    self.is_over = True
                return  # _answer() has come through here
            if not self._give_held():
                return

    def _answer_ahead(self) -> bool:
        """Answer one open job with a result that was recorded later than what is being tried; False: none has any."""
        jobs = [wait for wait in self.machine.waits.values() if isinstance(wait, JobWait)]
        return any(self._answer(wait) for wait in jobs)

    def _answer(self, wait: JobWait) -> bool:
        given = self.record.use_answer(wait.address)
        if given is None:
            return False
        answer = replace(given, at=self.machine.at, wait=wait.address, computed=self.record.instants)
        self._stepped(self.machine.apply(answer))
        return True

    def _give_held(self) -> bool:
        """Form values and results that came before the candidate asked for them; a message's moment has passed."""
        for index in list(self.held):
            given: Any = self.record.given(index)  # Any: of the inputs with a wait
            is_kept = isinstance(given, Said | Answer)
            if is_kept and _places(self.machine, given.wait):
                why = self.held.pop(index)
                if not self._give(index):
                    return True
                self.held[index] = why
        return False

    def _count(self, applied: Applied) -> None:
        for event in applied.activities:
            if event.kind == "userTask" and event.element in self.candidate.people:
                self.work[event.element] += {"entered": 1, "cancelled": -1}.get(event.event, 0)


def _places(machine: MachineState, address: str) -> list[str]:
    """Open waits the input may be for: its own, else those of the same element in the same kind of scope."""
    waits = machine.waits
    if address in waits:
        return [address]
    path = without_ordinals(address)
    return [other for other in waits if without_ordinals(other) == path]


def _asked_at_once(machine: MachineState, at_once: frozenset[str]) -> JobWait | None:
    for wait in machine.waits.values():
        if isinstance(wait, JobWait) and wait.service in at_once:
            return wait
    return None


def standing_at(machine: MachineState) -> tuple[str, ...]:
    """Elements a case stands at: user tasks, jobs and incidents; timers and messages where there is nothing else."""
    waits = machine.waits.values()
    standing = {wait.element for wait in waits if isinstance(wait, UserTaskWait | JobWait | IncidentWait)}
    return tuple(sorted(standing or {wait.element for wait in waits}))
