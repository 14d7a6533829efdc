"""Inclusive gateways: every way that holds is taken, and the join waits for whoever can still come."""

from __future__ import annotations

import pytest

from engine.inputs import ElementSkipped
from tests.engine.case_under_test import MONDAY, PlayedCase
from tests.engine.diagrams import Diagram


def choosing() -> Diagram:
    """begin → split( a when x | b when y | c by default ) → join → done"""
    d = Diagram()
    d.start("begin")
    d.inclusive("split")
    for element in ("a", "b", "c"):
        d.user(element)
    d.inclusive("join")
    d.end("done", outcome="done")
    d.flow("begin", "split")
    d.flow("split", "a", "join", when="x")
    d.flow("split", "b", "join", when="y")
    d.flow("split", "c", "join", default=True)
    d.flow("join", "done")
    return d


@pytest.mark.parametrize(
    ("variables", "chosen"),
    [({"x": 1, "y": 1}, ["a:1", "b:1"]), ({"y": 1}, ["b:1"]), ({}, ["c:1"])],
)
def test_every_way_that_holds_is_taken_and_the_join_waits_for_all_of_them(variables, chosen) -> None:
    case = PlayedCase(choosing().compile(), variables)
    assert case.waits == chosen

    for wait in chosen:
        assert not case.machine.is_ended
        case.completes(wait)

    assert case.outcome == "done"


def test_no_way_out_of_an_inclusive_gateway_is_an_incident() -> None:
    d = Diagram()
    d.start("begin")
    d.inclusive("split")
    d.end("done")
    d.end("other")
    d.flow("begin", "split")
    d.flow("split", "done", when="x")
    d.flow("split", "other", when="y")
    case = PlayedCase(d.compile())
    assert case.wait("split:1").code == "gateway.no_way_out"

    case.retried("split:1", y=True)

    assert case.machine.is_ended


def test_a_join_waits_for_a_token_in_a_loop_that_can_still_come() -> None:
    d = Diagram()
    d.start("begin")
    d.inclusive("split")
    for element in ("a", "b", "fix"):
        d.user(element)
    d.xor("ok")
    d.inclusive("join")
    d.end("done", outcome="done")
    d.flow("begin", "split")
    d.flow("split", "a", "join", when="True")
    d.flow("split", "b", "ok", when="True")
    d.flow("ok", "fix", when="again")
    d.flow("fix", "b")
    d.flow("ok", "join", default=True)
    d.flow("join", "done")
    case = PlayedCase(d.compile())
    case.completes("b:1", again=True)
    case.completes("a:1")
    assert case.waits == ["fix:1"]

    case.completes("fix:1")
    case.completes("b:2", again=False)

    assert case.outcome == "done"


def test_a_way_out_by_a_boundary_event_releases_the_join() -> None:
    d = choosing()
    d.boundary("late", "b", d.timer("PT1H"))
    d.end("expired")
    d.flow("late", "expired")
    case = PlayedCase(d.compile(), {"x": 1, "y": 1})
    case.completes("a:1")
    assert case.waits == ["b:1", "late:1"]

    case.timer("late:1", minutes=60)

    assert case.outcome == "done"


def test_a_join_that_nothing_will_come_to_is_an_incident_and_can_be_skipped() -> None:
    d = Diagram()
    d.start("begin")
    d.xor("one")
    d.user("a")
    d.user("b")
    d.parallel("join")
    d.end("done", outcome="done")
    d.flow("begin", "one")
    d.flow("one", "a", "join", when="True")
    d.flow("one", "b", "join", default=True)
    d.flow("join", "done")
    case = PlayedCase(d.compile())

    case.completes("a:1")

    assert case.wait("join:1").code == "join.stuck"
    case.retried("join:1")
    assert case.wait("join:1").code == "join.stuck"
    case.apply(ElementSkipped(at=MONDAY, by="op", wait="join:1"))
    assert case.outcome == "done"


def test_an_inclusive_join_waits_for_who_may_still_come_by_a_boundary_event() -> None:
    d = Diagram()
    d.start("begin")
    d.inclusive("split")
    d.user("a")
    d.boundary("late", "a", d.timer("PT1H"))
    d.end("over")
    d.user("c")
    d.inclusive("join")
    d.user("after")
    d.end("done")
    d.flow("begin", "split")
    d.flow("split", "a", "over", when="x")
    d.flow("split", "c", "join", when="x")
    d.flow("late", "join")
    d.flow("join", "after", "done")
    case = PlayedCase(d.compile(), {"x": True})

    case.completes("c:1")

    assert sorted(case.waits) == ["a:1", "late:1"]
    case.completes("a:1")
    assert case.waits == ["after:1"]
