"""The inputs of a case given to another version, each at the element where the case gave it: how a migration replays.

Strict, and without a choice: whoever replays the journal later must come to the same state. Deadlines are kept: an instant
that a wait was due at is its instant under the new version, too. Pure, like the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from engine.errors import Conflict
from engine.inputs import CaseMigrated, Input, JobFailed, JobGivenUp, JobSucceeded, Started, TimerFired, Variables
from engine.machine import ActivityEvent, Applied, Machine, Process
from engine.machine_state import MachineState
from engine.waits import DueTimer, JobWait, TimerWait, UserTaskWait, Wait, element_of

FindProcess = Callable[[str], Process]  # by definition id
Taken = tuple[int, Input]  # seq of the journal, and the input with the addresses of the version that took it
Instants = Mapping[str, tuple[int, datetime]]  # by address: seq of the input since which, and when a wait is due

MOST_FIRINGS = 1_000  # of timers the case never had; a cycle without an end must not hang a preview


@dataclass(slots=True)
class Course:
    """A case's inputs as one version took them.

    instants: every deadline its waits ever had, by address. activities: with the seq of the input that caused them.
    """

    definition_id: str
    machine: Machine
    taken: list[Taken] = field(default_factory=list)
    instants: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    activities: list[tuple[int, ActivityEvent]] = field(default_factory=list)

    def note(self, seq: int, given: Input, applied: Applied) -> None:
        self.taken.append((seq, replace(given, computed=applied.computed)))
        self.activities.extend((seq, event) for event in applied.activities)
        for address, wait in self.machine.waits.items():
            known = self.instants.get(address)
            due = _deadline(wait, known)
            if due is not None and (known is None or known[1] != due):
                self.instants[address] = (seq, due)


@dataclass(frozen=True, slots=True)
class DoesNotFit:
    """Input `seq` finds no place under the new version. code: of the machine's refusal; element: of the new version."""

    seq: int
    kind: str
    element: str
    code: str


@dataclass(frozen=True, slots=True)
class Carried:
    """misfit: the first input that does not fit; the course then ends before it, and is None where the case cannot even begin.

    skipped: seqs of firings whose timer is gone. computed: what the working-day calendar gave on the way, `SEQ ADDRESS` →
    instant: journalled with the migration, it is the same for whoever replays it when the calendar has changed.
    """

    course: Course | None
    misfit: DoesNotFit | None
    skipped: tuple[int, ...]
    computed: Mapping[str, datetime] = field(default_factory=dict)


def carry_over(
    process: Process,
    definition_id: str,
    taken: Sequence[Taken],
    *,
    settings: Variables,
    instants: Instants,
    computed: Mapping[str, datetime],
    machine_class: type[Machine] = Machine,
) -> Carried:
    """taken, instants: with the addresses of the new version already (`renamed`). settings: of the new version.

    computed: as Carried has it, of the migration's input; empty before it is journalled.
    """
    recorded = _Recorded(instants, computed)
    started = replace(cast(Started, taken[0][1]), settings=settings)
    first = taken[0][0]
    try:
        machine, applied = machine_class.start(process, replace(started, computed=recorded.for_input(first, started)))
    except Conflict as conflict:
        return Carried(None, DoesNotFit(first, "Started", started.start, conflict.code), ())
    course = Course(definition_id, machine)
    course.note(first, started, applied)
    skipped: list[int] = []
    ahead = Counter(given.wait for _, given in taken if isinstance(given, TimerFired))
    for seq, given in taken[1:]:
        try:
            if not _take(course, seq, given, ahead, recorded.for_input(seq, given)):
                skipped.append(seq)
        except Conflict as conflict:
            misfit = DoesNotFit(seq, type(given).__name__, element_of(getattr(given, "wait", "")), conflict.code)
            return Carried(course, misfit, tuple(skipped))
    return Carried(course, None, tuple(skipped), _worked_out(course, taken))


def _take(course: Course, seq: int, given: Input, ahead: Counter[str], instants: Mapping[str, datetime]) -> bool:
    """The next input, after the timers that are due before it. False: a firing whose timer is gone.

    ahead: firings the journal still has, by address.
    """
    machine = course.machine
    if not _is_answer_at_once(machine, given):
        _fire_new_timers(course, seq, given, ahead, instants)
    if isinstance(given, TimerFired):
        ahead[given.wait] -= 1
        if not isinstance(machine.waits.get(given.wait), TimerWait):
            return False
    if machine.is_ended:
        raise Conflict("case.ended")
    course.note(seq, given, machine.apply(replace(given, computed=instants)))
    return True


def renamed(address: str, elements: Mapping[str, str]) -> str:
    """The address with its elements as `elements` calls them: `Check:2/scan:1` → `Proof:2/scan:1`."""
    if not elements or not address:
        return address
    steps = (step.partition(":") for step in address.split("/"))
    return "/".join(f"{elements.get(element, element)}:{rest}" for element, _, rest in steps)


def renamed_input(given: Input, elements: Mapping[str, str]) -> Input:
    """The input with its addresses, and the element it leads to, renamed."""
    if not elements:
        return given
    changed: dict[str, Any] = {"computed": {renamed(place, elements): at for place, at in given.computed.items()}}
    for name in ("wait", "place"):
        if hasattr(given, name):
            changed[name] = renamed(getattr(given, name), elements)
    if isinstance(given, Started):
        changed["start"] = elements.get(given.start, given.start)
    if hasattr(given, "to"):
        changed["to"] = elements.get(given.to, given.to)
    return replace(given, **changed)


