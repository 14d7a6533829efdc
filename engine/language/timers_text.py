"""Timer text: what `timeDuration`, `timeDate` and the property `due` say.

An ISO 8601 duration (`PT15M`, `P30D`, `P1M`), an ISO instant with its offset (`2026-12-01T00:00:00+08:00`), `working_days(n)`,
or an expression of the closed language that gives one of these as a text. Months, years, weeks and days are those of the
calendar in Asia/Shanghai; hours, minutes and seconds are exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from engine.language.calendar import MOST_WORKING_DAYS, add_working_days
from engine.language.dates import LOCAL_TIME, add_months_to
from engine.language.expressions import Expression, ExpressionFailed, InvalidExpression, compile_expression
from engine.language.functions import WORKING_DAYS

LONGEST = timedelta(days=3660)  # no timer waits longer; a slip of the pen is refused at deployment

_DURATION = re.compile(
    r"P(?:(?P<years>\d{1,3})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,5})D)?"
    r"(?P<time>T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9})S)?)?"
)
_CYCLE = re.compile(r"R(\d{0,4})/(P.+)")
SHORTEST_PERIOD = timedelta(minutes=1)
_LOOKS_LITERAL = re.compile(r"-?P[\dT]|R\d*/|\d{4}-?\d")
_LITERAL_HELP = "应为 PT15M、P30D、带时区的时刻（2026-12-01T00:00:00+08:00）、working_days(n) 或给出它们的表达式"


@dataclass(frozen=True, slots=True)
class Due:
    """at: aware UTC. is_computed_from_calendar: depends on the table of working days, so it must be journalled.

    is_flagged: a year the table does not know took part (engine.language.calendar).
    """

    at: datetime
    is_computed_from_calendar: bool
    is_flagged: bool = False


@dataclass(frozen=True, slots=True)
class TimerText:
    """Compiled timer text: a literal, or an expression that gives one."""

    text: str
    expression: Expression | None

    @property
    def names(self) -> frozenset[str]:
        return self.expression.names if self.expression else frozenset()


@lru_cache(maxsize=1024)
def compile_timer(text: str) -> TimerText:
    """Raises InvalidExpression: neither a literal in range nor an expression."""
    stripped = text.strip()
    if not stripped:
        raise InvalidExpression(text, f"没有时间：{_LITERAL_HELP}")
    if _LOOKS_LITERAL.match(stripped):
        _literal(stripped, text, _SOME_DAY)
        return TimerText(stripped, None)
    expression = compile_expression(stripped)
    if not expression.names:
        _literal(_constant(expression, text), text, _SOME_DAY)
    return TimerText(stripped, expression)


@dataclass(frozen=True, slots=True)
class Cycle:
    """`R3/PT10M`: `times` firings, a `period` (a duration's text) apart; times -1: without end (`R/PT10M`)."""

    times: int
    period: str


@lru_cache(maxsize=1024)
def compile_cycle(text: str) -> Cycle:
    """Raises InvalidExpression: not a number of times and a duration of at least a minute."""
    found = _CYCLE.fullmatch(text.strip())
    if found is None or not _DURATION.fullmatch(found[2]):
        raise InvalidExpression(text, "应为 R3/PT10M（三次）或 R/PT10M（不限次数）")
    if _literal(found[2], text, _SOME_DAY).at - _SOME_DAY < SHORTEST_PERIOD:
        raise InvalidExpression(text, "周期至少一分钟")
    return Cycle(int(found[1]) if found[1] else -1, found[2])


def next_of_cycle(period: str, due: datetime, noticed: datetime) -> datetime:
    """The first instant after `noticed` that lies a whole number of periods after `due`: what was slept through is left out."""
    length = due_at(period, {}, due).at - due
    if noticed > due:
        due += max((noticed - due) // length - 1, 0) * length
    while due <= noticed:
        due = due_at(period, {}, due).at
    return due


def due_at(text: str, variables: Mapping[str, Any], at: datetime) -> Due:
    """When a timer with this text, started at `at` (aware), is due.

    Raises InvalidExpression for a text outside the language (a deployed one is inside it), ExpressionFailed where the
    expression fails or gives something else than a timer text.
    """
    timer = compile_timer(text)
    if timer.expression is None:
        return _literal(timer.text, text, at)
    try:
        return _literal(_said(timer, text, variables), text, at)
    except InvalidExpression as error:
        raise ExpressionFailed(text, error.reason) from error


PLAIN, WORKING = "plain", "working"  # what a clock that may stand still counts: time, or working time


def clock_of(text: str, variables: Mapping[str, Any]) -> str:
    """PLAIN for a duration, WORKING for working days. Raises ExpressionFailed for an instant: that has no clock to stop."""
    said = _said(compile_timer(text), text, variables)
    if WORKING_DAYS.fullmatch(said):
        return WORKING
    if _DURATION.fullmatch(said):
        return PLAIN
    raise ExpressionFailed(text, "会暂停的定时应给出时长或工作日数，不能是时刻")


def may_stand_still(text: str) -> bool:
    """Whether a timer of this text may have a clock that stops; of an expression over variables only time will tell.

    Raises InvalidExpression as compile_timer().
    """
    timer = compile_timer(text)
    if timer.names:
        return True
    try:
        return bool(clock_of(text, {}))
    except ExpressionFailed:
        return False


def _said(timer: TimerText, text: str, variables: Mapping[str, Any]) -> str:
    """The literal a timer's text is, or gives."""
    value = timer.text if timer.expression is None else timer.expression.evaluate(variables)
    if not isinstance(value, str):
        raise ExpressionFailed(text, f"定时器表达式应给出文本：{_LITERAL_HELP}")
    return value.strip()


_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def _constant(expression: Expression, text: str) -> str:
    try:
        value = expression.evaluate({})
    except ExpressionFailed as error:
        raise InvalidExpression(text, error.reason) from error
    if not isinstance(value, str):
        raise InvalidExpression(text, _LITERAL_HELP)
    return value.strip()


def _literal(value: str, text: str, at: datetime) -> Due:
    if at.tzinfo is None:
        raise ValueError("at must be aware")
    working_days = WORKING_DAYS.fullmatch(value)
    if working_days:
        if int(working_days[1]) > MOST_WORKING_DAYS:
            raise InvalidExpression(text, f"工作日数应为 0 到 {MOST_WORKING_DAYS}")
        deadline = add_working_days(at, int(working_days[1]))
        return Due(deadline.at, True, deadline.is_flagged)
    duration = _DURATION.fullmatch(value)
    if duration:
        return Due(_after(duration, text, at), False)
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise InvalidExpression(text, _LITERAL_HELP) from None
    if instant.tzinfo is None or "T" not in value:
        raise InvalidExpression(text, "时刻应写明日期、时间和时区，例如 2026-12-01T00:00:00+08:00")
    if not 2000 <= instant.year <= 2200:
        raise InvalidExpression(text, "时刻应在 2000 年到 2200 年之间")
    return Due(instant.astimezone(UTC), False)


def _after(duration: re.Match[str], text: str, at: datetime) -> datetime:
    amounts = {unit: int(amount) for unit, amount in duration.groupdict().items() if amount and unit != "time"}
    if not amounts or duration["time"] == "T":
        raise InvalidExpression(text, _LITERAL_HELP)
    try:
        local = at.astimezone(LOCAL_TIME)
        day = add_months_to(local.date(), amounts.pop("years", 0) * 12 + amounts.pop("months", 0))
        day += timedelta(days=amounts.pop("days", 0), weeks=amounts.pop("weeks", 0))
        due = datetime.combine(day, local.timetz()).astimezone(UTC) + timedelta(**amounts)
    except (OverflowError, ValueError):
        due = None
    if due is None or due - at > LONGEST:
        raise InvalidExpression(text, f"时长超过 {LONGEST.days} 天")
    return due
