"""Multi-instance activities: what their loop characteristics say."""

from __future__ import annotations

from collections.abc import Iterator

from engine.checks.expressions import expression_problems, variable_problems
from engine.errors import Problem
from engine.flow.diagram import Diagram, Node
from engine.flow.vocabulary import ITEM_KEY

COUNTED = frozenset({"done", "total", "results"})  # what a completion condition sees beside the variables


def loop_problems(node: Node) -> Iterator[Problem]:
    """Expressions and variable names of a multi-instance activity."""
    if node.loop is None:
        return
    for text in loop_expressions(node):
        yield from expression_problems(node.id, text)
    for name in (node.loop.item, node.loop.output, node.loop.output_item):
        if name:
            yield from variable_problems(node.id, name)


def loop_expressions(node: Node) -> list[str]:
    if node.loop is None:
        return []
    texts = (node.loop.cardinality, node.loop.collection, node.loop.condition, node.properties.get(ITEM_KEY, ""))
    return [text for text in texts if text]


def loop_names(diagram: Diagram) -> frozenset[str]:
    """Names that some instance or completion condition of the diagram sees."""
    items = frozenset(node.loop.item for node in diagram.nodes.values() if node.loop is not None)
    return items | COUNTED if items else frozenset()
