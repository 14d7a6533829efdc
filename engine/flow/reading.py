"""From the bytes of BPMN files to frozen diagrams. SpiffWorkflow has no part in it, and nothing that is written is believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from engine.errors import InvalidDiagram, Problem
from engine.flow.attributes import (
    bpmn_children,
    extensions,
    flag,
    is_bpmn,
    others_of,
    priority_of,
    properties_of,
    text_in,
    text_of,
)
from engine.flow.codes import found
from engine.flow.diagram import Definition, Diagram, DiagramFile, Flow, Loop, Node, Operator
from engine.flow.unhosted import element_ids, file_problems, process_problems
from engine.flow.vocabulary import (
    BPMN,
    CALLED_DECISION,
    DEFINITION,
    HOSTED,
    KINDS,
    LOOP,
    MESSAGE,
    NOT_HOSTED,
    OPERATOR,
    PRIORITY,
    SPIFF,
    TIMES,
)
from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name, namespace, parse_xml

MAX_NODES = 1_000
MAX_PROCESSES = 20  # of a file that has one too many anyway
_NAMES = {"message": "name", "signal": "name", "error": "errorCode", "escalation": "escalationCode"}

Calls = dict[str, tuple[tuple[Diagram, Node], ...]]


def read_files(contents: Sequence[bytes]) -> tuple[DiagramFile, ...]:
    """The diagrams of a flow: its own first, then those it calls, linked with each other.

    Raises InvalidDiagram where there is nothing to look at: no XML, no BPMN, no process, too many elements.
    """
    further: dict[str, Diagram] = {}
    calls: Calls = {}
    files: list[DiagramFile] = []
    problems: list[Problem] = []
    for number, content in enumerate(contents):
        try:
            files.append(_read_file(content, _Company(number > 0, further, calls)))
        except InvalidDiagram as error:
            problems += error.problems
    if problems:
        raise InvalidDiagram(problems)
    further.update((file.diagram.process_id, file.diagram) for file in files[1:])
    for diagram in [file.diagram for file in files]:
        for node in diagram.nodes.values():
            if node.kind == "callActivity" and node.called in further:
                calls[node.called] = (*calls.get(node.called, ()), (diagram, node))
    return tuple(files)


@lru_cache(maxsize=128)
def read_alone(content: bytes) -> Diagram:
    """The first process of a deployed file, for what looks at one element or line of it; read once for a version."""
    return _read_file(content, _Company(False, {}, {})).diagram


@dataclass(frozen=True, slots=True)
class _Company:
    """What a diagram knows of the other files of its flow: filled when all have been read."""

    is_called: bool
    further: dict[str, Diagram]
    calls: Calls


def _read_file(content: bytes, company: _Company) -> DiagramFile:
    root = parse_xml(content)
    if local_name(root) != "definitions" or namespace(root) != BPMN:
        raise InvalidDiagram([found("", "xml.not_bpmn", "根元素应为 BPMN 2.0 的 definitions")])
    processes = [child for child in root if is_bpmn(child, "process")]
    if not processes:
        raise InvalidDiagram([found("", "process.none", "流程图中没有流程（process）")])
    told = {kind: {} for kind in _NAMES}  # type: dict[str, dict[str, str]]
    for child in bpmn_children(root):
        if local_name(child) in _NAMES:
            told[local_name(child)][child.get("id", "")] = child.get(_NAMES[local_name(child)], "")
    alone = _Company(False, {}, {})
    diagrams = [
        _read_process(process, told, company if number == 0 else alone)
        for number, process in enumerate(processes[:MAX_PROCESSES])
    ]
    return DiagramFile(tuple(diagrams), tuple(file_problems(root, processes[:MAX_PROCESSES])))


@dataclass(slots=True)
class _Drawn:
    """What stands in a process, as it is met. members: XML and scope of each flow node, by id."""

    process_id: str
    members: dict[str, tuple[Xml, str]] = field(default_factory=dict)
    flows: list[Flow] = field(default_factory=list)

    def read(self, scope_xml: Xml, scope: str) -> None:
        for child in bpmn_children(scope_xml):
            kind, element = local_name(child), child.get("id", "")
            if kind == "sequenceFlow":
                condition = child.find(f"{{{BPMN}}}conditionExpression")
                text = None if condition is None else text_of(condition)
                self.flows.append(Flow(element, child.get("sourceRef", ""), child.get("targetRef", ""), scope, text))
            elif kind in HOSTED | NOT_HOSTED and element and element not in self.members and element != self.process_id:
                self.members[element] = (child, scope)
                if kind == "subProcess":
                    self.read(child, element)


def _read_process(process: Xml, told: Mapping[str, Mapping[str, str]], company: _Company) -> Diagram:
    drawn = _Drawn(process.get("id", ""))
    drawn.read(process, drawn.process_id)
    if len(drawn.members) > MAX_NODES:
        raise InvalidDiagram([found(drawn.process_id, "process.too_large", f"流程最多 {MAX_NODES} 个元素")])
    flows = tuple(flow for flow in drawn.flows if flow.source in drawn.members and flow.target in drawn.members)
    nodes = _nodes(process, drawn, flows, told)
    boundaries: dict[str, tuple[Node, ...]] = {}
    for node in nodes.values():
        if node.kind == "boundaryEvent":
            boundaries[node.attached_to] = (*boundaries.get(node.attached_to, ()), node)
    associations: dict[str, tuple[str, ...]] = {}
    for association in process.iter(f"{{{BPMN}}}association"):
        source = association.get("sourceRef", "")
        associations[source] = (*associations.get(source, ()), association.get("targetRef", ""))
    return Diagram(
        process_id=drawn.process_id,
        nodes=MappingProxyType(nodes),
        all_flows=tuple(drawn.flows),
        flows=flows,
        lanes=MappingProxyType({lane.get("id", ""): lane.get("name", "") for lane in _lanes(process)}),
        boundaries=MappingProxyType(boundaries),
        associations=MappingProxyType(associations),
        ids=tuple(element_ids(process)),
        findings=tuple(process_problems(process)),
        is_called=company.is_called,
        further=MappingProxyType(company.further),
        calls=MappingProxyType(company.calls),
    )


def _lanes(process: Xml) -> list[Xml]:
    return list(process.iter(f"{{{BPMN}}}lane"))  # document order: outer before inner


def _nodes(
    process: Xml, drawn: _Drawn, flows: Sequence[Flow], told: Mapping[str, Mapping[str, str]]
) -> dict[str, Node]:
    """An element listed by a lane and a lane inside it belongs to the inner one; one listed by none to that of its scope."""
    listed = {
        text_of(reference): lane.get("id", "")
        for lane in _lanes(process)
        for reference in lane.findall(f"{{{BPMN}}}flowNodeRef")
    }
    incoming: dict[str, list[Flow]] = {}
    outgoing: dict[str, list[Flow]] = {}
    for flow in flows:
        outgoing.setdefault(flow.source, []).append(flow)
        incoming.setdefault(flow.target, []).append(flow)
    nodes: dict[str, Node] = {}
    for element, (xml, scope) in drawn.members.items():
        around = nodes[scope].lane if scope in nodes else ""
        ways = tuple(incoming.get(element, ())), tuple(outgoing.get(element, ()))
        nodes[element] = _node(xml, scope, listed.get(element, around), ways, told)
    return nodes


def _node(
    xml: Xml,
    scope: str,
    lane: str,
    ways: tuple[tuple[Flow, ...], tuple[Flow, ...]],
    told: Mapping[str, Mapping[str, str]],
) -> Node:
    kind = local_name(xml)
    properties = properties_of(xml)
    priority = priority_of(properties.get(PRIORITY, "50"))
    return Node(
        id=xml.get("id", ""),
        kind=kind,
        name=xml.get("name", ""),
        scope=scope,
        lane=lane,
        attached_to=xml.get("attachedToRef", ""),
        is_interrupting=flag(xml, "isInterrupting" if kind == "startEvent" else "cancelActivity"),
        is_triggered=flag(xml, "triggeredByEvent"),
        is_for_compensation=flag(xml, "isForCompensation"),
        called=xml.get("calledElement", ""),
        decision=_decision(xml),
        default=xml.get("default", ""),
        priority=50 if priority is None else priority,
        others=others_of(xml) if kind == "userTask" else (),
        operator=_operator(xml),
        loop=_loop(xml),
        properties=MappingProxyType(properties),
        definitions=_definitions(xml, told),
        incoming=ways[0],
        outgoing=ways[1],
    )


def _definitions(xml: Xml, told: Mapping[str, Mapping[str, str]]) -> tuple[Definition, ...]:
    kind = local_name(xml)
    if kind in KINDS and KINDS[kind].names_message:
        return (_definition(xml, MESSAGE, told),)
    parts = [(part, local_name(part)) for part in bpmn_children(xml)]
    return tuple(
        _definition(part, name.removesuffix(DEFINITION), told) for part, name in parts if name.endswith(DEFINITION)
    )


def _definition(xml: Xml, kind: str, told: Mapping[str, Mapping[str, str]]) -> Definition:
    reference = xml.get(f"{kind}Ref", "")
    times = {part: text_in(xml, part) for part in TIMES if xml.find(f"{{{BPMN}}}{part}") is not None}
    return Definition(
        kind=kind,
        reference=reference,
        name=told.get(kind, {}).get(reference, ""),
        times=MappingProxyType(times),
        activity=xml.get("activityRef", "").rpartition(":")[2],  # a QName
        is_awaited=flag(xml, "waitForCompletion"),
    )


def _decision(xml: Xml) -> str:
    return text_of(next((each for each in extensions(xml) if local_name(each) == CALLED_DECISION), None))


def _operator(xml: Xml) -> Operator | None:
    operator = next((each for each in extensions(xml) if local_name(each) == OPERATOR), None)
    if operator is None:
        return None
    given = operator.iter(f"{{{SPIFF}}}parameter")
    parameters = tuple((each.get("id", ""), each.get("value", "None")) for each in given)
    return Operator(operator.get("id", ""), operator.get("resultVariable", ""), parameters)


def _loop(xml: Xml) -> Loop | None:
    loop = xml.find(f"{{{BPMN}}}{LOOP}")
    if loop is None:
        return None
    return Loop(
        is_sequential=flag(loop, "isSequential"),
        cardinality=text_in(loop, "loopCardinality"),
        collection=text_in(loop, "loopDataInputRef"),
        condition=text_in(loop, "completionCondition"),
        item=_named(loop, "inputDataItem"),
        output=text_in(loop, "loopDataOutputRef"),
        output_item=_named(loop, "outputDataItem"),
    )


def _named(loop: Xml, name: str) -> str:
    """The variable a data item stands for: its name, or where an editor writes none, its id."""
    item = loop.find(f"{{{BPMN}}}{name}")
    return "" if item is None else str(item.get("name") or item.get("id", ""))
