"""The deployment check: clocks that stand still."""

from __future__ import annotations

import pytest

from engine.errors import InvalidDiagram
from tests.engine.checking import TOML, alone, in_folder
from tests.engine.diagrams import Diagram
from tests.engine.pausing import a_review

TWO_LANES = TOML.format(more="").replace('clerk = "flow.clerk"', 'reviewer = "flow.clerk"\napplicant = "flow.other"')


def about_pauses(problems: set[tuple[str, str]]) -> set[tuple[str, str]]:
    return {problem for problem in problems if "pauses" in problem[1] or problem[1] == "element.property"}


def test_a_clock_may_stand_still_for_a_lane_in_its_scope():
    assert about_pauses(in_folder(a_review(), TWO_LANES)) == set()
    assert about_pauses(in_folder(a_review("working_days(5)"), TWO_LANES)) == set()
    assert about_pauses(in_folder(a_review("limit"), TWO_LANES)) == set()


def test_a_lane_that_is_not_there_is_refused():
    d = a_review(pauses="applicant aplicant")

    assert ("late", "timer.pauses") in alone(d)
    with pytest.raises(InvalidDiagram, match=r"timer\.pauses"):
        d.compile()


@pytest.mark.parametrize("text", ["2026-12-01T00:00:00+08:00", '"2026-12-01T00:00:00+08:00"'])
def test_an_instant_has_no_clock_to_stop(text):
    d = a_review(text)

    assert ("late", "timer.pauses") in alone(d)
    with pytest.raises(InvalidDiagram, match=r"timer\.pauses"):
        d.compile()


@pytest.mark.parametrize(("text", "kind"), [("R/P1D", "timeCycle"), ("2026-12-01T00:00:00+08:00", "timeDate")])
def test_neither_has_a_cycle_or_a_date(text, kind):
    d = Diagram(lanes={"applicant": ["fill"]})
    d.start("begin")
    d.user("fill")
    d.boundary("late", "fill", d.timer(text, kind), interrupting=False, pauses_while="applicant")
    d.end("done")
    d.end("told")
    d.flow("begin", "fill", "done")
    d.flow("late", "told")

    assert ("late", "timer.pauses") in alone(d)
    with pytest.raises(InvalidDiagram, match=r"timer\.pauses"):
        d.compile()


def test_nor_what_is_no_timer_on_an_activity():
    d = Diagram(lanes={"applicant": ["fill"]})
    d.start("begin", d.timer("P1D"), pauses_while="applicant")
    d.user("fill")
    d.boundary("told", "fill", d.message("x"), pauses_while="applicant")
    d.catch("rest", d.timer("P1D"), pauses_while="applicant")
    d.end("done")
    d.flow("begin", "fill", "rest", "done")
    d.flow("told", "done")

    problems = alone(d)

    assert {("told", "timer.pauses"), ("rest", "timer.pauses"), ("begin", "element.property")} <= problems


def test_one_that_nobodys_task_ever_stops_is_warned_of():
    d = Diagram(lanes={"reviewer": ["review"], "applicant": ["amend"]})
    d.start("begin")
    inside = d.subprocess("Inside")
    inside.start("inner")
    inside.user("review", form="fill")
    inside.boundary("late", "review", d.timer("P2D"), pauses_while="applicant")
    inside.end("out")
    inside.flow("inner", "review", "out")
    inside.flow("late", "out")
    d.user("amend", form="fill")
    d.end("done", outcome="done")
    d.flow("begin", "Inside", "amend", "done")

    assert ("late", "timer.never_pauses") in in_folder(d, TWO_LANES)


def test_a_task_that_is_called_counts():
    d = Diagram(lanes={"reviewer": ["review"]})
    d.start("begin")
    d.call("ask", "amending")
    d.user("review", form="fill")
    d.end("done", outcome="done")
    d.flow("begin", "ask", "review", "done")
    handler = d.event_subprocess("expiring", "late", d.timer("P9D"), pauses_while="applicant")
    handler.end("expired", outcome="done")
    handler.flow("late", "expired")
    called = Diagram("amending", lanes={"applicant": ["amend"]})
    called.start("called_in")
    called.user("amend", form="fill")
    called.end("called_out")
    called.flow("called_in", "amend", "called_out")

    assert about_pauses(in_folder(d, TWO_LANES, amending_bpmn=called.xml())) == set()
