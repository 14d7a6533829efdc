"""Compensation: handlers undo what was completed, the last one first, each once, with the data it was completed with."""

from __future__ import annotations

from engine.inputs import ElementSkipped
from tests.engine.case_under_test import PlayedCase
from tests.engine.diagrams import Diagram
from tests.engine.journeys import a_journey, booked, undoing


def test_what_was_completed_is_undone_the_last_one_first_one_after_the_other() -> None:
    case = undoing(a_journey().compile())
    assert case.waits == ["free_flight:1"]

    case.job("free_flight:1")
    assert case.waits == ["free_hotel:1"]
    assert case.history() == ["free_flight:1 completed", "book_flight:1 compensated", "free_hotel:1 entered"]
    case.job("free_hotel:1")

    assert case.outcome == "undone"
    assert "undo:1 completed" in case.history()


def test_the_history_keeps_when_a_compensated_activity_had_been_completed() -> None:
    case = undoing(a_journey().compile())
    completed_at = case.machine.at

    case.job("free_flight:1", minutes=90)

    undone = next(event for event in case.applied.activities if event.event == "compensated")
    assert (undone.element, undone.kind, undone.at) == ("book_flight", "serviceTask", completed_at)


def test_a_handler_sees_what_its_activity_gave_and_all_else_as_it_is_now() -> None:
    d = a_journey()
    case = PlayedCase(d.compile(), {"reason": "none"})
    case.job("book_hotel:1", "Ritz")
    case.job("book_flight:1", "CA 1")

    case.completes("decide:1", flight="overwritten", reason="ill")

    assert case.wait("free_flight:1").parameters == {"which": "CA 1"}
    assert case.machine.view_of("free_flight:1") == {"hotel": "Ritz", "flight": "CA 1", "reason": "ill"}
    assert case.variables["flight"] == "overwritten"


def test_what_a_handler_writes_is_the_cases() -> None:
    d = Diagram()
    d.start("begin")
    d.user("reserve")
    inner = d.subprocess("cancel")
    inner.start("open")
    inner.user("call")
    inner.user("note")
    inner.end("closed")
    inner.flow("open", "call", "note", "closed")
    d.undone_by("reserve", "cancel")
    d.throw("undo", d.compensation())
    d.user("look")
    d.end("done")
    d.flow("begin", "reserve", "undo", "look", "done")
    case = PlayedCase(d.compile())
    case.completes("reserve:1", seat=7, price=100)
    assert case.waits == ["cancel:1/call:1"]

    case.completes("cancel:1/call:1", refund=90, seat=None)

    assert case.machine.view_of("cancel:1/note:1") == {"seat": None, "price": 100, "refund": 90}
    case.completes("cancel:1/note:1")
    assert case.variables == {"seat": None, "price": 100, "refund": 90}
    assert case.waits == ["look:1"]


def test_only_the_activity_that_is_named_is_undone_and_what_is_undone_is_not_undone_again() -> None:
    d = Diagram()
    d.start("begin")
    booked(d, "hotel", "flight")
    d.throw("one", d.compensation("book_hotel"))
    d.user("decide")
    d.throw("again", d.compensation("book_hotel"))
    d.throw("all", d.compensation())
    d.end("done")
    d.flow("begin", "book_hotel", "book_flight", "one", "decide", "again", "all", "done")
    case = PlayedCase(d.compile())
    case.job("book_hotel:1", "Ritz")
    case.job("book_flight:1", "CA 1")
    assert case.waits == ["free_hotel:1"]
    case.job("free_hotel:1")

    case.completes("decide:1")

    assert case.waits == ["free_flight:1"]
    case.job("free_flight:1")
    assert case.machine.is_ended


def test_each_pass_of_a_loop_is_undone_on_its_own_with_its_own_data() -> None:
    d = Diagram()
    d.start("begin")
    d.xor("again")
    booked(d, "room")
    d.user("more")
    d.xor("enough")
    d.throw("undo", d.compensation("book_room"))
    d.end("done")
    d.flow("begin", "again", "book_room", "more", "enough")
    d.flow("enough", "again", when="more")
    d.flow("enough", "undo", "done", default=True)
    case = PlayedCase(d.compile())
    for number in (1, 2, 3):
        case.job(f"book_room:{number}", f"room {number}")
        case.completes(f"more:{number}", more=number < 3)

    undone = []
    while not case.machine.is_ended:
        (address,) = case.waits
        undone.append((address, case.wait(address).parameters["which"]))
        case.job(address)

    assert undone == [("free_room:3", "room 3"), ("free_room:2", "room 2"), ("free_room:1", "room 1")]


def test_what_was_never_completed_interrupted_failed_or_skipped_is_not_undone() -> None:
    d = Diagram()
    d.start("begin")
    booked(d, "late", "failed", "skipped", "never")
    d.boundary("timeout", "book_late", d.timer("PT1H"))
    d.boundary("caught", "book_failed", d.error("no"))
    d.user("decide")
    d.xor("way")
    d.throw("undo", d.compensation())
    d.end("done")
    d.flow("begin", "book_late", "book_failed", "book_skipped", "decide", "way")
    d.flow("timeout", "book_failed")
    d.flow("caught", "book_skipped")
    d.flow("way", "book_never", "undo", when="want")
    d.flow("way", "undo", "done", default=True)
    case = PlayedCase(d.compile())
    case.timer("timeout:1", 60)
    case.job_fails("book_failed:1", "no")
    case.apply(ElementSkipped(at=case.at(None), wait="book_skipped:1", by="op", values={"skipped": 1}))

    case.completes("decide:1")

    assert case.machine.is_ended
