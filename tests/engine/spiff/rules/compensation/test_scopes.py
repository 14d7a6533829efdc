"""Compensation of what is made of parts: subprocesses, called flows, instances, event subprocesses, end events."""

from __future__ import annotations

from engine.waits import JobWait
from tests.engine.case_under_test import PlayedCase
from tests.engine.diagrams import Diagram, many
from tests.engine.journeys import booked


def test_a_subprocess_is_undone_by_what_was_completed_in_it_with_the_data_it_ended_with() -> None:
    d = Diagram()
    d.start("begin")
    trip = d.subprocess("trip")
    trip.start("open")
    trip.user("plan")
    booked(trip, "hotel", "flight")
    trip.end("closed")
    trip.flow("open", "plan", "book_hotel", "book_flight", "closed")
    booked(d, "car")
    d.user("decide")
    d.throw("undo", d.compensation())
    d.end("done")
    d.flow("begin", "trip", "book_car", "decide", "undo", "done")
    case = PlayedCase(d.compile())
    case.completes("trip:1/plan:1", days=3)
    case.job("trip:1/book_hotel:1", "Ritz")
    case.job("trip:1/book_flight:1", "CA 1")
    case.job("book_car:1", "red")
    case.completes("decide:1", days=0, hotel="", why="ill")

    case.job("free_car:1")

    assert case.waits == ["trip:1/free_flight:1"]
    assert case.machine.view_of("trip:1/free_flight:1") == {
        **{"days": 3, "hotel": "Ritz", "flight": "CA 1", "car": "red"},
        "why": "ill",
    }
    case.job("trip:1/free_flight:1")
    assert case.history()[:2] == ["trip:1/free_flight:1 completed", "trip:1/book_flight:1 compensated"]
    case.job("trip:1/free_hotel:1")
    assert case.history()[1:3] == ["trip:1/book_hotel:1 compensated", "trip:1 compensated"]
    assert case.machine.is_ended


def test_a_subprocess_with_a_handler_of_its_own_is_undone_by_that_alone() -> None:
    d = Diagram()
    d.start("begin")
    trip = d.subprocess("trip")
    trip.start("open")
    booked(trip, "hotel")
    trip.throw("rethink", d.compensation())
    trip.end("closed")
    trip.flow("open", "book_hotel", "rethink", "closed")
    d.service("cancel_trip", hotel="hotel")
    d.undone_by("trip", "cancel_trip")
    d.user("decide")
    d.throw("undo", d.compensation("trip"))
    d.end("done")
    d.flow("begin", "trip", "decide", "undo", "done")
    case = PlayedCase(d.compile())
    case.job("trip:1/book_hotel:1", "Ritz")
    case.job("trip:1/free_hotel:1")

    case.completes("decide:1", hotel="")

    assert case.waits == ["cancel_trip:1"]
    assert case.wait("cancel_trip:1").parameters == {"hotel": "Ritz"}


def test_a_called_flow_is_undone_in_the_variables_it_had() -> None:
    callee = Diagram("booking")
    callee.start("open")
    booked(callee, "hotel")
    callee.end("closed")
    callee.flow("open", "book_hotel", "closed")
    d = Diagram()
    d.start("begin")
    d.call("reserve", "booking", in_guest="name", out_paid="hotel")
    d.user("decide")
    d.throw("undo", d.compensation())
    d.end("done")
    d.flow("begin", "reserve", "decide", "undo", "done")
    case = PlayedCase(d.compile(None, callee), {"name": "Li"})
    case.job("reserve:1/book_hotel:1", "Ritz")

    case.completes("decide:1", name="Wang", paid=0)

    assert case.waits == ["reserve:1/free_hotel:1"]
    assert case.machine.view_of("reserve:1/free_hotel:1") == {"guest": "Li", "hotel": "Ritz"}
    case.job("reserve:1/free_hotel:1")
    assert case.variables == {"name": "Wang", "paid": 0}


