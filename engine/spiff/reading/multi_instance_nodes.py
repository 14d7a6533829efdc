"""What the host needs of a multi-instance activity."""

from __future__ import annotations

from engine.flow.diagram import Node
from engine.flow.vocabulary import ITEM_KEY
from engine.language.expressions import Expression
from engine.spiff.process import Many
from engine.spiff.reading.texts import Texts


def read_many(node: Node, texts: Texts) -> Many | None:
    """None for an activity that runs once."""
    loop = node.loop
    if loop is None:
        return None

    def compiled(text: str) -> Expression | None:
        return texts.expression(node.id, text) if text else None

    return Many(
        is_sequential=loop.is_sequential,
        cardinality=compiled(loop.cardinality),
        collection=compiled(loop.collection),
        item=loop.item,
        item_key=compiled(node.properties.get(ITEM_KEY, "")),
        output=loop.output,
        output_item=loop.output_item,
        condition=compiled(loop.condition),
    )
