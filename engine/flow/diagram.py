"""A diagram as the check sees it: nodes, flows and scopes, read without SpiffWorkflow and without believing anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.errors import InvalidDiagram
from engine.flow.codes import found
from engine.flow.compensation import is_for_compensation
from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name, namespace, parse_xml

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"
MAX_NODES = 1_000
MAX_PROCESSES = 20  # of a file that has one too many anyway

ACTIVITIES = frozenset({"userTask", "serviceTask", "businessRuleTask", "subProcess", "callActivity", "sendTask"})
EVENTS = frozenset({"startEvent", "endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent"})
CHOICES = frozenset({"exclusiveGateway", "inclusiveGateway"})
FORKS = frozenset({"inclusiveGateway", "parallelGateway"})
GATEWAYS = CHOICES | FORKS | {"eventBasedGateway"}
HOSTED = ACTIVITIES | EVENTS | GATEWAYS
# Flow nodes the engine does not run: refused by check_elements, yet nodes, so that their flows do not look broken.
NOT_HOSTED = frozenset(
    {
        *("task", "manualTask", "scriptTask", "receiveTask", "transaction"),
        *("adHocSubProcess", "complexGateway"),
    }
)


@dataclass(slots=True, eq=False)
class Node:
    """A flow node. kind: BPMN tag (`userTask`). event: kind of its event definition (`timer`), "" for none.

    scope: id of the process or subprocess it stands in. attached_to: host of a boundary event.
    """

    id: str
    kind: str
    name: str
    scope: str
    xml: Xml
    event: str = ""
    attached_to: str = ""
    incoming: list[Flow] = field(default_factory=list)
    outgoing: list[Flow] = field(default_factory=list)
    boundaries: list[Node] = field(default_factory=list)

    @property
    def is_event_subprocess(self) -> bool:
        return self.kind == "subProcess" and self.xml.get("triggeredByEvent") == "true"

    @property
    def is_for_compensation(self) -> bool:
        """A compensation handler: in no sequence flow, run when a throw event undoes its activity."""
        return is_for_compensation(self.xml)

    @property
    def is_undone_event(self) -> bool:
        """A compensation boundary event: no token ever passes it."""
        return self.kind == "boundaryEvent" and self.event == "compensate"

    @property
    def is_interrupting(self) -> bool:
        """Of a boundary event, or of the start event of an event subprocess."""
        return self.xml.get("cancelActivity" if self.kind == "boundaryEvent" else "isInterrupting", "true") != "false"

    @property
    def label(self) -> str:
        return f"“{self.name}”" if self.name else self.id

    def extension(self, name: str) -> Xml | None:
        """The first spiffworkflow element of this name."""
        return next((extension for extension in extensions(self.xml) if local_name(extension) == name), None)

    @property
    def operator(self) -> str:
        """Name of the service task it calls, "" for none."""
        found_operator = self.extension("serviceTaskOperator")
        return "" if found_operator is None else str(found_operator.get("id", ""))

    @property
    def called(self) -> str:
        """Id of the process a call activity calls."""
        return str(self.xml.get("calledElement", ""))

    @property
    def loop(self) -> Xml | None:
        """multiInstanceLoopCharacteristics of an activity that runs several times at once or in turn."""
        return next((child for child in self.xml if is_bpmn(child, "multiInstanceLoopCharacteristics")), None)

    def loop_text(self, name: str) -> str:
        """A part of the loop characteristics: the text in it, or the name of the data item it is; "" without."""
        loop = self.loop
        part = None if loop is None else next((child for child in loop if is_bpmn(child, name)), None)
        return "" if part is None else body(part) or str(part.get("name") or part.get("id", ""))

    @property
    def is_throwing(self) -> bool:
        return self.kind in ("intermediateThrowEvent", "sendTask", "endEvent")

    def prefixed(self, prefix: str) -> list[tuple[str, str]]:
        """Name and expression of the properties `<prefix><name>`."""
        given = self.properties.items()
        return [(name.removeprefix(prefix), text) for name, text in given if name.startswith(prefix)]

    @property
    def properties(self) -> dict[str, str]:
        """`spiffworkflow:properties` by name."""
        values: dict[str, str] = {}
        for extension in extensions(self.xml):
            if local_name(extension) == "properties":
                for item in extension:
                    if local_name(item) == "property":
                        values[item.get("name", "")] = item.get("value", "")
        return values


@dataclass(slots=True, eq=False)
class Flow:
    """A sequence flow. condition: None without a conditionExpression."""

    id: str
    source: str
    target: str
    scope: str
    condition: str | None


@dataclass(slots=True)
class Diagram:
    """nodes: flow nodes by id, in document order. flows: with both ends among the nodes.

    all_flows: also the dangling ones. called: the flow's further diagrams by process id. callers: the call activities that
    call this one, with their diagrams. lanes: id → name. lane_of: node id → lane id.
    """

    process: Xml
    process_id: str
    root: Xml
    nodes: dict[str, Node] = field(default_factory=dict)
    all_flows: list[Flow] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    lanes: dict[str, str] = field(default_factory=dict)
    lane_of: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    signals: dict[str, str] = field(default_factory=dict)
    escalations: dict[str, str] = field(default_factory=dict)
    is_called: bool = False
    called: dict[str, Diagram] = field(default_factory=dict)
    callers: list[tuple[Diagram, Node]] = field(default_factory=list)

    def within(self, scope: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.scope == scope]

    def scopes(self) -> list[str]:
        """The process and every subprocess, outer ones first."""
        return [self.process_id, *(node.id for node in self.nodes.values() if node.kind == "subProcess")]

    def enclosing(self, node: Node) -> Iterator[Node]:
        """The subprocesses around a node, from the inside out."""
        while node.scope in self.nodes:
            node = self.nodes[node.scope]
            yield node

    def contents(self, node: Node) -> Iterator[Node]:
        """The node itself and everything inside it."""
        yield node
        for inner in self.within(node.id):
            yield from self.contents(inner)

    def begins_cases(self, node: Node) -> bool:
        """Whether it is a start event of the process that cases run."""
        return node.kind == "startEvent" and node.scope == self.process_id and not self.is_called

    def lane(self, node: Node) -> str:
        """Id of the node's lane, or of the lane of the nearest scope around it; "" for none."""
        around = (self.lane_of.get(outer.id, "") for outer in (node, *self.enclosing(node)))
        return next((lane for lane in around if lane), "")


