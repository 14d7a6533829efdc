"""Inclusive gateways, terminate ends, escalations, signals, cycle timers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.errors import InvalidDiagram
from engine.inputs import ElementSkipped, TimerFired
from engine.machine import SentMessage
from engine.waits import IncidentWait, MessageWait
from tests.engine.cases import MONDAY, PlayedCase
from tests.engine.checking import a_folder, check_files
from tests.engine.diagrams import Diagram


def codes(d: Diagram) -> set[tuple[str, str]]:
    return {(problem.element, problem.code) for problem in check_files(a_folder(d))}


# --- inclusive gateways


def choosing() -> Diagram:
    """begin → split( a when x | b when y | c by default ) → join → done"""
    d = Diagram()
    d.start("begin")
    d.inclusive("split")
    for element in ("a", "b", "c"):
        d.user(element)
    d.inclusive("join")
    d.end("done", outcome="done")
    d.flow("begin", "split")
    d.flow("split", "a", "join", when="x")
    d.flow("split", "b", "join", when="y")
    d.flow("split", "c", "join", default=True)
    d.flow("join", "done")
    return d


@pytest.mark.parametrize(
    ("variables", "chosen"),
    [({"x": 1, "y": 1}, ["a:1", "b:1"]), ({"y": 1}, ["b:1"]), ({}, ["c:1"])],
)
def test_every_way_that_holds_is_taken_and_the_join_waits_for_all_of_them(variables, chosen) -> None:
    case = PlayedCase(choosing().compile(), variables)
    assert case.waits == chosen

    for wait in chosen:
        assert not case.machine.is_ended
        case.completes(wait)

    assert case.outcome == "done"


def test_no_way_out_of_an_inclusive_gateway_is_an_incident() -> None:
    d = Diagram()
    d.start("begin")
    d.inclusive("split")
    d.end("done")
    d.end("other")
    d.flow("begin", "split")
    d.flow("split", "done", when="x")
    d.flow("split", "other", when="y")
    case = PlayedCase(d.compile())
    assert case.wait("split:1").code == "gateway.no_way_out"

    case.retried("split:1", y=True)

    assert case.machine.is_ended


def test_a_join_waits_for_a_token_in_a_loop_that_can_still_come() -> None:
    d = Diagram()
    d.start("begin")
    d.inclusive("split")
    for element in ("a", "b", "fix"):
        d.user(element)
    d.xor("ok")
    d.inclusive("join")
    d.end("done", outcome="done")
    d.flow("begin", "split")
    d.flow("split", "a", "join", when="True")
    d.flow("split", "b", "ok", when="True")
    d.flow("ok", "fix", when="again")
    d.flow("fix", "b")
    d.flow("ok", "join", default=True)
    d.flow("join", "done")
    case = PlayedCase(d.compile())
    case.completes("b:1", again=True)
    case.completes("a:1")
    assert case.waits == ["fix:1"]

    case.completes("fix:1")
    case.completes("b:2", again=False)

    assert case.outcome == "done"


def test_a_way_out_by_a_boundary_event_releases_the_join() -> None:
    d = choosing()
    d.boundary("late", "b", d.timer("PT1H"))
    d.end("expired")
    d.flow("late", "expired")
    case = PlayedCase(d.compile(), {"x": 1, "y": 1})
    case.completes("a:1")
    assert case.waits == ["b:1", "late:1"]

    case.timer("late:1", minutes=60)

    assert case.outcome == "done"


def test_a_join_that_nothing_will_come_to_is_an_incident_and_can_be_skipped() -> None:
    d = Diagram()
    d.start("begin")
    d.xor("one")
    d.user("a")
    d.user("b")
    d.parallel("join")
    d.end("done", outcome="done")
    d.flow("begin", "one")
    d.flow("one", "a", "join", when="True")
    d.flow("one", "b", "join", default=True)
    d.flow("join", "done")
    case = PlayedCase(d.compile())

    case.completes("a:1")

    assert case.wait("join:1").code == "join.stuck"
    case.retried("join:1")
    assert case.wait("join:1").code == "join.stuck"
    case.apply(ElementSkipped(at=MONDAY, by="op", wait="join:1"))
    assert case.outcome == "done"


def test_an_inclusive_join_waits_for_who_may_still_come_by_a_boundary_event() -> None:
    d = Diagram()
    d.start("begin")
    d.inclusive("split")
    d.user("a")
    d.boundary("late", "a", d.timer("PT1H"))
    d.end("over")
    d.user("c")
    d.inclusive("join")
    d.user("after")
    d.end("done")
    d.flow("begin", "split")
    d.flow("split", "a", "over", when="x")
    d.flow("split", "c", "join", when="x")
    d.flow("late", "join")
    d.flow("join", "after", "done")
    case = PlayedCase(d.compile(), {"x": True})

    case.completes("c:1")

    assert sorted(case.waits) == ["a:1", "late:1"]
    case.completes("a:1")
    assert case.waits == ["after:1"]


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
    assert ("tell", "escalation.not_caught") in codes(d)
    assert "escalation.not_caught" not in {code for _, code in codes(escalating(interrupting=True))}


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


# --- signals


def test_a_signal_goes_out_to_all_and_waits_under_its_own_name() -> None:
    d = Diagram()
    d.start("begin")
    d.throw("tell", d.signal("closing"), payload_day="1 + 1")
    d.user("fill")
    d.boundary("closed", "fill", d.signal("closing"), result="notice")
    d.end("done", outcome="done")
    d.end("over", outcome="over")
    d.flow("begin", "tell", "fill", "done")
    d.flow("closed", "over")
    case = PlayedCase(d.compile())
    assert case.applied.sent == (SentMessage("signal", "signal:closing", "", {"day": 2}),)
    assert case.wait("closed:1") == MessageWait(
        address="closed:1", element="closed", message="signal:closing", attached_to="fill:1"
    )

    case.message("closed:1", "signal:closing", day=2)

    assert case.outcome == "over"
    assert case.variables == {"notice": {"day": 2}}


def test_a_signal_without_a_name_and_a_message_named_like_one_are_refused() -> None:
    d = Diagram()
    d.start("begin")
    d.raw('<bpmn:intermediateThrowEvent id="t"><bpmn:signalEventDefinition/></bpmn:intermediateThrowEvent>')
    d.throw("u", d.message("signal:closing"))
    d.end("done", outcome="done")
    d.flow("begin", "t", "u", "done")

    with pytest.raises(InvalidDiagram) as refused:
        d.compile()

    wanted = {("t", "signal.unknown"), ("u", "message.unknown")}
    assert wanted <= {(p.element, p.code) for p in refused.value.problems}
    assert wanted <= codes(d)


# --- cycle timers


def reminding(cycle: str) -> Diagram:
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.boundary("remind", "fill", d.timer(cycle, "timeCycle"), interrupting=False)
    d.service("tell")
    d.end("told")
    d.end("done", outcome="done")
    d.flow("begin", "fill", "done")
    d.flow("remind", "tell", "told")
    return d


def test_a_cycle_timer_fires_so_often_a_period_apart() -> None:
    case = PlayedCase(reminding("R2/PT10M").compile())

    case.timer("remind:1", minutes=10)
    assert case.wait("remind:2").due == MONDAY + timedelta(minutes=20)
    case.timer("remind:2", minutes=20)

    assert case.waits == ["fill:1", "tell:1", "tell:2"]


def test_a_cycle_timer_that_was_slept_through_fires_once_and_goes_on() -> None:
    case = PlayedCase(reminding("R/PT10M").compile())

    case.apply(TimerFired(at=case.at(10), wait="remind:1", noticed=case.at(95)))

    assert case.wait("remind:2").due == MONDAY + timedelta(minutes=100)
    assert case.machine.due_before(case.at(95)) == []


def test_a_cycle_timer_in_an_event_subprocess() -> None:
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.end("done", outcome="done")
    d.flow("begin", "fill", "done")
    handler = d.event_subprocess("Remind", "often", d.timer("R3/P1D", "timeCycle"), interrupting=False)
    handler.service("tell")
    handler.end("told")
    handler.flow("often", "tell", "told")
    case = PlayedCase(d.compile())

    case.timer("often:1", minutes=1440)
    case.timer("often:2", minutes=2880)

    assert sorted(case.waits) == ["Remind:1/tell:1", "Remind:2/tell:1", "fill:1", "often:3"]


def test_an_incident_is_not_a_wait_for_a_cycle() -> None:
    d = reminding("R3/PT10M")
    case = PlayedCase(d.compile())
    case.timer("remind:1", minutes=10)

    case.job_is_given_up("tell:1")

    assert isinstance(case.wait("tell:1"), IncidentWait)
    assert case.wait("remind:2").left == 2
