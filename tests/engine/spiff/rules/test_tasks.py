"""User tasks, service tasks and decision tables: what each waits for, takes, and leaves; and inputs that change nothing."""

from __future__ import annotations

import pytest

from engine.errors import Conflict
from engine.inputs import JobSucceeded, SignatureRefused, WorkItemCompleted, WorkItemSigned
from engine.waits import IncidentWait, JobWait, UserTaskWait
from tests.engine.case_under_test import MONDAY, PlayedCase
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
