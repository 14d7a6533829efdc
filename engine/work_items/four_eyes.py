"""Four eyes: who completed (or signed) one element of a case may not claim, be given or complete another.

Who is a human, not an account: one who holds two accounts is the same person with either (`actors.accounts_of_person`).

What the diagram says of it: engine/flow/four_eyes.py.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, exists, or_, select
from sqlalchemy.orm import Session

from engine.actors import accounts_of_person
from engine.errors import Forbidden
from engine.model.tables import WAITING
from engine.model.waiting_row import WaitKind, WorkItemState, spelled
from engine.work_items.events import EVENT, SIGNED


def refuse_same_person(session: Session, item: Row[*tuple[Any, ...]], account_id: str) -> None:
    """item: a row of `waiting`. Nothing is read for an element without the rule. Raises Forbidden("work_item.four_eyes")."""
    if not item.not_by:
        return
    accounts = accounts_of_person(session, account_id)
    signed = exists().where(EVENT.c.item_id == WAITING.c.id, EVENT.c.verb == SIGNED, EVENT.c.actor.in_(accounts))
    did = select(WAITING.c.id).where(
        WAITING.c.case_id == item.case_id,
        spelled(WAITING.c.kind, WaitKind.WORK_ITEM),
        spelled(WAITING.c.state, WorkItemState.COMPLETED),
        WAITING.c.element.in_(item.not_by.split()),
        or_(WAITING.c.closed_by.in_(accounts), signed),
    )
    if session.execute(did.limit(1)).scalar() is not None:
        raise Forbidden("work_item.four_eyes", item=item.id)
