"""From what is drawn to what the host runs: every node of a diagram with its texts compiled."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import Problem
from engine.flow.diagram import Diagram
from engine.flow.diagram import Node as Drawn
from engine.flow.vocabulary import CHOICES, DUE, EVENTS, FORM, IN, KINDS, MESSAGE, MULTIPLE, OUT, OUTCOME
from engine.language.expressions import Expression
from engine.spiff.process import Node
from engine.spiff.reading.event_nodes import event_fields, message_fields
from engine.spiff.reading.multi_instance_nodes import read_many
from engine.spiff.reading.texts import Texts


@dataclass(frozen=True, slots=True)
class ReadDiagram:
    """nodes: by id, in document order. conditions: of gateways' exits by their text. problems: why it cannot run."""

    nodes: dict[str, Node]
    conditions: dict[str, Expression]
    problems: list[Problem]


def read_nodes(diagram: Diagram, decisions: frozenset[str]) -> ReadDiagram:
    """A diagram whose reading and shape were accepted. decisions: ids of the flow's decision tables."""
    texts = Texts()
    nodes = {drawn.id: _node(diagram, drawn, texts, decisions) for drawn in diagram.nodes.values()}
    return ReadDiagram(nodes, _conditions(diagram, texts), texts.problems)


def _node(diagram: Diagram, drawn: Drawn, texts: Texts, decisions: frozenset[str]) -> Node:
    fields = _fields(diagram, drawn, texts)
    if drawn.kind == "businessRuleTask" and drawn.decision not in decisions:
        texts.problem(drawn.id, "decision.unknown", f"没有这个决策表：{drawn.decision or '（空）'}")
    if drawn.kind in MULTIPLE:
        fields["many"] = read_many(drawn, texts)
    kind = "eventSubProcess" if drawn.is_event_subprocess else drawn.kind
    return Node(id=drawn.id, kind=kind, name=drawn.name, lane=drawn.lane, **fields)  # type: ignore[arg-type]  # by kind


def _fields(diagram: Diagram, drawn: Drawn, texts: Texts) -> dict[str, object]:
    """What only nodes of its kind have."""
    given = drawn.properties
    match drawn.kind:
        case "userTask":
            due = given.get(DUE, "")
            return {
                "form": given.get(FORM, ""),
                "due": texts.timer(drawn.id, due) if due else "",
                "priority": drawn.priority,
            }
        case "serviceTask" if drawn.operator is not None:
            parameters = texts.named(drawn, list(drawn.operator.parameters))
            return {"service": drawn.operator.id, "parameters": parameters, "result": drawn.operator.result}
        case "businessRuleTask":
            return {"decision": drawn.decision}
        case "callActivity":
            inputs, outputs = texts.prefixed(drawn, IN), texts.prefixed(drawn, OUT)
            return {"called": drawn.called, "inputs": inputs, "outputs": outputs}
        case kind if kind in KINDS and KINDS[kind].names_message:
            return {"trigger": MESSAGE, **message_fields(drawn, texts)}
        case kind if kind in EVENTS:
            fields = event_fields(drawn, texts, begins_cases=diagram.begins_cases(drawn))
            if kind == "endEvent":
                fields |= {"outcome": given.get(OUTCOME, ""), "is_outcome": diagram.gives_outcome(drawn)}
            return fields
    return {}


def _conditions(diagram: Diagram, texts: Texts) -> dict[str, Expression]:
    conditions: dict[str, Expression] = {}
    for flow in diagram.flows:
        gateway = diagram.nodes[flow.source]
        if gateway.kind in CHOICES and flow.condition:
            expression = texts.expression(flow.id or gateway.id, flow.condition)
            if expression is not None:
                conditions[flow.condition] = expression
    return conditions
