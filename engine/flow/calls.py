"""The diagrams of a flow and how their call activities hang together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.checks.elements import element_ids
from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Node


def link(diagrams: Sequence[Diagram]) -> None:
    """Tell each called diagram who calls it. The first is the flow's own."""
    by_id = {diagram.process_id: diagram for diagram in diagrams[1:]}
    for diagram in diagrams:
        diagram.is_called = diagram is not diagrams[0]
        diagram.called = by_id
        for node in calls(diagram):
            if node.called in by_id:
                by_id[node.called].callers.append((diagram, node))


def calls(diagram: Diagram) -> list[Node]:
    return [node for node in diagram.nodes.values() if node.kind == "callActivity"]


def check_calls(diagrams: Sequence[Diagram]) -> Iterator[Problem]:
    """Unknown, circular and unused called processes, and ids used in two files."""
    called = {diagram.process_id: diagram for diagram in diagrams[1:]}
    seen: set[str] = set()
    for diagram in diagrams:
        own = {diagram.process_id, *element_ids(diagram.process)}
        for element in sorted(own & seen):
            yield found(element, "xml.duplicate_id", f"两个流程图文件都有 id {element}")
        seen |= own
        for node in calls(diagram):
            if node.called not in called:
                yield found(node.id, "call.unknown", f"{node.label} 调用的流程 {node.called or '（空）'} 不在文件夹中")
            elif diagram.process_id in _reached(called, node.called):
                yield found(node.id, "call.recursive", f"{node.label} 会再调用自己所在的流程，没有尽头")
    for diagram in diagrams[1:]:
        if not diagram.callers:
            yield found(diagram.process_id, "call.unused", f"没有调用活动调用流程 {diagram.process_id}")


def _reached(called: dict[str, Diagram], first: str) -> set[str]:
    reached, todo = {first}, [first]
    while todo:
        for node in calls(called[todo.pop()]):
            if node.called in called and node.called not in reached:
                reached.add(node.called)
                todo.append(node.called)
    return reached
