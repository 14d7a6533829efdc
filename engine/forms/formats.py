"""The formats a form may name. Each says whether a text fits; what is not a text is the type's business, not the format's."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOBILE = re.compile(r"1[3-9]\d{9}")  # mainland mobile numbers
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]{1,63}(?:\.[^@\s.]{1,63}){1,4}")


def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return _DATE.fullmatch(value) is not None and date.fromisoformat(value) is not None
    except ValueError:
        return False


def _is_instant(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _fits(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or pattern.fullmatch(value) is not None


FORMATS: dict[str, Callable[[object], bool]] = {
    "date": _is_date,
    "date-time": _is_instant,
    "email": _fits(_EMAIL),
    "mobile": _fits(_MOBILE),
}
