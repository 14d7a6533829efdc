"""The read side: work item, case page, history, one's own cases (the inbox: inbox.py). Raw values; masking is the edge's.

Pages are keyset pages: `next` of one is the `cursor` of the following, None at the end. Lists decrypt nothing but the
public variables of one's own cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, and_, exists, literal_column, or_, select
from sqlalchemy.orm import Session

from engine.actors import Actor
from engine.attachments.store import attachments_of
from engine.cases.journal import open_inputs, read_entries
from engine.cases.sync import search_hash
from engine.deployment.deploy import Definition, find_definition
from engine.errors import NotFound
from engine.flow.flow import MessageRules
from engine.flow.groups import PERSON, personal_groups
from engine.model.definition import DefinitionId
from engine.model.instance import Activity, SearchVariable
from engine.model.tables import CASE, WAITING
from engine.model.waiting_row import WaitKind, spelled
from engine.model.work_item import WorkItemCopy
from engine.queries.case_rows import (
    CASES,
    case_row,
    machine_of,
    open_waits_of,
    summary_of,
    title_of,
    variables_of,
    wait_view,
)
from engine.queries.views import (
    ActivityView,
    CasePage,
    CaseSummary,
    History,
    JournalView,
    OwnCase,
    Page,
    WorkItemPage,
    WorkItemView,
)
from engine.work_items.rows import visible_to
from storage import vault
from storage.statements import AnyRow

ACTIVITY = cast(Table, Activity.__table__)
SEARCH = cast(Table, SearchVariable.__table__)
COPY = cast(Table, WorkItemCopy.__table__)

_ITEM = [
    *(WAITING.c[n] for n in ("id", "case_id", "flow_key", "element", "address", "state", "group_name", "assignee")),
    *(
        WAITING.c[n]
        for n in (
            "claimed_at",
            "created_at",
            "closed_at",
            "closed_by",
            "due_at",
            "priority",
            "form",
            "facet",
            "is_shared",
            "follow_up_at",
        )
    ),
    *(WAITING.c[n] for n in ("delegated_by", "signers")),
    CASE.c.definition_id,
    CASE.c.started_by,
]
ITEMS = select(*_ITEM).join(CASE, CASE.c.id == WAITING.c.case_id).where(spelled(WAITING.c.kind, WaitKind.WORK_ITEM))


def work_item_view(session: Session, item_id: str, by: Actor) -> WorkItemView:
    """An item the actor may see, open or closed; decrypts nothing. Raises NotFound("work_item.unknown")."""
    row = session.execute(ITEMS.where(WAITING.c.id == item_id, visible_to(by))).one_or_none()
    if row is None:
        raise NotFound("work_item.unknown", item=item_id)
    return _item_view(find_definition(session, DefinitionId(row.definition_id)), row)


def known_item_view(session: Session, item_id: str) -> WorkItemView:
    """As work_item_view(), for a caller who has just acted on the item."""
    row = session.execute(ITEMS.where(WAITING.c.id == item_id)).one()
    return _item_view(find_definition(session, DefinitionId(row.definition_id)), row)


def assignees_of(session: Session, item_ids: Iterable[str]) -> dict[str, str]:
    """Account ids of who holds these open items, by item id; the caller knows that the reader may see them."""
    held = select(WAITING.c.id, WAITING.c.assignee).where(
        WAITING.c.id.in_(list(item_ids)), WAITING.c.closed_at.is_(None), WAITING.c.assignee.is_not(None)
    )
    return {row.id: row.assignee for row in session.execute(held)}


def work_item(session: Session, item_id: str, by: Actor) -> WorkItemPage:
    """An item the actor may see, open or closed, with its form and the variables it sees (none when the case is erased).

    Raises NotFound("work_item.unknown").
    """
    row = session.execute(ITEMS.where(WAITING.c.id == item_id, visible_to(by))).one_or_none()
    if row is None:
        raise NotFound("work_item.unknown", item=item_id)
    definition = find_definition(session, DefinitionId(row.definition_id))
    machine = machine_of(definition, case_row(session, row.case_id))
    seen = machine.view_of(row.address) if machine else {}
    return WorkItemPage(_item_view(definition, row), definition.forms.get(row.form), seen)


def is_case_visible(session: Session, case_id: str, by: Actor) -> bool:
    """True for the starter, members of a group that has or had an item, who worked on one, was copied, or may send a message."""
    part = exists().where(WAITING.c.case_id == case_id, or_(visible_to(by), WAITING.c.closed_by == by.id))
    own = exists().where(CASE.c.id == case_id, CASE.c.started_by == by.id)
    copied = exists().where(COPY.c.case_id == case_id, COPY.c.account_id == by.id)
    if session.execute(select(or_(own, part, copied))).scalar():
        return True
    row = session.execute(CASES.where(CASE.c.id == case_id)).one_or_none()
    return row is not None and bool(_sendable(find_definition(session, DefinitionId(row.definition_id)), row, by))


def messages_of(session: Session, case_id: str, by: Actor) -> Mapping[str, MessageRules]:
    """What the actor may send to the case now, by name. Raises NotFound("case.unknown")."""
    row = case_row(session, case_id)
    definition = find_definition(session, DefinitionId(row.definition_id))
    awaited = {wait.message for wait in open_waits_of(session, [row]) if wait.kind == WaitKind.MESSAGE}
    return {name: rules for name, rules in _sendable(definition, row, by).items() if name in awaited}


def case_page(session: Session, case_id: str) -> CasePage:
    """Everything about a case; the caller has checked is_case_visible(). Raises NotFound("case.unknown")."""
    row = case_row(session, case_id)
    definition = find_definition(session, DefinitionId(row.definition_id))
    waits = session.execute(select(WAITING).where(WAITING.c.case_id == case_id).order_by(WAITING.c.id)).all()
    elements = [wait.element for wait in waits if wait.closed_at is None]
    return CasePage(
        summary_of(definition, row, elements),
        variables_of(definition, row),
        tuple(wait_view(definition, wait) for wait in waits),
        tuple(attachments_of(session, case_id)),
    )


def history(session: Session, case_id: str) -> History:
    """Activities in the order they began, and the journal. Raises NotFound("case.unknown"), vault.Tampered."""
    row = case_row(session, case_id)
    definition = find_definition(session, DefinitionId(row.definition_id))
    done = select(ACTIVITY).where(ACTIVITY.c.case_id == case_id).order_by(ACTIVITY.c.seq, ACTIVITY.c.position)
    activities = [
        ActivityView(a.element, title_of(definition, a.element), a.kind, a.address, a.entered_at, a.left_at, a.how)
        for a in session.execute(done)
    ]
    entries = read_entries(session, case_id)
    inputs: Iterable[Any] = [None] * len(entries)
    if row.wrapped is not None:
        inputs = open_inputs(vault.current().unwrap(f"case:{case_id}", row.wrapped), entries)
    told = [JournalView(e.seq, e.kind, e.at, e.actor, given) for e, given in zip(entries, inputs, strict=True)]
    return History(tuple(activities), tuple(told))


def my_cases(
    session: Session, by: Actor, *, flow: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[OwnCase]:
    """Cases the actor started, and those with an item for the actor as a verified person; newest first."""
    mine = CASES.where(or_(CASE.c.started_by == by.id, *_concerns(by)))
    mine = mine if flow is None else mine.where(CASE.c.flow_key == flow)
    mine = mine if cursor is None else mine.where(CASE.c.id < cursor)
    rows = session.execute(mine.order_by(CASE.c.id.desc()).limit(limit + 1)).all()
    return Page(tuple(_own_cases(session, rows[:limit], by)), rows[limit - 1].case_id if len(rows) > limit else None)


def my_case(session: Session, case_id: str, by: Actor) -> OwnCase:
    """One of the actor's own cases, as my_cases() lists them. Raises NotFound("case.unknown") for anybody else's."""
    row = session.execute(
        CASES.where(CASE.c.id == case_id, or_(CASE.c.started_by == by.id, *_concerns(by)))
    ).one_or_none()
    if row is None:
        raise NotFound("case.unknown", case=case_id)
    return _own_cases(session, [row], by)[0]


def find_cases(session: Session, name: str, value: str, *, limit: int = 50) -> list[CaseSummary]:
    """Cases whose search variable `name` has this value, newest first; found by keyed hash."""
    hashed = search_hash(name, value) or ""
    found = CASES.join(SEARCH, SEARCH.c.case_id == CASE.c.id).where(SEARCH.c.name == name, SEARCH.c.hash == hashed)
    rows = session.execute(found.order_by(CASE.c.id.desc()).limit(limit)).all()
    open_waits = open_waits_of(session, rows)
    return [
        summary_of(
            find_definition(session, DefinitionId(row.definition_id)),
            row,
            [wait.element for wait in open_waits if wait.case_id == row.case_id],
        )
        for row in rows
    ]


def item_views(session: Session, rows: Iterable[AnyRow]) -> list[WorkItemView]:
    """Views of rows of ITEMS."""
    return [_item_view(find_definition(session, DefinitionId(row.definition_id)), row) for row in rows]


def _item_view(definition: Definition, row: AnyRow) -> WorkItemView:
    return WorkItemView(
        id=row.id,
        case_id=row.case_id,
        flow_key=row.flow_key,
        flow_title=definition.config.title,
        element=row.element,
        title=title_of(definition, row.element),
        state=row.state,
        group=row.group_name,
        assignee=row.assignee,
        claimed_at=row.claimed_at,
        created_at=row.created_at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        due_at=row.due_at,
        priority=row.priority,
        form=row.form,
        facet=row.facet,
        facet_label=definition.facet_labels.get(row.facet, row.facet) if row.facet else None,
        started_by=row.started_by,
        is_shared=bool(row.is_shared),
        follow_up_at=row.follow_up_at,
        delegated_by=row.delegated_by,
        signers=tuple(signer for signer in (row.signers or "").split() if not signer.startswith("+")),
    )


def _own_cases(session: Session, rows: Sequence[AnyRow], by: Actor) -> list[OwnCase]:
    waits: dict[str, list[AnyRow]] = {row.case_id: [] for row in rows}
    for wait in open_waits_of(session, rows):
        waits[wait.case_id].append(wait)
    return [_own_case(session, row, waits[row.case_id], by) for row in rows]


def _concerns(by: Actor) -> list[ColumnElement[bool]]:
    """Conditions on a case: it has or had an item of the group that is the actor as a verified person."""
    groups = personal_groups(by.groups)
    if not groups:
        return []
    # The LIKE changes nothing but lets the small index over personal items serve.
    personal = and_(WAITING.c.group_name.like(literal_column(f"'{PERSON}%'")), WAITING.c.group_name.in_(groups))
    return [CASE.c.id.in_(select(WAITING.c.case_id).where(personal))]


def _sendable(definition: Definition, row: AnyRow, by: Actor) -> dict[str, MessageRules]:
    """Messages flow.toml lets the actor send to this case, whether it waits for them or not."""
    rules = definition.config.messages
    if not rules or row.wrapped is None:
        return {}
    variables, is_starter = variables_of(definition, row), row.started_by == by.id
    return {name: rule for name, rule in rules.items() if rule.may_send(by.groups, variables, is_starter=is_starter)}


def _own_case(session: Session, row: AnyRow, waits: Sequence[AnyRow], by: Actor) -> OwnCase:
    definition = find_definition(session, DefinitionId(row.definition_id))
    variables = variables_of(definition, row)
    awaited = {wait.message for wait in waits if wait.kind == WaitKind.MESSAGE}
    own = personal_groups(by.groups)
    return OwnCase(
        summary=summary_of(definition, row, [wait.element for wait in waits]),
        variables={name: variables.get(name) for name in definition.config.variables.public},
        work_items=tuple(
            wait.id
            for wait in waits
            if wait.kind == WaitKind.WORK_ITEM
            and (wait.assignee == by.id or (wait.assignee is None and wait.group_name in own))
        ),
        messages={name: rule for name, rule in _sendable(definition, row, by).items() if name in awaited},
    )
