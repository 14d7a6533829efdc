"""What a case waits for. Derived from the machine's state; rows of the database mirror it (sync.py).

A wait is addressed by its place in the diagram, stable across processes and replays: scopes from the outside in, then the
element, each with the ordinal of its activation in its scope: `Check:2/scan:1` is the first activation of element `scan`
in the second activation of subprocess `Check`. BPMN ids are NCNames, so neither `/` nor `:` occurs in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTaskWait:
    """lane: name of the lane's id in the diagram, "" without lanes. form: name of a file in forms/, "" for none.

    due: when the item should be done (property `due`, a duration or instant expression), None for no deadline.
    """

    address: str
    element: str
    lane: str = ""
    form: str = ""
    due: datetime | None = None
    priority: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWait:
    """A service task, asynchronous or in-transaction (the registry knows which)."""

    address: str
    element: str
    service: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pause:
    """Of a clock that stands still. since: from when on. due: when the timer would have been due without."""

    since: datetime
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerWait:
    """due: None while its clock stands still (`pause`). attached_to: address of the activity a boundary timer sits on, "" for

    an intermediate one. left: firings of a cycle timer that are still to come, this one included, -1 without end; 0 for one
    that is no cycle. clock: "plain" or "working", what a clock that may stand still counts; "" for one that never does.
    """

    address: str
    element: str
    due: datetime | None
    attached_to: str = ""
    left: int = 0
    clock: str = ""
    pause: Pause | None = None


class DueTimer(NamedTuple):
    """A timer that is to fire; sorted, those due first come first, equal ones by address."""

    due: datetime
    address: str
    element: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageWait:
    """correlation: value of the message's correlation expression (property `correlation`), "" for none."""

    address: str
    element: str
    message: str
    correlation: str = ""
    attached_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentWait:
    """The token stands at an element that could not go on. code: stable, e.g. `gateway.no_way_out`, `expression.failed`,

    `decision.no_match`, `job.given_up`, `error.not_caught`, `steps.exhausted`. message: for operators, no personal data.
    """

    address: str
    element: str
    code: str
    message: str = ""


Wait = UserTaskWait | JobWait | TimerWait | MessageWait | IncidentWait


def element_of(address: str) -> str:
    """The element an address ends at, "" for none."""
    return address.rpartition("/")[2].partition(":")[0]
