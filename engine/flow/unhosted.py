"""What may stand in a diagram at all: everything the engine does not host is refused, never silently dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.errors import Problem
from engine.flow.attributes import (
    attribute_problems,
    bpmn_children,
    extensions,
    flag,
    is_bpmn,
    priority_of,
    properties_of,
    text_in,
)
from engine.flow.codes import found
from engine.flow.vocabulary import (
    ACTIVITIES,
    BESIDE_PROCESSES,
    BPMN,
    COMPENSABLE,
    DATA,
    DEFINITION,
    EVENTS,
    EXTENSIONS,
    HOSTED,
    IN_NODE,
    IN_SCOPE,
    INSTANTIATING,
    KINDS,
    LOOP,
    LOOP_PARTS,
    MULTIPLE,
    PRIORITY,
    REMARKS,
    SCRIPTS,
    SPIFF,
)
from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name, namespace

_ID = re.compile(r"[^\W\d][\w.\-]{0,120}")  # an NCName: addresses of waits use `/` and `:`


def file_problems(root: Xml, processes: list[Xml]) -> Iterator[Problem]:
    """What concerns the file as a whole: its processes, what stands beside them, ids used twice."""
    if len(processes) > 1:
        for process in processes:
            message = f"一个文件只能有一个流程，这里有 {len(processes)} 个"
            yield found(process.get("id", ""), "process.several", message)
    for child in bpmn_children(root):
        kind = local_name(child)
        if kind == "collaboration":
            for part in bpmn_children(child):
                if local_name(part) not in REMARKS | {"participant", "messageFlow"}:
                    yield _unsupported(part)
        elif kind in DATA:
            yield found(child.get("id", ""), "element.data", f"不支持数据元素 {kind}；变量按名称读写")
        elif kind not in BESIDE_PROCESSES:
            yield _unsupported(child)
        if kind in {"message", "error", "signal", "escalation"}:
            yield from attribute_problems(child, child.get("id", ""))
    yield from _ids(root)


def process_problems(process: Xml) -> Iterator[Problem]:
    """Unsupported elements, scripts, data objects, ids, attributes, extensions nobody reads."""
    name = process.get("id", "")
    if process.get("isExecutable") != "true":
        yield found(name, "process.not_executable", "请把流程设为可执行（isExecutable）")
    if not _ID.fullmatch(name):
        yield found(name, "element.no_id", "流程没有有效的 id")
    yield from _scope(process, name)
    yield from attribute_problems(process, name)
    yield from _foreign(process, name)


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
            yield from _loop(child, kind, element)
            yield from _attributes(child, kind, element)
        elif kind in DATA:
            yield found(element or scope_id, "element.data", f"不支持数据元素 {kind}；变量按名称读写")
        elif kind == "scriptTask":
            yield found(element or scope_id, "element.script", "不允许脚本任务；请用业务规则任务或服务任务")
        elif kind not in IN_SCOPE and not (kind in IN_NODE and scope_id == element):
            is_part_of_subprocess = local_name(scope) == "subProcess" and kind in IN_NODE | {LOOP}
            if not is_part_of_subprocess:
                yield _unsupported(child, scope_id)


def _node(xml: Xml, element: str) -> Iterator[Problem]:
    yield from _extensions(xml, element)
    kind = local_name(xml)
    definitions: list[str] = []
    for child in bpmn_children(xml):
        part = local_name(child)
        if part.endswith(DEFINITION) or part == "eventDefinitionRef":
            definitions.append(part.removesuffix(DEFINITION))
        elif part in DATA:
            yield found(element, "element.data", f"不支持数据元素 {part}；变量按名称读写")
        elif part not in IN_NODE and part != LOOP:
            yield _unsupported(child, element)
    if kind in EVENTS:
        yield from _event_definitions(xml, kind, element, definitions)
    elif definitions:
        yield found(element, "element.unsupported", f"{kind} 不能有事件定义")


def _event_definitions(xml: Xml, kind: str, element: str, definitions: list[str]) -> Iterator[Problem]:
    for definition in definitions:
        if definition not in KINDS[kind].definitions:
            yield found(element, "element.unsupported", f"{kind} 不支持 {definition} 事件定义")
    if len(definitions) > 1 or (KINDS[kind].needs_definition and not definitions):
        yield found(element, "event.definition", f"应有且只有一个事件定义，现有 {len(definitions)} 个")
    if kind == "boundaryEvent" and definitions == ["error"] and not flag(xml, "cancelActivity"):
        yield found(element, "event.definition", "错误边界事件只能是中断的")


def _loop(xml: Xml, kind: str, element: str) -> Iterator[Problem]:
    """Where loop characteristics may stand, and of which parts they are made."""
    loops = [child for child in xml if is_bpmn(child, LOOP)]
    if not loops:
        return
    if len(loops) > 1 or kind not in MULTIPLE or flag(xml, "triggeredByEvent"):
        yield found(element, "multi_instance.invalid", f"{kind} 不能是多实例，或写了多次")
    parts = [local_name(child) for child in loops[0]]
    for part in sorted(set(parts) - LOOP_PARTS - {"documentation", "extensionElements", ""}):
        yield found(element, "element.unsupported", f"多实例不支持 {part}")
    if bool(text_in(loops[0], "loopCardinality")) == bool(text_in(loops[0], "loopDataInputRef")):
        yield found(
            element, "multi_instance.invalid", "多实例应写明次数（loopCardinality）或集合（loopDataInputRef）之一"
        )


def _attributes(xml: Xml, kind: str, element: str) -> Iterator[Problem]:
    if flag(xml, "isForCompensation") and (kind not in COMPENSABLE or flag(xml, "triggeredByEvent")):
        yield found(element, "element.unsupported", f"{kind} 不能是补偿活动")
    for name in ("startQuantity", "completionQuantity"):
        if xml.get(name, "1") != "1":
            yield found(element, "element.unsupported", f"不支持 {name}")
    if flag(xml, "parallelMultiple"):
        yield found(element, "element.unsupported", "不支持并行多重事件")
    if kind in INSTANTIATING and flag(xml, "instantiate"):
        yield found(element, "element.unsupported", "事件网关和接收任务不能启动流程")
    if kind in ACTIVITIES - {"subProcess"} and xml.get("default"):
        yield found(element, "flow.implicit_split", "任务不能有默认出口；请用排他网关")
    priority = properties_of(xml).get(PRIORITY, "0") if PRIORITY in KINDS[kind].properties else "0"
    if priority_of(priority) is None:
        yield found(element, "user_task.priority", f"优先级应为 0 到 100 的整数：{priority[:20]}")


def _extensions(xml: Xml, element: str) -> Iterator[Problem]:
    for extension in extensions(xml):
        name = local_name(extension)
        if name in SCRIPTS:
            yield found(element, "element.script", f"不允许 {name}；请把取值写进参数、条件或决策表")
        elif name and name not in EXTENSIONS:
            yield found(element, "element.extension", f"扩展元素 {name} 不会起作用")


def _foreign(process: Xml, process_id: str) -> Iterator[Problem]:
    """Other tools' extensions are theirs to read; said once, so that nobody counts on one."""
    count = sum(
        1
        for holder in process.iter(f"{{{BPMN}}}extensionElements")
        for extension in holder
        if isinstance(extension.tag, str) and namespace(extension) not in (BPMN, SPIFF)
    )
    if count:
        yield found(process_id, "element.foreign", f"含有 {count} 处其他建模工具的扩展，平台不读取")


def _unsupported(xml: Xml, owner: str = "") -> Problem:
    kind = local_name(xml)
    name = " ".join(xml.get("name", "").split())
    named = f"（{name[:40]}）" if name and is_bpmn(xml, kind) else ""
    return found(xml.get("id") or owner, "element.unsupported", f"平台不支持 {kind}{named}")
