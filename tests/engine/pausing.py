"""A review with a clock that stands still while the applicant amends; its steps, and the timer that waits."""

from __future__ import annotations

from engine.waits import TimerWait
from tests.engine.case_under_test import PlayedCase
from tests.engine.diagrams import Diagram

HOUR, DAY = 60, 24 * 60  # minutes


def a_review(text: str = "PT48H", *, pauses: str = "applicant", lanes: dict[str, list[str]] | None = None) -> Diagram:
    """Review[ review → amend → review … ] → done; the timer on Review leads to late. review.more: amend is asked for."""
    d = Diagram(lanes=lanes or {"reviewer": ["Review", "review"], "applicant": ["amend"]})
    d.start("begin")
    review = d.subprocess("Review")
    review.start("inner")
    review.xor("again")
    review.user("review")
    review.xor("enough")
    review.user("amend")
    review.end("reviewed")
    review.flow("inner", "again", "review", "enough")
    review.flow("enough", "amend", "again", when="more")
    review.flow("enough", "reviewed", default=True)
    d.boundary("late", "Review", d.timer(text), **({"pauses_while": pauses} if pauses else {}))
    d.end("done", outcome="done")
    d.end("over", outcome="late")
    d.flow("begin", "Review", "done")
    d.flow("late", "over")
    return d


def timer(case: PlayedCase, address: str = "late:1") -> TimerWait:
    wait = case.wait(address)
    assert isinstance(wait, TimerWait)
    return wait


def sent_back(case: PlayedCase, minutes: int, number: int = 1) -> None:
    case.completes(f"Review:1/review:{number}", minutes, more=True)


def amended(case: PlayedCase, minutes: int, number: int = 1) -> None:
    case.completes(f"Review:1/amend:{number}", minutes, more=False)
