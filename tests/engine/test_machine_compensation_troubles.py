"""Compensation that fails, is interrupted, meets another, or meets an operator; and what a snapshot keeps of it."""

from __future__ import annotations

import pytest

from engine.errors import Conflict
from engine.inputs import ElementSkipped, TokenMoved, WorkItemReturned
from engine.waits import IncidentWait
from tests.engine.cases import PlayedCase
from tests.engine.diagrams import Diagram
from tests.engine.journeys import a_journey, booked, undoing


def with_a_way_out(d: Diagram) -> Diagram:
    """The journey, whose flight's handler has an error boundary that leads to a person."""
    d.boundary("refused", "free_flight", d.error("refused"), result="why")
    d.user("settle")
    d.end("settled")
    d.flow("refused", "settle", "settled")
    return d


def test_a_handler_that_fails_goes_by_its_own_boundary_event_and_the_next_begins_after_it() -> None:
    case = undoing(with_a_way_out(a_journey()).compile())

    case.job_fails("free_flight:1", "refused")
    assert case.waits == ["free_flight:1/settle:1"]
    assert case.variables["why"]["code"] == "refused"
    case.completes("free_flight:1/settle:1")

    assert case.waits == ["free_hotel:1"]
    assert "book_flight:1 compensated" in case.history()


def test_a_handler_whose_error_nobody_catches_stands_in_an_incident_until_it_is_retried() -> None:
    case = undoing(a_journey().compile())

    case.job_fails("free_flight:1", "refused")
    assert isinstance(case.wait("free_flight:1"), IncidentWait)
    case.retried("free_flight:1", flight="CA 2")

    assert case.wait("free_flight:1").parameters == {"which": "CA 2"}
    case.job("free_flight:1")
    assert case.waits == ["free_hotel:1"]


def undone_in_a_subprocess() -> Diagram:
    """The journey inside `trip`, which an error or an hour ends; after either `look`."""
    d = Diagram()
    d.start("begin")
    trip = d.subprocess("trip")
    trip.start("open")
    booked(trip, "hotel", "flight")
    trip.throw("undo", d.compensation())
    trip.end("closed")
    trip.flow("open", "book_hotel", "book_flight", "undo", "closed")
    d.boundary("refused", "trip", d.error("refused"))
    d.boundary("timeout", "trip", d.timer("PT1H"))
    d.throw("undo_rest", d.compensation())
    d.user("look")
    d.end("done")
    d.flow("begin", "trip", "undo_rest", "look", "done")
    d.flow("refused", "look")
    d.flow("timeout", "undo_rest")
    return d


def test_an_error_in_a_handler_goes_outward_from_the_event_that_called_for_it() -> None:
    case = PlayedCase(undone_in_a_subprocess().compile())
    case.job("trip:1/book_hotel:1", "Ritz")
    case.job("trip:1/book_flight:1", "CA 1")

    case.job_fails("trip:1/free_flight:1", "refused")

    assert case.waits == ["look:1"]
    assert {"trip:1/free_flight:1 failed", "trip:1/undo:1 failed", "trip:1 failed"} <= set(case.history())


def test_a_subprocess_that_is_interrupted_while_it_undoes_is_not_undone_from_outside() -> None:
    case = PlayedCase(undone_in_a_subprocess().compile())
    case.job("trip:1/book_hotel:1", "Ritz")
    case.job("trip:1/book_flight:1", "CA 1")

    case.timer("timeout:1", 60)

    assert case.waits == ["look:1"]
    assert "trip:1/free_flight:1 cancelled" in case.history()


def test_what_an_interrupted_event_has_not_begun_to_undo_is_left_for_the_next() -> None:
    d = Diagram()
    d.start("begin")
    booked(d, "hotel", "flight")
    d.throw("undo", d.compensation())
    d.end("done")
    handler = d.event_subprocess("hurry", "on", d.message("hurry"))
    handler.throw("undo_rest", d.compensation())
    handler.user("look")
    handler.end("hurried")
    handler.flow("on", "undo_rest", "look", "hurried")
    d.flow("begin", "book_hotel", "book_flight", "undo", "done")
    case = PlayedCase(d.compile())
    case.job("book_hotel:1", "Ritz")
    case.job("book_flight:1", "CA 1")

    case.message("on:1", "hurry")

    assert case.waits == ["free_hotel:1"]
    assert {"free_flight:1 cancelled", "undo:1 cancelled"} <= set(case.history())


def test_of_two_events_at_once_the_first_undoes_all_and_the_other_finds_nothing() -> None:
    d = Diagram()
    d.start("begin")
    booked(d, "hotel", "flight")
    d.parallel("split")
    d.throw("one", d.compensation())
    d.throw("other", d.compensation())
    d.user("beside")
    d.parallel("join")
    d.end("done")
    d.flow("begin", "book_hotel", "book_flight", "split", "one", "join", "done")
    d.flow("split", "other", "beside", "join")
    case = PlayedCase(d.compile())
    case.job("book_hotel:1", "Ritz")

    case.job("book_flight:1", "CA 1")

    assert sorted(case.waits) == ["beside:1", "free_flight:1"]


