"""Rows of work items as their verbs see them: which one an actor may know of, and why a verb is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from engine.actors import Actor
from engine.errors import Conflict, Forbidden, NotFound
from engine.inputs import Variables
from engine.model.tables import WAITING
from engine.model.waiting_row import WaitKind, WorkItemState, spelled
from storage import vault
from storage.statements import AnyRow


def visible_to(by: Actor) -> ColumnElement[bool]:
    """SQL condition on `waiting`: items of the actor's groups, and those assigned to the actor."""
    return or_(WAITING.c.assignee == by.id, WAITING.c.group_name.in_(by.groups))


def is_visible(item: AnyRow, by: Actor) -> bool:
    return item.assignee == by.id or item.group_name in by.groups


def open_item(item_id: str) -> ColumnElement[bool]:
    return and_(WAITING.c.id == item_id, spelled(WAITING.c.kind, WaitKind.WORK_ITEM), WAITING.c.closed_at.is_(None))


def visible_item(session: Session, item_id: str, by: Actor) -> AnyRow:
    """Open or closed. Raises NotFound("work_item.unknown")."""
    item = session.execute(
        select(WAITING).where(WAITING.c.id == item_id, spelled(WAITING.c.kind, WaitKind.WORK_ITEM), visible_to(by))
    ).one_or_none()
    if item is None:
        raise NotFound("work_item.unknown", item=item_id)
    return item


def held_item(session: Session, item_id: str, by: Actor) -> AnyRow:
    """The actor's own, locked until the transaction ends. Raises as visible_item(), Conflict, Forbidden as below."""
    session.execute(select(WAITING.c.id).where(open_item(item_id)).with_for_update())
    item = visible_item(session, item_id, by)
    refuse_closed(item)
    refuse_foreign(item, by)
    return item


def change_item(session: Session, item_id: str, **values: Any) -> None:  # Any: column values
    """Of an item the transaction holds the lock of."""
    session.execute(update(WAITING).where(open_item(item_id)).values(**values))


def refuse_closed(item: AnyRow) -> None:
    """Raises Conflict("work_item.gone")."""
    if item.closed_at is not None:
        raise Conflict("work_item.gone", item=item.id, state=item.state)


def refuse_foreign(item: AnyRow, by: Actor) -> None:
    """Raises Conflict("work_item.not_claimed"), Forbidden("work_item.not_yours")."""
    if item.assignee is None:
        raise Conflict("work_item.not_claimed", item=item.id)
    if item.assignee != by.id:
        raise Forbidden("work_item.not_yours", item=item.id)


def is_free(item: AnyRow) -> bool:
    """A shared item that nobody has begun: whoever of the group does has it."""
    return item.assignee is None and bool(item.is_shared)


def sealed_draft(session: Session, item: AnyRow, values: Variables) -> bytes:
    cipher = vault.current().cipher(session, f"case:{item.case_id}")
    return cipher.encrypt(orjson.dumps(dict(values)), _context(item.id))


def opened_draft(session: Session, item: AnyRow) -> dict[str, Any] | None:  # Any: JSON
    if item.draft is None:
        return None
    cipher = vault.current().cipher(session, f"case:{item.case_id}")
    values: dict[str, Any] = orjson.loads(cipher.decrypt(item.draft, _context(item.id)))
    return values


def given_to(account_id: str, now: datetime, *, by: str) -> dict[str, Any]:  # Any: column values
    """What changes when an item is put into somebody's hands by another."""
    claimed = {"state": WorkItemState.CLAIMED, "assignee": account_id, "claimed_at": now, "worked_at": now}
    return {**claimed, "assigned_by": by}


BACK_IN_GROUP: dict[str, Any] = {
    "state": WorkItemState.OPEN,
    **dict.fromkeys(("assignee", "claimed_at", "worked_at", "assigned_by", "signers", "follow_up_at")),
}


def _context(item_id: str) -> bytes:
    return b"draft:" + item_id.encode()
