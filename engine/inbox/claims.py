"""Taking items out of the inbox: the next fitting one, or several at once. Claims are no inputs (engine/work_items/acts.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.actors import Actor
from engine.errors import Conflict, Forbidden, NotFound
from engine.inbox.page import InboxFilter, InboxView, inbox_ids
from engine.model.tables import WAITING
from engine.model.waiting_row import WorkItemState, spelled
from engine.work_items.acts import claim_work_item

# Items read at a time; more are looked at only while colleagues take these very ones.
LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class Claim:
    """refused: code of why the item was not taken, None for one that is the actor's now."""

    item_id: str
    refused: str | None


def claim_next_item(session: Session, by: Actor, wanted: InboxFilter, *, now: datetime) -> str | None:
    """Take the first item of the actor's groups that nobody holds, that fits and that the actor may do; None without one.

    wanted: its view is not looked at. Two who ask at the same time get different items.
    """
    unclaimed = replace(wanted, view=InboxView.GROUPS)
    cursor: str | None = None
    while True:
        page = inbox_ids(session, by, unclaimed, cursor=cursor, limit=LOOKED_AT)
        for item_id in page.items:
            if _is_free(session, item_id) and _claim(session, item_id, by, now).refused is None:
                return item_id
        if page.next is None:
            return None
        cursor = page.next


def _is_free(session: Session, item_id: str) -> bool:
    """Locks the item if nobody holds it or is taking it right now."""
    free = select(WAITING.c.id).where(WAITING.c.id == item_id, spelled(WAITING.c.state, WorkItemState.OPEN))
    return session.execute(free.with_for_update(skip_locked=True)).scalar() is not None


def claim_items(session: Session, item_ids: Sequence[str], *, by: Actor, now: datetime) -> list[Claim]:
    """Take each of them that can be taken; the others say why not. Locked in order of their ids: no deadlock."""
    claims = {item_id: _claim(session, item_id, by, now) for item_id in sorted(set(item_ids))}
    return [claims[item_id] for item_id in dict.fromkeys(item_ids)]


def _claim(session: Session, item_id: str, by: Actor, now: datetime) -> Claim:
    try:
        claim_work_item(session, item_id, by=by, now=now)
    except (Conflict, Forbidden, NotFound) as no:
        return Claim(item_id, no.code)
    return Claim(item_id, None)
