"""Which hosted class takes the place of which of SpiffWorkflow's, by what the diagram says of the element."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs import defaults as bpmn
from SpiffWorkflow.bpmn.specs.control import (
    BoundaryEventJoin,
    BoundaryEventSplit,
    BpmnStartTask,
    SimpleBpmnTask,
    _EndJoin,
)
from SpiffWorkflow.spiff.specs import defaults as spiff

from engine.flow.vocabulary import COMPENSATION
from engine.spiff.process import EACH, Node
from engine.spiff.specs import (
    HostedBoundaryEvent,
    HostedBoundaryJoin,
    HostedBoundarySplit,
    HostedCallActivity,
    HostedCatchEvent,
    HostedCompensation,
    HostedCompensationEnd,
    HostedEnd,
    HostedEndEvent,
    HostedEndJoin,
    HostedEventBasedGateway,
    HostedExclusiveGateway,
    HostedInclusiveGateway,
    HostedMultiInstance,
    HostedParallelGateway,
    HostedRuleTask,
    HostedServiceTask,
    HostedStart,
    HostedStartEvent,
    HostedSubprocess,
    HostedThrowEvent,
    HostedUserTask,
    PlainServiceTask,
)

_HOSTED: dict[type, type] = {
    BpmnStartTask: HostedStart,
    bpmn.StartEvent: HostedStartEvent,
    bpmn.EndEvent: HostedEndEvent,
    spiff.UserTask: HostedUserTask,
    PlainServiceTask: HostedServiceTask,
    spiff.NoneTask: HostedRuleTask,
    spiff.SubWorkflowTask: HostedSubprocess,
    bpmn.ExclusiveGateway: HostedExclusiveGateway,
    bpmn.ParallelGateway: HostedParallelGateway,
    bpmn.InclusiveGateway: HostedInclusiveGateway,
    bpmn.EventBasedGateway: HostedEventBasedGateway,
    bpmn.IntermediateCatchEvent: HostedCatchEvent,
    bpmn.BoundaryEvent: HostedBoundaryEvent,
    BoundaryEventSplit: HostedBoundarySplit,
    BoundaryEventJoin: HostedBoundaryJoin,
    _EndJoin: HostedEndJoin,
    SimpleBpmnTask: HostedEnd,
}


_HOSTED_STAND_INS: dict[str, type] = {
    "callActivity": HostedCallActivity,
    "intermediateThrowEvent": HostedThrowEvent,
    "sendTask": HostedThrowEvent,
}


def host_spec(task_spec: Any, node: Node | None) -> None:
    """Swap the class of a freshly parsed spec. Raises KeyError for one that is not hosted."""
    kind = node.kind if node is not None else ""
    if node is not None and node.many is not None:
        task_spec.__class__ = HostedMultiInstance
    elif kind == "startEvent" and not isinstance(task_spec, bpmn.BoundaryEvent):
        task_spec.__class__ = (
            HostedStartEvent  # one of several, drawn as a task; an event subprocess's is a boundary event
        )
    elif node is not None and node.trigger == COMPENSATION:
        task_spec.__class__ = HostedCompensationEnd if kind == "endEvent" else HostedCompensation
    else:
        task_spec.__class__ = _HOSTED_STAND_INS.get(kind) or _HOSTED[type(task_spec)]
    if task_spec.name.startswith(EACH):
        task_spec.is_each = True
    task_spec.node = node
