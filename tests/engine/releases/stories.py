"""Cases told by hand for the files of a release: what random paths do not have, or not together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from engine.inputs import (
    CaseMigrated,
    CaseResumed,
    CaseSuspended,
    ElementSkipped,
    IncidentRetried,
    Input,
    JobFailed,
    JobGivenUp,
    JobSucceeded,
    MessageReceived,
    SignatureRefused,
    Started,
    TimerFired,
    TokenMoved,
    VariableEdited,
    WorkItemCompleted,
    WorkItemReturned,
    WorkItemSigned,
)
from tests.engine.case_under_test import MONDAY
from tests.engine.diagrams import Diagram, many
from tests.engine.journeys import a_journey

Told = tuple[dict[str, list[Diagram]], list[Input]]  # versions: the diagram and those it calls


def at(minutes: int) -> Any:
    return MONDAY + timedelta(minutes=minutes)


def started(**variables: Any) -> Started:
    return Started(at=MONDAY, by="wx:1", variables=variables, settings={"days": 3})


def done(minutes: int, wait: str, **values: Any) -> WorkItemCompleted:
    return WorkItemCompleted(at=at(minutes), wait=wait, by="wx:1", values=values)


def review(fill: str = "fill", late: str = "late", limit: str = "PT1H") -> Diagram:
    """fill → read (a job) → check, an hour → done or expired; may be withdrawn at any time."""
    d = Diagram()
    d.start("begin")
    d.user(fill)
    d.service("read", result="reading")
    d.user("check", due="P1D")
    d.boundary(late, "check", d.timer(limit))
    d.end("done", outcome="done")
    d.end("expired", outcome="expired")
    d.flow("begin", fill, "read", "check", "done")
    d.flow(late, "expired")
    gone = d.event_subprocess("withdrawal", "withdrawing", d.message("withdraw"))
    gone.end("withdrawn", outcome="withdrawn")
    gone.flow("withdrawing", "withdrawn")
    return d


def a_called_flow() -> Told:
    """A call that fails at its input, is retried, edited inside, and gives back a variable."""
    called = Diagram("checking")
    called.start("checking_begin")
    called.user("ask")
    called.end("checked")
    called.flow("checking_begin", "ask", "checked")
    d = Diagram()
    d.start("begin")
    d.call("check", "checking", in_level="level + 1", out_verdict="verdict")
    d.user("see")
    d.end("done", outcome="done")
    d.flow("begin", "check", "see", "done")
    return {"only": [d, called]}, [
        started(level="high"),
        IncidentRetried(at=at(1), wait="check:1", by="op", variables={"level": 1}, reason="mended"),
        VariableEdited(at=at(2), by="op", values={"level": 5}, place="check:1/ask:1", reason="typed wrong"),
        done(3, "check:1/ask:1", verdict="good"),
        done(4, "see:1"),
    ]


def a_vote_in_parallel_and_one_after_the_other() -> Told:
    d = Diagram()
    d.start("begin")
    voters = many("voters", item="voter", output="votes", until='count(column(results, "vote"), "yes") * 2 > total')
    d.user("vote", many=voters)
    d.user("sign", many=many("voters", in_turn=True, item="signer", output="signed"))
    d.end("done", outcome="done")
    d.flow("begin", "vote", "sign", "done")
    return {"only": [d]}, [
        started(voters=[{"id": "li"}, {"id": "wang"}, {"id": "zhao"}]),
        done(1, "vote:1@wang", vote="yes", opinion="同意"),
        done(2, "vote:1@li", vote="yes"),
        done(3, "sign:1@li"),
        done(4, "sign:1@wang"),
        done(5, "sign:1@zhao"),
    ]


def an_inclusive_gateway_and_reminders() -> Told:
    """Two of three branches; a cycle timer reminds three times beside one of them."""
    d = Diagram()
    d.start("begin")
    d.inclusive("split")
    d.user("one")
    d.user("two")
    d.user("three")
    d.boundary("again", "one", d.timer("R3/PT10M", "timeCycle"), interrupting=False)
    d.end("reminded")
    d.inclusive("join")
    d.end("done", outcome="done")
    d.flow("begin", "split")
    d.flow("split", "one", when="n >= 1")
    d.flow("split", "two", when="n >= 2")
    d.flow("split", "three", when="n >= 3")
    for way in ("one", "two", "three"):
        d.flow(way, "join")
    d.flow("join", "done")
    d.flow("again", "reminded")
    return {"only": [d]}, [
        started(n=2),
        TimerFired(at=at(10), wait="again:1", noticed=at(10)),
        done(15, "two:1"),
        TimerFired(at=at(20), wait="again:2", noticed=at(25)),
        done(40, "one:1"),
    ]


def an_operator_at_work() -> Told:
    """Suspended and resumed, a job skipped, the token moved, the item returned, signed, refused and signed again."""
    sign = {"wait": "check:3", "values": {"opinion": "同意"}}
    return {"only": [review()]}, [
        started(),
        done(1, "fill:1", name="张三"),
        JobGivenUp(at=at(2), wait="read:1", reason="no worker"),
        IncidentRetried(at=at(3), wait="read:1", by="op"),
        CaseSuspended(at=at(4), by="op", reason="asked to"),
        VariableEdited(at=at(5), by="op", values={"name": "李四"}, reason="typed wrong"),
        CaseResumed(at=at(6), by="op", reason="go on"),
        ElementSkipped(at=at(7), wait="read:1", by="op", values={"reading": {"ok": True}}, reason="on paper"),
        WorkItemReturned(at=at(8), wait="check:1", by="r:1", to="fill", reason="again"),
        TokenMoved(at=at(9), wait="fill:2", by="op", to="check", reason="was right"),
        TokenMoved(at=at(10), wait="check:2", by="op", to="check", reason="anew"),
        WorkItemSigned(at=at(11), by="r:1", **sign),
        SignatureRefused(at=at(12), wait="check:3", by="r:2", reason="not yet"),
        WorkItemSigned(at=at(13), by="r:1", **sign),
        WorkItemCompleted(at=at(14), by="r:2", **sign),
    ]


def a_withdrawal() -> Told:
    return {"only": [review()]}, [
        started(),
        done(1, "fill:1"),
        JobFailed(at=at(2), wait="read:1", code="unreadable", message="blurred"),
        MessageReceived(at=at(3), wait="withdrawing:1", message="withdraw", by="wx:1"),
    ]


def a_case_that_moved_to_another_version_and_back() -> Told:
    """`fill` is `information` in the second version; the migration is taken back after the deadline was armed there."""
    there = {"from_definition": "first", "to_definition": "second", "elements": {"fill": "information"}}
    back = {"from_definition": "second", "to_definition": "first", "elements": {"information": "fill"}}
    return {"first": [review()], "second": [review("information")]}, [
        started(),
        done(1, "fill:1", name="张三"),
        CaseMigrated(at=at(2), by="op", **there, reason="new law"),
        JobSucceeded(at=at(3), wait="read:1", result={"name": "张三"}),
        CaseMigrated(at=at(4), by="op", **back, reverts=3, reason="too early"),
        CaseMigrated(at=at(5), by="op", **there, reason="now"),
        TimerFired(at=at(63), wait="late:1"),
    ]


def a_journey_that_is_given_back() -> Told:
    """Two bookings undone, the last one first; the second handler fails and is retried."""
    return {"only": [a_journey()]}, [
        started(),
        JobSucceeded(at=at(1), wait="book_hotel:1", result="Ritz"),
        JobSucceeded(at=at(2), wait="book_flight:1", result="CA 1"),
        done(3, "decide:1"),
        JobSucceeded(at=at(4), wait="free_flight:1", result=None),
        JobGivenUp(at=at(5), wait="free_hotel:1", reason="no worker"),
        IncidentRetried(at=at(6), wait="free_hotel:1", by="op"),
        JobSucceeded(at=at(7), wait="free_hotel:1", result=None),
    ]


def a_clock_that_stood_still() -> Told:
    """Five working days for the reviewer, which stand still while the applicant amends over a weekend."""
    d = Diagram(lanes={"reviewer": ["Review", "review"], "applicant": ["amend"]})
    d.start("begin")
    inside = d.subprocess("Review")
    inside.start("inner")
    inside.xor("again")
    inside.user("review")
    inside.xor("enough")
    inside.user("amend")
    inside.end("reviewed")
    inside.flow("inner", "again", "review", "enough")
    inside.flow("enough", "amend", "again", when='opinion == "more"')
    inside.flow("enough", "reviewed", default=True)
    d.boundary("late", "Review", d.timer("working_days(5)"), pauses_while="applicant")
    d.end("done", outcome="done")
    d.end("over", outcome="over")
    d.flow("begin", "Review", "done")
    d.flow("late", "over")
    week = 7 * 24 * 60
    return {"only": [d]}, [
        started(),
        done(60, "Review:1/review:1", opinion="more"),
        done(week, "Review:1/amend:1"),
        done(week + 60, "Review:1/review:2", opinion="more"),
        done(2 * week, "Review:1/amend:2"),
        TimerFired(at=at(3 * week), wait="late:1"),
    ]


def a_case_that_a_message_began() -> Told:
    d = Diagram()
    d.start("by_hand")
    d.start("asked", d.message("application"), result="asked_for")
    d.user("see")
    d.end("done", outcome="done")
    d.flow("by_hand", "see", "done")
    d.flow("asked", "see")
    begun = Started(at=MONDAY, by="hospital", start="asked", variables={"asked_for": {"beds": 3}}, settings={})
    return {"only": [d]}, [begun, done(1, "see:1")]


def a_deadline_that_a_migration_brought() -> Told:
    """By the working-day calendar, worked out when the case was moved."""
    there = CaseMigrated(at=at(3), by="op", from_definition="first", to_definition="second", reason="new law")
    return {"first": [review()], "second": [review(late="too_late", limit="working_days(3)")]}, [
        started(),
        done(1, "fill:1", name="张三"),
        JobSucceeded(at=at(2), wait="read:1", result={"name": "张三"}),
        there,
        TimerFired(at=at(7 * 24 * 60), wait="too_late:1"),
    ]


STORIES: dict[str, Callable[[], Told]] = {
    tell.__name__: tell
    for tell in (
        a_called_flow,
        a_vote_in_parallel_and_one_after_the_other,
        an_inclusive_gateway_and_reminders,
        an_operator_at_work,
        a_withdrawal,
        a_case_that_moved_to_another_version_and_back,
        a_journey_that_is_given_back,
        a_clock_that_stood_still,
        a_case_that_a_message_began,
        a_deadline_that_a_migration_brought,
    )
}
