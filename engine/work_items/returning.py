"""退回: who works on a user task gives it back to an earlier one; docs/interventions.md says what parallel branches mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.actors import Actor
from engine.deployment.deploy import find_definition
from engine.errors import Conflict
from engine.inputs import WorkItemReturned
from engine.model.definition import DefinitionId
from engine.model.tables import CASE, WAITING
from engine.model.waiting_row import WaitKind, WorkItemState, spelled
from engine.work_items.acts import decidable, open_item_case
from engine.work_items.events import RETURNED, record_event
from engine.work_items.rows import visible_item
from engine.work_items.signing import is_being_signed


@dataclass(frozen=True, slots=True)
class ReturnTarget:
    element: str
    title: str


def return_work_item(session: Session, item_id: str, *, to: str, by: Actor, now: datetime, why: str) -> None:
    """The user task `to`, done earlier in the same scope, opens again; this item is cancelled, the case's variables stay.

    Raises as complete_work_item(), Conflict("return.not_earlier" | "return.no_reason" | "move.…" | "work_item.being_signed").
    """
    if not why.strip():
        raise Conflict("return.no_reason", item=item_id)
    with open_item_case(session, item_id, now) as case:
        wait = decidable(case, by)
        assert case.row is not None, "the case was opened by an item"
        if is_being_signed(case.row):
            raise Conflict("work_item.being_signed", item=item_id)
        case.apply(WorkItemReturned(at=case.instant, wait=wait.address, by=by.id, to=to, reason=why))
    record_event(session, case.id, item_id, RETURNED, by=by.id, now=now, target=to, why=why)


def return_targets(session: Session, item_id: str, *, by: Actor) -> list[ReturnTarget]:
    """User tasks of the case that were completed, first done first: what may be offered; the machine has the last word.

    Raises NotFound("work_item.unknown").
    """
    item = visible_item(session, item_id, by)
    scope = item.address.rpartition("/")[0]
    done = select(WAITING.c.element, WAITING.c.address, CASE.c.definition_id).join(CASE, CASE.c.id == WAITING.c.case_id)
    rows = session.execute(
        done.where(
            WAITING.c.case_id == item.case_id,
            spelled(WAITING.c.kind, WaitKind.WORK_ITEM),
            spelled(WAITING.c.state, WorkItemState.COMPLETED),
        ).order_by(WAITING.c.closed_at)
    ).all()
    titles: dict[str, str] = {}
    for row in rows:
        around = row.address.rpartition("/")[0]
        if row.element != item.element and (scope == around or scope.startswith(f"{around}/") or not around):
            known = find_definition(session, DefinitionId(row.definition_id)).process.elements.get(row.element)
            titles.setdefault(row.element, (known.name if known else "") or row.element)
    return [ReturnTarget(element, title) for element, title in titles.items()]
