"""Compensation of a case somebody steps into: cancelled, skipped, moved, returned or edited."""

from __future__ import annotations

import pytest

from engine.errors import Conflict
from engine.inputs import ElementSkipped, TokenMoved, WorkItemReturned
from tests.engine.case_under_test import PlayedCase
from tests.engine.diagrams import Diagram
from tests.engine.journeys import a_journey, undoing, with_a_way_out


def test_cancelling_a_case_undoes_nothing() -> None:
    case = undoing(a_journey().compile())

    case.cancelled()

    assert case.outcome == "cancelled"
    assert case.waits == []


def test_a_handler_may_be_skipped_and_counts_as_done() -> None:
    case = undoing(a_journey().compile())

    case.apply(ElementSkipped(at=case.at(None), wait="free_flight:1", by="op"))

    assert case.history()[:2] == ["free_flight:1 skipped", "book_flight:1 compensated"]
    assert case.waits == ["free_hotel:1"]


def test_a_handlers_token_moves_along_its_own_path_or_out_of_the_compensation() -> None:
    def standing() -> PlayedCase:
        return undoing(with_a_way_out(a_journey()).compile())

    case = standing()
    case.apply(TokenMoved(at=case.at(None), wait="free_flight:1", by="op", to="settle"))
    assert case.waits == ["free_flight:1/settle:1"]
    with pytest.raises(Conflict, match=r"move\.bad_target"):
        case.apply(TokenMoved(at=case.at(None), wait="free_flight:1/settle:1", by="op", to="free_flight"))

    case = standing()
    case.apply(TokenMoved(at=case.at(None), wait="free_flight:1", by="op", to="decide"))
    assert case.waits == ["decide:2"]
    assert "undo:1 cancelled" in case.history()

    case.completes("decide:2")
    assert case.waits == ["free_hotel:1"]  # the flight's handler had begun


def test_no_token_moves_into_a_handler() -> None:
    case = PlayedCase(a_journey().compile())

    with pytest.raises(Conflict, match=r"move\.out_of_reach"):
        case.apply(TokenMoved(at=case.at(None), wait="book_hotel:1", by="op", to="free_hotel"))


def test_what_was_done_before_a_return_is_undone_as_well() -> None:
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.service("withdraw", text="text")
    d.undone_by("fill", "withdraw")
    d.user("check")
    d.throw("undo", d.compensation())
    d.end("done")
    d.flow("begin", "fill", "check", "undo", "done")
    case = PlayedCase(d.compile())
    case.completes("fill:1", text="first")
    case.apply(WorkItemReturned(at=case.at(None), wait="check:1", by="wx:2", to="fill"))
    case.completes("fill:2", text="second")

    case.completes("check:2")

    assert case.wait("withdraw:2").parameters == {"text": "second"}
    case.job("withdraw:2")
    assert case.wait("withdraw:1").parameters == {"text": "first"}


def test_what_an_operator_edits_inside_a_subprocess_is_not_what_that_gave() -> None:
    d = Diagram()
    d.start("begin")
    trip = d.subprocess("trip")
    trip.start("open")
    trip.user("plan")
    trip.user("pay")
    trip.end("closed")
    trip.flow("open", "plan", "pay", "closed")
    d.service("cancel", days="days", budget="budget")
    d.undone_by("trip", "cancel")
    d.user("decide")
    d.throw("undo", d.compensation())
    d.end("done")
    d.flow("begin", "trip", "decide", "undo", "done")
    case = PlayedCase(d.compile(), {"budget": 100})
    case.completes("trip:1/plan:1", days=3)
    case.edits("trip:1/pay:1", days=4, budget=200)
    case.completes("trip:1/pay:1")

    case.completes("decide:1", days=0, budget=0)

    assert case.wait("cancel:1").parameters == {"days": 4, "budget": 0}
