"""Multi-instance activities: what their loop characteristics say."""

from __future__ import annotations

from collections.abc import Iterator

from engine.checks.expressions import expression_problems, variable_problems
from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Node, is_bpmn
from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name

LOOP = "multiInstanceLoopCharacteristics"
_MULTIPLE = {"userTask", "serviceTask", "subProcess", "callActivity"}
_PARTS = {
    "loopCardinality",
    "loopDataInputRef",
    "inputDataItem",
    "loopDataOutputRef",
    "outputDataItem",
    "completionCondition",
}
_REMARKS = {"documentation", "extensionElements"}
COUNTED = frozenset({"done", "total", "results"})  # what a completion condition sees beside the variables


def check_loop(xml: Xml, kind: str, element: str) -> Iterator[Problem]:
    """Where loop characteristics may stand, and of which parts they are made."""
    loops = [child for child in xml if is_bpmn(child, LOOP)]
    if not loops:
        return
    if len(loops) > 1 or kind not in _MULTIPLE or xml.get("triggeredByEvent") == "true":
        yield found(element, "multi_instance.invalid", f"{kind} 不能是多实例，或写了多次")
    parts = [local_name(child) for child in loops[0]]
    for part in sorted(set(parts) - _PARTS - _REMARKS):
        yield found(element, "element.unsupported", f"多实例不支持 {part}")
    if ("loopCardinality" in parts) == ("loopDataInputRef" in parts):
        yield found(
            element, "multi_instance.invalid", "多实例应写明次数（loopCardinality）或集合（loopDataInputRef）之一"
        )


def loop_problems(node: Node) -> Iterator[Problem]:
    """Expressions and variable names of a multi-instance activity."""
    if node.loop is None:
        return
    for text in loop_expressions(node):
        yield from expression_problems(node.id, text)
    for name in map(node.loop_text, ("inputDataItem", "loopDataOutputRef", "outputDataItem")):
        if name:
            yield from variable_problems(node.id, name)


def loop_expressions(node: Node) -> list[str]:
    texts = [node.loop_text(part) for part in ("loopCardinality", "loopDataInputRef", "completionCondition")]
    return [text for text in (*texts, node.properties.get("item_key", "")) if text]


def loop_names(diagram: Diagram) -> frozenset[str]:
    """Names that some instance or completion condition of the diagram sees."""
    multiple = [node for node in diagram.nodes.values() if node.loop is not None]
    items = {node.loop_text("inputDataItem") for node in multiple}
    return frozenset(items) | COUNTED if multiple else frozenset()
