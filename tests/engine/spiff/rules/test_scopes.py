"""Subprocesses, errors that walk outward, event subprocesses."""

from __future__ import annotations

import pytest

from engine.errors import Conflict
from engine.waits import MessageWait, TimerWait
from tests.engine.case_under_test import PlayedCase
from tests.engine.diagrams import Diagram, Scope

HOUR = 60


def nested() -> Diagram:
    """begin → Outer( Inner( read ) → check ) → done, errors caught around Outer."""
    d = Diagram()
    d.start("begin")
    outer = d.subprocess("Outer")
    outer.start("outer_begin")
    inner = outer.subprocess("Inner")
    inner.start("inner_begin")
    inner.service("read", result="reading")
    inner.end("inner_done")
    inner.flow("inner_begin", "read", "inner_done")
    outer.user("check")
    outer.end("outer_done", outcome="not the case's")
    outer.flow("outer_begin", "Inner", "check", "outer_done")
    d.boundary("failed", "Outer", d.error("bad"))
    d.user("repair")
    d.end("done", outcome="done")
    d.end("repaired", outcome="repaired")
    d.flow("begin", "Outer", "done")
    d.flow("failed", "repair", "repaired")
    return d


def test_waits_are_addressed_through_their_scopes() -> None:
    case = PlayedCase(nested().compile())

    assert case.waits == ["Outer:1/Inner:1/read:1"]

    case.job("Outer:1/Inner:1/read:1", {"name": "x"})
    assert case.waits == ["Outer:1/check:1"]
    case.completes("Outer:1/check:1")
    assert case.outcome == "done"
    assert case.variables["reading"] == {"name": "x"}


def test_an_error_walks_outward_to_the_scope_that_catches_it() -> None:
    case = PlayedCase(nested().compile())

    case.job_fails("Outer:1/Inner:1/read:1", "bad")

    assert case.waits == ["repair:1"]
    assert case.history()[:3] == ["Outer:1/Inner:1/read:1 failed", "Outer:1/Inner:1 failed", "Outer:1 failed"]


def test_variables_written_inside_survive_an_interruption() -> None:
    case = PlayedCase(nested().compile())
    case.job("Outer:1/Inner:1/read:1", 1)
    d = nested()
    d.boundary("stop", "Outer", d.message("stop"))
    d.end("stopped", outcome="stopped")
    d.flow("stop", "stopped")
    case = PlayedCase(d.compile())
    case.job("Outer:1/Inner:1/read:1", {"kept": True})

    case.message("stop:1", "stop")

    assert case.outcome == "stopped"
    assert case.variables == {"reading": {"kept": True}}


def test_an_error_end_event_ends_its_scope_and_everything_in_it() -> None:
    d = Diagram()
    d.start("begin")
    sub = d.subprocess("Sub")
    sub.start("in")
    sub.parallel("fork")
    sub.user("slow")
    sub.user("quick")
    sub.end("slow_done")
    sub.error_end("refuse", "refused")
    sub.flow("in", "fork", "slow", "slow_done")
    sub.flow("fork", "quick", "refuse")
    d.boundary("refused", "Sub", d.error("refused"))
    d.end("done", outcome="done")
    d.user("after")
    d.end("sorry", outcome="sorry")
    d.flow("begin", "Sub", "done")
    d.flow("refused", "after", "sorry")
    case = PlayedCase(d.compile())

    case.completes("Sub:1/quick:1")

    assert case.waits == ["after:1"]
    assert case.history() == [
        "Sub:1/quick:1 completed",
        "Sub:1/refuse:1 entered",
        "Sub:1/refuse:1 completed",
        "Sub:1 failed",
        "Sub:1/slow:1 cancelled",
        "refused:1 entered",
        "refused:1 completed",
        "after:1 entered",
    ]


def test_a_subprocess_in_a_loop_counts_its_activations() -> None:
    d = Diagram()
    d.start("begin")
    d.xor("enter")
    sub = d.subprocess("Check")
    sub.start("in")
    sub.user("scan")
    sub.end("out")
    sub.flow("in", "scan", "out")
    d.xor("well")
    d.end("done")
    d.flow("begin", "enter", "Check", "well")
    d.flow("well", "enter", when="again")
    d.flow("well", "done", default=True)
    case = PlayedCase(d.compile())

    case.completes("Check:1/scan:1", again=True)
    case.completes("Check:2/scan:1", again=True)

    assert case.waits == ["Check:3/scan:1"]


def test_a_boundary_event_says_which_activity_it_sits_on() -> None:
    d = nested()
    d.boundary("slow", "Outer", d.timer("PT1H"))
    d.end("too_slow")
    d.flow("slow", "too_slow")

    case = PlayedCase(d.compile())

    wait = case.wait("slow:1")
    assert isinstance(wait, TimerWait)
    assert wait.attached_to == "Outer:1"


