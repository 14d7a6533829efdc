"""The inbox: whose items wait, narrowed and in order, a page at a time, however many wait.

Items are in order of priority, then of coming in; narrowed by time in order of that time. A page's ids are found in one
index (order.py); only its own rows are looked up. Counts are over open items of the actor's groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from engine.actors import Actor
from engine.cases.sync import search_hash
from engine.deployment.deploy import Definition, current_definitions
from engine.flow.groups import personal_groups
from engine.inbox.order import BY_AGE, BY_DUE, BY_PRIORITY, Order, Places, first_keys, invalid_cursor, merged_keys
from engine.model.tables import WAITING
from engine.model.waiting_row import WaitKind, WorkItemState, spelled
from engine.queries.pages import ITEMS, SEARCH, item_views
from engine.queries.views import Page, WorkItemView

# Nobody reads a larger number, and it is counted again with every poll.
MOST_COUNTED = 1_000


class InboxView(StrEnum):
    """ALL: open items of one's groups, claimed or not. GROUPS: nobody's yet. CLAIMED: in anybody's hands. MINE: in one's own,
    and what waits for oneself as a verified person.

    DONE: completed by oneself, latest first.
    """

    ALL = "all"
    GROUPS = "groups"
    CLAIMED = "claimed"
    MINE = "mine"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxFilter:
    """None: not narrowed. created_before: has waited since before then. due_before: should be done by then.

    follow_up_before: its holder means to look again before then. search: a search variable of the case and its value.
    """

    view: InboxView = InboxView.ALL
    flow: str | None = None
    element: str | None = None
    facet: str | None = None
    created_before: datetime | None = None
    due_before: datetime | None = None
    follow_up_before: datetime | None = None
    search: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """groups, claimed, overdue: of the actor's groups; overdue ones are unclaimed or claimed. None exceeds MOST_COUNTED."""

    mine: int
    groups: int
    claimed: int
    overdue: int
    done_today: int


@dataclass(frozen=True, slots=True)
class FacetChoice:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class InboxStep:
    """An element whose items come into the actor's inbox, in the flow's current version."""

    flow: str
    flow_title: str
    element: str
    title: str
    facet_title: str
    facet_choices: tuple[FacetChoice, ...]


_OPEN = and_(spelled(WAITING.c.kind, WaitKind.WORK_ITEM), WAITING.c.closed_at.is_(None))
# What an index of the inbox holds; said where a planner cannot tell it from the groups asked for.
_OF_A_GROUP = WAITING.c.group_name.is_not(None)
_UNCLAIMED = and_(_OPEN, spelled(WAITING.c.state, WorkItemState.OPEN))
# Only work items are claimed. The kind is not asked for: then nothing but the small index of claimed ones fits.
_CLAIMED = and_(spelled(WAITING.c.state, WorkItemState.CLAIMED), WAITING.c.closed_at.is_(None))
_SHOWN = {InboxView.GROUPS: _UNCLAIMED, InboxView.CLAIMED: _CLAIMED}  # the others: _OPEN


