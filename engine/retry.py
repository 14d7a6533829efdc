"""How often a thing that failed for a technical reason is tried again, and after what wait."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackOff:
    """A wait that doubles with every failure, up to the longest."""

    first_s: float
    longest_s: float

    def wait_s(self, failures: int) -> float:
        """failures: before the one that has just happened."""
        return min(self.first_s * 2.0 ** min(failures, 30), self.longest_s)


@dataclass(frozen=True, slots=True)
class Retry:
    """attempts: how many there are, the first included. back_off: the waits between them."""

    attempts: int = 5
    back_off: BackOff = BackOff(first_s=5.0, longest_s=1800.0)

    def is_used_up(self, attempt: int) -> bool:
        """Whether this attempt, 1 for the first, was the last."""
        return attempt >= self.attempts

    def wait_s(self, attempt: int, asked_s: float | None = None) -> float:
        """Seconds from the failure of this attempt to the next. asked_s: what the task itself asked for."""
        if asked_s is None:
            return self.back_off.wait_s(attempt - 1)
        return min(asked_s, self.back_off.longest_s)
