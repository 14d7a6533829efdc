"""Block-structured processes as trees: what the generator makes, the writer draws and the reference executes.

A tree has no gateways that join and no sequence flows; those exist only in the diagram that `drawing.py` makes of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from typing import Any, Literal

Operator = Literal["is", "is not", "truthy", "falsy", "less"]


@dataclass(frozen=True)
class Condition:
    """`variable` compared with a constant. "less" fails on a variable that is no number."""

    variable: str
    operator: Operator
    constant: Any = None


@dataclass(frozen=True)
class TimerText:
    """How a moment is written in the diagram. kind: "literal" (text is ISO 8601), "variable" (text names a variable
    holding such a text), "working_days" (text is a number of days)."""

    kind: Literal["literal", "variable", "working_days"]
    text: str


@dataclass(frozen=True)
class Message:
    """correlation, result: names of variables, "" for none. A name that begins with `signal:` is a signal's."""

    name: str
    correlation: str = ""
    result: str = ""


@dataclass(frozen=True)
class Timer:
    """cycle: how often it fires, -1 without end, 0 for once; `text` is the period then, a literal.

    pauses: lanes while a user task of which is open its clock stands still.
    """

    text: TimerText
    cycle: int = 0
    pauses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Error:
    """code "" catches every error. result: the variable that takes what is known of it, "" for none."""

    code: str = ""
    result: str = ""


@dataclass(frozen=True)
class Escalation:
    """As Error, but whoever throws it goes on where it does not interrupt or nobody catches it."""

    code: str = ""
    result: str = ""


Event = Message | Timer | Error | Escalation


@dataclass(frozen=True)
class Boundary:
    id: str
    event: Event
    interrupting: bool
    handler: Block


@dataclass(frozen=True)
class Seq:
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class User:
    """writes: names of the form's fields."""

    id: str
    writes: tuple[str, ...]
    due: TimerText | None = None
    boundaries: tuple[Boundary, ...] = ()
    lane: str = ""


@dataclass(frozen=True)
class Job:
    """parameters: parameter name → variable. result: the variable that takes the result, "" to drop it."""

    id: str
    service: str
    parameters: tuple[tuple[str, str], ...] = ()
    result: str = ""
    boundaries: tuple[Boundary, ...] = ()


@dataclass(frozen=True)
class Row:
    """values: the input matches one of these; None matches everything (`-`)."""

    values: tuple[Any, ...] | None
    output: Any


@dataclass(frozen=True)
class Rule:
    """A business rule task with its decision table of one input and one output."""

    id: str
    reads: str
    writes: str
    hit_policy: Literal["FIRST", "UNIQUE", "COLLECT"]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Xor:
    """otherwise None: there is no default flow, so a token may find no way out."""

    id: str
    branches: tuple[tuple[Condition, Block], ...]
    otherwise: Block | None


@dataclass(frozen=True)
class Par:
    id: str
    branches: tuple[Block, ...]


@dataclass(frozen=True)
class Or:
    """Every branch whose condition holds, else `otherwise`, which may be missing."""

    id: str
    branches: tuple[tuple[Condition, Block], ...]
    otherwise: Block | None


@dataclass(frozen=True)
class Escalate:
    id: str
    code: str


@dataclass(frozen=True)
class Catch:
    id: str
    event: Message | Timer


@dataclass(frozen=True)
class Race:
    """An event-based gateway: what happens first decides."""

    id: str
    branches: tuple[tuple[Catch, Block], ...]


@dataclass(frozen=True)
class Loop:
    """body once, then again while the condition holds."""

    id: str
    body: Block
    again: Condition


@dataclass(frozen=True)
class End:
    id: str
    outcome: str = ""
    error: str = ""
    escalation: str = ""
    terminates: bool = False


@dataclass(frozen=True)
class EventSub:
    """An event subprocess. start: id of its start event."""

    id: str
    start: str
    event: Event
    interrupting: bool
    scope: Scope


@dataclass(frozen=True)
class Scope:
    """What a process, a subprocess and an event subprocess hold. outcome: of the end event the body runs into."""

    body: Block
    handlers: tuple[EventSub, ...] = ()
    outcome: str = ""


@dataclass(frozen=True)
class Sub:
    id: str
    scope: Scope
    boundaries: tuple[Boundary, ...] = ()


Given = tuple[tuple[str, "str | Condition"], ...]  # name → a variable, or whether a condition holds


@dataclass(frozen=True)
class Call:
    """A call activity and the process it calls, which has variables of its own. inputs, outputs: what goes in and out."""

    id: str
    process: str
    scope: Scope
    inputs: Given
    outputs: Given
    boundaries: tuple[Boundary, ...] = ()


@dataclass(frozen=True)
class Send:
    """A message to whoever waits for it. kind: how it is drawn; an end event ends its way as well."""

    id: str
    kind: Literal["intermediateThrowEvent", "sendTask", "endEvent"]
    message: str
    correlation: str = ""
    payload: Given = ()


@dataclass(frozen=True)
class Many:
    """The inner block once for each item of a list, or so many times. Both have one id; the inner one has no boundaries.

    enough: when the others are taken away: "done" of them are, more than "half" are, or one wrote this "value" for itself.
    """

    id: str
    inner: User | Job | Sub | Call
    collection: str
    times: int
    in_turn: bool
    item: str
    output: str
    output_item: str
    enough: tuple[Literal["done", "half", "value"], Any] | None
    boundaries: tuple[Boundary, ...] = ()


@dataclass(frozen=True)
class Undone:
    """An activity with a compensation handler."""

    activity: User | Job | Sub | Call | Many | Rule
    handler: User | Job | Sub | Call | Many | Rule | Send

    @property
    def id(self) -> str:
        return self.activity.id


@dataclass(frozen=True)
class Compensate:
    """A compensation throw event, or end event. activity: what alone it undoes, "" for all of its scope."""

    id: str
    activity: str = ""
    is_end: bool = False
    outcome: str = ""


Block = Seq | User | Job | Rule | Xor | Par | Catch | Race | Loop | End | Sub | Call | Send | Many | Or | Escalate
Block |= Undone | Compensate
Activity = User | Job | Sub | Call | Many


@dataclass(frozen=True)
class Tree:
    """A process. settings: the case's settings."""

    id: str
    scope: Scope
    settings: Mapping[str, Any]

    @cached_property
    def parts(self) -> tuple[Any, ...]:
        """Every block, event and scope in it (see `parts_of`)."""
        return tuple(parts_of(self.scope))


def parts_of(part: Any) -> Iterator[Any]:
    """All that is in a part of a tree; of a multi-instance activity not the inner block itself, only what that holds."""
    if isinstance(part, tuple):
        for item in part:
            yield from parts_of(item)
    elif is_dataclass(part):
        yield part
        for name, value in vars(part).items():
            yield from parts_of(tuple(vars(value).values()) if name == "inner" else value)
