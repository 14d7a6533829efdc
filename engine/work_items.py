"""What people do with work items: claim, release, draft, complete.

Claims, drafts and priorities live on the item's row and are no inputs; completing one is. An item that an actor may
not know of does not exist for them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

import vault
from engine.actors import Actor
from engine.attachments import is_attachment_of
from engine.case import WAITING, AnyRow, OpenCase, open_case_of
from engine.errors import Conflict, Forbidden, NotFound
from engine.form_values import checked_values, emptied_fields
from engine.inputs import Variables, WorkItemCompleted
from engine.model.waiting import WaitKind, WorkItemState, spelled
from engine.waits import UserTaskWait


def claim_work_item(session: Session, item_id: str, *, by: Actor, now: datetime) -> None:
    """Take an item of one's groups; claiming one's own again changes nothing.

    Raises NotFound("work_item.unknown"), Conflict("work_item.claimed_by_other"), Conflict("work_item.gone").
    """
    taken = session.execute(
        update(WAITING)
        .where(_open_item(item_id), spelled(WAITING.c.state, WorkItemState.OPEN), WAITING.c.group_name.in_(by.groups))
        .values(state=WorkItemState.CLAIMED, assignee=by.id, claimed_at=now, worked_at=now)
        .returning(WAITING.c.id)
    ).one_or_none()
    if taken is None:
        item = _visible_item(session, item_id, by)
        _refuse_closed(item)
        if item.assignee != by.id:
            raise Conflict("work_item.claimed_by_other", item=item_id)


def begin_work(session: Session, item_id: str, *, by: Actor, now: datetime) -> None:
    """Whoever works on an item holds it: of a shared item (a lane with `claim = false`) who begins first has it.

    Raises NotFound("work_item.unknown"), Forbidden("work_item.not_yours"), Conflict("work_item.gone" | "work_item.not_claimed").
    """
    item = _visible_item(session, item_id, by)
    _refuse_closed(item)
    if item.assignee is None and item.is_shared:
        claim_work_item(session, item_id, by=by, now=now)
        return
    _refuse_foreign(item, by)
    session.execute(update(WAITING).where(_open_item(item_id), WAITING.c.assignee == by.id).values(worked_at=now))


def release_work_item(session: Session, item_id: str, *, by: Actor, now: datetime) -> None:
    """Give a claimed item back to its group; its draft stays for whoever claims it next.

    Raises NotFound("work_item.unknown"), Forbidden("work_item.not_yours"), Conflict("work_item.gone" | "work_item.not_claimed").
    """
    released = session.execute(
        update(WAITING)
        .where(_open_item(item_id), spelled(WAITING.c.state, WorkItemState.CLAIMED), WAITING.c.assignee == by.id)
        .values(state=WorkItemState.OPEN, assignee=None, claimed_at=None, worked_at=None)
        .returning(WAITING.c.id)
    ).one_or_none()
    if released is None:
        item = _visible_item(session, item_id, by)
        _refuse_closed(item)
        if item.state == WorkItemState.CLAIMED:
            raise Forbidden("work_item.not_yours", item=item_id)
        raise Conflict("work_item.not_claimed", item=item_id)


def complete_work_item(session: Session, item_id: str, *, by: Actor, values: Variables, now: datetime) -> None:
    """Decide: the form's values become case variables, a field left empty empties its own, and the case moves on.

    Raises NotFound("work_item.unknown"), Forbidden("work_item.not_yours"), InvalidForm, and Conflict: "work_item.gone" when
    it was completed, cancelled or its deadline came first, "work_item.not_claimed" for a group's item nobody claimed.
    """
    try:
        with open_case_of(session, item_id, WaitKind.WORK_ITEM, now=now) as case:
            wait = _decidable(case, by)
            checked = checked_values(case.definition, wait.form, values, is_attachment_of(session, case.id))
            emptied = emptied_fields(case.definition, wait.form, checked, case.live.view_of(wait.address))
            case.apply(WorkItemCompleted(at=case.instant, wait=wait.address, by=by.id, values=checked | emptied))
    except NotFound as error:
        raise (NotFound("work_item.unknown", item=item_id) if error.code == "wait.unknown" else error) from error


def save_draft(session: Session, item_id: str, *, by: Actor, values: Variables, now: datetime) -> None:
    """Keep what was typed, unchecked, encrypted with the case's data key; closing the item drops it. Errors as complete."""
    begin_work(session, item_id, by=by, now=now)
    item = _visible_item(session, item_id, by)
    cipher = vault.current().cipher(session, f"case:{item.case_id}")
    session.execute(
        update(WAITING)
        .where(_open_item(item_id), WAITING.c.assignee == by.id)
        .values(draft=cipher.encrypt(orjson.dumps(dict(values)), _draft_context(item_id)))
    )


def load_draft(session: Session, item_id: str, *, by: Actor) -> dict[str, Any] | None:  # Any: JSON
    """The values save_draft() kept, None without a draft. Raises NotFound, Forbidden as above."""
    item = _visible_item(session, item_id, by)
    if not (item.assignee is None and item.is_shared):
        _refuse_foreign(item, by)
    if item.draft is None:
        return None
    cipher = vault.current().cipher(session, f"case:{item.case_id}")
    values: dict[str, Any] = orjson.loads(cipher.decrypt(item.draft, _draft_context(item_id)))
    return values


def visible_to(by: Actor) -> ColumnElement[bool]:
    """SQL condition on `waiting`: items of the actor's groups, and those assigned to the actor."""
    return or_(WAITING.c.assignee == by.id, WAITING.c.group_name.in_(by.groups))


def _decidable(case: OpenCase, by: Actor) -> UserTaskWait:
    """The open wait of the item the case was opened by, after timers that came first have fired."""
    item = case.row
    assert item is not None, "the case was opened by an item"
    if not _is_visible(item, by):
        raise NotFound("work_item.unknown", item=item.id)
    _refuse_closed(item)
    if not (item.assignee is None and item.is_shared):
        _refuse_foreign(item, by)
    case.fire_due_timers(case.instant)
    wait = case.live.waits.get(item.address)
    if not isinstance(wait, UserTaskWait):
        raise Conflict("work_item.gone", item=item.id, state=WorkItemState.CANCELLED)
    return wait


def _open_item(item_id: str) -> ColumnElement[bool]:
    return and_(WAITING.c.id == item_id, spelled(WAITING.c.kind, WaitKind.WORK_ITEM), WAITING.c.closed_at.is_(None))


def _visible_item(session: Session, item_id: str, by: Actor) -> AnyRow:
    item = session.execute(
        select(WAITING).where(WAITING.c.id == item_id, spelled(WAITING.c.kind, WaitKind.WORK_ITEM), visible_to(by))
    ).one_or_none()
    if item is None:
        raise NotFound("work_item.unknown", item=item_id)
    return item


def _is_visible(item: AnyRow, by: Actor) -> bool:
    return item.assignee == by.id or item.group_name in by.groups


def _refuse_closed(item: AnyRow) -> None:
    if item.closed_at is not None:
        raise Conflict("work_item.gone", item=item.id, state=item.state)


def _refuse_foreign(item: AnyRow, by: Actor) -> None:
    if item.assignee is None:
        raise Conflict("work_item.not_claimed", item=item.id)
    if item.assignee != by.id:
        raise Forbidden("work_item.not_yours", item=item.id)


def _draft_context(item_id: str) -> bytes:
    return b"draft:" + item_id.encode()
