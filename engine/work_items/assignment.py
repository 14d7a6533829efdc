"""Giving work items to others: assign, hand over, delegate and back, copy; follow-up, due date and priority.

All of it lives on the item's row and is kept as an event with who and why; none of it is an input of the case. `to` is an
Actor, because who may be given an item depends on the groups that are theirs now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, insert, select, update
from sqlalchemy.orm import Session

from engine.actors import Actor
from engine.errors import Conflict, Forbidden, NotFound
from engine.model.tables import WAITING
from engine.model.work_item import WorkItemCopy
from engine.work_items.events import (
    ASSIGNED,
    COPIED,
    DELEGATED,
    DUE,
    FOLLOW_UP,
    GIVEN_BACK,
    HANDED_OVER,
    PRIORITY,
    record_event,
)
from engine.work_items.four_eyes import refuse_same_person
from engine.work_items.rows import change_item, given_to, held_item, open_item, refuse_closed, visible_item
from engine.work_items.signing import is_being_signed, replace_signer
from storage.statements import AnyRow

COPY = cast(Table, WorkItemCopy.__table__)
LEAD = ".lead"  # `real_name.reviewer.lead` leads `real_name.reviewer`


@dataclass(frozen=True, slots=True)
class Copy:
    """An item somebody was sent a copy of."""

    item_id: str
    case_id: str
    by: str
    at: datetime
    read_at: datetime | None


def leads(by: Actor, group: str | None) -> bool:
    """Who leads a group gives its items to its members, also ones that somebody holds, and sets due dates and priorities."""
    return group is not None and group + LEAD in by.groups


def assign_work_item(session: Session, item_id: str, *, to: Actor, by: Actor, now: datetime, why: str = "") -> None:
    """Give a group's item to one of its members. A member may give away one that nobody holds, who leads the group any.

    Raises NotFound("work_item.unknown"), Conflict("work_item.gone" | "work_item.not_of_group" | "work_item.being_signed"),
    Forbidden("work_item.may_not_assign" | "work_item.four_eyes").
    """
    item = _locked(session, item_id, by)
    if item.assignee is not None and not leads(by, item.group_name):
        raise Forbidden("work_item.may_not_assign", item=item_id)
    if is_being_signed(item):
        raise Conflict("work_item.being_signed", item=item_id)
    _refuse_outsider(item, to)
    refuse_same_person(session, item, to.id)
    change_item(
        session, item_id, **given_to(to.id, now, by=by.id), delegated_by=None, signers=replace_signer(item, to.id)
    )
    record_event(session, item.case_id, item_id, ASSIGNED, by=by.id, now=now, target=to.id, why=why)


def hand_over(session: Session, item_id: str, *, to: Actor, by: Actor, now: datetime, why: str = "") -> None:
    """转办: the holder's item becomes another member's for good, with its draft.

    Raises as held_item(), Conflict("work_item.not_of_group" | "work_item.delegated" | "work_item.being_signed"),
    Forbidden("work_item.four_eyes").
    """
    item = held_item(session, item_id, by)
    if item.delegated_by is not None:
        raise Conflict("work_item.delegated", item=item_id)
    if is_being_signed(item):
        raise Conflict("work_item.being_signed", item=item_id)
    _refuse_outsider(item, to)
    refuse_same_person(session, item, to.id)
    change_item(session, item_id, **given_to(to.id, now, by=by.id), signers=replace_signer(item, to.id))
    record_event(session, item.case_id, item_id, HANDED_OVER, by=by.id, now=now, target=to.id, why=why)


def delegate_work_item(session: Session, item_id: str, *, to: Actor, by: Actor, now: datetime, why: str = "") -> None:
    """委派: a colleague, of the group or not, looks at it and drafts; it comes back before it is decided.

    Raises as held_item(), Conflict("work_item.delegated" | "work_item.own").
    """
    item = held_item(session, item_id, by)
    if item.delegated_by is not None:
        raise Conflict("work_item.delegated", item=item_id)
    if to.id == by.id:
        raise Conflict("work_item.own", item=item_id)
    change_item(session, item_id, **given_to(to.id, now, by=by.id), delegated_by=by.id)
    record_event(session, item.case_id, item_id, DELEGATED, by=by.id, now=now, target=to.id, why=why)


def give_back(session: Session, item_id: str, *, by: Actor, now: datetime, why: str = "") -> None:
    """The delegate is done, or who delegated it takes it back. why: the delegate's opinion.

    Raises NotFound("work_item.unknown"), Conflict("work_item.gone" | "work_item.not_delegated"),
    Forbidden("work_item.not_yours").
    """
    item = _locked(session, item_id, by)
    if item.delegated_by is None:
        raise Conflict("work_item.not_delegated", item=item_id)
    if by.id not in (item.assignee, item.delegated_by):
        raise Forbidden("work_item.not_yours", item=item_id)
    owner = item.delegated_by
    change_item(session, item_id, **given_to(owner, now, by=by.id), delegated_by=None)
    record_event(session, item.case_id, item_id, GIVEN_BACK, by=by.id, now=now, target=owner, why=why)


def copy_to(session: Session, item_id: str, *, to: Sequence[Actor], by: Actor, now: datetime, why: str = "") -> None:
    """抄送: they need not act; the case is theirs to look at, masked. Sending a second copy changes nothing.

    by: whoever may see the item. Raises NotFound("work_item.unknown").
    """
    item = visible_item(session, item_id, by)
    known = set(session.execute(select(COPY.c.account_id).where(COPY.c.item_id == item_id)).scalars())
    for account_id in sorted({actor.id for actor in to} - known):
        row = {"item_id": item_id, "account_id": account_id, "case_id": item.case_id, "by": by.id, "at": now}
        session.execute(insert(COPY).values(**row, read_at=None))
        record_event(session, item.case_id, item_id, COPIED, by=by.id, now=now, target=account_id, why=why)


def copies_for(session: Session, account_id: str, *, limit: int = 100) -> list[Copy]:
    """Latest first."""
    columns = [COPY.c[name] for name in Copy.__dataclass_fields__]
    mine = select(*columns).where(COPY.c.account_id == account_id).order_by(COPY.c.at.desc(), COPY.c.item_id.desc())
    return [Copy(*row) for row in session.execute(mine.limit(limit))]


def mark_copy_read(session: Session, item_id: str, account_id: str, *, now: datetime) -> None:
    """Raises NotFound("work_item.unknown")."""
    mine = (COPY.c.item_id == item_id, COPY.c.account_id == account_id)
    if session.execute(update(COPY).where(*mine).values(read_at=now).returning(COPY.c.item_id)).one_or_none() is None:
        raise NotFound("work_item.unknown", item=item_id)


def follow_up(session: Session, item_id: str, *, at: datetime | None, by: Actor, now: datetime) -> None:
    """When the holder means to look again; None for no such day. Raises as held_item()."""
    item = held_item(session, item_id, by)
    change_item(session, item_id, follow_up_at=at, worked_at=now)
    record_event(session, item.case_id, item_id, FOLLOW_UP, by=by.id, now=now, target=at.isoformat() if at else None)


def set_priority(session: Session, item_id: str, *, priority: int, by: Actor, now: datetime, why: str = "") -> None:
    """0 to 100; the highest comes first. by: who leads the group. Raises Forbidden("work_item.may_not_assign"), as assign."""
    item = _led(session, item_id, by)
    change_item(session, item_id, priority=priority)
    record_event(session, item.case_id, item_id, PRIORITY, by=by.id, now=now, target=str(priority), why=why)


def set_due(session: Session, item_id: str, *, due: datetime | None, by: Actor, now: datetime, why: str = "") -> None:
    """When it should be done; timers of the diagram stay as they are. Raises as set_priority()."""
    item = _led(session, item_id, by)
    change_item(session, item_id, due_at=due)
    record_event(
        session, item.case_id, item_id, DUE, by=by.id, now=now, target=due.isoformat() if due else None, why=why
    )


def _led(session: Session, item_id: str, by: Actor) -> AnyRow:
    item = _locked(session, item_id, by)
    if not leads(by, item.group_name):
        raise Forbidden("work_item.may_not_assign", item=item_id)
    return item


def _locked(session: Session, item_id: str, by: Actor) -> AnyRow:
    """Open, visible (to who delegated it as well), locked until the transaction ends."""
    locked = session.execute(select(WAITING).where(open_item(item_id)).with_for_update()).one_or_none()
    is_led = locked is not None and (leads(by, locked.group_name) or locked.delegated_by == by.id)
    item = locked if locked is not None and is_led else visible_item(session, item_id, by)
    refuse_closed(item)
    return item


def _refuse_outsider(item: AnyRow, to: Actor) -> None:
    if item.group_name is None or item.group_name not in to.groups:
        raise Conflict("work_item.not_of_group", item=item.id)
