"""The pure core: one case of one process, moved by inputs alone.

    machine, applied = Machine.start(process, Started(...))
    applied = machine.apply(WorkItemCompleted(...))
    snapshot = machine.dump();  machine = Machine.load(process, snapshot)

No clock, no randomness, no I/O. Time is the input's `at`. The machine fires no timer by itself: whoever holds the journal
applies a TimerFired for each due timer before any other input (`due_before`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar, NamedTuple, Self

from engine.applying import perform, token_for
from engine.flow.vocabulary import MESSAGE, TIMER
from engine.inputs import Input, Started
from engine.machine_state import MachineState
from engine.spiff.process import Element, Process
from engine.spiff.process import Node as StartEvent
from engine.spiff.reading.reader import compile_deployed, compile_process
from engine.spiff.rules.host import Host
from engine.spiff.rules.snapshot import canonical, dump, load
from engine.spiff.rules.state import ActivityEvent, SentMessage
from engine.spiff.store import NotJson, Store, json_value
from engine.spiff.tree import Token

__all__ = [
    "MESSAGE",
    "TIMER",
    "ActivityEvent",
    "Applied",
    "Element",
    "Machine",
    "MachineBroken",
    "NotJson",
    "Process",
    "SentMessage",
    "StartEvent",
    "compile_deployed",
    "compile_process",
    "replay",
]


class MachineBroken(RuntimeError):
    """Something unforeseen happened inside this object; its state is half changed. Throw it away, load the snapshot again."""


class Applied(NamedTuple):
    """What one input did beside moving the state.

    computed: instants worked out from the working-day calendar, by address; they belong into the journal with the input.
    activities: what became active and what ended, in order. sent: messages to other cases, in the order of their throwing.
    """

    computed: Mapping[str, datetime]
    activities: tuple[ActivityEvent, ...]
    sent: tuple[SentMessage, ...] = ()


class Machine(MachineState):
    """One case, and what moves it. Not thread-safe; the Process it runs is shared by all."""

    host_class: ClassVar[type[Host]] = Host

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._is_broken = False

    @classmethod
    def start(cls, process: Process, started: Started) -> tuple[Self, Applied]:
        """Raises ValueError for a naive `at`, NotJson for a value that is not JSON, Conflict("start.unknown")."""
        _aware(started.at)
        store = Store(json_value(started.variables), json_value(started.settings))
        host = cls.host_class(process, store, started.at)
        host.recorded = started.computed
        host.begin(started.start)
        machine = cls(host)
        return machine, machine._settle()

    @classmethod
    def load(cls, process: Process, snapshot: bytes) -> Self:
        """Raises ValueError or KeyError for a snapshot that is not one of this process."""
        return cls(load(cls.host_class, process, snapshot))

    def dump(self) -> bytes:
        self._require_whole()
        return dump(self._host)

    def canonical(self) -> bytes:
        """Two machines are equal if these bytes are: variables, waits, counters, live tokens."""
        self._require_whole()
        return canonical(self._host)

    def apply(self, given: Input) -> Applied:
        """Apply one input and run until the case only waits.

        Raises, and changes nothing: Conflict (`case.ended`, `case.suspended`, `time.backwards`, `wait.gone`,
        `wait.other_kind`, `timer.not_due`, and for operators' inputs what engine/spiff/rules/operators.py says), NotJson or
        ValueError for an input that is not one. After any other exception this object is broken (MachineBroken from then on).
        """
        self._require_whole()
        token = self._check(given)
        self._is_broken = True  # until the run has come to its end
        host = self._host
        host.at = given.at
        host.recorded = given.computed
        perform(host, token, given)
        applied = self._settle()
        self._is_broken = False
        return applied

    def _settle(self) -> Applied:
        host = self._host
        host.settled()
        self._waits = host.waits()
        applied = Applied(host.computed, tuple(host.events), tuple(host.sent))
        host.computed, host.events, host.sent, host.recorded = {}, [], [], {}
        return applied

    def _require_whole(self) -> None:
        if self._is_broken:
            raise MachineBroken("an earlier input failed inside this machine; load the snapshot again")

    def _check(self, given: Input) -> Token | None:
        """The token the input is for, None for the whole case; raises what `apply` says."""
        return token_for(self._host, self._waits, given)


def replay(process: Process, inputs: Iterable[Input]) -> Machine:
    """The machine after these inputs. Raises ValueError unless the first is a Started, and whatever `apply` raises."""
    machine: Machine | None = None
    for given in inputs:
        if machine is not None:
            machine.apply(given)
        elif isinstance(given, Started):
            machine, _ = Machine.start(process, given)
        else:
            raise ValueError("a journal begins with Started")
    if machine is None:
        raise ValueError("a journal begins with Started")
    return machine


def _aware(at: datetime) -> None:
    if at.tzinfo is None:
        raise ValueError("times are aware UTC")
