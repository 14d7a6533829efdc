"""User tasks, service tasks, decision tables, gateways and outcomes, one feature each."""

from __future__ import annotations

import pytest

from engine.errors import Conflict
from engine.inputs import JobSucceeded, SignatureRefused, WorkItemCompleted, WorkItemSigned
from engine.waits import IncidentWait, JobWait, UserTaskWait
from tests.engine.cases import MONDAY, PlayedCase
from tests.engine.diagrams import Diagram, decision_table, two_tasks


def test_a_user_task_waits_with_its_lane_form_and_priority() -> None:
    d = Diagram(lanes={"applicant": ["begin", "fill"], "system": ["done"]})
    d.start("begin")
    d.user("fill", form="information", priority=80, due="PT2H")
    d.end("done")
    d.flow("begin", "fill", "done")

    case = PlayedCase(d.compile())

    wait = case.wait("fill:1")
    assert isinstance(wait, UserTaskWait)
    assert (wait.lane, wait.form, wait.priority, wait.due) == ("applicant", "information", 80, case.at(120))


def test_form_values_become_variables_and_keep_their_types() -> None:
    case = PlayedCase(two_tasks().compile())

    case.completes("first:1", yes=True, one=1, half=0.5, big=2**70, text="\ud800", nested={"typename": [None, {}]})

    found = case.variables
    assert found == {
        "yes": True,
        "one": 1,
        "half": 0.5,
        "big": 2**70,
        "text": "\ud800",
        "nested": {"typename": [None, {}]},
    }
    assert [type(found[name]) for name in ("yes", "one", "half")] == [bool, int, float]


def test_a_job_gets_its_parameters_and_its_result_even_if_that_is_zero() -> None:
    d = Diagram()
    d.start("begin")
    d.service("read", "document.read", result="reading", kind="document.kind", strict="settings.strict")
    d.end("done")
    d.flow("begin", "read", "done")

    case = PlayedCase(d.compile(), {"document": {"kind": "passport"}}, strict=False)
    wait = case.wait("read:1")
    case.job("read:1", 0)

    assert isinstance(wait, JobWait)
    assert (wait.service, wait.parameters) == ("document.read", {"kind": "passport", "strict": False})
    assert case.variables["reading"] == 0
    assert case.machine.is_ended


def test_a_result_without_a_variable_is_dropped() -> None:
    d = Diagram()
    d.start("begin")
    d.service("tell")
    d.end("done")
    d.flow("begin", "tell", "done")
    case = PlayedCase(d.compile())

    case.job("tell:1", {"sent": 1})

    assert case.variables == {}


def test_a_decision_table_writes_its_outputs() -> None:
    d = Diagram()
    d.start("begin")
    d.rule("decide", "route")
    d.user("review")
    d.end("done")
    d.flow("begin", "decide", "review", "done")
    table = decision_table(
        "route", ["attempt"], ["way", "left"], [["< 3", '"again"', "3 - attempt"], ["-", '"review"', "0"]]
    )

    case = PlayedCase(d.compile({"route.dmn": table}), {"attempt": 1})

    assert case.variables == {"attempt": 1, "way": "again", "left": 2}
    assert "decide:1 completed" in case.history()


def test_no_matching_rule_is_an_incident_that_a_corrected_variable_resolves() -> None:
    d = Diagram()
    d.start("begin")
    d.rule("decide", "route")
    d.end("done")
    d.flow("begin", "decide", "done")
    table = decision_table("route", ["attempt"], ["way"], [["1", '"again"']])
    case = PlayedCase(d.compile({"route.dmn": table}), {"attempt": 9})
    wait = case.wait("decide:1")

    case.retried("decide:1", attempt=1)

    assert isinstance(wait, IncidentWait)
    assert wait.code == "decision.no_match"
    assert case.machine.is_ended
    assert case.variables == {"attempt": 1, "way": "again"}


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


def test_a_failing_parameter_is_an_incident_of_the_job() -> None:
    d = Diagram()
    d.start("begin")
    d.service("read", size="pages + 1")
    d.end("done")
    d.flow("begin", "read", "done")
    case = PlayedCase(d.compile(), {"pages": "two"})
    wait = case.wait("read:1")

    case.retried("read:1", pages=2)

    assert isinstance(wait, IncidentWait)
    assert wait.code == "expression.failed"
    assert case.wait("read:1") == JobWait(address="read:1", element="read", service="read", parameters={"size": 3})


def test_a_job_given_up_is_an_incident_and_a_retry_asks_for_it_again() -> None:
    case = PlayedCase(two_tasks().compile())
    case.completes("first:1")
    case.job_is_given_up("second:1", "worker died five times")
    wait = case.wait("second:1")
    with pytest.raises(Conflict, match=r"wait\.other_kind"):
        case.job("second:1", 1)

    case.retried("second:1")

    assert isinstance(wait, IncidentWait)
    assert (wait.code, wait.message) == ("job.given_up", "worker died five times")
    assert isinstance(case.wait("second:1"), JobWait)


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


def test_a_stale_input_is_a_conflict_and_changes_nothing() -> None:
    case = PlayedCase(two_tasks().compile())
    case.completes("first:1", minutes=5)
    before = case.machine.dump()

    for given, code in (
        (WorkItemCompleted(at=case.at(6), wait="first:1", by="x"), "wait.gone"),
        (WorkItemCompleted(at=case.at(6), wait="second:1", by="x"), "wait.other_kind"),
        (JobSucceeded(at=case.at(4), wait="second:1"), "time.backwards"),
    ):
        with pytest.raises(Conflict) as refused:
            case.machine.apply(given)
        assert refused.value.code == code
        assert case.machine.dump() == before

    case.job("second:1")
    with pytest.raises(Conflict, match=r"case\.ended"):
        case.machine.apply(JobSucceeded(at=case.at(7), wait="second:1"))


def test_a_signature_and_a_refusal_to_sign_move_nothing() -> None:
    case = PlayedCase(two_tasks().compile())
    [first] = case.waits
    waits, variables = dict(case.machine.waits), dict(case.variables)

    signed = case.apply(WorkItemSigned(at=case.at(5), wait=first, by="wx:1", values={"opinion": "yes"}))
    refused = case.apply(SignatureRefused(at=case.at(6), wait=first, by="wx:2", reason="why"))

    assert (dict(case.machine.waits), dict(case.variables)) == (waits, variables)
    assert (signed.activities, refused.activities) == ((), ())
    assert case.machine.at == case.at(6)
    with pytest.raises(Conflict, match=r"wait\.gone"):
        case.apply(WorkItemSigned(at=case.at(7), wait="elsewhere:1", by="wx:1"))
    case.completes(first)
    assert first not in case.waits


def test_a_value_that_is_not_json_is_refused_and_changes_nothing() -> None:
    case = PlayedCase(two_tasks().compile())
    before = case.machine.dump()

    for value in (MONDAY, (1, 2), {1: "x"}, float("nan"), b"x"):
        with pytest.raises(ValueError, match="expected"):
            case.machine.apply(WorkItemCompleted(at=MONDAY, wait="first:1", by="x", values={"v": value}))

    assert case.machine.dump() == before
