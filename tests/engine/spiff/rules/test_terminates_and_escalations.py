"""What leaves a scope before it is done: terminate ends take it away, escalations call outward from it."""

from __future__ import annotations

import pytest

from tests.engine.case_under_test import PlayedCase
from tests.engine.checking import in_folder
from tests.engine.diagrams import Diagram

# --- terminate


def test_a_terminate_end_takes_everything_in_its_scope_away() -> None:
    d = Diagram()
    d.start("begin")
    d.parallel("fork")
    d.user("a")
    sub = d.subprocess("Sub")
    sub.start("sub_begin")
    sub.user("inner")
    sub.end("sub_done")
    sub.flow("sub_begin", "inner", "sub_done")
    d.end("stop", outcome="stopped", event=d.terminate())
    d.end("done", outcome="done")
    d.flow("begin", "fork", "a", "stop")
    d.flow("fork", "Sub", "done")
    case = PlayedCase(d.compile())

    case.completes("a:1")

    assert case.outcome == "stopped"
    assert {"Sub:1/inner:1 cancelled", "Sub:1 cancelled", "stop:1 completed"} <= set(case.history())


def test_a_terminate_end_in_a_subprocess_ends_that_alone_with_its_handlers() -> None:
    d = Diagram()
    d.start("begin")
    sub = d.subprocess("Sub")
    sub.start("sub_begin")
    sub.parallel("fork")
    sub.user("a")
    sub.user("b")
    sub.end("stop", event=d.terminate())
    sub.end("sub_done")
    sub.flow("sub_begin", "fork", "a", "stop")
    sub.flow("fork", "b", "sub_done")
    handler = sub.event_subprocess("Remind", "reminding", d.message("remind"), interrupting=False)
    handler.user("remind")
    handler.end("reminded")
    handler.flow("reminding", "remind", "reminded")
    d.user("after")
    d.end("done", outcome="done")
    d.flow("begin", "Sub", "after", "done")
    case = PlayedCase(d.compile())
    case.message("Sub:1/reminding:1", "remind")
    assert len(case.waits) == 4

    case.completes("Sub:1/a:1")

    assert case.waits == ["after:1"]


# --- escalations


def escalating(*, interrupting: bool, end: bool = False) -> Diagram:
    """Sub( look → escalate [→ go_on] ) with a boundary escalation event → told"""
    d = Diagram()
    d.start("begin")
    sub = d.subprocess("Sub")
    sub.start("sub_begin")
    sub.user("look")
    if end:
        sub.end("tell", event=d.escalation("late"))
        sub.flow("sub_begin", "look", "tell")
    else:
        sub.throw("tell", d.escalation("late"))
        sub.user("go_on")
        sub.end("sub_done")
        sub.flow("sub_begin", "look", "tell", "go_on", "sub_done")
    d.boundary("told", "Sub", d.escalation("late"), interrupting=interrupting, result="what")
    d.user("care")
    d.end("cared", outcome="cared")
    d.end("done", outcome="done")
    d.flow("begin", "Sub", "done")
    d.flow("told", "care", "cared")
    return d


def test_an_escalation_that_does_not_interrupt_runs_beside() -> None:
    case = PlayedCase(escalating(interrupting=False).compile())

    case.completes("Sub:1/look:1")

    assert sorted(case.waits) == ["Sub:1/go_on:1", "care:1"]
    assert case.variables == {"what": {"code": "late"}}
    case.completes("Sub:1/go_on:1")
    case.completes("care:1")
    assert case.outcome == "cared"


@pytest.mark.parametrize("end", [False, True])
def test_an_escalation_that_interrupts_takes_the_scope_away(end: bool) -> None:
    case = PlayedCase(escalating(interrupting=True, end=end).compile())

    case.completes("Sub:1/look:1")

    assert case.waits == ["care:1"]
    assert {"Sub:1/tell:1 completed", "Sub:1 cancelled"} <= set(case.history())


def test_an_escalation_nobody_catches_changes_nothing_and_is_warned_of() -> None:
    d = Diagram()
    d.start("begin")
    d.throw("tell", d.escalation("late"))
    d.end("done", outcome="done")
    d.flow("begin", "tell", "done")

    assert PlayedCase(d.compile()).outcome == "done"
    assert ("tell", "escalation.not_caught") in in_folder(d)
    assert "escalation.not_caught" not in {code for _, code in in_folder(escalating(interrupting=True))}


def test_an_escalation_starts_an_event_subprocess() -> None:
    d = Diagram()
    d.start("begin")
    d.throw("tell", d.escalation("late"))
    d.user("go_on")
    d.end("done", outcome="done")
    d.flow("begin", "tell", "go_on", "done")
    handler = d.event_subprocess("Care", "told", d.escalation(), interrupting=False)
    handler.user("care")
    handler.end("cared")
    handler.flow("told", "care", "cared")

    case = PlayedCase(d.compile())

    assert sorted(case.waits) == ["Care:1/care:1", "go_on:1"]


def test_of_a_scopes_event_subprocesses_the_one_with_the_code_comes_before_one_of_every_code() -> None:
    d = Diagram()
    d.start("begin")
    d.throw("tell", d.escalation("late"))
    d.user("go_on")
    d.end("done", outcome="done")
    d.flow("begin", "tell", "go_on", "done")
    for name, code, interrupting in (("Any", "", False), ("Late", "late", True)):
        handler = d.event_subprocess(name, f"{name}_told", d.escalation(code), interrupting=interrupting)
        handler.user(f"{name}_care")
        handler.end(f"{name}_end")
        handler.flow(f"{name}_told", f"{name}_care", f"{name}_end")

    case = PlayedCase(d.compile())

    assert case.waits == ["Late:1/Late_care:1"]


def test_a_near_catcher_of_every_code_comes_before_a_farther_one_with_the_code() -> None:
    d = Diagram()
    d.start("begin")
    sub = d.subprocess("Sub")
    sub.start("sub_begin")
    sub.throw("tell", d.escalation("late"))
    sub.user("go_on")
    sub.end("sub_end")
    sub.flow("sub_begin", "tell", "go_on", "sub_end")
    near = sub.event_subprocess("Near", "near_told", d.escalation(), interrupting=False)
    near.user("care")
    near.end("cared")
    near.flow("near_told", "care", "cared")
    d.boundary("far_told", "Sub", d.escalation("late"))
    d.end("done")
    d.end("over", outcome="over")
    d.flow("begin", "Sub", "done")
    d.flow("far_told", "over")

    case = PlayedCase(d.compile())

    assert sorted(case.waits) == ["Sub:1/Near:1/care:1", "Sub:1/go_on:1"]
