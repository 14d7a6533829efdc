"""The mutable state of one case: variables, scopes with their tokens, and what the history has been told of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from SpiffWorkflow.util.task import TaskState

from engine.spiff.process import Process, spec_name
from engine.spiff.store import Store
from engine.spiff.tree import NO_INSTANCE, Scope, Token
from engine.waits import Wait, element_of

ENTERED = "entered"
COMPLETED = "completed"
CANCELLED = "cancelled"
FAILED = "failed"
SKIPPED = "skipped"
COMPENSATED = "compensated"


class ActivityEvent(NamedTuple):
    """When an element of the diagram became active and how that ended; derived, for the history.

    event: "entered" | "completed" | "cancelled" (interrupted from outside it) | "failed" (an error left it) |
    "skipped" (an operator let it count as done) | "compensated" (completed, and since undone; `at` is when it was completed:
    when it was undone its handler's own activation says). An element that
    stands in an incident is still entered. Boundary events and start events of event subprocesses appear when they fire.
    """

    address: str
    element: str
    kind: str
    event: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What a case sends to whoever waits for it. kind: "message" | "signal" (to all who wait). payload: JSON values by name."""

    kind: str
    message: str
    correlation: str
    payload: Mapping[str, Any]


class CaseState:
    """What the rules of host.py move.

    store: the case's own variables. scopes: [0] is the whole process; empty once the case has ended.
    """

    def __init__(self, process: Process, store: Store, at: datetime) -> None:
        self.process = process
        self.store = store
        self.at = at
        self.scopes: list[Scope] = []  # [0] is the whole process; empty once the case has ended
        self.outcome: str | None = None
        self.is_suspended = False
        self.noticed = at  # when the timer of this input was found to be due
        self.spread = 0  # instances of multi-instance activities opened in this run: each may take its steps
        self.queue: deque[Token] = deque()
        self.events: list[ActivityEvent] = []
        self.sent: list[SentMessage] = []
        self.recorded: Mapping[str, datetime] = {}
        self.computed: dict[str, datetime] = {}

    def view(self, token: Token) -> Mapping[str, Any]:
        """What expressions at this token see."""
        view: Mapping[str, Any] = token.workflow.frame.view
        return view

    def write(self, token: Token, values: Mapping[str, Any]) -> None:
        token.workflow.frame.write(values)

    def give(self, token: Token, values: Mapping[str, Any]) -> None:
        """What an activity gives when it is completed: written, and remembered for its compensation."""
        self.write(token, values)
        token.given = values

    def frame_at(self, address: str) -> Store:
        """The frame of the innermost running scope around this address; of two with one path, of that with its element.

        A call activity that is a compensation handler has two: its own, where its boundary events are, and the called flow's.
        """
        element = spec_name(element_of(address))
        around = [scope for scope in self.scopes if address.startswith(scope.path) or _is_instance(scope, address)]
        if not around:
            return self.store
        return max(reversed(around), key=lambda scope: (len(scope.path), element in scope.spec.task_specs)).frame

    def waits(self) -> dict[str, tuple[Token, Wait]]:
        """Every open wait by address, in the order of the scopes and their tokens."""
        found = {}
        for scope in self.scopes:
            for token in scope.tasks.values():
                if token.wait is not None and token._state < TaskState.COMPLETED:
                    found[token.wait.address] = (token, token.wait)
        return found

    def note(self, token: Token, event: str) -> None:
        """Tell the activity history; every entered activation ends once."""
        node = token.task_spec.node
        if node is None:
            return
        if event == CANCELLED and not token.is_entered:
            return  # it never stood anywhere
        if not token.is_entered:
            token.is_entered = True
            self._tell(token, ENTERED)
            if event == ENTERED:
                return
        if event != ENTERED and not token.is_left:
            token.is_left = True
            self._tell(token, event)

    def _tell(self, token: Token, event: str) -> None:
        node = token.task_spec.node
        self.events.append(ActivityEvent(self.address_of(token), node.id, node.kind, event, self.at))

    def address_of(self, token: Token) -> str:
        if token.task_spec.is_each or token.task_spec.is_handler:
            self.ordinal_of(token)
            return str(token.workflow.path).removesuffix("/")
        return f"{token.workflow.path}{token.task_spec.node.id}:{self.ordinal_of(token)}"

    def ordinal_of(self, token: Token) -> int:
        """Which activation of its element in its scope this is, from 1."""
        if not token.ordinal:
            counters, element = token.workflow.counters, token.task_spec.node.id
            token.ordinal = counters[element] = counters.get(element, 0) + 1
        return token.ordinal


def _is_instance(scope: Scope, address: str) -> bool:
    """Whether this is the address of the one task of a multi-instance activity's instance, or of a compensation handler."""
    return (scope.index != NO_INSTANCE or scope.is_undoing) and scope.path == address + "/"
