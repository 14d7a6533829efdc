"""What the read side shows: plain data, raw values. Masking is the edge's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from engine.actors import Actor
from engine.attachments.store import AttachmentFacts
from engine.flow.flow import MessageRules
from engine.flow.groups import is_personal
from engine.forms.form import Form
from engine.inputs import Input, Variables

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    items: tuple[Item, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class WorkItemView:
    """title: the element's name in the diagram. group: None for an item of the starter's own. facet: see flow.toml."""

    id: str
    case_id: str
    flow_key: str
    flow_title: str
    element: str
    title: str
    state: str
    group: str | None
    assignee: str | None
    claimed_at: datetime | None
    created_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    due_at: datetime | None
    priority: int
    form: str
    facet: str | None
    facet_label: str | None
    started_by: str
    is_shared: bool
    follow_up_at: datetime | None
    delegated_by: str | None
    signers: tuple[str, ...]  # account ids that have yet to sign, the holder first

    def is_own(self, by: Actor) -> bool:
        """An applicant's own, or of the group that is one verified person: nothing in it is another's secret."""
        return self.started_by == by.id or (is_personal(self.group) and self.group in by.groups)

    def is_held_by(self, by: Actor) -> bool:
        """May be worked on now: claimed, one's own, or shared and not begun by anybody. Never once it is closed."""
        is_free = self.is_shared and self.assignee is None and self.group in by.groups
        return self.closed_at is None and (self.assignee == by.id or is_free)


@dataclass(frozen=True, slots=True)
class WorkItemPage:
    """An item with what its form needs. form: None for a task without one. variables: those it sees, unmasked."""

    item: WorkItemView
    form: Form | None
    variables: Variables = field(repr=False)


@dataclass(frozen=True, slots=True)
class WaitView:
    """An open or closed wait of a case; columns of engine/model/waiting_row.py."""

    id: str
    case_id: str
    kind: str
    address: str
    element: str
    title: str
    state: str
    created_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    due_at: datetime | None
    left_s: int | None  # of a timer whose clock stands still
    clock: str | None
    group: str | None
    assignee: str | None
    form: str | None
    service: str | None
    attempt: int | None
    message: str | None
    code: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """outcome_label, outcome_state: from flow.toml, "" while the case runs or where it names none. progress: labels."""

    id: str
    flow_key: str
    flow_title: str
    version: int
    definition_id: str
    state: str
    outcome: str | None
    outcome_label: str
    outcome_state: str
    progress: tuple[str, ...]
    revision: int
    started_by: str
    created_at: datetime
    ended_at: datetime | None
    is_erased: bool


@dataclass(frozen=True, slots=True)
class OwnCase:
    """What the starter may read of a case: progress, public variables, and the items that wait for the starter."""

    summary: CaseSummary
    variables: Variables = field(repr=False)
    work_items: tuple[str, ...]
    messages: Mapping[str, MessageRules]  # that may be sent now, by name


@dataclass(frozen=True, slots=True)
class CasePage:
    """variables: unmasked, empty for an erased case. waits: open ones and closed ones, oldest first."""

    summary: CaseSummary
    variables: Variables = field(repr=False)
    waits: tuple[WaitView, ...]
    attachments: tuple[AttachmentFacts, ...]


@dataclass(frozen=True, slots=True)
class ActivityView:
    element: str
    title: str
    kind: str
    address: str
    entered_at: datetime
    left_at: datetime | None
    how: str


@dataclass(frozen=True, slots=True)
class JournalView:
    """input: None for an erased case."""

    seq: int
    kind: str
    at: datetime
    actor: str
    input: Input | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class History:
    activities: tuple[ActivityView, ...]
    inputs: tuple[JournalView, ...]
