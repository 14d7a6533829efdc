"""The clock begins cases: one transaction for each due instant, one case for each, whoever notices it and however often.

The timer's row is locked, its instant noted under a unique key, the case begun and the next instant set in one transaction.
An instant that is noticed late begins its case late; those slept through after it are left out and do not count.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from engine.actors import SYSTEM
from engine.cases.start import begin_case_at
from engine.deployment.deploy import find_definition
from engine.deployment.start_timers import FIRING, START_TIMER, AnyRow
from engine.errors import EngineError
from engine.language.dates import LOCAL_TIME
from engine.language.schedules import next_on_grid
from engine.model.definition import DefinitionId
from engine.model.start_timer import FiringState


def due_start_timers(session: Session, now: datetime, limit: int) -> list[tuple[str, str]]:
    """(flow, element) of timers that are due, longest overdue first."""
    due = select(START_TIMER.c.flow_key, START_TIMER.c.element).where(
        START_TIMER.c.paused_at.is_(None), START_TIMER.c.next_at <= now
    )
    return [(row.flow_key, row.element) for row in session.execute(due.order_by(START_TIMER.c.next_at).limit(limit))]


def fire_start_timer(session: Session, flow_key: str, element: str, now: datetime) -> str | None:
    """Begin the case of the instant that is due; its id. None where none is due (any more), or none may begin."""
    one = START_TIMER.c.flow_key == flow_key, START_TIMER.c.element == element
    due = START_TIMER.c.paused_at.is_(None), START_TIMER.c.next_at <= now
    locked = select(START_TIMER).where(*one, *due).with_for_update(skip_locked=True)
    row = session.execute(locked).one_or_none()
    if row is None:
        return None
    case_id = None if _is_noted(session, row) else _begin_and_note(session, row, now)
    left = row.left - 1 if row.left > 0 and case_id is not None else row.left
    next_at = next_on_grid(row.anchor, row.period, max(now, row.next_at)) if left else None
    session.execute(update(START_TIMER).where(*one).values(left=left, next_at=next_at))
    return case_id


def _is_noted(session: Session, row: AnyRow) -> bool:
    """Whether a case of this instant was begun, or refused, before: then the timer only goes on to its next one."""
    instant = FIRING.c.flow_key == row.flow_key, FIRING.c.element == row.element, FIRING.c.due_at == row.next_at
    return session.execute(select(FIRING.c.state).where(*instant)).one_or_none() is not None


def _begin_and_note(session: Session, row: AnyRow, now: datetime) -> str | None:
    case_id, refusal = _begin(session, row, now)
    noted = {
        "flow_key": row.flow_key,
        "element": row.element,
        "due_at": row.next_at,
        "definition_id": row.definition_id,
        "fired_at": now,
        "state": FiringState.REFUSED if case_id is None else FiringState.STARTED,
        "case_id": case_id,
        "note": refusal,
    }
    session.execute(insert(FIRING).values(noted))
    return case_id


def _begin(session: Session, row: AnyRow, now: datetime) -> tuple[str | None, str | None]:
    """Case id, or the code of why none begins; what a refused one did is taken back."""
    definition = find_definition(session, DefinitionId(row.definition_id))
    start = definition.process.start_event(row.element)
    assert start is not None, "planned from this definition"
    due: dict[str, Any] = {}
    if start.result:
        due[start.result] = row.next_at.astimezone(LOCAL_TIME).isoformat()
    actions = list(session.info.get("after_commit", []))
    try:
        with session.begin_nested():
            return begin_case_at(
                session, definition, start.id, started_by=SYSTEM.id, variables=due, now=now
            ), None  # fmt: skip
    except EngineError as refused:
        session.info["after_commit"] = actions
        return None, refused.code[:100]
