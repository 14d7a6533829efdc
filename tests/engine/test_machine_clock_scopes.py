"""Which open tasks stop which clock: lanes, scopes, event subprocesses, instances and called flows."""

from __future__ import annotations

from datetime import timedelta

from engine.waits import Pause
from tests.engine.cases import MONDAY, PlayedCase
from tests.engine.diagrams import Diagram, many
from tests.engine.pausing import HOUR, timer


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
