"""Clocks that stand still: lanes for user tasks and timers that stop for them, and what the reference makes of it.

Added to a process after it was generated, so that the processes of a seed stay what they were.

The reference asks its runs: a clock stands still while the scope run it was armed in has an open user task of its lanes. What is
left of working time is read off an odometer: the working seconds from a fixed day to a moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from random import Random
from typing import Any

import chinese_calendar

from tests.engine.random.blocks import Boundary, Call, EventSub, Many, Scope, Seq, Sub, Timer, TimerText, Tree, User
from tests.engine.random.run import Open

LANES = ("applicant", "agency")
SHANGHAI = timezone(timedelta(hours=8))
FIRST_DAY = date(2026, 1, 1)
DAY_S = 86_400


def with_clocks(tree: Tree, random: Random) -> Tree:
    """The tree with lanes for some user tasks, and clocks that stand still for some timers on activities and scopes.

    Some scopes get a handler with such a clock, which runs from their beginning on while tasks come and go.
    """
    scope = _Maker(random).changed(tree.scope)
    assert isinstance(scope, Scope)
    return replace(tree, scope=scope)


class _Maker:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.count = 0

    def changed(self, part: Any) -> Any:
        if isinstance(part, tuple):
            return tuple(map(self.changed, part))
        if not is_dataclass(part) or isinstance(part, type):
            return part
        changed = {each.name: self.changed(getattr(part, each.name)) for each in fields(part)}
        if isinstance(part, User) and self.random.random() < 0.5:
            changed["lane"] = self.random.choice(LANES)
        if isinstance(part, Boundary | EventSub):
            changed["event"] = self._clock(part.event)
        if isinstance(part, Scope) and self.random.random() < 0.2:
            changed["handlers"] = (*changed["handlers"], self._deadline())
        if isinstance(part, Many):
            changed["inner"] = _without_handlers(changed["inner"])
        return replace(part, **changed)

    def _clock(self, event: Any) -> Any:
        if not isinstance(event, Timer) or event.cycle or not has_clock(event.text) or self.random.random() < 0.35:
            return event
        return replace(event, pauses=self._lanes())

    def _lanes(self) -> tuple[str, ...]:
        return self.random.choice((("applicant",), ("agency",), LANES))

    def _deadline(self) -> EventSub:
        self.count += 1
        days = TimerText("working_days", str(self.random.randint(1, 4)))
        text = self.random.choice((days, days, TimerText("literal", "P3D")))
        told = User(f"told_{self.count}", (f"v_told_{self.count}",))
        event = Timer(text, pauses=self._lanes())
        return EventSub(f"Deadline_{self.count}", f"deadline_{self.count}", event, False, Scope(Seq((told,))))


def has_clock(text: TimerText) -> bool:
    """Of a variable only the case itself will tell."""
    return text.kind != "literal" or text.text.startswith("P")


def _without_handlers(inner: Any) -> Any:
    """An instance's scope has none: which of many began first is nobody's promise."""
    return replace(inner, scope=replace(inner.scope, handlers=())) if isinstance(inner, Sub | Call) else inner


# -- the reference


def unit_of(text: TimerText, said: str) -> str:
    """What a clock counts. said: what the text gives. Raises ValueError for an instant."""
    if text.kind == "working_days":
        return "working"
    if not said.startswith("P"):
        raise ValueError("an instant has no clock")
    return "plain"


def keep_clocks(timers: Iterable[Open], at: datetime) -> None:
    """Stop the clocks of these open timers, or let them go on, as what is open around each says."""
    for timer in timers:
        held = any(task.details["lane"] in timer.pauses for task in _tasks_around(timer))
        stopped = timer.details["stopped"]
        if held and timer.due is not None and timer.due > at:
            timer.due, timer.details["stopped"] = None, (at, timer.due)
        elif not held and stopped is not None:
            timer.due = _later(timer.details["clock"], *stopped, at)
            timer.details["stopped"] = None


def _tasks_around(timer: Open) -> Iterator[Open]:
    """In the scope as drawn. A compensation handler stands beside its activity: of an event subprocess that undoes what was done
    around it, the tasks of the handlers are not inside.
    """
    return (
        wait for wait in timer.scope.open() if wait.kind == "user" and f"{wait.address}/".startswith(timer.scope.path)
    )


def _later(unit: str, since: datetime, due: datetime, at: datetime) -> datetime:
    """When it is due if it goes on at `at` with what was left."""
    if unit == "plain":
        return at + (due - since)
    wanted = worked(at) + worked(due) - worked(since)
    day = at.astimezone(SHANGHAI).date()
    while worked(_midnight(day + timedelta(days=1))) <= wanted:
        day += timedelta(days=1)
    start = max(at, _midnight(day))
    return (start + timedelta(seconds=wanted - worked(start))).astimezone(UTC)


def worked(moment: datetime) -> float:
    """Working seconds from the first day to this moment."""
    local = moment.astimezone(SHANGHAI)
    days = (local.date() - FIRST_DAY).days
    before = sum(_works(FIRST_DAY + timedelta(days=n)) for n in range(days))
    return before * DAY_S + _works(local.date()) * (local - _midnight(local.date())).total_seconds()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


def _works(day: date) -> bool:
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5
