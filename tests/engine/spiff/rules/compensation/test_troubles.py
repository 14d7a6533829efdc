"""Compensation that fails, is interrupted, or meets another; and what a snapshot keeps of it."""

from __future__ import annotations

from engine.waits import IncidentWait
from tests.engine.case_under_test import PlayedCase
from tests.engine.diagrams import Diagram
from tests.engine.journeys import a_journey, booked, undoing, with_a_way_out


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
