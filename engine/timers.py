"""Timers: rows say which cases are due, the machine says what fires."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.case import WAITING, open_case
from engine.model.waiting import WaitKind


def due_cases(session: Session, now: datetime, limit: int) -> list[str]:
    """Ids of cases with a timer due at or before `now`, longest overdue first."""
    overdue = func.min(WAITING.c.due_at)
    due = select(WAITING.c.case_id).where(
        WAITING.c.kind == WaitKind.TIMER, WAITING.c.closed_at.is_(None), WAITING.c.due_at <= now
    )
    return list(session.execute(due.group_by(WAITING.c.case_id).order_by(overdue).limit(limit)).scalars())


def fire_due_timers(session: Session, case_id: str, now: datetime) -> int:
    """Fire what is due in the case, in due order; returns how many inputs that made.

    What is too much for one transaction stays due and fires in the next. Raises NotFound, Conflict as open_case().
    """
    with open_case(session, case_id, now=now) as case:
        case.fire_some_due_timers(now)
        return len(case.inputs)
