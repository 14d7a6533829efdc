"""What may stand in a diagram at all: everything the engine does not host is refused, never silently dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.checks.loops import LOOP, check_loop
from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.compensation import COMPENSABLE, is_for_compensation
from engine.flow.diagram import ACTIVITIES, BPMN, HOSTED, SPIFF, Diagram, bpmn_children, extensions, is_bpmn
from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name, namespace

_ID = re.compile(r"[^\W\d][\w.\-]{0,120}")  # an NCName: addresses of waits use `/` and `:`
_LAYOUT = frozenset({"documentation", "extensionElements", "textAnnotation", "association", "group", "category"})
_DATA = frozenset(
    {
        *("dataObject", "dataObjectReference", "dataStore", "dataStoreReference", "dataInputAssociation"),
        *("dataOutputAssociation", "ioSpecification", "ioBinding", "property", "dataState", "dataInput", "dataOutput"),
    }
)
_IN_SCOPE = HOSTED | _LAYOUT | {"sequenceFlow", "laneSet"}
_IN_NODE = _LAYOUT | {"incoming", "outgoing"}
_EVENT_DEFINITIONS = {
    "startEvent": frozenset({"message", "timer", "error", "signal", "escalation"}),  # of an event subprocess
    "boundaryEvent": frozenset({"message", "timer", "error", "signal", "escalation", "compensate"}),
    "intermediateCatchEvent": frozenset({"message", "timer", "signal"}),
    "intermediateThrowEvent": frozenset({"message", "signal", "escalation", "compensate"}),
    "endEvent": frozenset({"error", "message", "signal", "escalation", "terminate", "compensate"}),
}
_SPIFF_EXTENSIONS = frozenset(
    {"properties", "serviceTaskOperator", "calledDecisionId", "preScript", "postScript", "unitTests"}
)
_PROPERTIES = {
    "userTask": frozenset({"form", "due", "priority", "not_same_person_as"}),
    "endEvent": frozenset({"outcome", "correlation"}),
    "intermediateThrowEvent": frozenset({"correlation"}),
    "sendTask": frozenset({"correlation"}),
    "startEvent": frozenset({"correlation", "result", "pauses_while"}),
    "boundaryEvent": frozenset({"correlation", "result", "pauses_while"}),
    "intermediateCatchEvent": frozenset({"correlation", "result"}),
}


_OF_CASE_STARTS = {
    "message": frozenset({"form", "result", "correlation_result"}),
    "timer": frozenset({"result"}),
}
_PREFIXES = {
    "callActivity": ("in.", "out."),
    "endEvent": ("payload.",),
    "intermediateThrowEvent": ("payload.",),
    "sendTask": ("payload.",),
}


def check_elements(diagram: Diagram) -> Iterator[Problem]:
    """Unsupported elements, scripts, data objects, ids, extensions and properties nobody reads."""
    if diagram.process.get("isExecutable") != "true":
        yield found(diagram.process_id, "process.not_executable", "请把流程设为可执行（isExecutable）")
    if not _ID.fullmatch(diagram.process_id):
        yield found(diagram.process_id, "element.no_id", "流程没有有效的 id")
    yield from _scope(diagram.process, diagram.process_id)
    yield from _foreign(diagram)
    for node in diagram.nodes.values():
        known = _PROPERTIES.get(node.kind, frozenset()) | ({"item_key"} if node.loop is not None else frozenset())
        if diagram.begins_cases(node):
            known = _OF_CASE_STARTS.get(node.event, frozenset())
        for name in node.properties.keys() - known:
            if name.startswith(_PREFIXES.get(node.kind, ())):
                continue
            yield found(node.id, "element.property", f"{node.label} 的属性 {name or '（无名）'} 不会起作用")


def check_file(diagrams: list[Diagram]) -> Iterator[Problem]:
    """What concerns the file as a whole: its processes, what stands beside them, ids used twice."""
    root = diagrams[0].root
    if len(diagrams) > 1:
        for diagram in diagrams:
            message = f"一个文件只能有一个流程，这里有 {len(diagrams)} 个"
            yield found(diagram.process_id, "process.several", message)
    yield from _roots(root)
    yield from _ids(root)


def _roots(root: Xml) -> Iterator[Problem]:
    for child in bpmn_children(root):
        kind = local_name(child)
        if kind == "collaboration":
            for part in bpmn_children(child):
                if local_name(part) not in _LAYOUT | {"participant", "messageFlow"}:
                    yield _unsupported(part)
        elif kind in _DATA:
            yield found(child.get("id", ""), "element.data", f"不支持数据元素 {kind}；变量按名称读写")
        elif kind not in _LAYOUT | {"process", "message", "error", "signal", "escalation", "itemDefinition", "import"}:
            yield _unsupported(child)


def element_ids(root: Xml) -> Iterator[str]:
    """The ids of all BPMN elements below this one."""
    for xml in root.iter():
        if xml is not root and isinstance(xml.tag, str) and namespace(xml) == BPMN and xml.get("id") is not None:
            yield str(xml.get("id"))


def _ids(root: Xml) -> Iterator[Problem]:
    seen: set[str] = set()
    for element in (root.get("id", ""), *element_ids(root)):
        if element in seen:
            yield found(element, "xml.duplicate_id", f"id {element} 出现了不止一次")
        seen.add(element)


def _scope(scope: Xml, scope_id: str) -> Iterator[Problem]:
    yield from _extensions(scope, scope_id)
    for child in bpmn_children(scope):
        kind, element = local_name(child), child.get("id", "")
        if kind in HOSTED:
            if not _ID.fullmatch(element) or element.startswith("__"):  # `__`: what the engine adds
                yield found(element or scope_id, "element.no_id", f"{kind} 没有有效的 id")
            yield from (_scope if kind == "subProcess" else _node)(child, element or scope_id)
            yield from check_loop(child, kind, element)
            yield from _attributes(child, kind, element)
        elif kind in _DATA:
            yield found(element or scope_id, "element.data", f"不支持数据元素 {kind}；变量按名称读写")
        elif kind == "scriptTask":
            yield found(element or scope_id, "element.script", "不允许脚本任务；请用业务规则任务或服务任务")
        elif kind not in _IN_SCOPE and not (kind in _IN_NODE and scope_id == element):
            is_part_of_subprocess = local_name(scope) == "subProcess" and kind in _IN_NODE | {LOOP}
            if not is_part_of_subprocess:
                yield _unsupported(child, scope_id)


def _node(xml: Xml, element: str) -> Iterator[Problem]:
    yield from _extensions(xml, element)
    kind = local_name(xml)
    definitions: list[str] = []
    for child in bpmn_children(xml):
        part = local_name(child)
        if part.endswith("EventDefinition") or part == "eventDefinitionRef":
            definitions.append(part.removesuffix("EventDefinition"))
        elif part in _DATA:
            yield found(element, "element.data", f"不支持数据元素 {part}；变量按名称读写")
        elif part not in _IN_NODE and part != LOOP:
            yield _unsupported(child, element)
    yield from _event_definitions(xml, kind, element, definitions)


def _event_definitions(xml: Xml, kind: str, element: str, definitions: list[str]) -> Iterator[Problem]:
    allowed = _EVENT_DEFINITIONS.get(kind)
    if allowed is None:
        return
    for definition in definitions:
        if definition not in allowed:
            yield found(element, "element.unsupported", f"{kind} 不支持 {definition} 事件定义")
    needs_one = kind in ("boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent")
    if len(definitions) > 1 or (needs_one and not definitions):
        yield found(element, "event.definition", f"应有且只有一个事件定义，现有 {len(definitions)} 个")
    if kind == "boundaryEvent" and definitions == ["error"] and xml.get("cancelActivity") == "false":
        yield found(element, "event.definition", "错误边界事件只能是中断的")


def _attributes(xml: Xml, kind: str, element: str) -> Iterator[Problem]:
    if is_for_compensation(xml) and (kind not in COMPENSABLE or xml.get("triggeredByEvent") == "true"):
        yield found(element, "element.unsupported", f"{kind} 不能是补偿活动")
    for name in ("startQuantity", "completionQuantity"):
        if xml.get(name, "1") != "1":
            yield found(element, "element.unsupported", f"不支持 {name}")
    if xml.get("parallelMultiple") == "true":
        yield found(element, "element.unsupported", "不支持并行多重事件")
    if kind == "eventBasedGateway" and xml.get("instantiate") == "true":
        yield found(element, "element.unsupported", "事件网关不能启动流程")
    if kind in ACTIVITIES - {"subProcess"} and xml.get("default"):
        yield found(element, "flow.implicit_split", "任务不能有默认出口；请用排他网关")


def _extensions(xml: Xml, element: str) -> Iterator[Problem]:
    for extension in extensions(xml):
        name = local_name(extension)
        if name in ("preScript", "postScript"):
            yield found(element, "element.script", f"不允许 {name}；请把取值写进参数、条件或决策表")
        elif name and name not in _SPIFF_EXTENSIONS:
            yield found(element, "element.extension", f"扩展元素 {name} 不会起作用")


def _foreign(diagram: Diagram) -> Iterator[Problem]:
    """Other tools' extensions are theirs to read; said once, so that nobody counts on one."""
    count = sum(
        1
        for holder in diagram.process.iter(f"{{{BPMN}}}extensionElements")
        for extension in holder
        if isinstance(extension.tag, str) and namespace(extension) not in (BPMN, SPIFF)
    )
    if count:
        yield found(diagram.process_id, "element.foreign", f"含有 {count} 处其他建模工具的扩展，平台不读取")


def _unsupported(xml: Xml, owner: str = "") -> Problem:
    kind = local_name(xml)
    name = " ".join(xml.get("name", "").split())
    named = f"（{name[:40]}）" if name and is_bpmn(xml, kind) else ""
    return found(xml.get("id") or owner, "element.unsupported", f"平台不支持 {kind}{named}")
