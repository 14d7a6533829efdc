"""What people did around a work item, kept beside the journal: who, what, when, why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import Table, insert, select
from sqlalchemy.orm import Session

from engine.model.work_item import WorkItemEvent
from storage import vault
from storage.columns import new_id

EVENT = cast(Table, WorkItemEvent.__table__)

CLAIMED, RELEASED, RETURNED_IDLE = "claimed", "released", "returned_idle"
ASSIGNED, HANDED_OVER, DELEGATED, GIVEN_BACK = "assigned", "handed_over", "delegated", "given_back"
SIGNER_ADDED, SIGNED, SIGNATURE_REFUSED = "signer_added", "signed", "signature_refused"
COPIED, FOLLOW_UP, PRIORITY, DUE = "copied", "follow_up", "priority", "due"
RETURNED = "returned"
LONGEST_WHY = 1_000


@dataclass(frozen=True, slots=True)
class ItemEvent:
    """why: "" where nobody said, or where the case was erased. target: account id, or what was set."""

    id: str
    item_id: str
    at: datetime
    actor: str
    verb: str
    target: str | None
    why: str = field(repr=False)


def record_event(
    session: Session,
    case_id: str,
    item_id: str,
    verb: str,
    *,
    by: str,
    now: datetime,
    target: str | None = None,
    why: str = "",
) -> None:
    """One statement, two where a reason is given: that is encrypted with the case's data key."""
    event_id = new_id()
    sealed = None
    if why:
        sealed = vault.current().cipher(session, f"case:{case_id}").encrypt(why.encode(), _context(event_id))
    row = {"id": event_id, "item_id": item_id, "case_id": case_id, "at": now}
    session.execute(insert(EVENT).values(**row, actor=by, verb=verb, target=target, why=sealed))


def events_of_case(session: Session, case_id: str) -> list[ItemEvent]:
    """Oldest first."""
    try:
        cipher = vault.current().cipher(session, f"case:{case_id}")
    except vault.KeyDestroyed:
        cipher = None
    rows = session.execute(select(EVENT).where(EVENT.c.case_id == case_id).order_by(EVENT.c.id))
    return [
        ItemEvent(
            row.id,
            row.item_id,
            row.at,
            row.actor,
            row.verb,
            row.target,
            cipher.decrypt(row.why, _context(row.id)).decode() if cipher and row.why else "",
        )
        for row in rows
    ]


def events_of_item(session: Session, case_id: str, item_id: str) -> list[ItemEvent]:
    return [event for event in events_of_case(session, case_id) if event.item_id == item_id]


def _context(event_id: str) -> bytes:
    return b"work item event:" + event_id.encode()
