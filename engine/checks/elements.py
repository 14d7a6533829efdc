"""What the reading of a diagram found, and properties that nobody reads."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram
from engine.flow.vocabulary import CASE_START_PROPERTIES, ITEM_KEY, KINDS


def check_elements(diagram: Diagram) -> Iterator[Problem]:
    """Unsupported elements, scripts, data objects, ids, attributes, extensions and properties nobody reads."""
    yield from diagram.findings
    for node in diagram.nodes.values():
        row = KINDS.get(node.kind)
        known = row.properties if row else frozenset()
        if node.loop is not None:
            known |= {ITEM_KEY}
        if diagram.begins_cases(node):
            known = CASE_START_PROPERTIES.get(node.event, frozenset())
        for name in node.properties.keys() - known:
            if not name.startswith(row.prefixes if row else ()):
                yield found(node.id, "element.property", f"{node.label} 的属性 {name or '（无名）'} 不会起作用")
