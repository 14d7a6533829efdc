"""What people do with work items: claim, release, draft, complete (giving them to others: assignment.py, signing.py).

Claims, drafts and priorities live on the item's row and are no inputs; completing one is. An item that an actor may
not know of does not exist for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from engine.actors import SYSTEM, Actor
from engine.attachments.store import is_attachment_beside
from engine.cases.case import OpenCase, open_case_of
from engine.cases.form_values import checked_values, emptied_fields
from engine.errors import Conflict, NotFound
from engine.inputs import SignatureRefused, Variables, WorkItemCompleted, WorkItemSigned
from engine.model.tables import WAITING
from engine.model.waiting_row import WaitKind, WorkItemState, spelled
from engine.waits import UserTaskWait
from engine.work_items.events import CLAIMED, RELEASED, RETURNED_IDLE, record_event
from engine.work_items.four_eyes import refuse_same_person
from engine.work_items.rows import (
    BACK_IN_GROUP,
    change_item,
    is_free,
    is_visible,
    open_item,
    opened_draft,
    refuse_closed,
    refuse_foreign,
    sealed_draft,
    visible_item,
)
from engine.work_items.signing import is_being_signed, pass_to_last_signer, pass_to_next_signer, signers_left
from storage.statements import AnyRow

IDLE_AFTER = timedelta(minutes=30)


def claim_work_item(session: Session, item_id: str, *, by: Actor, now: datetime) -> None:
    """Take an item of one's groups; claiming one's own again changes nothing.

    Raises NotFound("work_item.unknown"), Conflict("work_item.claimed_by_other" | "work_item.gone"),
    Forbidden("work_item.four_eyes").
    """
    free = (open_item(item_id), spelled(WAITING.c.state, WorkItemState.OPEN), WAITING.c.group_name.in_(by.groups))
    if (taken := _take(session, by, now, *free, WAITING.c.not_by.is_(None))) is None:
        item = visible_item(session, item_id, by)
        refuse_closed(item)
        if item.assignee == by.id:
            return
        refuse_same_person(session, item, by.id)
        taken = _take(session, by, now, *free)
        if taken is None:
            raise Conflict("work_item.claimed_by_other", item=item_id)
    record_event(session, taken.case_id, item_id, CLAIMED, by=by.id, now=now)


def begin_work(session: Session, item_id: str, *, by: Actor, now: datetime) -> None:
    """Whoever works on an item holds it: of a shared item (a lane with `claim = false`) who begins first has it.

    Raises NotFound("work_item.unknown"), Forbidden("work_item.not_yours"), Conflict("work_item.gone" | "work_item.not_claimed").
    """
    item = visible_item(session, item_id, by)
    refuse_closed(item)
    if is_free(item):
        claim_work_item(session, item_id, by=by, now=now)
        return
    refuse_foreign(item, by)
    session.execute(update(WAITING).where(open_item(item_id), WAITING.c.assignee == by.id).values(worked_at=now))


def release_work_item(session: Session, item_id: str, *, by: Actor, now: datetime) -> None:
    """Give a claimed item back to its group; its draft stays for whoever claims it next.

    Raises NotFound("work_item.unknown"), Forbidden("work_item.not_yours"), Conflict("work_item.gone" | "work_item.not_claimed"),
    Conflict("work_item.delegated" | "work_item.being_signed") for one that is the actor's for a while only.
    """
    # Locked first: who comes second must read what the first one left, and be told that.
    session.execute(select(WAITING.c.id).where(open_item(item_id)).with_for_update())
    item = visible_item(session, item_id, by)
    refuse_closed(item)
    if item.state != WorkItemState.CLAIMED:
        raise Conflict("work_item.not_claimed", item=item_id)
    refuse_foreign(item, by)
    if item.delegated_by is not None:
        raise Conflict("work_item.delegated", item=item_id)
    if is_being_signed(item):
        raise Conflict("work_item.being_signed", item=item_id)
    change_item(session, item_id, **BACK_IN_GROUP)
    record_event(session, item.case_id, item_id, RELEASED, by=by.id, now=now)


def return_idle_claims(session: Session, now: datetime, limit: int = 200) -> int:
    """Items that somebody claimed and did nothing with for half an hour are their group's again; drafts stay. How many.

    What was given to somebody, is delegated or waits for a signature stays where it is.
    """
    idle = (
        select(WAITING.c.id, WAITING.c.case_id)
        .where(
            spelled(WAITING.c.state, WorkItemState.CLAIMED),
            WAITING.c.closed_at.is_(None),
            WAITING.c.group_name.is_not(None),
            *(WAITING.c[name].is_(None) for name in ("assigned_by", "delegated_by", "signers")),
            func.coalesce(WAITING.c.worked_at, WAITING.c.claimed_at) < now - IDLE_AFTER,
        )
        .limit(limit)
        # A locked one is being worked on right now.
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(idle).all()
    for row in rows:
        change_item(session, row.id, **BACK_IN_GROUP)
        record_event(session, row.case_id, row.id, RETURNED_IDLE, by=SYSTEM.id, now=now)
    return len(rows)


def complete_work_item(session: Session, item_id: str, *, by: Actor, values: Variables, now: datetime) -> None:
    """Decide: the form's values become case variables, a field left empty empties its own, and the case moves on.

    Where somebody has yet to sign after the actor, the item goes to them with these values, and the case moves with the last
    signature. Raises NotFound("work_item.unknown"), Forbidden("work_item.not_yours" | "work_item.four_eyes"), InvalidForm, and
    Conflict: "work_item.gone" when it was completed, cancelled or its deadline came first, "work_item.not_claimed" for a
    group's item nobody claimed, "work_item.delegated" for one that is to be given back.
    """
    is_attachment = is_attachment_beside(session, item_id, values)
    with open_item_case(session, item_id, now) as case:
        wait = decidable(case, by)
        assert case.row is not None, "the case was opened by an item"
        checked = checked_values(case.definition, wait.form, values, is_attachment)
        if signers_left(case.row):
            case.apply(WorkItemSigned(at=case.instant, wait=wait.address, by=by.id, values=checked))
            pass_to_next_signer(session, case.row, checked, by=by, now=now)
            return
        emptied = emptied_fields(case.definition, wait.form, checked, case.live.view_of(wait.address))
        case.apply(WorkItemCompleted(at=case.instant, wait=wait.address, by=by.id, values=checked | emptied))


def refuse_signature(session: Session, item_id: str, *, by: Actor, now: datetime, why: str) -> None:
    """Back to who signed before, with the reason. Raises as complete_work_item(), Conflict("work_item.nobody_signed")."""
    with open_item_case(session, item_id, now) as case:
        wait = decidable(case, by)
        assert case.row is not None, "the case was opened by an item"
        case.apply(SignatureRefused(at=case.instant, wait=wait.address, by=by.id, reason=why))
        pass_to_last_signer(session, case.row, by=by, now=now, why=why)


def save_draft(session: Session, item_id: str, *, by: Actor, values: Variables, now: datetime) -> None:
    """Keep what was typed, unchecked, encrypted with the case's data key; closing the item drops it. Errors as complete."""
    begin_work(session, item_id, by=by, now=now)
    item = visible_item(session, item_id, by)
    kept = update(WAITING).where(open_item(item_id), WAITING.c.assignee == by.id)
    session.execute(kept.values(draft=sealed_draft(session, item, values)))


