"""What SpiffWorkflow 3.2.0 does to scopes, data and definitions that several cases share (see test_traps_running.py)."""

from __future__ import annotations

import tracemalloc
from datetime import date
from typing import Any

import pytest
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.exceptions import TaskNotFoundException
from SpiffWorkflow.spiff.serializer.config import SPIFF_CONFIG
from SpiffWorkflow.util.task import TaskState

from tests.engine.spiff.stock import (
    FOREVER,
    complete,
    diagram,
    element,
    error,
    every,
    flows,
    message,
    ready,
    script,
    send,
    specs_of,
    started,
)


def serializer() -> BpmnWorkflowSerializer:
    return BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(SPIFF_CONFIG))


def two_steps() -> bytes:
    return diagram(
        element("startEvent", "start"),
        element("userTask", "ask"),
        element("userTask", "then"),
        element("endEvent", "end"),
        flows("start > ask > then > end"),
    )


def test_trap_3_the_serializer_takes_true_for_one():
    workflow = started(two_steps())
    complete(workflow, "ask", consent=1)
    next(task for task in every(workflow, TaskState.READY)).data["consent"] = True

    restored = serializer().deserialize_json(serializer().serialize_json(workflow))

    assert every(restored, TaskState.READY)[0].data["consent"] is not True


def test_trap_3_user_data_with_a_key_typename_cannot_be_loaded_again():
    workflow = started(two_steps())
    complete(workflow, "ask", answer={"typename": "passport"})
    saved = serializer().serialize_json(workflow)

    with pytest.raises(Exception):  # noqa: B017 - whichever it is, the case is lost
        serializer().deserialize_json(saved)


def test_trap_3_a_date_cannot_be_saved():
    workflow = started(two_steps())
    complete(workflow, "ask", born=date(1949, 12, 31))

    with pytest.raises(TypeError):
        serializer().serialize_json(workflow)


def test_trap_11_a_parallel_multi_instance_copies_all_items_for_each_item():
    xml = diagram(
        element("startEvent", "start"),
        element(
            "userTask",
            "vote",
            "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopDataInputRef>members</bpmn:loopDataInputRef>"
            '<bpmn:inputDataItem id="member" name="member" /></bpmn:multiInstanceLoopCharacteristics>',
        ),
        element("endEvent", "end"),
        script("call", "members = [[i] for i in range(size)]"),
        element("userTask", "ask"),
        flows("start > ask > call > vote > end"),
    )

    small, large = (memory_of(xml, size) for size in (100, 800))

    assert large > 20 * small  # linear would be 8


def memory_of(xml: bytes, size: int) -> int:
    workflow = started(xml)
    tracemalloc.start()
    complete(workflow, "ask", size=size)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(ready(workflow)) == size
    return used


def withdrawable(event: str) -> bytes:
    handler = element("startEvent", "asked", event, isInterrupting="true") + element("userTask", "confirm")
    handler += element("endEvent", "withdrawn") + flows("asked > confirm > withdrawn")
    return diagram(
        element("startEvent", "start"),
        element("userTask", "fill"),
        element("endEvent", "end"),
        flows("start > fill > end"),
        element("subProcess", "Withdraw", handler, triggeredByEvent="true"),
        messages=("withdraw",),
    )


def test_trap_15_an_interrupting_event_subprocess_interrupts_nothing():
    workflow = started(withdrawable(message("withdraw")))

    send(workflow, "withdraw")

    assert ready(workflow) == ["confirm", "fill"]


def test_trap_15_triggering_an_event_subprocess_changes_the_definition_all_cases_share():
    spec, subs = specs_of(withdrawable(message("withdraw")))
    before = outputs_of(spec)
    first = BpmnWorkflow(spec, subs)
    first.do_engine_steps()

    send(first, "withdraw")

    assert outputs_of(spec) != before


def outputs_of(spec: Any) -> dict[str, list[str]]:
    return {name: [output.name for output in task.outputs] for name, task in spec.task_specs.items()}


def test_trap_15_a_finished_case_with_a_timer_start_never_completes():
    workflow = started(withdrawable(FOREVER))

    complete(workflow, "fill")

    assert ready(workflow) == []
    assert not workflow.is_completed()


def test_trap_16_a_parallel_join_gives_a_variable_back_its_older_value():
    workflow = started(
        diagram(
            element("startEvent", "start"),
            element("userTask", "first"),
            element("parallelGateway", "fork"),
            element("userTask", "check"),
            element("userTask", "note"),
            element("parallelGateway", "join"),
            element("userTask", "decide"),
            element("endEvent", "end"),
            flows("start > first > fork > check > join > decide > end", "fork > note > join"),
        )
    )
    complete(workflow, "first", verdict="open")

    complete(workflow, "check", verdict="approved")
    complete(workflow, "note")

    assert every(workflow, TaskState.READY)[0].data["verdict"] == "open"


