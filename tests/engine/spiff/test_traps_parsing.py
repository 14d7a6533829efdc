"""What SpiffWorkflow 3.2.0 reads wrong, or lets a diagram do (see test_traps_running.py)."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine, TaskDataEnvironment
from SpiffWorkflow.bpmn.specs.event_definitions.simple import NoneEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.camunda.parser.CamundaParser import CamundaParser
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.util.task import TaskState

from tests.engine.spiff.stock import (
    complete,
    diagram,
    element,
    every,
    flows,
    message,
    ready,
    service,
    specs_of,
    started,
)


def test_trap_4_children_restored_onto_a_fresh_definition_never_merge():
    """The parent listens to its children through the definition, and starts to when it makes them: in that process only."""
    many = element("multiInstanceLoopCharacteristics", "many", "<bpmn:loopCardinality>2</bpmn:loopCardinality>")
    xml = diagram(
        element("startEvent", "start"),
        element("userTask", "vote", many),
        element("userTask", "count"),
        element("endEvent", "end"),
        flows("start > vote > count > end"),
    )
    workflow = started(xml)
    elsewhere, _ = specs_of(xml)
    for task in workflow.tasks.values():
        task.task_spec = elsewhere.task_specs[task.task_spec.name]

    for task in every(workflow, TaskState.READY):
        task.run()
    workflow.do_engine_steps()

    assert ready(workflow) == []
    assert not workflow.is_completed()


def test_trap_5_a_condition_is_python_with_everything_python_can_do():
    xml = diagram(
        element("startEvent", "start"),
        element("exclusiveGateway", "gate", default="flow_gate_safe_0"),
        element("userTask", "safe"),
        element("userTask", "owned"),
        element("endEvent", "end"),
        flows(
            "gate > safe > end",
            "start > gate",
            f"gate > owned ? __import__('os').getpid() == {os.getpid()}",
            "owned > end",
        ),
    )

    workflow = started(xml)

    assert ready(workflow) == ["owned"]


@pytest.mark.parametrize(
    "kind", ["compensateEventDefinition", "linkEventDefinition", "terminateEventDefinition", "cancelEventDefinition"]
)
def test_trap_6_a_throw_event_it_does_not_know_becomes_one_that_does_nothing(kind):
    spec, _ = specs_of(
        diagram(
            element("startEvent", "start"),
            element("intermediateThrowEvent", "thrown", element(kind, "definition")),
            element("endEvent", "end"),
            flows("start > thrown > end"),
        )
    )

    assert isinstance(spec.task_specs["thrown"].event_definition, NoneEventDefinition)


def test_trap_6_a_compensation_boundary_event_is_not_parsed_and_a_handler_is_dropped():
    def drawn(*more):
        return diagram(
            element("startEvent", "start"),
            element("userTask", "book"),
            element("userTask", "free", isForCompensation="true"),
            element("intermediateThrowEvent", "undo", element("compensateEventDefinition", "thrown")),
            element("endEvent", "end"),
            flows("start > book > undo > end"),
            *more,
        )

    boundary = element("boundaryEvent", "undone", element("compensateEventDefinition", "caught"), attachedToRef="book")

    with pytest.raises(ValidationException, match="Unsupported Catch Event"):
        specs_of(drawn(boundary, '<bpmn:association id="a" sourceRef="undone" targetRef="free" />'))
    workflow = started(drawn())
    complete(workflow, "book")
    assert workflow.is_completed()
    assert "free" not in workflow.spec.task_specs


def test_trap_7_what_a_service_raised_is_hidden_behind_a_name_error():
    class Failing(TaskDataEnvironment):
        def call_service(self, context, **kwargs):
            raise ConnectionError("the broker is gone")

    xml = diagram(
        element("startEvent", "start"), service("read"), element("endEvent", "end"), flows("start > read > end")
    )

    with pytest.raises(NameError, match="script"):
        started(xml, engine=PythonScriptEngine(Failing()))


def test_trap_10_a_naive_moment_is_taken_in_the_zone_of_the_server():
    moment = TimerEventDefinition.get_datetime("2026-03-02T09:00:00")

    local = datetime.now().astimezone().tzinfo
    assert moment == datetime(2026, 3, 2, 9, tzinfo=local).astimezone(UTC)


def test_trap_10_a_duration_counts_from_the_clock_of_the_machine():
    short = '<bpmn:timerEventDefinition><bpmn:timeDuration>"PT1H"</bpmn:timeDuration></bpmn:timerEventDefinition>'
    before = datetime.now(UTC)

    workflow = started(
        diagram(
            element("startEvent", "start"),
            element("intermediateCatchEvent", "until", short),
            element("endEvent", "end"),
            flows("start > until > end"),
        )
    )

    due = datetime.fromisoformat(workflow.waiting_events()[0].value)
    assert before + timedelta(hours=1) <= due <= datetime.now(UTC) + timedelta(hours=1)


def test_trap_13_entities_of_a_doctype_are_expanded():
    xml = diagram(
        element("startEvent", "start"),
        element("userTask", "ask", name="NAME"),
        element("endEvent", "end"),
        flows("start > ask > end"),
    )
    evil = b'<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>' + xml.replace(b"NAME", b"&b;&b;")
    parser = SpiffBpmnParser()

    parser.add_bpmn_str(evil)

    assert parser.get_spec("Process").task_specs["ask"].bpmn_name == "ha" * 8


def test_trap_14_malformed_input_gives_a_key_error():
    xml = diagram(
        element("startEvent", "start"),
        element("businessRuleTask", "decide"),
        element("endEvent", "end"),
        flows("start > decide > end"),
    )

    with pytest.raises(KeyError):
        CamundaParser().add_bpmn_xml(etree.fromstring(xml))


def test_trap_21_whether_an_event_subprocess_interrupts_is_lost():
    texts = []
    for interrupting in ("true", "false"):
        inside = element("startEvent", "asked", message("ask"), isInterrupting=interrupting)
        inside += element("userTask", "answer") + element("endEvent", "answered") + flows("asked > answer > answered")
        _, subs = specs_of(
            diagram(
                element("startEvent", "start"),
                element("userTask", "work"),
                element("endEvent", "end"),
                flows("start > work > end"),
                element("subProcess", "Ask", inside, triggeredByEvent="true"),
                messages=("ask",),
            )
        )
        asked = next(task for sub in subs.values() for name, task in sub.task_specs.items() if name == "asked")
        texts.append({name: str(value) for name, value in vars(asked).items() if isinstance(value, str | bool | int)})

    assert texts[0] == texts[1]


def test_trap_21_sequence_flows_have_no_ids_and_unreachable_elements_vanish():
    spec, _ = specs_of(
        diagram(
            element("startEvent", "start"),
            element("userTask", "ask"),
            element("userTask", "island"),
            element("endEvent", "end"),
            flows("start > ask > end", "island > end"),
        )
    )

    assert "island" not in spec.task_specs
    assert not any("flow_start_ask" in str(vars(task)) for task in spec.task_specs.values())