def load_draft(session: Session, item_id: str, *, by: Actor) -> dict[str, Any] | None:  # Any: JSON
    """The values save_draft() kept, None without a draft. Raises NotFound, Forbidden as above."""
    item = visible_item(session, item_id, by)
    if not is_free(item):
        refuse_foreign(item, by)
    return opened_draft(session, item)


def _take(session: Session, by: Actor, now: datetime, *free: Any) -> AnyRow | None:  # Any: conditions
    claimed = {"state": WorkItemState.CLAIMED, "assignee": by.id, "claimed_at": now, "worked_at": now}
    return session.execute(update(WAITING).where(*free).values(claimed).returning(WAITING.c.case_id)).one_or_none()


@contextmanager
def open_item_case(session: Session, item_id: str, now: datetime) -> Iterator[OpenCase]:
    """open_case_of() for a work item. Raises NotFound("work_item.unknown")."""
    try:
        with open_case_of(session, item_id, WaitKind.WORK_ITEM, now=now) as case:
            yield case
    except NotFound as error:
        raise (NotFound("work_item.unknown", item=item_id) if error.code == "wait.unknown" else error) from error


def decidable(case: OpenCase, by: Actor) -> UserTaskWait:
    """The open wait of the item the case was opened by, after timers that came first have fired."""
    item = case.row
    assert item is not None, "the case was opened by an item"
    if not is_visible(item, by):
        raise NotFound("work_item.unknown", item=item.id)
    refuse_closed(item)
    if not is_free(item):
        refuse_foreign(item, by)
    if item.delegated_by is not None:
        raise Conflict("work_item.delegated", item=item.id)
    refuse_same_person(case.session, item, by.id)
    if case.live.is_suspended:
        raise Conflict("case.suspended", case=case.id)
    case.fire_due_timers(case.instant)
    wait = case.live.waits.get(item.address)
    if not isinstance(wait, UserTaskWait):
        raise Conflict("work_item.gone", item=item.id, state=WorkItemState.CANCELLED)
    return wait
