"""Which open tasks stop which clock: lanes, scopes, event subprocesses, instances, called flows, and handlers that undo."""

from __future__ import annotations

from datetime import timedelta

from engine.waits import Pause
from tests.engine.case_under_test import MONDAY, PlayedCase
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


# --- handlers of a compensation


def test_a_clock_on_a_handler_stands_still_for_who_works_on_the_handler() -> None:
    d = Diagram(lanes={"hotel": ["cancel"]})
    d.start("begin")
    d.user("reserve")
    d.user("cancel")
    d.undone_by("reserve", "cancel")
    d.boundary("late", "cancel", d.timer("PT1H"), pauses_while="hotel")
    d.end("left")
    d.throw("undo", d.compensation())
    d.end("done")
    d.flow("late", "left")
    d.flow("begin", "reserve", "undo", "done")
    case = PlayedCase(d.compile())

    case.completes("reserve:1")

    assert set(case.waits) == {"cancel:1", "cancel:1/late:1"}
    assert case.wait("cancel:1/late:1").due is None
    assert case.wait("cancel:1/late:1").attached_to == "cancel:1"


def test_a_handler_outside_the_scope_that_called_for_it_stops_no_clock_in_there() -> None:
    """A handler stands beside its activity, as drawn, whoever calls for it."""
    d = Diagram(lanes={"hotel": ["cancel"]})
    d.start("begin")
    d.user("reserve")
    d.user("cancel")
    d.undone_by("reserve", "cancel")
    d.user("decide")
    d.end("done")
    d.flow("begin", "reserve", "decide", "done")
    ending = d.event_subprocess("ending", "asked", d.message("stop"))
    ending.throw("undo", d.compensation())
    ending.end("over")
    ending.flow("asked", "undo", "over")
    limit = ending.event_subprocess("limit", "late", d.timer("PT1H"), interrupting=False, pauses_while="hotel")
    limit.end("told")
    limit.flow("late", "told")
    case = PlayedCase(d.compile())
    case.completes("reserve:1")

    case.message("asked:1", "stop")

    assert set(case.waits) == {"cancel:1", "ending:1/late:1"}
    assert case.wait("ending:1/late:1").pause is None


def test_a_task_beside_a_subprocess_that_is_a_handler_stops_no_clock_in_there() -> None:
    d = Diagram(lanes={"hotel": ["look"]})
    d.start("begin")
    d.user("reserve")
    free = d.subprocess("free")
    free.start("open")
    free.user("ask")
    free.end("closed")
    free.flow("open", "ask", "closed")
    limit = free.event_subprocess("limit", "late", d.timer("PT1H"), interrupting=False, pauses_while="hotel")
    limit.end("told")
    limit.flow("late", "told")
    d.undone_by("reserve", "free")
    d.boundary("news", "free", d.message("news"), interrupting=False)
    d.user("look")
    d.end("looked")
    d.flow("news", "look", "looked")
    d.throw("undo", d.compensation())
    d.end("done")
    d.flow("begin", "reserve", "undo", "done")
    case = PlayedCase(d.compile())
    case.completes("reserve:1")

    case.message("free:1/news:1", "news")

    assert {"free:1/look:1", "free:1/ask:1"} < set(case.waits)
    assert case.wait("free:1/late:1").pause is None