def renamed_all(taken: Iterable[Taken], elements: Mapping[str, str]) -> list[Taken]:
    return [(seq, renamed_input(given, elements)) for seq, given in taken]


class Walk:
    """A journal walked input by input, from version to version where the case was migrated."""

    def __init__(self, find: FindProcess, definition_id: str, machine_class: type[Machine] = Machine) -> None:
        """definition_id: of the version the case started on (`first_version`). machine_class: one that watches, say."""
        self._machine_class = machine_class
        self._find = find
        self._first = definition_id
        self._course: Course | None = None
        self._left: dict[int, Course] = {}  # by seq of the migration that ended them

    @property
    def course(self) -> Course:
        assert self._course is not None, "a journal begins with Started"
        return self._course

    def apply(self, seq: int, given: Input) -> None:
        """Raises what Machine.start and Machine.apply raise, Conflict("case.does_not_fit") at a migration."""
        if isinstance(given, CaseMigrated):
            self._migrate(seq, given)
        elif self._course is not None:
            self._course.note(seq, given, self._course.machine.apply(given))
        elif isinstance(given, Started):
            machine, applied = self._machine_class.start(self._find(self._first), given)
            self._course = Course(self._first, machine)
            self._course.note(seq, given, applied)
        else:
            raise ValueError("a journal begins with Started")

    def migrated(self, given: CaseMigrated) -> Carried:
        """What this migration would make of the case; changes nothing."""
        taken, instants = self._given_to(given)
        process = self._find(given.to_definition)
        return carry_over(
            process,
            given.to_definition,
            taken,
            settings=given.settings,
            instants=instants,
            computed=given.computed,
            machine_class=self._machine_class,
        )

    def _migrate(self, seq: int, given: CaseMigrated) -> None:
        carried = self.migrated(given)
        if carried.misfit is not None:
            raise Conflict("case.does_not_fit", seq=carried.misfit.seq, element=carried.misfit.element)
        assert carried.course is not None, "what fits has begun"
        self._left[seq] = self.course
        self._course = carried.course

    def _given_to(self, given: CaseMigrated) -> tuple[list[Taken], Instants]:
        """What the version gets, and the instants it keeps. Taken back, it gets what it had, then what came in since."""
        now = self.course
        instants = {renamed(place, given.elements): at for place, at in now.instants.items()}
        if not given.reverts:
            return renamed_all(now.taken, given.elements), instants
        left = self._left[given.reverts]
        since = [one for one in now.taken if one[0] > given.reverts]
        return [*left.taken, *renamed_all(since, given.elements)], {**instants, **left.instants}


def first_version(definition_id: str, inputs: Iterable[Input]) -> str:
    """Id of the version the case started on. definition_id: of the one it runs on now."""
    return next((given.from_definition for given in inputs if isinstance(given, CaseMigrated)), definition_id)


def _deadline(wait: Wait, known: tuple[int, datetime] | None) -> datetime | None:
    """When it is due, None for never. Of a clock that may stand still what it began with: the rest follows from that."""
    if isinstance(wait, TimerWait) and wait.clock and known is not None:
        return known[1]
    if isinstance(wait, TimerWait) and wait.pause is not None:
        return wait.pause.due
    return wait.due if isinstance(wait, TimerWait | UserTaskWait) else None


class _Recorded:
    """What is not computed again: deadlines the case had, and what the calendar said when the migration was carried out."""

    def __init__(self, instants: Instants, computed: Mapping[str, datetime]) -> None:
        self._instants = instants
        self._computed: dict[int, dict[str, datetime]] = {}  # by seq
        for key, at in computed.items():
            seq, _, address = key.partition(" ")
            self._computed.setdefault(int(seq), {})[address] = at

    def for_input(self, seq: int, given: Input) -> dict[str, datetime]:
        """Not yet a deadline that a later input brought about: before it there was none."""
        known = {address: due for address, (since, due) in self._instants.items() if since <= seq}
        return {**known, **given.computed, **self._computed.get(seq, {})}


def _worked_out(course: Course, taken: Sequence[Taken]) -> dict[str, datetime]:
    known = {seq: given.computed for seq, given in taken}
    return {
        f"{seq} {address}": at
        for seq, given in course.taken
        for address, at in given.computed.items()
        if address not in known[seq]
    }


def _is_answer_at_once(machine: MachineState, given: Input) -> bool:
    """What a service task in the same transaction said: it came before any timer that was due at that instant."""
    if not isinstance(given, JobSucceeded | JobFailed | JobGivenUp):
        return False
    return given.at == machine.at and isinstance(machine.waits.get(given.wait), JobWait)


def _fire_new_timers(
    course: Course, seq: int, given: Input, ahead: Counter[str], instants: Mapping[str, datetime]
) -> None:
    """Timers the journal does not fire, by the rule that due ones come first; the others have their place in it."""
    machine = course.machine
    for _ in range(MOST_FIRINGS):
        due = [wait for wait in _due_before(machine, given) if ahead[wait.address] <= 0]
        if machine.is_ended or not due:
            return
        fired = TimerFired(at=max(due[0].due, machine.at), wait=due[0].address, computed=instants)
        course.note(seq, fired, machine.apply(fired))
    raise Conflict("case.timers_pending")


def _due_before(machine: MachineState, given: Input) -> list[DueTimer]:
    """Due timers; before a firing only those whose turn it is before that one."""
    due = machine.due_before(given.at)
    if not isinstance(given, TimerFired):
        return due
    turns = [number for number, wait in enumerate(due) if wait.address == given.wait]
    return due[: turns[0]] if turns else due
