"""The untouched library, as its own documentation would have it used: for the tests that pin what it gets wrong."""

from __future__ import annotations

from itertools import count, pairwise
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree
from SpiffWorkflow.bpmn import BpmnEvent, BpmnWorkflow
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.spiff.specs.event_definitions import MessageEventDefinition
from SpiffWorkflow.util.task import TaskState

NAMESPACES = (
    'xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core"'
)
FOREVER = (
    '<bpmn:timerEventDefinition id="t"><bpmn:timeDuration>"P9000D"</bpmn:timeDuration></bpmn:timerEventDefinition>'
)


def message(name: str) -> str:
    return f'<bpmn:messageEventDefinition messageRef="message_{name}" />'


def error(code: str = "") -> str:
    return f'<bpmn:errorEventDefinition errorRef="error_{code}" />' if code else "<bpmn:errorEventDefinition />"


def element(kind: str, id: str, inner: str = "", **attributes: str) -> str:
    given = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<bpmn:{kind} id="{id}"{given}>{inner}</bpmn:{kind}>'


def script(id: str, text: str) -> str:
    return element("scriptTask", id, f"<bpmn:script>{escape(text)}</bpmn:script>")


def service(id: str, operator: str = "call") -> str:
    inner = f'<spiffworkflow:serviceTaskOperator id="{operator}" resultVariable="result_{id}">'
    inner += "<spiffworkflow:parameters /></spiffworkflow:serviceTaskOperator>"
    return element("serviceTask", id, f"<bpmn:extensionElements>{inner}</bpmn:extensionElements>")


def flows(*lines: str) -> str:
    """`a > b > c` draws flows, `a > b ? x == 1` one with a condition."""
    numbers = count()
    drawn = []
    for line in lines:
        way, _, condition = line.partition("?")
        stops = [stop.strip() for stop in way.split(">")]
        inner = f"<bpmn:conditionExpression>{escape(condition.strip())}</bpmn:conditionExpression>" if condition else ""
        for source, target in pairwise(stops):
            id = f"flow_{source}_{target}_{next(numbers)}"
            drawn.append(element("sequenceFlow", id, inner, sourceRef=source, targetRef=target))
    return "".join(drawn)


def diagram(*elements: str, messages: tuple[str, ...] = (), errors: tuple[str, ...] = ()) -> bytes:
    roots = "".join(f'<bpmn:message id="message_{name}" name="{name}" />' for name in messages)
    roots += "".join(f'<bpmn:error id="error_{code}" errorCode="{code}" />' for code in errors)
    body = element("process", "Process", "".join(elements), isExecutable="true")
    return f'<bpmn:definitions {NAMESPACES} id="d" targetNamespace="x">{roots}{body}</bpmn:definitions>'.encode()


def specs_of(xml: bytes, dmn: bytes = b"") -> tuple[Any, Any]:
    parser = SpiffBpmnParser()
    if dmn:
        parser.add_dmn_str(dmn)
    parser.add_bpmn_xml(etree.fromstring(xml))
    return parser.get_spec("Process"), parser.get_subprocess_specs("Process")


def started(xml: bytes, dmn: bytes = b"", engine: Any = None) -> BpmnWorkflow:
    workflow = BpmnWorkflow(*specs_of(xml, dmn), script_engine=engine)
    workflow.do_engine_steps()
    return workflow


def ready(workflow: BpmnWorkflow) -> list[str]:
    """Names of the tasks a person or a job could complete now, sorted."""
    return sorted(task.task_spec.name for task in every(workflow, TaskState.READY))


def every(workflow: BpmnWorkflow, state: int) -> list[Any]:
    """All tasks in a state by a flat scan, which no depth limit hides."""
    trees = [workflow, *workflow.subprocesses.values()]
    return [task for tree in trees for task in tree.tasks.values() if task.state & state]


def task_named(workflow: BpmnWorkflow, name: str, state: int = TaskState.READY) -> Any:
    return next(task for task in every(workflow, state) if task.task_spec.name == name)


def complete(workflow: BpmnWorkflow, name: str, /, **data: Any) -> None:
    task = task_named(workflow, name)
    task.data.update(data)
    task.run()
    workflow.do_engine_steps()


def send(workflow: BpmnWorkflow, name: str, payload: Any = None) -> None:
    workflow.catch(BpmnEvent(MessageEventDefinition(name), payload))
    workflow.do_engine_steps()
