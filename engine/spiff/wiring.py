"""How the elements of one process or subprocess hang together: what of it cannot be hosted."""

from __future__ import annotations

from collections.abc import Callable

from engine.flow.compensation import is_for_compensation
from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name, namespace
from engine.language.expressions import Expression

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"

ACTIVITIES = {"userTask", "serviceTask", "businessRuleTask", "subProcess", "callActivity", "sendTask"}
GATEWAYS = {"exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway"}
CHOICES = {"exclusiveGateway", "inclusiveGateway"}
JOINS = {"inclusiveGateway", "parallelGateway"}
EVENTS = {"startEvent", "endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent"}
FLOW_NODES = ACTIVITIES | GATEWAYS | EVENTS


class Wiring:
    """Start and end events, boundary events and sequence flows of one scope, checked on construction.

    problem(element, code, message) takes what is wrong; expression(element, text) compiles or reports.
    conditions: the compiled conditions of the scope's exclusive gateways by their text. begins_cases: the scope is the
    process cases run, which messages and timers may start, too.
    """

    def __init__(
        self,
        scope: Xml,
        problem: Callable[[str, str, str], None],
        expression: Callable[[str, str], Expression | None],
        *,
        begins_cases: bool = False,
    ) -> None:
        self._begins_cases = begins_cases
        self.conditions: dict[str, Expression] = {}
        self._problem, self._expression = problem, expression
        self._scope = scope
        self._name = scope.get("id", "")
        self._members: dict[str, Xml] = {
            child.get("id", ""): child
            for child in scope
            if namespace(child) == BPMN and local_name(child) in FLOW_NODES and child.get("id")
        }
        self._handlers = {element for element, xml in self._members.items() if is_handler(xml)}
        self._onward: dict[str, list[str]] = {}
        self._ends()
        self._boundary_events()
        self._flows()
        self._stranded()

    def _kind(self, element: str) -> str:
        return local_name(self._members[element])

    def _ends(self) -> None:
        starts = children_of(self._scope, "startEvent")
        wants_trigger = is_handler(self._scope)
        if self._begins_cases:
            if not starts or sum(not _has_trigger(start) for start in starts) > 1:
                told = "这里应有开始事件，其中不带触发方式的至多一个"
                self._problem(self._name, "scope.start", told)
        elif len(starts) != 1 or _has_trigger(starts[0]) != wants_trigger:
            wanted = "带触发方式的" if wants_trigger else "不带触发方式的"
            self._problem(self._name, "scope.start", f"这里应有且只有一个{wanted}开始事件")
        if not children_of(self._scope, "endEvent"):
            self._problem(self._name, "scope.no_end", "这里没有结束事件")

    def _boundary_events(self) -> None:
        for event in children_of(self._scope, "boundaryEvent"):
            seat = event.get("attachedToRef", "")
            if seat not in self._members or self._kind(seat) not in ACTIVITIES or seat in self._handlers:
                self._problem(event.get("id", ""), "event.boundary", "边界事件没有附着在同一层的任务或子流程上")
            else:
                self._onward.setdefault(seat, []).append(event.get("id", ""))

    def _flows(self) -> None:
        leaving: dict[str, list[Xml]] = {}
        pairs: set[tuple[str, str]] = set()
        for flow in children_of(self._scope, "sequenceFlow"):
            name, source, target = flow.get("id", ""), flow.get("sourceRef", ""), flow.get("targetRef", "")
            if source not in self._members or target not in self._members or {source, target} & self._handlers:
                self._problem(name, "flow.dangling", "连线的两端应在同一流程或子流程内")
                continue
            if self._kind(target) in {"startEvent", "boundaryEvent"} or self._kind(source) == "endEvent":
                self._problem(name, "flow.misplaced", "连线不能进入开始或边界事件，也不能离开结束事件")
            if (source, target) in pairs and self._kind(target) in JOINS:
                # The join tells the tokens of its flows apart by where they come from.
                self._problem(name, "join.doubled", "同一元素到汇合网关有两条连线")
            pairs.add((source, target))
            leaving.setdefault(source, []).append(flow)
        for source, flows in leaving.items():
            self._onward.setdefault(source, []).extend(flow.get("targetRef", "") for flow in flows)
            self._exits(source, flows)

    def _exits(self, source: str, flows: list[Xml]) -> None:
        kind = self._kind(source)
        if len(flows) > 1 and kind not in GATEWAYS:
            self._problem(source, "flow.implicit_split", "一个元素有多个出口；请用网关表明是选择还是并行")
        for flow in flows:
            name = flow.get("id", "")
            condition = (flow.findtext(f"{{{BPMN}}}conditionExpression") or "").strip()
            if kind in CHOICES:
                self._choice(source, flow, condition, is_only=len(flows) == 1)
            elif condition:
                self._problem(name, "flow.condition_misplaced", "只有排他和包容网关的出口可以带条件")
            if kind == "eventBasedGateway" and self._kind(flow.get("targetRef", "")) != "intermediateCatchEvent":
                self._problem(name, "gateway.event_targets", "事件网关之后只能是中间捕获事件")

    def _choice(self, gateway: str, flow: Xml, condition: str, *, is_only: bool) -> None:
        name = flow.get("id", "")
        is_default = bool(name) and name == self._members[gateway].get("default")
        if is_default and condition:
            self._problem(name, "flow.default_condition", "默认出口不带条件")
        elif condition:
            expression = self._expression(name or gateway, condition)
            if expression is not None:
                self.conditions[condition] = expression
        elif not is_default and not is_only:
            self._problem(name, "flow.no_condition", "排他和包容网关的出口应带条件或设为默认")

    def _stranded(self) -> None:
        """What no token can reach: SpiffWorkflow's parser drops it, so it would look hosted and never be."""
        reached = [
            element
            for element, xml in self._members.items()
            if self._kind(element) == "startEvent" or is_for_compensation(xml)
        ]
        seen = set(reached)
        while reached:
            for following in self._onward.get(reached.pop(), []):
                if following not in seen:
                    seen.add(following)
                    reached.append(following)
        for element in self._members:
            if element not in seen and element not in self._handlers:
                self._problem(element, "element.unreachable", "没有任何路径到达这个元素")


def is_handler(scope: Xml) -> bool:
    """An event subprocess."""
    return local_name(scope) == "subProcess" and scope.get("triggeredByEvent") == "true"


def children_of(xml: Xml, kind: str) -> list[Xml]:
    return xml.findall(f"{{{BPMN}}}{kind}")


def _has_trigger(start: Xml) -> bool:
    return any(local_name(child).endswith("EventDefinition") for child in start)
