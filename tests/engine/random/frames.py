"""The variables an element of the reference sees (see `reference.py`)."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import datetime
from typing import Any

from engine.language.calendar import add_working_days
from tests.engine.random.blocks import Condition, Given, TimerText
from tests.engine.random.moments import moment_of


class Frame:
    """The variables a process sees: the case's, a called process's own, or an instance's before those around it."""

    def __init__(
        self, variables: MutableMapping[str, Any], settings: dict[str, Any], outer: Frame | None = None
    ) -> None:
        self.variables, self.settings, self.outer = variables, settings, outer

    def seen(self) -> dict[str, Any]:
        return {**(self.outer.seen() if self.outer else {}), **self.variables}

    def of(self, given: Given) -> dict[str, Any]:
        """Raises ValueError for a condition that cannot be evaluated."""
        return {n: self.holds(of) if isinstance(of, Condition) else self.value(of) for n, of in given}

    def value(self, name: str) -> Any:
        """`a.b` is key b of a; None where either is missing."""
        variable, _, key = name.partition(".")
        whole = self.settings if variable == "settings" else self.seen().get(variable)
        return whole.get(key) if key and isinstance(whole, dict) else None if key else whole

    def holds(self, condition: Condition) -> bool:
        value = self.value(condition.variable)
        return {
            "is": lambda: value == condition.constant,
            "is not": lambda: value != condition.constant,
            "truthy": lambda: bool(value),
            "falsy": lambda: not value,
            "less": lambda: is_less(value, condition.constant),
        }[condition.operator]()

    def due(self, text: TimerText, at: datetime) -> datetime:
        """Raises ValueError for a variable that holds no moment."""
        if text.kind == "working_days":
            return add_working_days(at, int(text.text)).at
        moment = self.value(text.text) if text.kind == "variable" else text.text
        if not isinstance(moment, str):
            raise ValueError("no moment")
        return moment_of(moment, at)


def is_less(value: Any, limit: int) -> bool:
    if value is None:
        return False
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("not a number")
    return value < limit