def read_diagrams(content: bytes) -> list[Diagram]:
    """One for each process of the file. Raises InvalidDiagram where there is nothing to look at."""
    root = parse_xml(content)
    if local_name(root) != "definitions" or namespace(root) != BPMN:
        raise InvalidDiagram([found("", "xml.not_bpmn", "根元素应为 BPMN 2.0 的 definitions")])
    processes = [child for child in root if is_bpmn(child, "process")]
    if not processes:
        raise InvalidDiagram([found("", "process.none", "流程图中没有流程（process）")])
    return [_read_process(root, process) for process in processes[:MAX_PROCESSES]]


def _read_process(root: Xml, process: Xml) -> Diagram:
    diagram = Diagram(process, process.get("id", ""), root)
    for child in root:
        if is_bpmn(child, "message"):
            diagram.messages[child.get("id", "")] = child.get("name", "")
        elif is_bpmn(child, "error"):
            diagram.errors[child.get("id", "")] = child.get("errorCode", "")
        elif is_bpmn(child, "signal"):
            diagram.signals[child.get("id", "")] = child.get("name", "")
        elif is_bpmn(child, "escalation"):
            diagram.escalations[child.get("id", "")] = child.get("escalationCode", "")
    _read_scope(diagram, process, diagram.process_id)
    if len(diagram.nodes) > MAX_NODES:
        raise InvalidDiagram([found(diagram.process_id, "process.too_large", f"流程最多 {MAX_NODES} 个元素")])
    _connect(diagram)
    return diagram


def is_bpmn(xml: Xml, name: str) -> bool:
    return local_name(xml) == name and namespace(xml) == BPMN


def bpmn_children(xml: Xml) -> list[Xml]:
    return [child for child in xml if namespace(child) == BPMN]


def extensions(xml: Xml) -> list[Xml]:
    """The spiffworkflow elements in an element's extensionElements."""
    return [
        extension
        for child in xml
        if is_bpmn(child, "extensionElements")
        for extension in child
        if namespace(extension) == SPIFF
    ]


def body(xml: Xml) -> str:
    return "".join(str(text) for text in xml.itertext()).strip()


def _read_scope(diagram: Diagram, scope_xml: Xml, scope: str) -> None:
    for child in bpmn_children(scope_xml):
        kind, element = local_name(child), child.get("id", "")
        if kind == "sequenceFlow":
            conditions = [body(part) for part in child if is_bpmn(part, "conditionExpression")]
            diagram.all_flows.append(
                Flow(
                    element,
                    child.get("sourceRef", ""),
                    child.get("targetRef", ""),
                    scope,
                    conditions[0] if conditions else None,
                )
            )
        elif kind == "laneSet":
            _read_lanes(diagram, child)
        elif kind in HOSTED | NOT_HOSTED and element and element not in diagram.nodes and element != diagram.process_id:
            definitions = [local_name(part) for part in bpmn_children(child)]
            events = [name.removesuffix("EventDefinition") for name in definitions if name.endswith("EventDefinition")]
            name = " ".join(child.get("name", "").split())
            node = Node(element, kind, name, scope, child, events[0] if events else "")
            node.attached_to = child.get("attachedToRef", "") if kind == "boundaryEvent" else ""
            diagram.nodes[element] = node
            if kind == "subProcess":
                _read_scope(diagram, child, element)


def _read_lanes(diagram: Diagram, lane_set: Xml) -> None:
    for lane in lane_set.iter(f"{{{BPMN}}}lane"):
        lane_id = lane.get("id", "")
        diagram.lanes[lane_id] = lane.get("name", "")
        for child in lane:
            if is_bpmn(child, "flowNodeRef"):
                diagram.lane_of[body(child)] = lane_id


def _connect(diagram: Diagram) -> None:
    for flow in diagram.all_flows:
        source, target = diagram.nodes.get(flow.source), diagram.nodes.get(flow.target)
        if source and target:
            diagram.flows.append(flow)
            source.outgoing.append(flow)
            target.incoming.append(flow)
    for node in diagram.nodes.values():
        host = diagram.nodes.get(node.attached_to)
        if host is not None:
            host.boundaries.append(node)