def inbox_page(
    session: Session,
    by: Actor,
    wanted: InboxFilter | None = None,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[WorkItemView]:
    """Raises InvalidForm for a cursor nobody handed out."""
    wanted = wanted or InboxFilter()
    if wanted.view is InboxView.DONE:
        return _done_page(session, by, wanted, cursor, limit)
    ids = inbox_ids(session, by, wanted, cursor=cursor, limit=limit)
    return Page(tuple(_in_order(session, ids.items)), ids.next)


def inbox_ids(
    session: Session, by: Actor, wanted: InboxFilter, *, cursor: str | None = None, limit: int = 50
) -> Page[str]:
    """As inbox_page(), but the ids alone and any view but DONE."""
    order = _order(wanted)
    after = None if cursor is None else order.key(cursor)
    if wanted.view is InboxView.MINE or wanted.search is not None:
        keys = merged_keys(session, _few(by, wanted), order, after, limit + 1)
    else:
        keys = first_keys(session, _places(by, wanted, order), after, limit + 1)
    following = order.cursor(keys[limit - 1]) if len(keys) > limit else None
    return Page(tuple(key[-1] for key in keys[:limit]), following)


def inbox_counts(session: Session, by: Actor, *, now: datetime, today: datetime) -> InboxCounts:
    """today: the instant this day began where the actor works."""
    ours = and_(WAITING.c.group_name.in_(by.groups), _OF_A_GROUP)
    return InboxCounts(
        mine=_count(session, _OPEN, WAITING.c.assignee == by.id),
        groups=_count(session, _UNCLAIMED, ours),
        claimed=_count(session, _CLAIMED, ours),
        overdue=_count(session, _OPEN, ours, WAITING.c.due_at < now),
        done_today=_count(session, *_done_by(by), WAITING.c.closed_at >= today),
    )


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    found = select(WAITING.c.id).where(*conditions).limit(MOST_COUNTED).subquery()
    return session.execute(select(func.count()).select_from(found)).scalar_one()


def inbox_steps(session: Session, by: Actor) -> list[InboxStep]:
    """What the inbox can be narrowed to, by flow and in the order of the diagram."""
    return [
        InboxStep(
            definition.flow_key,
            definition.config.title,
            element.id,
            element.name or element.id,
            definition.facet_title,
            tuple(FacetChoice(value, label) for value, label in definition.facet_labels.items()),
        )
        for definition in current_definitions(session)
        for element in definition.process.elements.values()
        if element.kind == "userTask" and _is_worked_by(definition, element.lane, by)
    ]


def _is_worked_by(definition: Definition, lane: str, by: Actor) -> bool:
    """A group's name may hold variables: then everybody whose group looks like it."""
    group = definition.config.group_of(lane)
    head, brace, _ = group.partition("{")
    return any(own.startswith(head) for own in by.groups) if brace else group in by.groups


def _order(wanted: InboxFilter) -> Order:
    if wanted.due_before is not None:
        return BY_DUE
    return BY_PRIORITY if wanted.created_before is None else BY_AGE


def _places(by: Actor, wanted: InboxFilter, order: Order) -> Places:
    exact = {"flow_key": wanted.flow, "element": wanted.element, "facet": wanted.facet}
    # Claimed items are few and have an index of their own.
    slots = (
        {} if wanted.view is InboxView.CLAIMED else {name: value for name, value in exact.items() if value is not None}
    )
    shown = _SHOWN.get(wanted.view, _OPEN)
    return Places(sorted(by.groups), [shown, _OF_A_GROUP, *_narrowed(wanted)], slots, order)


def _few(by: Actor, wanted: InboxFilter) -> list[list[ColumnElement[bool]]]:
    """Ranges that are short, each as conditions: one's own items, and those of the cases a search variable finds."""
    narrowed = _narrowed(wanted)
    if wanted.view is not InboxView.MINE:
        return [[_SHOWN.get(wanted.view, _OPEN), WAITING.c.group_name.in_(by.groups), _OF_A_GROUP, *narrowed]]
    personal = [
        [_UNCLAIMED, WAITING.c.group_name == group, WAITING.c.assignee.is_(None), *narrowed]
        for group in personal_groups(by.groups)
    ]
    return [[_OPEN, WAITING.c.assignee == by.id, *narrowed], *personal]


def _narrowed(wanted: InboxFilter) -> list[ColumnElement[bool]]:
    exact = ((WAITING.c.flow_key, wanted.flow), (WAITING.c.element, wanted.element), (WAITING.c.facet, wanted.facet))
    conditions: list[ColumnElement[bool]] = [column == value for column, value in exact if value is not None]
    if wanted.created_before is not None:
        conditions.append(WAITING.c.created_at < wanted.created_before)
    if wanted.due_before is not None:
        conditions.append(WAITING.c.due_at < wanted.due_before)
    if wanted.follow_up_before is not None:
        conditions.append(WAITING.c.follow_up_at < wanted.follow_up_before)
    if wanted.search is not None:
        name, value = wanted.search
        found = select(SEARCH.c.case_id).where(SEARCH.c.name == name, SEARCH.c.hash == search_hash(name, value))
        conditions.append(WAITING.c.case_id.in_(found))
    return conditions


def _in_order(session: Session, ids: Sequence[str]) -> list[WorkItemView]:
    rows = session.execute(ITEMS.where(WAITING.c.id.in_(ids))).all() if ids else []
    by_id = {view.id: view for view in item_views(session, rows)}
    return [by_id[item_id] for item_id in ids if item_id in by_id]


def _done_by(by: Actor) -> list[ColumnElement[bool]]:
    return [
        spelled(WAITING.c.kind, WaitKind.WORK_ITEM),
        WAITING.c.closed_at.is_not(None),
        WAITING.c.closed_by == by.id,
        _OF_A_GROUP,
    ]


def _done_page(session: Session, by: Actor, wanted: InboxFilter, cursor: str | None, limit: int) -> Page[WorkItemView]:
    done: Select[Any] = ITEMS.where(*_done_by(by), *_narrowed(wanted))
    if cursor is not None:
        at, last = _moment(cursor)
        done = done.where(WAITING.c.closed_at <= at, or_(WAITING.c.closed_at < at, WAITING.c.id < last))
    order = (WAITING.c.closed_at.desc(), WAITING.c.id.desc())
    rows = session.execute(done.order_by(*order).limit(limit + 1)).all()
    views = item_views(session, rows[:limit])
    after = f"{views[-1].closed_at:%Y%m%dT%H%M%S.%f%z}~{views[-1].id}" if len(rows) > limit else None
    return Page(tuple(views), after)


def _moment(cursor: str) -> tuple[datetime, str]:
    at, _, last = cursor.partition("~")
    try:
        return datetime.strptime(at, "%Y%m%dT%H%M%S.%f%z"), last
    except ValueError as error:
        raise invalid_cursor() from error