def test_a_call_with_a_handler_shows_it_what_came_out() -> None:
    callee = Diagram("booking")
    callee.start("open")
    callee.service("book", result="hotel")
    callee.end("closed")
    callee.flow("open", "book", "closed")
    d = Diagram()
    d.start("begin")
    d.call("reserve", "booking", out_hotel="hotel")
    d.service("free", which="hotel")
    d.undone_by("reserve", "free")
    d.user("decide")
    d.throw("undo", d.compensation())
    d.end("done")
    d.flow("begin", "reserve", "decide", "undo", "done")
    case = PlayedCase(d.compile(None, callee))
    case.job("reserve:1/book:1", "Ritz")

    case.completes("decide:1", hotel="")

    assert case.wait("free:1") == JobWait(
        address="free:1", element="free", service="free", parameters={"which": "Ritz"}
    )


def freed_by_a_call() -> PlayedCase:
    """A hotel is given back by a called flow: `free` calls `freeing`, where a person works; a message may come meanwhile."""
    callee = Diagram("freeing")
    callee.start("open")
    callee.user("ask")
    callee.end("closed")
    callee.flow("open", "ask", "closed")
    d = Diagram()
    d.start("begin")
    d.service("book", result="hotel")
    d.call("free", "freeing", in_which="hotel")
    d.undone_by("book", "free")
    d.boundary("told", "free", d.message("news"), interrupting=False)
    d.user("look")
    d.end("looked")
    d.flow("told", "look", "looked")
    d.user("decide")
    d.throw("undo", d.compensation())
    d.end("done")
    d.flow("begin", "book", "decide", "undo", "done")
    case = PlayedCase(d.compile(None, callee))
    case.job("book:1", "Ritz")
    case.completes("decide:1", hotel="", why="ill")
    return case


def test_a_call_as_handler_shows_its_events_what_the_caller_has_and_its_tasks_what_they_were_given() -> None:
    case = freed_by_a_call()

    case.message("free:1/told:1", "news")

    assert case.waits == ["free:1/told:2", "free:1/look:1", "free:1/ask:1"]
    assert case.machine.view_of("free:1/told:2") == {"hotel": "Ritz", "why": "ill"}
    assert case.machine.view_of("free:1/look:1") == {"hotel": "Ritz", "why": "ill"}
    assert case.machine.view_of("free:1/ask:1") == {"which": "Ritz"}


def test_a_variable_is_edited_on_the_side_of_a_call_as_handler_whose_element_is_named() -> None:
    case = freed_by_a_call()

    case.edits("free:1/ask:1", which="Savoy")
    case.edits("free:1/told:1", hotel="Adlon")

    assert case.machine.view_of("free:1/ask:1") == {"which": "Savoy"}
    assert case.machine.view_of("free:1/told:1") == {"hotel": "Adlon", "why": "ill"}
    assert case.variables == {"hotel": "Adlon", "why": "ill"}


def test_instances_are_undone_the_one_done_last_first_each_with_its_own_variables() -> None:
    d = Diagram()
    d.start("begin")
    each = d.subprocess("each", many=many("guests", item="guest"))
    each.start("open")
    booked(each, "room")
    each.end("closed")
    each.flow("open", "book_room", "closed")
    d.user("decide")
    d.throw("undo", d.compensation())
    d.end("done")
    d.flow("begin", "each", "decide", "undo", "done")
    case = PlayedCase(d.compile(), {"guests": ["li", "wang"]})
    case.job("each:1@wang/book_room:1", 2)
    case.job("each:1@li/book_room:1", 1)
    case.completes("decide:1", room=0)

    assert case.waits == ["each:1@li/free_room:1"]
    assert case.machine.view_of("each:1@li/free_room:1") == {"guests": ["li", "wang"], "guest": "li", "room": 1}
    case.job("each:1@li/free_room:1")
    assert case.wait("each:1@wang/free_room:1").parameters == {"which": 2}
    case.job("each:1@wang/free_room:1")

    assert {"each:1@wang/book_room:1 compensated", "each:1 compensated"} <= set(case.history())
    assert case.machine.is_ended


