"""Everything that can come into a case from outside. A case is its diagram version and the list of these.

Pure data: no clock, no database. `at` is aware UTC and never runs backwards within a case; `wait` is the address of the
wait the input answers (waits.py). `computed` holds instants the machine worked out from the working-day calendar while
it applied the input; they are journalled with it and replay uses them instead of computing again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = Any  # JSON value: None, bool, int, float, str, list, dict with str keys
Variables = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """variables: start form values. settings: the flow's settings, read in the diagram as `settings.<name>`.

    start: id of the message or timer start event the case begins at, "" for the start event without a trigger.
    """

    at: datetime
    by: str
    start: str = ""
    variables: Variables = field(default_factory=dict)
    settings: Variables = field(default_factory=dict)
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItemCompleted:
    """values: the form's validated values; each becomes a case variable of that name."""

    at: datetime
    wait: str
    by: str
    values: Variables = field(default_factory=dict)
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItemSigned:
    """加签: one of several who sign after one another has signed. Moves nothing: the last one's WorkItemCompleted does."""

    at: datetime
    wait: str
    by: str
    values: Variables = field(default_factory=dict)
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRefused:
    """不同意签署: who was to sign next sends the item back to who signed last. Moves nothing."""

    at: datetime
    wait: str
    by: str
    reason: str = ""
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSucceeded:
    """result: what the service task gave; goes to its result variable (0, False and None are results too)."""

    at: datetime
    wait: str
    result: Json = None
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed:
    """A BusinessError: takes the task's own error boundary event for `code`, outward through the scopes, else an incident."""

    at: datetime
    wait: str
    code: str
    message: str = ""
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobGivenUp:
    """Technical attempts are used up: the token stands at the element in an incident wait."""

    at: datetime
    wait: str
    reason: str
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """noticed: the moment at which it was found to be due; a cycle timer's next firing lies after it. None: `at`."""

    at: datetime
    wait: str
    noticed: datetime | None = None
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived:
    """payload goes to the message event's result variable where it names one (property `result`)."""

    at: datetime
    wait: str
    message: str
    by: str = ""
    payload: Variables = field(default_factory=dict)
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRetried:
    """An operator lets the element of an incident wait run again; `variables` are set before it does."""

    at: datetime
    wait: str
    by: str
    variables: Variables = field(default_factory=dict)
    reason: str = ""
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseCancelled:
    """An operator ends the case wherever it is; outcome "cancelled"."""

    at: datetime
    by: str
    reason: str
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMigrated:
    """From here on the case runs on another version. What came before is given to that version again (engine/replay/rebuild.py).

    from_definition, to_definition: ids. elements: renamed elements, old id → new id. settings: of the new version.
    reverts: seq of the CaseMigrated that this one takes back, 0 for none. computed: by `SEQ ADDRESS`, the seq of the earlier
    input whose turn it was.
    """

    at: datetime
    by: str
    from_definition: str
    to_definition: str
    elements: Mapping[str, str] = field(default_factory=dict)
    settings: Variables = field(default_factory=dict)
    reverts: int = 0
    reason: str = ""
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSuspended:
    """An operator stops the case: until CaseResumed no timer is due and nothing but operators' inputs is taken."""

    at: datetime
    by: str
    reason: str = ""
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResumed:
    """The case goes on; timers that came due meanwhile are due now."""

    at: datetime
    by: str
    reason: str = ""
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableEdited:
    """An operator sets variables: of the case, or of the called flow around the address `place`. Waits stay what they are."""

    at: datetime
    by: str
    values: Variables
    place: str = ""
    reason: str = ""
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementSkipped:
    """An operator lets the element of this wait count as done; `values` become variables as its own would have."""

    at: datetime
    wait: str
    by: str
    values: Variables = field(default_factory=dict)
    reason: str = ""
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMoved:
    """An operator takes the token of this wait to the element `to` of the same scope or of one around it."""

    at: datetime
    wait: str
    by: str
    to: str
    reason: str = ""
    computed: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItemReturned:
    """退回: who works on a user task gives it back to the earlier user task `to`."""

    at: datetime
    wait: str
    by: str
    to: str
    reason: str = ""
    computed: Mapping[str, datetime] = field(default_factory=dict)


Input = (
    Started
    | WorkItemCompleted
    | WorkItemSigned
    | SignatureRefused
    | JobSucceeded
    | JobFailed
    | JobGivenUp
    | TimerFired
    | MessageReceived
    | IncidentRetried
    | CaseCancelled
    | CaseMigrated
    | CaseSuspended
    | CaseResumed
    | VariableEdited
    | ElementSkipped
    | TokenMoved
    | WorkItemReturned
)

KINDS: dict[str, type[Input]] = {
    kind.__name__: kind
    for kind in (
        Started,
        WorkItemCompleted,
        WorkItemSigned,
        SignatureRefused,
        JobSucceeded,
        JobFailed,
        JobGivenUp,
        TimerFired,
        MessageReceived,
        IncidentRetried,
        CaseCancelled,
        CaseMigrated,
        CaseSuspended,
        CaseResumed,
        VariableEdited,
        ElementSkipped,
        TokenMoved,
        WorkItemReturned,
    )
}
