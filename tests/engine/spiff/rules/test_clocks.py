"""Clocks that stand still while the applicant has the ball: what is left then is left afterwards, in the timer's own unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import Conflict
from engine.inputs import CaseResumed, CaseSuspended, Started, TimerFired, VariableEdited, WorkItemCompleted
from engine.language.calendar import add_working_days, add_working_time, is_working_day, working_time_between
from engine.machine import replay
from engine.spiff.rules.clocks import resumption
from engine.waits import Pause
from tests.engine.case_under_test import MONDAY, PlayedCase
from tests.engine.diagrams import Diagram
from tests.engine.pausing import DAY, HOUR, a_review, amended, sent_back, timer


def test_the_clock_stands_still_while_the_applicant_amends():
    case = PlayedCase(a_review().compile())
    assert (timer(case).due, timer(case).clock) == (case.at(48 * HOUR), "plain")

    sent_back(case, 10 * HOUR)

    assert timer(case).due is None
    assert timer(case).pause == Pause(case.at(10 * HOUR), case.at(48 * HOUR))


def test_it_goes_on_with_what_was_left():
    case = PlayedCase(a_review().compile())
    sent_back(case, 10 * HOUR)

    amended(case, 100 * HOUR)

    assert (timer(case).due, timer(case).pause) == (case.at(138 * HOUR), None)


def test_each_time_again():
    case = PlayedCase(a_review().compile())
    sent_back(case, 10 * HOUR)
    amended(case, 20 * HOUR)
    sent_back(case, 40 * HOUR, 2)

    amended(case, 41 * HOUR, 2)

    assert timer(case).due == case.at(59 * HOUR)


def test_a_stopped_timer_is_not_due_however_late_it_is():
    case = PlayedCase(a_review().compile())
    sent_back(case, 10 * HOUR)

    assert case.machine.due_before(case.at(999 * HOUR)) == []
    with pytest.raises(Conflict, match=r"timer\.not_due"):
        case.timer("late:1", 999 * HOUR)


def test_one_that_is_due_already_does_not_stop_any_more():
    case = PlayedCase(a_review().compile())

    sent_back(case, 48 * HOUR)
    case.timer("late:1", 48 * HOUR)

    assert case.outcome == "late"


def test_working_days_go_on_by_the_calendar():
    case = PlayedCase(a_review("working_days(5)").compile())  # a Monday, 9 o'clock
    assert timer(case).due == case.at(7 * DAY)

    sent_back(case, 3 * DAY)  # Thursday 9 o'clock: two working days are left
    amended(case, 6 * DAY + 3 * HOUR)  # the next one is Monday: Sunday noon counts from its first minute

    assert timer(case).due == datetime(2026, 1, 13, 16, tzinfo=UTC)  # Wednesday 0:00 in Shanghai


def test_an_instant_worked_out_from_the_calendar_is_journalled_when_the_clock_goes_on():
    case = PlayedCase(a_review("working_days(5)").compile())
    sent_back(case, 3 * DAY)
    assert case.applied.computed == {}
    amended(case, 4 * DAY)

    key = resumption("late:1", case.at(3 * DAY), case.at(4 * DAY))
    assert dict(case.applied.computed) == {key: case.at(8 * DAY)}


def test_replay_takes_that_instant_and_computes_none_again():
    process = a_review("working_days(5)").compile()
    case = PlayedCase(process)
    sent_back(case, 3 * DAY)
    amended(case, 4 * DAY)
    journalled = {resumption("late:1", case.at(3 * DAY), case.at(4 * DAY)): case.at(99 * DAY)}
    journal = [
        *case.journal[:-1],
        WorkItemCompleted(at=case.at(4 * DAY), wait="Review:1/amend:1", by="x", computed=journalled),
    ]

    again = replay(process, journal)

    assert again.waits["late:1"].due == case.at(99 * DAY)  # type: ignore[union-attr]


def test_a_clock_that_would_stop_at_once_begins_with_all_it_has():
    d = Diagram(lanes={"applicant": ["amend"]})
    d.start("begin")
    inside = d.subprocess("Review")
    inside.start("inner")
    inside.user("amend")
    inside.user("review")
    inside.end("reviewed")
    inside.flow("inner", "amend", "review", "reviewed")
    d.boundary("late", "Review", d.timer("PT48H"), pauses_while="applicant")
    d.end("done")
    d.flow("begin", "Review", "done")
    d.flow("late", "done")

    case = PlayedCase(d.compile())
    assert timer(case).pause == Pause(MONDAY, case.at(48 * HOUR))
    case.completes("Review:1/amend:1", 10 * HOUR)

    assert timer(case).due == case.at(58 * HOUR)


def test_while_the_case_is_suspended_the_clock_runs_and_what_came_due_does_not_stop():
    case = PlayedCase(a_review().compile())
    case.apply(CaseSuspended(at=case.at(10 * HOUR), by="op"))
    case.apply(CaseResumed(at=case.at(50 * HOUR), by="op"))
    assert [due.address for due in case.machine.due_before(case.at(50 * HOUR))] == ["late:1"]

    sent_back(case, 51 * HOUR)  # whoever holds the journal fires the timer first; even if not, it does not stop

    assert timer(case).due == case.at(48 * HOUR)


def test_a_clock_that_stands_still_in_a_suspended_case_still_does_when_the_case_goes_on():
    case = PlayedCase(a_review().compile())
    sent_back(case, 10 * HOUR)

    case.apply(CaseSuspended(at=case.at(11 * HOUR), by="op"))
    case.apply(VariableEdited(at=case.at(12 * HOUR), by="op", values={"x": 1}))
    case.apply(CaseResumed(at=case.at(90 * HOUR), by="op"))

    assert timer(case).pause == Pause(case.at(10 * HOUR), case.at(48 * HOUR))


def test_an_expression_may_say_how_long_but_not_until_when():
    process = a_review("settings.limit").compile()

    assert timer(PlayedCase(process, limit="working_days(5)")).clock == "working"
    assert timer(PlayedCase(process, limit="P2D")).clock == "plain"
    stuck = PlayedCase(process, limit="2026-01-20T00:00:00+08:00")
    assert stuck.wait("late:1").code == "expression.failed"  # type: ignore[union-attr]


def test_a_retried_timer_stops_like_any_other():
    case = PlayedCase(a_review("limit").compile())
    sent_back(case, 10 * HOUR)

    case.retried("late:1", limit="PT48H")

    assert timer(case).pause == Pause(case.at(10 * HOUR), case.at(58 * HOUR))


# --- the calendar


def test_working_time_is_added_as_it_is_counted():
    moments = [datetime(2026, 2, 10, tzinfo=UTC) + timedelta(hours=5 * n, minutes=7 * n) for n in range(120)]
    amounts = [timedelta(hours=h) for h in (0, 1, 13, 24, 30, 72, 240)]

    for at in moments:
        for amount in amounts:
            due = add_working_time(at, amount).at
            assert working_time_between(at, due) == amount
            assert is_working_day((due + timedelta(hours=8)).date())[0]
        assert add_working_time(at, timedelta(days=3)).at == add_working_days(at, 3).at


def test_a_start_is_a_start_and_a_fired_timer_is_no_clock():
    process = a_review().compile()
    started = Started(at=MONDAY, by="x")
    late = TimerFired(at=MONDAY + timedelta(hours=48), wait="late:1")

    assert replay(process, [started, late]).outcome == "late"
