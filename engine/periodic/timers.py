"""Timers: rows say which cases are due, the machine says what fires."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import open_case
from engine.model.instance import CaseState
from engine.model.tables import CASE, WAITING
from engine.model.waiting_row import WaitKind, spelled


def due_cases(session: Session, now: datetime, limit: int) -> list[str]:
    """Ids of cases with a timer due at or before `now`, longest overdue first; of at most `limit` timers."""
    due = (
        select(WAITING.c.case_id)
        .join(CASE, CASE.c.id == WAITING.c.case_id)
        .where(spelled(WAITING.c.kind, WaitKind.TIMER), WAITING.c.closed_at.is_(None), WAITING.c.due_at <= now)
        .where(CASE.c.state == CaseState.RUNNING)  # of a suspended case no timer is due
    )
    # No GROUP BY: it made SQLite walk every open wait instead of the timers' index.
    return list(dict.fromkeys(session.execute(due.order_by(WAITING.c.due_at).limit(limit)).scalars()))


def fire_due_timers(session: Session, case_id: str, now: datetime) -> int:
    """Fire what is due in the case, in due order; returns how many inputs that made.

    What is too much for one transaction stays due and fires in the next. Raises NotFound, Conflict as open_case().
    """
    with open_case(session, case_id, now=now) as case:
        case.fire_some_due_timers(now)
        return len(case.inputs)
