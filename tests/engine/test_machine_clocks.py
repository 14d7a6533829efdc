"""Clocks that stand still while the applicant has the ball: what is left then is left afterwards, in the timer's own unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import Conflict
from engine.hindsight.carry_over import Walk
from engine.hindsight.rerun import Candidate, rerun
from engine.inputs import (
    CaseMigrated,
    CaseResumed,
    CaseSuspended,
    Input,
    Started,
    TimerFired,
    VariableEdited,
    WorkItemCompleted,
)
from engine.language.calendar import add_working_days, add_working_time, is_working_day, working_time_between
from engine.machine import Machine, Process, replay
from engine.spiff.clocks import resumption
from engine.waits import Pause, TimerWait
from tests.engine.cases import MONDAY, PlayedCase
from tests.engine.diagrams import Diagram, many

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


def test_several_lanes_stop_it_and_it_goes_on_when_the_last_is_done():
    d = Diagram(lanes={"reviewer": ["review"], "applicant": ["amend"], "police": ["check"]})
    d.start("begin")
    d.parallel("split")
    for task in ("review", "amend", "check"):
        d.user(task)
        d.flow("split", task, "join")
    d.parallel("join")
    d.end("done")
    d.flow("begin", "split")
    d.flow("join", "done")
    handler = d.event_subprocess(
        "reminding", "late", d.timer("PT48H"), interrupting=False, pauses_while="applicant police"
    )
    handler.user("remind")
    handler.end("reminded")
    handler.flow("late", "remind", "reminded")

    case = PlayedCase(d.compile())
    case.completes("amend:1", 10 * HOUR)
    still = timer(case).pause
    case.completes("check:1", 20 * HOUR)

    assert still == Pause(MONDAY, case.at(48 * HOUR))
    assert timer(case).due == case.at(68 * HOUR)
    case.timer("late:1", 68 * HOUR)
    assert "reminding:1/remind:1" in case.waits


def test_what_is_open_outside_the_timers_scope_does_not_stop_it():
    d = Diagram(lanes={"applicant": ["amend"]})
    d.start("begin")
    d.parallel("split")
    d.user("amend")
    outer = d.subprocess("Outer")
    outer.start("outer_in")
    outer.user("review")
    outer.end("outer_out")
    outer.flow("outer_in", "review", "outer_out")
    outer.boundary("late", "review", d.timer("PT48H"), pauses_while="applicant")
    outer.flow("late", "outer_out")
    d.parallel("join")
    d.end("done")
    d.flow("begin", "split", "amend", "join", "done")
    d.flow("split", "Outer", "join")

    case = PlayedCase(d.compile())

    assert timer(case, "Outer:1/late:1").due == case.at(48 * HOUR)


def test_a_task_of_an_event_subprocess_stops_the_clock_on_an_activity_of_the_scope_it_belongs_to():
    d = Diagram(lanes={"applicant": ["amend"]})
    d.start("begin")
    d.user("review")
    d.boundary("late", "review", d.timer("PT1H"), pauses_while="applicant")
    d.end("done")
    d.flow("begin", "review", "done")
    d.flow("late", "done")
    changing = d.event_subprocess("changing", "changed", d.message("change"), interrupting=False)
    changing.user("amend")
    changing.end("amended")
    changing.flow("changed", "amend", "amended")
    case = PlayedCase(d.compile())

    case.message("changed:1", "change")

    assert timer(case).pause == Pause(MONDAY, MONDAY + timedelta(hours=1))


def test_of_two_instances_each_has_a_clock_of_its_own():
    d = Diagram(lanes={"applicant": ["amend"]})
    d.start("begin")
    each = d.subprocess("Each", many=many(times="2"))
    each.start("inner")
    each.parallel("split")
    each.user("amend")
    each.user("review")
    each.boundary("late", "review", d.timer("PT48H"), interrupting=False, pauses_while="applicant")
    each.parallel("join")
    each.end("out")
    each.end("told")
    each.flow("inner", "split", "amend", "join", "out")
    each.flow("split", "review", "join")
    each.flow("late", "told")
    d.end("done")
    d.flow("begin", "Each", "done")

    case = PlayedCase(d.compile())
    case.completes("Each:1@1/amend:1", 10 * HOUR)

    assert timer(case, "Each:1@1/late:1").due == case.at(58 * HOUR)
    assert timer(case, "Each:1@2/late:1").pause is not None


def test_a_task_of_a_called_flow_stops_the_callers_clock():
    called = Diagram("amending", lanes={"citizen": ["amend"]})
    called.start("called_in")
    called.user("amend")
    called.end("called_out")
    called.flow("called_in", "amend", "called_out")
    d = Diagram(lanes={"reviewer": ["review"]})
    d.start("begin")
    d.call("ask", "amending")
    d.user("review")
    d.end("done")
    d.flow("begin", "ask", "review", "done")
    handler = d.event_subprocess("expiring", "late", d.timer("PT48H"), pauses_while="citizen")
    handler.end("expired", outcome="late")
    handler.flow("late", "expired")

    case = PlayedCase(d.compile(None, called))
    stopped = timer(case).pause
    case.completes("ask:1/amend:1", 10 * HOUR)

    assert stopped == Pause(MONDAY, case.at(48 * HOUR))
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


# --- replayed on another version


def migrated(old: Process, new: Process, inputs: list[Input], at: datetime) -> Machine:
    walk = Walk({"old": old, "new": new}.__getitem__, "old")
    for seq, given in enumerate(inputs, 1):
        walk.apply(seq, given)
    walk.apply(len(inputs) + 1, CaseMigrated(at=at, by="op", from_definition="old", to_definition="new"))
    return walk.course.machine


def test_a_migration_keeps_a_deadline_that_went_on_and_one_that_stands_still():
    process, longer = a_review("working_days(5)").compile(), a_review("working_days(9)").compile()
    case = PlayedCase(process)
    sent_back(case, 3 * DAY)
    stopped = migrated(process, longer, case.journal, case.at(4 * DAY)).waits["late:1"]
    amended(case, 4 * DAY)
    went_on = migrated(process, longer, case.journal, case.at(5 * DAY)).waits["late:1"]

    assert stopped.pause == Pause(case.at(3 * DAY), case.at(7 * DAY))  # type: ignore[union-attr]
    assert went_on.due == case.at(8 * DAY)  # type: ignore[union-attr]


def test_a_version_whose_clock_stops_stops_it_at_the_migration_where_the_ball_lies_with_the_applicant():
    old, new = a_review(pauses="").compile(), a_review().compile()
    case = PlayedCase(old)
    sent_back(case, 10 * HOUR)

    machine = migrated(old, new, case.journal, case.at(20 * HOUR))

    assert machine.waits["late:1"].pause == Pause(case.at(10 * HOUR), case.at(48 * HOUR))  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["PT48H", "working_days(2)"])
def test_what_if_sees_who_would_not_have_been_late(text):
    old, new = a_review(text, pauses="").compile(), a_review(text).compile()
    case = PlayedCase(old)
    sent_back(case, 10 * HOUR)
    case.timer("late:1", 48 * HOUR)
    assert case.outcome == "late"
    candidate = Candidate(new, {}, frozenset(), frozenset(), {}, lambda wait, values: "")

    run = rerun(candidate, case.journal, frozenset(new.elements), case.at(99 * HOUR))

    assert list(run.machine.waits) == ["late:1", "Review:1/amend:1"] or sorted(run.machine.waits) == [
        "Review:1/amend:1",
        "late:1",
    ]
    assert not run.machine.is_ended


@pytest.mark.parametrize("text", ["PT48H", "working_days(2)"])
def test_what_if_does_not_take_an_instant_for_one_of_another_pause(text):
    """The recorded clock stood still until the amendment; the candidate's for the police, who are never asked."""
    lanes = {"reviewer": ["Review", "review"], "applicant": ["amend"], "police": []}
    old = a_review(text, lanes=lanes).compile()
    new = a_review(text, pauses="police", lanes=lanes).compile()
    case = PlayedCase(old)
    sent_back(case, 10 * HOUR)
    amended(case, 30 * HOUR)
    case.completes("Review:1/review:2", 60 * HOUR, more=False)
    assert case.outcome == "done"
    candidate = Candidate(new, {}, frozenset(), frozenset(), {}, lambda wait, values: "")

    run = rerun(candidate, case.journal, frozenset(new.elements), case.at(99 * HOUR))

    assert run.machine.outcome == "late"


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
