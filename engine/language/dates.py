"""Dates as expressions and timers read them: days of the calendar in Asia/Shanghai."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.language.values import as_text

LOCAL_TIME = ZoneInfo("Asia/Shanghai")

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def parse_date(value: Any) -> date:
    """A calendar date of `YYYY-MM-DD`, or the date in Asia/Shanghai of an ISO instant with an offset. ValueError."""
    text = as_text(value)
    if _DATE.fullmatch(text):
        return date.fromisoformat(text)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("日期应为 YYYY-MM-DD") from None
    if instant.tzinfo is None:
        raise ValueError("时刻应带时区，例如 2026-12-01T00:00:00+08:00")
    return instant.astimezone(LOCAL_TIME).date()


def add_months_to(start: date, months: int) -> date:
    """The same day `months` later; the last day of the month where that month has no such day."""
    index = start.year * 12 + start.month - 1 + months
    year, month = divmod(index, 12)
    for day in (start.day, 30, 29, 28):
        try:
            return date(year, month + 1, day)
        except ValueError:
            if day <= 28:
                raise
    raise AssertionError("unreachable")


def is_date(value: Any) -> bool:
    """Whether parse_date() takes it."""
    try:
        parse_date(value)
    except (TypeError, ValueError, OverflowError):  # the last: year 1 or 9999 moved across a time zone
        return False
    return True


def years_between(birth: Any, day: Any) -> int:
    """Whole years from the first date to the second: an age."""
    born, then = parse_date(birth), parse_date(day)
    return then.year - born.year - ((then.month, then.day) < (born.month, born.day))
