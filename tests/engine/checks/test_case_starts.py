"""The deployment check: how cases of a flow begin."""

from __future__ import annotations

import pytest

from engine.checks.check import check_files
from engine.errors import InvalidDiagram
from tests.engine.checking import TOML, a_folder, alone, form, in_folder
from tests.engine.diagrams import Diagram

STARTED_BY_HAND = TOML.format(more='[start]\nwho = ["*"]')


def a_flow_with(*starts: tuple[str, str], lane: str = "clerk", **properties: str) -> Diagram:
    """Start events by id and what triggers them, each straight to one user task."""
    d = Diagram("process", lanes={lane: ["fill"]})
    for element, event in starts:
        d.start(element, event, **properties)
        d.flow(element, "fill")
    d.user("fill", form="fill")
    d.boundary("late", "fill", d.timer("P9D"))
    d.end("done", outcome="done")
    d.flow("fill", "done")
    d.flow("late", "done")
    for event in starts:
        if "messageRef" in event[1]:
            d.message(event[1].split('"message.')[1].split('"')[0])
    return d


def by_message(name: str) -> str:
    return Diagram().message(name)


def by_clock(text: str = "R/P1D", kind: str = "timeCycle") -> str:
    return Diagram.timer(text, kind)


def errors(diagram: Diagram, toml: str = TOML.format(more=""), **files: bytes) -> set[tuple[str, str]]:
    problems = check_files(a_folder(diagram, toml, **files))
    return {(problem.element, problem.code) for problem in problems if problem.severity != "info"}


def test_a_flow_may_begin_by_hand_by_messages_and_by_the_clock():
    d = a_flow_with(
        ("apply", ""), ("ordered", by_message("order")), ("paid", by_message("paid")), ("daily", by_clock())
    )

    assert errors(d, STARTED_BY_HAND) == set()


def test_two_start_events_without_a_trigger_are_refused():
    assert ("process", "scope.start") in alone(a_flow_with(("apply", ""), ("again", "")))


@pytest.mark.parametrize("event", [Diagram().signal("x"), Diagram().error("x"), Diagram().escalation("x")])
def test_nothing_else_starts_a_case(event):
    assert ("begin", "event.definition") in alone(a_flow_with(("apply", ""), ("begin", event)))


def test_a_message_starts_at_one_place():
    d = a_flow_with(("ordered", by_message("order")), ("again", by_message("order")))

    assert ("again", "start.doubled") in in_folder(d)


def test_the_message_of_a_start_event_has_a_name():
    assert ("ordered", "message.unknown") in alone(a_flow_with(("ordered", "<bpmn:messageEventDefinition/>")))


def test_the_form_of_a_start_event_is_there_and_its_fields_are_written():
    d = a_flow_with(("ordered", by_message("order")), form="order")
    d.boundary("later", "fill", d.timer("due_in"), interrupting=False)
    d.end("reminded")
    d.flow("later", "reminded")

    assert ("ordered", "form.missing") in in_folder(d)
    assert errors(d, order_json=form(due_in={"type": "string"})) == set()
    assert ("later", "variable.unknown") not in in_folder(d, order_json=form(due_in={"type": "string"}))


def test_what_only_other_events_read_has_no_effect_at_a_start_event():
    d = a_flow_with(("ordered", by_message("order")), correlation="number")

    assert ("ordered", "element.property") in alone(d)


def test_a_start_message_in_flow_toml_belongs_into_the_diagram():
    toml = TOML.format(more='[start]\nmessage = "order"')

    assert ("order", "start.in_diagram") in in_folder(a_flow_with(("apply", "")), toml)


def test_who_may_start_is_of_no_use_where_nobody_can():
    d = a_flow_with(("ordered", by_message("order")))

    assert ("process", "start.not_by_hand") in in_folder(d, STARTED_BY_HAND)


def test_a_message_that_only_starts_cases_is_not_one_to_send_to_a_case():
    toml = TOML.format(more='[messages.order]\nlabel = "下单"\nwho = "starter"')

    assert ("order", "message.not_caught") in in_folder(a_flow_with(("ordered", by_message("order"))), toml)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("R3/PT5S", "timeCycle"),
        ("0 9 * * *", "timeCycle"),
        ("R/soon/P1D", "timeCycle"),
        ("applied_at", "timeDate"),
        ("P99Y", "timeDuration"),
    ],
)
def test_a_schedule_that_says_no_instant_is_refused(text, kind):
    assert ("daily", "timer.invalid") in alone(a_flow_with(("apply", ""), ("daily", by_clock(text, kind))))


def test_a_timer_start_without_a_time_is_refused():
    assert ("daily", "timer.invalid") in alone(a_flow_with(("daily", "<bpmn:timerEventDefinition/>")))


def test_what_the_clock_starts_has_no_task_of_its_starters():
    toml = TOML.format(more="").replace('clerk = "flow.clerk"', 'clerk = "starter"')
    by_hand, by_the_clock = ("apply", ""), ("daily", by_clock())

    assert ("daily", "start.nobody") in in_folder(a_flow_with(by_hand, by_the_clock), toml)
    assert ("apply", "start.nobody") not in in_folder(a_flow_with(by_hand), toml)


def test_nor_has_what_it_calls():
    d = Diagram("process")
    d.start("daily", by_clock())
    d.call("check", "checking")
    d.end("done", outcome="done")
    d.flow("daily", "check", "done")
    called = Diagram("checking", lanes={"applicant": ["ask"]})
    called.start("begin")
    called.user("ask", form="fill")
    called.end("asked")
    called.flow("begin", "ask", "asked")
    toml = TOML.format(more="").replace('clerk = "flow.clerk"', 'applicant = "starter"')

    assert ("daily", "start.nobody") in in_folder(d, toml, checking_bpmn=called.xml())


def test_a_called_process_begins_when_it_is_called():
    d = Diagram("process")
    d.start("begin")
    d.call("check", "checking")
    d.end("done")
    d.flow("begin", "check", "done")
    called = Diagram("checking")
    called.start("ordered", called.message("order"))
    called.end("asked")
    called.flow("ordered", "asked")

    assert ("ordered", "scope.start") in in_folder(d, checking_bpmn=called.xml())


def test_the_engine_refuses_what_the_check_refuses():
    called = Diagram("checking")
    called.start("ordered", called.message("order"))
    called.end("asked")
    called.flow("ordered", "asked")
    outer = Diagram("process")
    outer.start("begin")
    outer.call("check", "checking")
    outer.end("done")
    outer.flow("begin", "check", "done")

    refused = [
        lambda: a_flow_with(("apply", ""), ("again", "")).compile(),
        lambda: a_flow_with(("begin", Diagram().error("x"))).compile(),
        lambda: a_flow_with(("daily", by_clock("R3/PT5S"))).compile(),
        lambda: a_flow_with(("daily", "<bpmn:timerEventDefinition/>")).compile(),
        lambda: outer.compile(None, called),
    ]

    for compiled in refused:
        with pytest.raises(InvalidDiagram):
            compiled()
