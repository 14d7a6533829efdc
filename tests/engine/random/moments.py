"""Moments as the reference reads them: the few shapes of ISO 8601 the generator writes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_DURATION = re.compile(r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?)?")


def moment_of(text: str, at: datetime) -> datetime:
    """A duration counts from `at`; an instant is itself. ValueError for anything else."""
    found = _DURATION.fullmatch(text)
    if found:
        return at + timedelta(**{unit: int(number) for unit, number in found.groupdict(default="0").items()})
    return datetime.fromisoformat(text)
