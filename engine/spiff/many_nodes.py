"""What the diagram says of a multi-instance activity."""

from __future__ import annotations

from collections.abc import Callable

from engine.flow.xml import Node as Xml
from engine.language.expressions import Expression
from engine.spiff.process import Many
from engine.spiff.wiring import BPMN, children_of, is_handler

LOOP = "multiInstanceLoopCharacteristics"
MULTIPLE = frozenset({"userTask", "serviceTask", "subProcess", "callActivity"})


def read_many(
    xml: Xml,
    element: str,
    properties: dict[str, str],
    problem: Callable[[str, str, str], None],
    expression: Callable[[str, str], Expression | None],
) -> Many | None:
    """None for an activity that runs once."""
    loops = children_of(xml, LOOP)
    if not loops:
        return None
    loop = loops[0]
    cardinality, collection = _text(loop, "loopCardinality"), _text(loop, "loopDataInputRef")
    if len(loops) > 1 or bool(cardinality) == bool(collection) or is_handler(xml):
        problem(element, "multi_instance.invalid", "多实例应写明次数（loopCardinality）或集合（loopDataInputRef）之一")

    def compiled(text: str) -> Expression | None:
        return expression(element, text) if text else None

    return Many(
        is_sequential=loop.get("isSequential") == "true",
        cardinality=compiled(cardinality),
        collection=compiled(collection),
        item=_named(loop, "inputDataItem"),
        item_key=compiled(properties.get("item_key", "")),
        output=_text(loop, "loopDataOutputRef"),
        output_item=_named(loop, "outputDataItem"),
        condition=compiled(_text(loop, "completionCondition")),
    )


def _text(loop: Xml, name: str) -> str:
    return (loop.findtext(f"{{{BPMN}}}{name}") or "").strip()


def _named(loop: Xml, name: str) -> str:
    """The variable a data item stands for: its name, or where an editor writes none, its id."""
    item = loop.find(f"{{{BPMN}}}{name}")
    return "" if item is None else str(item.get("name") or item.get("id", ""))
