"""Working days of mainland China with their swaps (调休), in Asia/Shanghai.

The table is chinesecalendar's; for a year it does not know yet, Monday to Friday count and the result is flagged. What is
computed here is journalled with the input that caused it, so a later table never moves a deadline already set.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import chinese_calendar

from engine.language.dates import LOCAL_TIME

MOST_WORKING_DAYS = 1_000


@dataclass(frozen=True, slots=True)
class Deadline:
    """at: aware UTC. is_flagged: a day of a year the table does not know was counted as if it had no holidays."""

    at: datetime
    is_flagged: bool


@lru_cache(maxsize=8192)
def is_working_day(day: date) -> tuple[bool, bool]:
    """(is a working day, the table does not know that year)."""
    try:
        return bool(chinese_calendar.is_workday(day)), False
    except NotImplementedError:
        return day.weekday() < 5, True


def add_working_days(at: datetime, days: int) -> Deadline:
    """The instant `days` working days after `at`, at the same local time of day.

    A start on a day off counts from the beginning (00:00 in Asia/Shanghai) of the next working day. at: aware;
    days: 0 to 1000; 0 gives `at` itself, or that beginning. ValueError outside these.
    """
    if at.tzinfo is None:
        raise ValueError("at must be aware")
    if not 0 <= days <= MOST_WORKING_DAYS:
        raise ValueError(f"days must be 0 to {MOST_WORKING_DAYS}, not {days}")
    local = at.astimezone(LOCAL_TIME)
    works, is_flagged = is_working_day(local.date())
    if not works:
        day, flagged = _next_working_day(local.date())
        is_flagged |= flagged
        local = datetime.combine(day, time(), LOCAL_TIME)
    day = local.date()
    for _ in range(days):
        day, flagged = _next_working_day(day)
        is_flagged |= flagged
    return Deadline(datetime.combine(day, local.timetz()).astimezone(UTC), is_flagged)


def add_working_time(at: datetime, amount: timedelta) -> Deadline:
    """The instant that is `amount` of working time after `at`, a working day counting 24 hours; always on a working day.

    at: aware. amount: not negative. Of whole days it is add_working_days(); the inverse of working_time_between().
    """
    if at.tzinfo is None or amount < timedelta():
        raise ValueError("at must be aware, amount not negative")
    local, left, is_flagged = at.astimezone(LOCAL_TIME), amount, False
    day = local.date()
    while True:
        works, is_unknown = is_working_day(day)
        is_flagged |= is_unknown
        if works:
            begins = max(local, datetime.combine(day, time(), LOCAL_TIME))
            rest = datetime.combine(day + timedelta(days=1), time(), LOCAL_TIME) - begins
            if left < rest:
                return Deadline((begins + left).astimezone(UTC), is_flagged)
            left -= rest
        day += timedelta(days=1)


def working_time_between(start: datetime, end: datetime) -> timedelta:
    """Time on working days from `start` to `end`, a working day counting 24 hours; negative where `end` comes first.

    Aware instants. add_working_days() and this agree: n working days later is n × 24 hours of working time away.
    """
    if end < start:
        return -working_time_between(end, start)
    first, last = start.astimezone(LOCAL_TIME), end.astimezone(LOCAL_TIME)
    total, day = timedelta(), first.date()
    while day <= last.date() and total <= timedelta(days=MOST_WORKING_DAYS):
        if is_working_day(day)[0]:
            begins = max(first, datetime.combine(day, time(), LOCAL_TIME))
            ends = min(last, datetime.combine(day + timedelta(days=1), time(), LOCAL_TIME))
            total += ends - begins
        day += timedelta(days=1)
    return total


def _next_working_day(day: date) -> tuple[date, bool]:
    is_flagged = False
    while True:
        day += timedelta(days=1)
        works, is_unknown = is_working_day(day)
        is_flagged |= is_unknown
        if works:
            return day, is_flagged
