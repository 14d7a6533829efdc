"""What operators do: suspend, resume, edit a variable, skip an element, move a token, return a work item."""

from __future__ import annotations

import pytest

from engine.errors import Conflict
from engine.inputs import (
    CaseCancelled,
    CaseResumed,
    CaseSuspended,
    ElementSkipped,
    TimerFired,
    TokenMoved,
    VariableEdited,
    WorkItemCompleted,
    WorkItemReturned,
)
from engine.waits import IncidentWait
from tests.engine.case_under_test import MONDAY, PlayedCase
from tests.engine.diagrams import Diagram, many

OP = {"at": MONDAY, "by": "op"}


def review() -> Diagram:
    """fill → read (job, error caught) → check → done; a timer of an hour on check."""
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.service("read", result="reading")
    d.user("check")
    d.boundary("late", "check", d.timer("PT1H"))
    d.end("done", outcome="done")
    d.end("expired", outcome="expired")
    d.flow("begin", "fill", "read", "check", "done")
    d.flow("late", "expired")
    return d


def refused(case: PlayedCase, given) -> str:
    before = case.machine.canonical()
    with pytest.raises(Conflict) as conflict:
        case.machine.apply(given)
    assert case.machine.canonical() == before
    return conflict.value.code


def test_a_suspended_case_takes_only_operators_inputs_and_its_timers_wait() -> None:
    case = PlayedCase(review().compile())
    case.completes("fill:1")
    case.job("read:1", 1)

    case.apply(CaseSuspended(**OP, reason="asked to"))

    assert case.machine.is_suspended
    assert case.machine.due_before(case.at(90)) == []
    for given in (
        WorkItemCompleted(at=MONDAY, wait="check:1", by="wx:1"),
        TimerFired(at=case.at(90), wait="late:1"),
        ElementSkipped(**OP, wait="check:1"),
        CaseSuspended(**OP),
    ):
        assert refused(case, given) == "case.suspended"


def test_timers_that_came_due_meanwhile_are_due_when_the_case_is_resumed() -> None:
    case = PlayedCase(review().compile())
    case.completes("fill:1")
    case.job("read:1", 1)
    case.apply(CaseSuspended(**OP))

    case.apply(CaseResumed(at=case.at(90), by="op"))

    assert [wait.address for wait in case.machine.due_before(case.at(90))] == ["late:1"]
    case.timer("late:1", minutes=90)
    assert case.outcome == "expired"


def test_a_suspended_case_may_be_cancelled_and_one_that_runs_not_resumed() -> None:
    case = PlayedCase(review().compile())
    assert refused(case, CaseResumed(**OP)) == "case.not_suspended"
    case.apply(CaseSuspended(**OP))

    case.apply(CaseCancelled(**OP, reason="over"))

    assert case.outcome == "cancelled"


def test_an_edited_variable_is_what_the_next_element_reads() -> None:
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.xor("choose")
    d.end("yes", outcome="yes")
    d.end("no", outcome="no")
    d.flow("begin", "fill", "choose")
    d.flow("choose", "yes", when="ok")
    d.flow("choose", "no", default=True)
    case = PlayedCase(d.compile(), {"ok": False, "other": 1})

    case.apply(VariableEdited(**OP, values={"ok": True}))

    assert case.variables == {"ok": True, "other": 1}
    case.completes("fill:1")
    assert case.outcome == "yes"


def test_a_variable_of_a_called_flow_is_edited_at_its_place() -> None:
    called = Diagram("called")
    called.start("called_begin")
    called.user("ask")
    called.end("called_done")
    called.flow("called_begin", "ask", "called_done")
    d = Diagram()
    d.start("begin")
    d.call("check", "called")
    d.end("done")
    d.flow("begin", "check", "done")
    case = PlayedCase(d.compile(None, called))

    case.apply(VariableEdited(**OP, values={"x": 1}, place="check:1/ask:1"))

    assert case.variables == {}
    assert case.machine.view_of("check:1/ask:1") == {"x": 1}


