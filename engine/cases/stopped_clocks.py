"""Clocks that stand still, as rows and as people see them: what is left, and in which unit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.deployment.deploy import find_definition
from engine.language.calendar import working_time_between
from engine.language.timers_text import WORKING
from engine.model.definition import DefinitionId
from engine.model.tables import CASE, WAITING
from engine.waits import TimerWait

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class StoppedClock:
    """title: of the timer. left_s: what is left, of working time (a day counting 24 hours) where is_working_time."""

    element: str
    title: str
    since: datetime
    left_s: int
    is_working_time: bool


def clock_columns(wait: TimerWait) -> dict[str, Any]:  # Any: column values
    """What the row of a timer says of its clock while that stands still; nothing of one that runs."""
    pause = wait.pause
    if pause is None:
        return {}
    left = working_time_between(pause.since, pause.due) if wait.clock == WORKING else pause.due - pause.since
    return {"clock": wait.clock, "left_s": int(left.total_seconds())}


def stopped_clocks(session: Session, case_ids: Collection[str]) -> dict[str, StoppedClock]:
    """By case, the clock that stands still in it; of several the one with the least left."""
    stopped = (
        select(
            *(WAITING.c[name] for name in ("case_id", "element", "created_at", "left_s", "clock")),
            CASE.c.definition_id,
        )
        .join(CASE, CASE.c.id == WAITING.c.case_id)
        .where(WAITING.c.case_id.in_(sorted(case_ids)), WAITING.c.closed_at.is_(None), WAITING.c.left_s.is_not(None))
        .order_by(WAITING.c.left_s.desc(), WAITING.c.id)
    )
    found: dict[str, StoppedClock] = {}
    for row in session.execute(stopped) if case_ids else ():
        known = find_definition(session, DefinitionId(row.definition_id)).process.elements.get(row.element)
        title = known.name if known is not None and known.name else row.element
        found[row.case_id] = StoppedClock(row.element, title, row.created_at, row.left_s, row.clock == WORKING)
    return found


def left_text(left_s: int, *, is_working_time: bool) -> str:
    """`2 个工作日 3 小时`, `38 小时`, `5 分钟`."""
    days, rest = divmod(left_s, DAY_S)
    hours, minutes = rest // 3600, rest % 3600 // 60
    day = "个工作日" if is_working_time else "天"
    parts = [f"{days} {day}" if days else "", f"{hours} 小时" if hours else ""]
    return " ".join(filter(None, parts)) or f"{minutes} 分钟"
