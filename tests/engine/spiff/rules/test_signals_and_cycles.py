"""Signals, which go to all who wait; and cycle timers, which fire again and again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.errors import InvalidDiagram
from engine.inputs import TimerFired
from engine.machine import SentMessage
from engine.waits import IncidentWait, MessageWait
from tests.engine.case_under_test import MONDAY, PlayedCase
from tests.engine.checking import in_folder
from tests.engine.diagrams import Diagram

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
    assert wanted <= in_folder(d)


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