def withdrawable(interrupting: bool) -> Diagram:
    """begin → first → second → done; a message `withdraw` at any time asks `why`, interrupting or beside it."""
    d = Diagram()
    d.start("begin")
    d.user("first")
    d.user("second")
    d.end("done", outcome="done")
    d.flow("begin", "first", "second", "done")
    handler = d.event_subprocess(
        "Withdraw", "withdraw", d.message("withdraw"), interrupting=interrupting, result="request", correlation="number"
    )
    asks_why(handler)
    return d


def asks_why(handler: Scope) -> None:
    handler.user("why")
    handler.end("withdrawn", outcome="withdrawn")
    handler.flow("withdraw", "why", "withdrawn")


def test_an_interrupting_event_subprocess_takes_the_whole_scope_away() -> None:
    case = PlayedCase(withdrawable(True).compile(), {"number": "A1"})
    case.completes("first:1", name="x")
    wait = case.wait("withdraw:1")

    case.message("withdraw:1", "withdraw", reason="mistyped")

    assert wait == MessageWait(address="withdraw:1", element="withdraw", message="withdraw", correlation="A1")
    assert case.waits == ["Withdraw:1/why:1"]
    assert case.variables == {"number": "A1", "name": "x", "request": {"reason": "mistyped"}}
    case.completes("Withdraw:1/why:1")
    assert case.outcome == "withdrawn"


def test_a_second_message_does_not_start_it_again() -> None:
    case = PlayedCase(withdrawable(True).compile())
    case.message("withdraw:1", "withdraw")

    with pytest.raises(Conflict, match=r"wait\.gone"):
        case.message("withdraw:1", "withdraw")


def test_a_case_that_ends_takes_its_event_subprocess_with_it() -> None:
    case = PlayedCase(withdrawable(True).compile())

    case.completes("first:1")
    case.completes("second:1")

    assert case.outcome == "done"


def test_a_non_interrupting_event_subprocess_runs_beside_its_scope_and_as_often_as_asked() -> None:
    case = PlayedCase(withdrawable(False).compile())

    case.message("withdraw:1", "withdraw")
    case.message("withdraw:2", "withdraw")
    assert set(case.waits) == {"Withdraw:1/why:1", "Withdraw:2/why:1", "first:1", "withdraw:3"}
    case.completes("first:1")
    case.completes("second:1")
    assert set(case.waits) == {"Withdraw:1/why:1", "Withdraw:2/why:1"}
    case.completes("Withdraw:2/why:1")
    case.completes("Withdraw:1/why:1")

    assert case.machine.is_ended


def test_an_event_subprocess_by_timer_and_one_by_error_share_a_scope() -> None:
    d = Diagram()
    d.start("begin")
    d.service("read")
    d.end("done", outcome="done")
    d.flow("begin", "read", "done")
    late = d.event_subprocess("Late", "late", d.timer("PT1H"), interrupting=False)
    late.user("chase")
    late.end("chased")
    late.flow("late", "chase", "chased")
    broken = d.event_subprocess("Broken", "broken", d.error("bad"), result="why")
    broken.user("repair")
    broken.end("repaired", outcome="repaired")
    broken.flow("broken", "repair", "repaired")
    case = PlayedCase(d.compile())

    case.timer("late:1", HOUR)
    assert set(case.waits) == {"read:1", "Late:1/chase:1"}
    case.job_fails("read:1", "bad", "no light")

    assert case.waits == ["Broken:1/repair:1"]
    assert case.variables["why"] == {"code": "bad", "message": "no light"}
    case.completes("Broken:1/repair:1")
    assert case.outcome == "repaired"


def test_an_event_subprocess_inside_a_subprocess_and_one_inside_that() -> None:
    d = Diagram()
    d.start("begin")
    sub = d.subprocess("Sub")
    sub.start("in")
    sub.user("work")
    sub.end("out")
    sub.flow("in", "work", "out")
    handler = sub.event_subprocess("Handler", "stop", d.message("stop"))
    handler.user("explain")
    handler.end("explained", outcome="not the case's")
    handler.flow("stop", "explain", "explained")
    inner = handler.event_subprocess("Inner", "hurry", d.timer("PT1H"))
    inner.user("hurried")
    inner.end("over")
    inner.flow("hurry", "hurried", "over")
    d.end("done", outcome="done")
    d.flow("begin", "Sub", "done")
    case = PlayedCase(d.compile())

    wait = case.wait("Sub:1/stop:1")
    case.message("Sub:1/stop:1", "stop")
    assert set(case.waits) == {"Sub:1/Handler:1/explain:1", "Sub:1/Handler:1/hurry:1"}
    case.timer("Sub:1/Handler:1/hurry:1", HOUR)
    assert case.waits == ["Sub:1/Handler:1/Inner:1/hurried:1"]
    case.completes("Sub:1/Handler:1/Inner:1/hurried:1")

    assert isinstance(wait, MessageWait)
    assert wait.attached_to == "Sub:1"
    assert case.outcome == "done"


def test_cancelling_a_case_ends_its_scopes_from_the_inside() -> None:
    case = PlayedCase(nested().compile())

    case.cancelled()

    assert case.history() == ["Outer:1/Inner:1/read:1 cancelled", "Outer:1/Inner:1 cancelled", "Outer:1 cancelled"]
    assert case.outcome == "cancelled"