def test_a_skipped_element_counts_as_done_with_the_operators_values() -> None:
    case = PlayedCase(review().compile())
    case.completes("fill:1")

    case.apply(ElementSkipped(**OP, wait="read:1", values={"reading": "typed"}))

    assert case.waits == ["check:1", "late:1"]
    assert case.variables == {"reading": "typed"}
    assert "read:1 skipped" in case.history()


def test_an_element_that_stands_in_an_incident_can_be_skipped() -> None:
    case = PlayedCase(review().compile())
    case.completes("fill:1")
    case.job_is_given_up("read:1")
    assert isinstance(case.wait("read:1"), IncidentWait)

    case.apply(ElementSkipped(**OP, wait="read:1"))

    assert case.waits == ["check:1", "late:1"]


def test_a_skipped_call_is_taken_away_with_all_that_is_in_it() -> None:
    called = Diagram("called")
    called.start("called_begin")
    called.user("ask")
    called.end("called_done")
    called.flow("called_begin", "ask", "called_done")
    d = Diagram()
    d.start("begin")
    d.call("check", "called", many=many(times="2"), out_ok="x < 1")
    d.end("done", outcome="done")
    d.flow("begin", "check", "done")
    case = PlayedCase(d.compile(None, called))
    case.completes("check:1@1/ask:1", x="no number")
    assert isinstance(case.wait("check:1"), IncidentWait)
    assert "check:1@2/ask:1" in case.waits

    case.apply(ElementSkipped(**OP, wait="check:1"))

    assert case.waits == []
    assert case.outcome == "done"


def test_a_choice_without_a_way_out_and_a_boundary_event_cannot_be_skipped() -> None:
    d = Diagram()
    d.start("begin")
    d.xor("choose")
    d.user("fill")
    d.boundary("late", "fill", d.timer("PT1H"))
    d.end("done")
    d.flow("begin", "choose")
    d.flow("choose", "fill", when="a")
    d.flow("choose", "done", when="b")
    d.flow("fill", "done")
    d.flow("late", "done")
    case = PlayedCase(d.compile())

    assert refused(case, ElementSkipped(**OP, wait="choose:1")) == "skip.no_single_way"
    case.apply(TokenMoved(**OP, wait="choose:1", to="fill"))
    assert refused(case, ElementSkipped(**OP, wait="late:1")) == "skip.not_an_activity"


def test_a_skipped_event_takes_its_rivals_away() -> None:
    d = Diagram()
    d.start("begin")
    d.race("first")
    d.catch("answered", d.message("answer"), result="answer")
    d.catch("waited", d.timer("P1D"))
    d.end("done", outcome="answered")
    d.end("late", outcome="late")
    d.flow("begin", "first", "answered", "done")
    d.flow("first", "waited", "late")
    case = PlayedCase(d.compile())

    case.apply(ElementSkipped(**OP, wait="answered:1"))

    assert case.outcome == "answered"
    assert case.variables == {}


def test_a_moved_token_takes_its_boundary_events_along_and_arms_the_targets() -> None:
    case = PlayedCase(review().compile())
    case.completes("fill:1")
    case.job("read:1", 1)

    case.apply(TokenMoved(**OP, wait="check:1", to="fill"))
    assert case.waits == ["fill:2"]

    case.apply(TokenMoved(**OP, wait="fill:2", to="check"))
    assert case.waits == ["check:2", "late:2"]
    case.completes("check:2")
    assert case.outcome == "done"


def test_a_token_may_be_moved_to_the_end() -> None:
    case = PlayedCase(review().compile())

    case.apply(TokenMoved(**OP, wait="fill:1", to="expired"))

    assert case.outcome == "expired"


@pytest.mark.parametrize(
    ("to", "code"),
    [("nowhere", "move.unknown_target"), ("begin", "move.bad_target"), ("late", "move.bad_target")],
)
def test_a_token_moves_only_to_what_may_take_one(to: str, code: str) -> None:
    case = PlayedCase(review().compile())

    assert refused(case, TokenMoved(**OP, wait="fill:1", to=to)) == code


def forked() -> Diagram:
    """fill → fork( a → a2 | b ) → join → sum → done"""
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.parallel("fork")
    for element in ("a", "a2", "b", "sum"):
        d.user(element)
    d.parallel("join")
    d.end("done", outcome="done")
    d.flow("begin", "fill", "fork", "a", "a2", "join", "sum", "done")
    d.flow("fork", "b", "join")
    return d


