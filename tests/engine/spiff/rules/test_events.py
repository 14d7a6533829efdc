"""Timers, messages and errors: boundary events, intermediate events, event-based gateways."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.errors import Conflict
from engine.inputs import MessageReceived, Started, TimerFired, WorkItemCompleted
from engine.machine import Machine
from engine.waits import IncidentWait, JobWait, MessageWait, TimerWait
from tests.engine.case_under_test import MONDAY, PlayedCase
from tests.engine.diagrams import Diagram

HOUR = 60


def test_an_interrupting_timer_takes_the_task_away() -> None:
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.boundary("idle", "fill", d.timer("P30D"))
    d.end("filled", outcome="filled")
    d.end("expired", outcome="expired")
    d.flow("begin", "fill", "filled")
    d.flow("idle", "expired")
    case = PlayedCase(d.compile())
    wait = case.wait("idle:1")

    case.timer("idle:1", 30 * 24 * HOUR)

    assert wait == TimerWait(address="idle:1", element="idle", due=MONDAY + timedelta(days=30), attached_to="fill:1")
    assert case.outcome == "expired"
    assert "fill:1 cancelled" in case.history()


def test_a_task_done_in_time_takes_its_timer_away() -> None:
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.boundary("idle", "fill", d.timer("P30D"))
    d.user("next")
    d.end("filled")
    d.end("expired")
    d.flow("begin", "fill", "next", "filled")
    d.flow("idle", "expired")
    case = PlayedCase(d.compile())

    case.completes("fill:1")

    assert case.waits == ["next:1"]
    with pytest.raises(Conflict, match=r"wait\.gone"):
        case.timer("idle:1", 30 * 24 * HOUR)


def test_a_timer_before_its_time_is_refused() -> None:
    d = Diagram()
    d.start("begin")
    d.catch("pause", d.timer("PT1H"))
    d.end("done")
    d.flow("begin", "pause", "done")
    case = PlayedCase(d.compile())

    with pytest.raises(Conflict, match=r"timer\.not_due"):
        case.timer("pause:1", 59)
    case.timer("pause:1", 60)

    assert case.machine.is_ended


def test_a_reminder_leaves_the_task_alone_and_fires_once() -> None:
    d = Diagram()
    d.start("begin")
    d.user("review")
    d.boundary("remind", "review", d.timer("PT1H"), interrupting=False)
    d.service("tell")
    d.end("done")
    d.end("told")
    d.flow("begin", "review", "done")
    d.flow("remind", "tell", "told")
    case = PlayedCase(d.compile())

    case.timer("remind:1", HOUR)
    assert case.waits == ["review:1", "tell:1"]
    case.completes("review:1")
    assert not case.machine.is_ended
    case.job("tell:1")

    assert case.machine.is_ended


def test_a_non_interrupting_message_comes_as_often_as_it_likes() -> None:
    d = Diagram()
    d.start("begin")
    d.user("review")
    d.boundary("note", "review", d.message("note"), interrupting=False, result="last")
    d.end("done")
    d.end("noted")
    d.flow("begin", "review", "done")
    d.flow("note", "noted")
    case = PlayedCase(d.compile())
    size = len(case.machine.dump())

    for n in range(1, 6):
        case.message(f"note:{n}", "note", text=n)

    assert case.waits == ["review:1", "note:6"]
    assert case.variables == {"last": {"text": 5}}
    assert len(case.machine.dump()) - size < 40


def a_race() -> Diagram:
    d = Diagram()
    d.start("begin")
    d.race("either")
    d.catch("answer", d.message("answer"), correlation="number", result="said")
    d.catch("late", d.timer("PT1H"))
    d.end("answered", outcome="answered")
    d.end("unanswered", outcome="unanswered")
    d.flow("begin", "either", "answer", "answered")
    d.flow("either", "late", "unanswered")
    return d


def test_of_two_events_after_a_gateway_the_first_wins() -> None:
    case = PlayedCase(a_race().compile(), {"number": 7})
    wait = case.wait("answer:1")

    case.message("answer:1", "answer", yes=True)

    assert wait == MessageWait(address="answer:1", element="answer", message="answer", correlation="7")
    assert case.outcome == "answered"
    assert case.variables["said"] == {"yes": True}
    assert "late:1 cancelled" in case.history()


def test_the_timer_of_a_race_takes_the_message_away() -> None:
    case = PlayedCase(a_race().compile())

    case.timer("late:1", HOUR)

    assert case.outcome == "unanswered"


def test_a_message_of_another_name_is_refused() -> None:
    case = PlayedCase(a_race().compile())

    with pytest.raises(Conflict, match=r"wait\.other_kind"):
        case.machine.apply(MessageReceived(at=case.at(1), wait="answer:1", message="other"))

    assert case.waits == ["answer:1", "late:1"]


def test_a_failing_timer_is_an_incident_and_its_task_goes_on() -> None:
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.boundary("idle", "fill", d.timer("patience"))
    d.end("filled")
    d.end("expired")
    d.flow("begin", "fill", "filled")
    d.flow("idle", "expired")
    case = PlayedCase(d.compile(), {"patience": 3})
    wait = case.wait("idle:1")

    case.retried("idle:1", patience="PT10M")

    assert isinstance(wait, IncidentWait)
    assert wait.code == "expression.failed"
    assert case.waits == ["fill:1", "idle:1"]
    assert case.wait("idle:1") == TimerWait(
        address="idle:1", element="idle", due=MONDAY + timedelta(minutes=10), attached_to="fill:1"
    )


def test_a_working_day_deadline_is_handed_out_and_replay_takes_the_recorded_one() -> None:
    d = Diagram()
    d.start("begin")
    d.user("review", due="working_days(1)")
    d.end("done")
    d.flow("begin", "review", "done")
    process = d.compile()

    machine, applied = Machine.start(process, Started(at=MONDAY, by="x"))
    moved = {"review:1": MONDAY + timedelta(days=9)}  # the calendar was another one when this was recorded
    again, reapplied = Machine.start(process, Started(at=MONDAY, by="x", computed=moved))

    assert applied.computed == {"review:1": MONDAY + timedelta(days=1)}
    assert machine.waits["review:1"].due == MONDAY + timedelta(days=1)  # type: ignore[union-attr]
    assert reapplied.computed == moved
    assert again.waits["review:1"].due == MONDAY + timedelta(days=9)  # type: ignore[union-attr]


def test_due_timers_come_in_due_order_and_equal_ones_by_address() -> None:
    d = Diagram()
    d.start("begin")
    d.parallel("fork")
    for name, text in (("b", "PT2H"), ("a", "PT2H"), ("c", "PT1H"), ("d", "PT3H")):
        d.catch(name, d.timer(text))
        d.end(f"end_{name}")
        d.flow("fork", name, f"end_{name}")
    d.flow("begin", "fork")
    case = PlayedCase(d.compile())

    due = case.machine.due_before(case.at(2 * HOUR))

    assert [wait.address for wait in due] == ["c:1", "a:1", "b:1"]


def a_job(*codes: str) -> Diagram:
    d = Diagram()
    d.start("begin")
    d.service("read")
    d.user("go_on")
    d.end("done")
    d.flow("begin", "read", "go_on", "done")
    for code in codes:
        name = f"caught_{code or 'all'}"
        d.boundary(name, "read", d.error(code), result="why")
        d.user(f"after_{name}")
        d.end(f"end_{name}")
        d.flow(name, f"after_{name}", f"end_{name}")
    return d


def test_a_business_error_takes_the_boundary_event_with_its_code() -> None:
    case = PlayedCase(a_job("", "face.none", "face.several").compile())

    case.job_fails("read:1", "face.several", "two faces")

    assert case.waits == ["after_caught_face.several:1"]
    assert case.variables == {"why": {"code": "face.several", "message": "two faces"}}
    assert case.history()[:2] == ["read:1 failed", "caught_face.several:1 entered"]


def test_an_error_event_without_a_code_catches_the_rest() -> None:
    case = PlayedCase(a_job("face.none", "").compile())

    case.job_fails("read:1", "face.several")

    assert case.waits == ["after_caught_all:1"]


def test_two_parallel_jobs_with_one_code_fail_one_by_one() -> None:
    d = Diagram()
    d.start("begin")
    d.parallel("fork")
    d.flow("begin", "fork")
    for side in ("left", "right"):
        d.service(side)
        d.boundary(f"{side}_failed", side, d.error("bad"))
        d.user(f"{side}_again")
        d.end(f"{side}_end")
        d.end(f"{side}_done")
        d.flow("fork", side, f"{side}_done")
        d.flow(f"{side}_failed", f"{side}_again", f"{side}_end")
    case = PlayedCase(d.compile())

    case.job_fails("left:1", "bad")

    assert case.waits == ["right:1", "left_again:1"]


def test_an_error_nobody_catches_is_an_incident_of_its_task() -> None:
    case = PlayedCase(a_job("other").compile())
    case.job_fails("read:1", "bad", "no good")
    wait = case.wait("read:1")

    case.retried("read:1")
    case.job("read:1")

    assert wait == IncidentWait(address="read:1", element="read", code="error.not_caught", message="bad: no good")
    assert case.waits == ["go_on:1"]


def test_an_error_end_nobody_catches_is_an_incident() -> None:
    d = Diagram()
    d.start("begin")
    d.error_end("broken", "bad")
    d.flow("begin", "broken")

    case = PlayedCase(d.compile())

    wait = case.wait("broken:1")
    assert isinstance(wait, IncidentWait)
    assert wait.code == "error.not_caught"


def test_a_decision_at_the_deadline_is_refused_after_the_timer() -> None:
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.boundary("idle", "fill", d.timer("PT1H"))
    d.user("late")
    d.end("done")
    d.flow("begin", "fill", "done")
    d.flow("idle", "late", "done")
    case = PlayedCase(d.compile())
    case.apply(TimerFired(at=case.at(HOUR), wait="idle:1"))

    with pytest.raises(Conflict, match=r"wait\.gone"):
        case.machine.apply(WorkItemCompleted(at=case.at(HOUR), wait="fill:1", by="x"))

    assert case.waits == ["late:1"]


def test_a_job_result_after_its_boundary_fired_is_refused() -> None:
    d = a_job()
    d.boundary("slow", "read", d.timer("PT1H"))
    d.service("other")
    d.flow("slow", "other", "done")
    case = PlayedCase(d.compile())
    case.timer("slow:1", HOUR)

    with pytest.raises(Conflict, match=r"wait\.gone"):
        case.job("read:1", 1)

    assert isinstance(case.wait("other:1"), JobWait)
