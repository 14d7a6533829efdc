"""What the diagram says of each flow node, read from the XML as drawn; everything that cannot be hosted is a problem."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.errors import Problem
from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name, namespace
from engine.language.expressions import Expression, InvalidExpression, compile_expression
from engine.spiff.event_nodes import HOSTED_TRIGGERS, EventReader
from engine.spiff.many_nodes import LOOP, MULTIPLE, read_many
from engine.spiff.process import HIDDEN, Node
from engine.spiff.wiring import BPMN, FLOW_NODES, Wiring, children_of, is_handler

SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"

_REMARKS = {"documentation", "extensionElements", "textAnnotation", "association", "group", "category"}
_INSIDE_SCOPE = FLOW_NODES | _REMARKS | {"sequenceFlow", "laneSet"}
_INSIDE_NODE = _REMARKS | {"incoming", "outgoing"}
_SCRIPTS = {"preScript", "postScript"}
MAX_NODES = 1_000
_NC_NAME = re.compile(r"[^\W\d][\w.\-]*")


class NodeReader:
    """Reads one process element. nodes: by id, in document order; problems: why it cannot run; lanes: ids.

    is_called: other processes call it; the outcomes of its end events are not the case's.
    """

    def __init__(self, root: Xml, process: Xml, decisions: frozenset[str], *, is_called: bool = False) -> None:
        self.problems: list[Problem] = []
        self.nodes: dict[str, Node] = {}
        self.conditions: dict[str, Expression] = {}
        self._decisions = decisions
        self._events = EventReader(root, self.problem, self._expression)
        self._lanes = _lanes(process)
        self.lanes = frozenset(lane.get("id", "") for lane in process.iter(f"{{{BPMN}}}lane"))
        self._unique_ids(process)
        self._scope(process, lane="", is_top=not is_called)
        if len(self.nodes) > MAX_NODES:
            self.problem(process.get("id", ""), "process.too_large", f"流程最多 {MAX_NODES} 个元素")

    def problem(self, element: str, code: str, message: str) -> None:
        self.problems.append(Problem(element, "error", code, message))

    def _unique_ids(self, process: Xml) -> None:
        seen: set[str] = set()
        for xml in process.iter(f"{{{BPMN}}}*"):
            element = xml.get("id", "")
            if element and element in seen:
                self.problem(element, "xml.duplicate_id", f"id 重复：{element}")
            seen.add(element)

    def _scope(self, scope: Xml, *, lane: str, is_top: bool) -> None:
        """Everything drawn in one process or subprocess. is_top: its end events' outcomes are the case's."""
        for child in scope:
            kind = local_name(child)
            if kind in FLOW_NODES:
                self._flow_node(child, kind, lane, is_top)
            elif kind and namespace(child) == BPMN and kind not in _INSIDE_SCOPE | _INSIDE_NODE | {LOOP}:
                self.problem(child.get("id", ""), "element.unsupported", f"不支持的元素：{kind}")
        begins_cases = is_top and local_name(scope) == "process"
        wiring = Wiring(scope, self.problem, self._expression, begins_cases=begins_cases)
        self.conditions.update(wiring.conditions)

    def _flow_node(self, xml: Xml, kind: str, lane: str, is_top: bool) -> None:
        element = xml.get("id", "")
        if not _NC_NAME.fullmatch(element) or element.startswith(HIDDEN):
            return self.problem(element, "element.no_id", f"元素的 id 不合规范：{element or '（空）'}")
        if element in self.nodes:
            return None  # told by _unique_ids
        if kind != "subProcess":
            for child in xml:
                inside = local_name(child) if namespace(child) == BPMN else ""
                if inside == LOOP and kind in MULTIPLE:
                    continue
                if inside and inside not in _INSIDE_NODE and not inside.endswith("EventDefinition"):
                    self.problem(element, "element.unsupported", f"不支持的内容：{inside}")
        for extension in xml.iterfind(f"{{{BPMN}}}extensionElements/{{{SPIFF}}}*"):
            if local_name(extension) in _SCRIPTS:
                self.problem(element, "element.script", f"不允许脚本：{local_name(extension)}")
        lane = self._lanes.get(element, lane)
        self.nodes[element] = self._node(xml, kind, element, lane, is_top)
        if kind == "subProcess":
            self._scope(xml, lane=lane, is_top=is_top and is_handler(xml))
        return None

    def _node(self, xml: Xml, kind: str, element: str, lane: str, is_top: bool) -> Node:
        properties = _properties(xml)
        fields: dict[str, object] = {}
        if kind == "userTask":
            fields = {"form": properties.get("form", ""), "due": properties.get("due", "")}
            fields["priority"] = self._priority(element, properties.get("priority", "50"))
            if fields["due"]:
                self._events.timer_text(element, str(fields["due"]))
        elif kind == "serviceTask":
            fields = self._service(xml, element)
        elif kind == "businessRuleTask":
            fields = {"decision": self._decision(xml, element)}
        elif kind == "callActivity":
            fields = {
                "called": xml.get("calledElement", ""),
                "inputs": self._events.prefixed(element, properties, "in."),
                "outputs": self._events.prefixed(element, properties, "out."),
            }
        elif kind == "sendTask":
            fields = self._events.send_task(xml, element, properties)
        elif kind in HOSTED_TRIGGERS:
            fields = self._events.event(xml, kind, element, properties)
            if kind == "endEvent":
                fields |= {"outcome": properties.get("outcome", ""), "is_outcome": is_top}
        if kind in MULTIPLE:
            fields["many"] = read_many(xml, element, properties, self.problem, self._expression)
        shown = "eventSubProcess" if is_handler(xml) else kind
        return Node(id=element, kind=shown, name=xml.get("name", ""), lane=lane, **fields)  # type: ignore[arg-type]  # by kind

    def _priority(self, element: str, text: str) -> int:
        if text.isascii() and text.isdigit() and int(text) <= 100:
            return int(text)
        self.problem(element, "user_task.priority", f"优先级应为 0 到 100 的整数：{text[:40]}")
        return 50

    def _service(self, xml: Xml, element: str) -> dict[str, object]:
        operator = xml.find(f"{{{BPMN}}}extensionElements/{{{SPIFF}}}serviceTaskOperator")
        if operator is None or not operator.get("id"):
            self.problem(element, "service_task.no_operator", "服务任务没有说明要调用的服务")
            return {}
        parameters = []
        for parameter in operator.iter(f"{{{SPIFF}}}parameter"):
            expression = self._expression(element, parameter.get("value", "None"))
            if expression is not None:
                parameters.append((parameter.get("id", ""), expression))
        return {
            "service": operator.get("id"),
            "parameters": tuple(parameters),
            "result": operator.get("resultVariable", ""),
        }

    def _decision(self, xml: Xml, element: str) -> str:
        decision = (xml.findtext(f"{{{BPMN}}}extensionElements/{{{SPIFF}}}calledDecisionId") or "").strip()
        if decision not in self._decisions:
            self.problem(element, "decision.unknown", f"没有这个决策表：{decision or '（空）'}")
        return decision

    def _expression(self, element: str, text: str) -> Expression | None:
        try:
            return compile_expression(text)
        except InvalidExpression as error:
            self.problem(element, "expression.invalid", f"表达式“{text[:80]}”无效：{error.reason}")
            return None


def scopes(process: Xml) -> Iterator[Xml]:
    """The process and its subprocesses, outer ones first."""
    yield process
    for child in children_of(process, "subProcess"):
        yield from scopes(child)


def _properties(xml: Xml) -> dict[str, str]:
    found = xml.iterfind(f"{{{BPMN}}}extensionElements/{{{SPIFF}}}properties/{{{SPIFF}}}property")
    return {entry.get("name", ""): entry.get("value", "").strip() for entry in found}


def _lanes(process: Xml) -> dict[str, str]:
    """Lane id by element id; an element listed by a lane and a lane inside it belongs to the inner one."""
    lanes: dict[str, str] = {}
    for lane in process.iter(f"{{{BPMN}}}lane"):  # document order: outer before inner
        for reference in lane.findall(f"{{{BPMN}}}flowNodeRef"):
            lanes[(reference.text or "").strip()] = lane.get("id", "")
    return lanes