def test_a_move_within_a_branch_leaves_the_other_branch_alone() -> None:
    case = PlayedCase(forked().compile())
    case.completes("fill:1")
    case.completes("a:1")

    case.apply(WorkItemReturned(**OP, wait="a2:1", to="a"))

    assert sorted(case.waits) == ["a:2", "b:1"]
    case.completes("a:2")
    case.completes("a2:2")
    case.completes("b:1")
    assert case.waits == ["sum:1"]


def test_a_move_out_of_a_parallel_part_takes_all_of_it_away() -> None:
    case = PlayedCase(forked().compile())
    case.completes("fill:1")
    case.completes("b:1")  # its token stands at the join

    case.apply(WorkItemReturned(**OP, wait="a:1", to="fill"))

    assert case.waits == ["fill:2"]
    case.completes("fill:2")
    for wait in ("a:2", "b:2"):
        case.completes(wait)
    case.completes("a2:1")
    assert case.waits == ["sum:1"]


def test_branches_meet_where_those_that_do_not_end_the_case_meet() -> None:
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.parallel("both")
    d.user("check")
    d.xor("choose")
    d.end("stop", event=d.terminate())
    d.user("pay")
    d.parallel("meet")
    d.user("sign")
    d.end("done")
    d.flow("begin", "fill", "both", "check", "choose")
    d.flow("choose", "stop", when="bad")
    d.flow("choose", "meet", default=True)
    d.flow("both", "pay", "meet", "sign", "done")
    case = PlayedCase(d.compile())

    case.apply(TokenMoved(**OP, wait="fill:1", to="sign"))
    assert case.waits == ["sign:1"]
    case.apply(TokenMoved(**OP, wait="sign:1", to="fill"))
    case.completes("fill:2")
    case.apply(TokenMoved(**OP, wait="pay:1", to="sign"))

    assert case.waits == ["sign:2"]


def test_a_move_into_a_parallel_part_is_refused() -> None:
    case = PlayedCase(forked().compile())
    assert refused(case, TokenMoved(**OP, wait="fill:1", to="a2")) == "move.into_parallel"
    case.completes("fill:1")

    assert refused(case, TokenMoved(**OP, wait="a:1", to="b")) == "move.into_parallel"


def test_a_return_leads_out_of_a_subprocess_and_takes_it_away() -> None:
    d = Diagram()
    d.start("begin")
    d.user("fill")
    sub = d.subprocess("Check")
    sub.start("check_begin")
    sub.user("look")
    sub.end("looked")
    sub.flow("check_begin", "look", "looked")
    d.end("done")
    d.flow("begin", "fill", "Check", "done")
    case = PlayedCase(d.compile())
    assert refused(case, TokenMoved(**OP, wait="fill:1", to="look")) == "move.out_of_reach"
    case.completes("fill:1")

    case.apply(WorkItemReturned(**OP, wait="Check:1/look:1", to="fill"))

    assert case.waits == ["fill:2"]
    assert {"Check:1 cancelled", "Check:1/look:1 cancelled"} <= set(case.history())


def test_an_item_is_returned_only_to_a_user_task_that_was_there_before() -> None:
    case = PlayedCase(forked().compile())

    assert refused(case, WorkItemReturned(**OP, wait="fill:1", to="sum")) == "return.not_earlier"
    assert refused(case, WorkItemReturned(**OP, wait="fill:1", to="fill")) == "return.not_earlier"


def test_a_reminders_path_is_not_left_for_the_main_way() -> None:
    d = review()
    d.boundary("reminder", "fill", d.timer("PT5M"), interrupting=False)
    d.user("remind")
    d.end("reminded")
    d.flow("reminder", "remind", "reminded")
    case = PlayedCase(d.compile())
    case.timer("reminder:1", minutes=5)

    assert refused(case, TokenMoved(at=case.at(5), by="op", wait="remind:1", to="check")) == "move.out_of_handler"
    assert refused(case, TokenMoved(at=case.at(5), by="op", wait="fill:1", to="remind")) == "move.into_parallel"
