"""Exclusive and parallel gateways: the way taken, the branches joined, loops, and the outcome reached."""

from __future__ import annotations

import pytest

from engine.waits import IncidentWait
from tests.engine.case_under_test import PlayedCase
from tests.engine.diagrams import Diagram, decision_table


def a_choice() -> Diagram:
    d = Diagram()
    d.start("begin")
    d.xor("choose")
    d.user("pass_")
    d.user("review")
    d.end("done")
    d.flow("begin", "choose")
    d.flow("choose", "pass_", "done", when="score >= 0.8")
    return d


@pytest.mark.parametrize(("score", "expected"), [(0.9, "pass_:1"), (0.1, "review:1"), (None, "review:1")])
def test_a_condition_chooses_and_the_default_takes_the_rest(score: float | None, expected: str) -> None:
    d = a_choice()
    d.flow("choose", "review", "done", default=True)

    case = PlayedCase(d.compile(), {"score": score})

    assert case.waits == [expected]


def test_the_first_true_condition_in_the_file_wins() -> None:
    d = a_choice()
    d.flow("choose", "review", "done", when="True")

    case = PlayedCase(d.compile(), {"score": 1})

    assert case.waits == ["pass_:1"]


def test_no_way_out_of_a_gateway_is_an_incident_until_retried() -> None:
    d = a_choice()
    d.flow("choose", "review", "done", when="score == 0")
    case = PlayedCase(d.compile(), {"score": 0.5})
    wait = case.wait("choose:1")

    case.retried("choose:1", score=0)

    assert isinstance(wait, IncidentWait)
    assert wait.code == "gateway.no_way_out"
    assert case.waits == ["review:1"]
    assert case.history() == ["choose:1 completed", "review:1 entered"]


def test_a_failing_condition_is_an_incident_that_names_no_value() -> None:
    d = a_choice()
    d.flow("choose", "review", "done", default=True)

    case = PlayedCase(d.compile(), {"score": "110105194912310021"})

    wait = case.wait("choose:1")
    assert isinstance(wait, IncidentWait)
    assert wait.code == "expression.failed"
    assert "110105194912310021" not in wait.message


def parallel_review() -> Diagram:
    """Two reviewers, then a decision; corrected again while `again`."""
    d = Diagram()
    d.start("begin")
    d.xor("enter")
    d.parallel("fork")
    d.user("review_a")
    d.user("review_b")
    d.parallel("join")
    d.user("decide")
    d.xor("well")
    d.end("done", outcome="decided")
    d.flow("begin", "enter", "fork", "review_a", "join", "decide", "well")
    d.flow("fork", "review_b", "join")
    d.flow("well", "enter", when="again")
    d.flow("well", "done", default=True)
    return d


def test_branches_write_one_store_and_neither_loses_the_others_values() -> None:
    case = PlayedCase(parallel_review().compile(), {"a": 0, "b": 0})

    case.completes("review_a:1", a=1)
    case.completes("review_b:1", b=2)

    assert case.waits == ["decide:1"]
    assert case.variables == {"a": 1, "b": 2}


def test_a_join_in_a_loop_wants_both_reviews_of_every_pass() -> None:
    case = PlayedCase(parallel_review().compile())
    case.completes("review_a:1")
    case.completes("review_b:1")
    case.completes("decide:1", again=True)

    case.completes("review_b:2")

    assert case.waits == ["review_a:2"]


def test_a_hundred_passes_through_a_join_cost_what_one_costs() -> None:
    case = PlayedCase(parallel_review().compile())
    sizes = []
    for n in range(1, 101):
        case.completes(f"review_b:{n}" if n % 3 else f"review_a:{n}")
        case.completes(f"review_a:{n}" if n % 3 else f"review_b:{n}")
        case.completes(f"decide:{n}", again=True)
        sizes.append(len(case.machine.dump()))
        case.journal = case.journal[:1]  # replaying a hundred passes a hundred times is not the point here
        case._check = lambda: None  # type: ignore[method-assign]

    assert case.waits == ["review_a:101", "review_b:101"]
    assert max(sizes) - min(sizes) < 40  # longer numbers, nothing else


def test_four_reviews_of_two_passes_at_once_are_joined_two_by_two() -> None:
    d = Diagram()
    d.start("begin")
    d.parallel("twice")
    d.xor("one")
    d.parallel("fork")
    d.user("left")
    d.user("right")
    d.parallel("join")
    d.user("after")
    d.end("done")
    d.user("x")
    d.user("y")
    d.flow("begin", "twice", "x", "one", "fork", "left", "join", "after", "done")
    d.flow("twice", "y", "one")
    d.flow("fork", "right", "join")
    case = PlayedCase(d.compile())
    case.completes("x:1")
    case.completes("y:1")

    case.completes("left:1")
    case.completes("left:2")
    assert "after:1" not in case.waits
    case.completes("right:2")

    assert case.waits == ["right:1", "after:1"]


def test_the_outcome_is_that_of_the_end_event_reached() -> None:
    case = PlayedCase(parallel_review().compile())

    case.completes("review_a:1")
    case.completes("review_b:1")
    case.completes("decide:1", again=False)

    assert case.outcome == "decided"


def test_a_loop_without_a_wait_stops_at_the_step_budget_and_can_be_let_go_on() -> None:
    d = Diagram()
    d.start("begin")
    d.xor("round")
    d.rule("count", "count")
    d.xor("enough")
    d.end("done")
    d.flow("begin", "round", "count", "enough")
    d.flow("enough", "done", when="n >= 500")
    d.flow("enough", "round", default=True)
    process = d.compile({"count.dmn": decision_table("count", [], ["n"], [["n + 1"]])})

    case = PlayedCase(process, {"n": 0})
    (address,) = case.waits
    wait = case.wait(address)
    case.retried(address)

    assert isinstance(wait, IncidentWait)
    assert wait.code == "steps.exhausted"
    assert wait.element in {"round", "count", "enough"}
    assert case.machine.is_ended
    assert case.variables == {"n": 500}


def test_cancelling_ends_the_case_wherever_it_is() -> None:
    case = PlayedCase(parallel_review().compile())

    case.cancelled()

    assert case.outcome == "cancelled"
    assert case.history() == ["review_a:1 cancelled", "review_b:1 cancelled"]
