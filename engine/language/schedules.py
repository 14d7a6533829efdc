"""When cases are begun by the clock: what the timer of a process's start event says.

`timeCycle`: `R/P1D`, `R3/P1M`, counted from the deployment, or with its first instant `R/2026-12-01T08:00:00+08:00/P1D`.
`timeDate`, `timeDuration`: timer text (timers_text.py), once; a duration counts from the deployment. There is no case yet:
an expression may read the flow's settings and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.language.dates import LOCAL_TIME, add_months_to
from engine.language.expressions import ExpressionFailed, InvalidExpression
from engine.language.timers_text import compile_cycle, compile_timer, due_at

CYCLE = "timeCycle"
TIMES = (CYCLE, "timeDate", "timeDuration")
SETTINGS = frozenset({"settings"})
LAST = datetime(2200, 1, 1, tzinfo=UTC)  # a cycle is not followed further

_ANCHORED = re.compile(r"(R\d{0,4}/)(\d{4}-[^/]+)/(P.+)")
_PERIOD = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Compiled text. kind: one of TIMES."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """The instants of a schedule as deployed: `anchor`, and every `period` (a duration's text, "" for once) after it.

    says: the schedule without expressions, equal for two deployments that mean the same. times: -1 without end.
    """

    says: str
    anchor: datetime
    period: str
    times: int

    def first(self, deployed: datetime) -> datetime | None:
        """The first instant after the deployment; one that comes once may be that moment itself. None: it is past."""
        return self.anchor if not self.period and self.anchor == deployed else self.after(deployed)

    def after(self, instant: datetime) -> datetime | None:
        """The first instant of the grid later than this one; None where there is none."""
        return next_on_grid(self.anchor, self.period, instant)


def compile_schedule(kind: str, text: str) -> Schedule:
    """Raises InvalidExpression."""
    if kind != CYCLE:
        if compile_timer(text).names - SETTINGS:
            raise InvalidExpression(text, "启动时还没有案件，只能读取 settings")
        return Schedule(kind, text.strip())
    cycle, start = _cycle_and_start(text)
    compile_cycle(cycle)
    if start and compile_timer(start).expression is not None:
        raise InvalidExpression(text, "周期的起点应为带时区的时刻")
    return Schedule(kind, text.strip())


def grid_of(schedule: Schedule, settings: Mapping[str, Any], at: datetime) -> Grid:
    """The instants of a schedule deployed at `at` (aware). Raises ExpressionFailed."""
    if schedule.kind == CYCLE:
        text, start = _cycle_and_start(schedule.text)
        cycle = compile_cycle(text)
        anchor = due_at(start, {}, at).at if start else at
        return Grid(schedule.text, anchor, cycle.period, cycle.times)
    timer = compile_timer(schedule.text)
    says = timer.text if timer.expression is None else timer.expression.evaluate({"settings": settings})
    if not isinstance(says, str):
        raise ExpressionFailed(schedule.text, "定时器表达式应给出文本")
    try:
        return Grid(says.strip(), due_at(says, {}, at).at, "", 1)
    except InvalidExpression as error:
        raise ExpressionFailed(schedule.text, error.reason) from error


def next_on_grid(anchor: datetime, period: str, instant: datetime) -> datetime | None:
    """The first of anchor, anchor + period, anchor + 2 periods, … later than `instant`; period "": of the anchor alone.

    Months and years are counted from the anchor, so that the 31st comes back after a shorter month.
    """
    if anchor > instant:
        return anchor
    if not period or instant >= LAST:
        return None
    above = 1
    while _nth(anchor, period, above) <= instant:
        above *= 2
    below = above // 2
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if _nth(anchor, period, middle) <= instant else (below, middle)
    return _nth(anchor, period, above)


def _cycle_and_start(text: str) -> tuple[str, str]:
    found = _ANCHORED.fullmatch(text.strip())
    return (found[1] + found[3], found[2]) if found else (text.strip(), "")


def _nth(anchor: datetime, period: str, number: int) -> datetime:
    found = _PERIOD.fullmatch(period)
    assert found is not None, "compile_cycle() lets no other period through"
    years, months, weeks, days, hours, minutes, seconds = (int(amount or 0) * number for amount in found.groups())
    try:
        local = anchor.astimezone(LOCAL_TIME)
        day = add_months_to(local.date(), years * 12 + months) + timedelta(weeks=weeks, days=days)
        moment = datetime.combine(day, local.timetz()).astimezone(UTC)
        return moment + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    except (OverflowError, ValueError):
        return datetime.max.replace(tzinfo=UTC)  # beyond the calendar: later than anything