def test_two_events_that_one_step_reaches_undo_all_once_whichever_is_first() -> None:
    """Who escalates goes on beside the event subprocess that it begins; neither is promised to be the first."""
    d = Diagram()
    d.start("begin")
    trip = d.subprocess("trip")
    trip.start("open")
    booked(trip, "hotel", "flight")
    trip.user("decide")
    trip.throw("told", d.escalation("ill"))
    trip.throw("undo_flight", d.compensation("book_flight"))
    trip.end("closed")
    trip.flow("open", "book_hotel", "book_flight", "decide", "told", "undo_flight", "closed")
    helping = trip.event_subprocess("helping", "ill", d.escalation("ill"), interrupting=False)
    helping.throw("undo_all", d.compensation())
    helping.end("helped")
    helping.flow("ill", "undo_all", "helped")
    d.end("done")
    d.flow("begin", "trip", "done")
    case = PlayedCase(d.compile())
    case.job("trip:1/book_hotel:1", "Ritz")
    case.job("trip:1/book_flight:1", "CA 1")

    case.completes("trip:1/decide:1")

    undone = []
    while case.waits:
        case.job(case.waits[0])
        undone += [told for told in case.history() if told.endswith("compensated")]
    assert sorted(undone) == ["trip:1/book_flight:1 compensated", "trip:1/book_hotel:1 compensated"]
    assert case.machine.is_ended


def test_what_is_completed_while_an_event_undoes_is_not_its_business() -> None:
    d = Diagram()
    d.start("begin")
    d.parallel("split")
    booked(d, "hotel", "flight")
    d.throw("undo", d.compensation())
    d.throw("undo_later", d.compensation())
    d.parallel("join")
    d.end("done")
    d.flow("begin", "split", "book_hotel", "undo", "join", "undo_later", "done")
    d.flow("split", "book_flight", "join")
    case = PlayedCase(d.compile())
    case.job("book_hotel:1", "Ritz")
    case.job("book_flight:1", "CA 1")
    assert case.waits == ["free_hotel:1"]

    case.job("free_hotel:1")

    assert case.waits == ["free_flight:1"]
    case.job("free_flight:1")
    assert case.machine.is_ended


def test_what_was_completed_before_a_terminate_end_can_be_undone() -> None:
    d = Diagram()
    d.start("begin")
    trip = d.subprocess("trip")
    trip.start("open")
    booked(trip, "hotel")
    trip.end("stop", event=d.terminate())
    trip.flow("open", "book_hotel", "stop")
    d.throw("undo", d.compensation())
    d.end("done")
    d.flow("begin", "trip", "undo", "done")
    case = PlayedCase(d.compile())

    case.job("trip:1/book_hotel:1", "Ritz")

    assert case.waits == ["trip:1/free_hotel:1"]


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


def test_a_snapshot_holds_nothing_that_nobody_can_undo() -> None:
    def looping(*, throws: bool) -> PlayedCase:
        d = Diagram()
        d.start("begin")
        d.xor("again")
        booked(d, "room")
        d.xor("enough")
        d.end("done")
        if throws:
            d.throw("undo", d.compensation())
        d.flow("begin", "again", "book_room", "enough")
        d.flow("enough", "again", when="room")
        d.flow("enough", *(["undo"] if throws else []), "done", default=True)
        case = PlayedCase(d.compile())
        for number in range(1, 21):
            case.job(f"book_room:{number}", "x" * 100)
        return case

    kept, not_kept = looping(throws=True), looping(throws=False)

    assert len(kept.machine.dump()) > 20 * 100
    assert len(not_kept.machine.dump()) < 500


def test_what_was_completed_in_a_subprocess_is_forgotten_with_it_where_nothing_outside_undoes() -> None:
    d = Diagram()
    d.start("begin")
    trip = d.subprocess("trip")
    trip.start("open")
    booked(trip, "hotel")
    trip.user("decide")
    trip.xor("way")
    trip.throw("undo", d.compensation())
    trip.end("closed")
    trip.flow("open", "book_hotel", "decide", "way")
    trip.flow("way", "undo", "closed", when="undo")
    trip.flow("way", "closed", default=True)
    d.user("look")
    d.end("done")
    d.flow("begin", "trip", "look", "done")
    case = PlayedCase(d.compile())
    case.job("trip:1/book_hotel:1", "Ritz")
    assert b"Ritz" in case.machine.dump().replace(b'"hotel":"Ritz"', b"", 1)

    case.completes("trip:1/decide:1", undo=False)

    assert b"Ritz" not in case.machine.dump().replace(b'"hotel":"Ritz"', b"", 1)


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
