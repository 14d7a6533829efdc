"""Compensation: handlers undo what was completed, the last one first, each once, with the data it was completed with."""

from __future__ import annotations

import pytest

from engine.errors import Conflict
from engine.inputs import ElementSkipped, TokenMoved, WorkItemReturned
from engine.machine import Process
from engine.waits import IncidentWait, JobWait
from tests.engine.cases import PlayedCase
from tests.engine.diagrams import Diagram, Scope, many


def booked(d: Scope, *activities: str) -> None:
    """Service tasks `book_<name>` that give `<name>`, each undone by a service task `free_<name>` that is told it."""
    for name in activities:
        d.service(f"book_{name}", result=name)
        d.service(f"free_{name}", which=name)
        d.undone_by(f"book_{name}", f"free_{name}")


def a_journey(*, only: str = "") -> Diagram:
    """begin → book_hotel → book_flight → decide (a person) → undo (throws) → done."""
    d = Diagram()
    d.start("begin")
    booked(d, "hotel", "flight")
    d.user("decide")
    d.throw("undo", d.compensation(only))
    d.end("done", outcome="undone")
    d.flow("begin", "book_hotel", "book_flight", "decide", "undo", "done")
    return d


def undoing(process: Process) -> PlayedCase:
    case = PlayedCase(process)
    case.job("book_hotel:1", "Ritz")
    case.job("book_flight:1", "CA 1")
    case.completes("decide:1")
    return case


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