def test_trap_16_an_interrupted_subprocess_takes_what_was_written_in_it_with_it():
    inside = element("startEvent", "begin") + element("userTask", "fill") + element("userTask", "sign")
    inside += element("endEvent", "done") + flows("begin > fill > sign > done")
    workflow = started(
        diagram(
            element("startEvent", "start"),
            element("subProcess", "Form", inside),
            element("boundaryEvent", "asked", message("withdraw"), attachedToRef="Form"),
            element("userTask", "confirm"),
            element("endEvent", "end"),
            flows("start > Form > end", "asked > confirm > end"),
            messages=("withdraw",),
        )
    )
    complete(workflow, "fill", name="张三")

    send(workflow, "withdraw")

    assert ready(workflow) == ["confirm"]
    assert "name" not in every(workflow, TaskState.READY)[0].data


def test_trap_20_a_subprocess_that_failed_completes_before_its_error_is_caught():
    """An error end only sets its catcher READY: the failed subprocess completes first, as if nothing had happened."""
    inside = element("startEvent", "begin") + element("endEvent", "failed", error("no")) + flows("begin > failed")
    xml = diagram(
        element("startEvent", "start"),
        element("subProcess", "Try", inside),
        element("boundaryEvent", "caught", error("no"), attachedToRef="Try"),
        element("userTask", "sorry"),
        element("userTask", "normal"),
        element("endEvent", "end"),
        flows("start > Try > normal > end", "caught > sorry > end"),
        errors=("no",),
    )
    workflow = BpmnWorkflow(*specs_of(xml))

    seen = []
    workflow.do_engine_steps(did_complete_task=lambda task: seen.append(task.task_spec.name))

    assert seen.index("Try") < seen.index("caught")  # completed, where it should have been cancelled
    assert ready(workflow) == ["sorry"]


def test_trap_20_subprocesses_of_cancelled_children_live_on():
    inside = element("startEvent", "begin") + element("userTask", "vote") + element("endEvent", "done")
    inside += flows("begin > vote > done")
    many = element("multiInstanceLoopCharacteristics", "many", "<bpmn:loopCardinality>2</bpmn:loopCardinality>")
    workflow = started(
        diagram(
            element("startEvent", "start"),
            element("subProcess", "Ballot", inside + many),
            element("boundaryEvent", "stopped", message("stop"), attachedToRef="Ballot"),
            element("userTask", "count"),
            element("endEvent", "end"),
            flows("start > Ballot > end", "stopped > count > end"),
            messages=("stop",),
        )
    )

    with pytest.raises(TaskNotFoundException):  # the run stumbles over the subprocesses it forgot to cancel
        send(workflow, "stop")

    assert ready(workflow).count("vote") == 2


DECISION = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="x">
<decision id="level" name="level"><decisionTable id="t" hitPolicy="UNIQUE"><input id="i" label="score">
<inputExpression id="e" typeRef="number"><text>score</text></inputExpression></input>
<output id="o" label="level" name="level" typeRef="string" />
<rule id="r1"><inputEntry id="i1"><text>&gt;= 3</text></inputEntry><outputEntry id="o1"><text>"high"</text></outputEntry></rule>
<rule id="r2"><inputEntry id="i2"><text>&gt;= 2</text></inputEntry><outputEntry id="o2"><text>"low"</text></outputEntry></rule>
</decisionTable></decision></definitions>"""


def deciding() -> bytes:
    called = "<spiffworkflow:calledDecisionId>level</spiffworkflow:calledDecisionId>"
    called = f"<bpmn:extensionElements>{called}</bpmn:extensionElements>"
    return diagram(
        element("startEvent", "start"),
        element("userTask", "ask"),
        element("businessRuleTask", "decide", called),
        element("userTask", "then"),
        element("endEvent", "end"),
        flows("start > ask > decide > then > end"),
    )


def test_trap_17_a_unique_table_hides_overlapping_rules():
    workflow = started(deciding(), DECISION)

    complete(workflow, "ask", score=5)

    assert every(workflow, TaskState.READY)[0].data["level"] == "high"


def test_trap_17_a_table_without_a_match_decides_nothing_and_goes_on():
    workflow = started(deciding(), DECISION)

    complete(workflow, "ask", score=1)

    assert ready(workflow) == ["then"]
    assert "level" not in every(workflow, TaskState.READY)[0].data


def test_trap_17_a_policy_it_does_not_know_is_taken_without_a_word():
    workflow = started(deciding(), DECISION.replace(b"UNIQUE", b"PRIORITY"))

    complete(workflow, "ask", score=5)

    assert every(workflow, TaskState.READY)[0].data["level"] == "high"