def test_several_instances_of_a_task_are_undone_as_one_by_a_handler_that_may_have_several_itself() -> None:
    d = Diagram()
    d.start("begin")
    d.user("ask", many=many("guests", item="guest", output="answers"))
    d.user("tell", many=many("answers", item="answer", item_key="answer.key"))
    d.undone_by("ask", "tell")
    d.throw("undo", d.compensation())
    d.end("done")
    d.flow("begin", "ask", "undo", "done")
    case = PlayedCase(d.compile(), {"guests": ["li", "wang"]})
    case.completes("ask:1@wang", room=2)
    case.completes("ask:1@li", room=1)
    assert case.waits == ["tell:1@li", "tell:1@wang"]
    assert case.machine.view_of("tell:1@li")["answer"] == {"key": "li", "room": 1}

    case.completes("tell:1@li")
    case.completes("tell:1@wang")

    assert "ask:1 compensated" in case.history()
    assert case.machine.is_ended


def failing(*, interrupting: bool = True) -> Diagram:
    """begin → book_hotel → pay; an error (or a message, beside) begins `mend`, which undoes and looks."""
    d = Diagram()
    d.start("begin")
    booked(d, "hotel")
    d.service("pay")
    d.end("done")
    event = d.error("broke") if interrupting else d.message("rethink")
    handler = d.event_subprocess("mend", "on", event, interrupting=interrupting)
    booked(handler, "taxi")
    handler.throw("undo", d.compensation())
    handler.user("look")
    handler.end("mended", outcome="mended")
    handler.flow("on", "book_taxi", "undo", "look", "mended")
    d.flow("begin", "book_hotel", "pay", "done")
    return d


def test_an_event_subprocess_undoes_what_was_completed_in_it_and_in_the_scope_it_belongs_to() -> None:
    case = PlayedCase(failing().compile())
    case.job("book_hotel:1", "Ritz")
    case.job_fails("pay:1", "broke")
    case.job("mend:1/book_taxi:1", "yellow")
    assert case.waits == ["mend:1/free_taxi:1"]

    case.job("mend:1/free_taxi:1")
    assert case.waits == ["free_hotel:1"]
    case.job("free_hotel:1")
    case.completes("mend:1/look:1")

    assert case.outcome == "mended"


def test_an_event_subprocess_that_runs_beside_undoes_too_and_the_rest_goes_on() -> None:
    case = PlayedCase(failing(interrupting=False).compile())
    case.job("book_hotel:1", "Ritz")
    case.message("on:1", "rethink")
    case.job("mend:1/book_taxi:1", "yellow")
    case.job("mend:1/free_taxi:1")

    case.job("free_hotel:1")

    assert set(case.waits) == {"on:2", "pay:1", "mend:1/look:1"}


def test_an_end_event_ends_its_way_with_its_outcome_when_all_is_undone() -> None:
    d = Diagram()
    d.start("begin")
    booked(d, "hotel")
    d.end("done", outcome="undone", event=d.compensation())
    d.flow("begin", "book_hotel", "done")
    case = PlayedCase(d.compile())
    case.job("book_hotel:1", "Ritz")
    assert case.waits == ["free_hotel:1"]
    assert case.machine.outcome is None

    case.job("free_hotel:1")

    assert case.outcome == "undone"


def test_where_there_is_nothing_to_undo_the_token_goes_on_at_once() -> None:
    d = Diagram()
    d.start("begin")
    d.throw("undo", d.compensation())
    booked(d, "hotel")
    d.end("done", outcome="booked")
    d.flow("begin", "undo", "book_hotel", "done")

    case = PlayedCase(d.compile())

    assert case.waits == ["book_hotel:1"]
    case.job("book_hotel:1")
    assert case.outcome == "booked"
