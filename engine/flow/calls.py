"""The diagrams of a flow and how their call activities hang together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.diagram import Diagram, Node


def calls(diagram: Diagram) -> list[Node]:
    return [node for node in diagram.nodes.values() if node.kind == "callActivity"]


def call_problems(diagrams: Sequence[Diagram]) -> Iterator[Problem]:
    """Unknown, circular and unused called processes, and elements of one id in two files: an address names one of the flow."""
    called = {diagram.process_id: diagram for diagram in diagrams[1:]}
    seen: set[str] = set()
    for diagram in diagrams:
        own = {diagram.process_id, *diagram.nodes}
        for element in sorted(own & seen):
            yield found(element, "xml.duplicate_id", f"两个流程图文件都有 id {element}")
        seen |= own
        for node in calls(diagram):
            if node.called not in called:
                yield found(node.id, "call.unknown", f"{node.label} 调用的流程 {node.called or '（空）'} 不在文件夹中")
            elif diagram.process_id in _reached(called, node.called):
                yield found(node.id, "call.recursive", f"{node.label} 会再调用自己所在的流程，没有尽头")
    for diagram in diagrams[1:]:
        if not diagram.callers():
            yield found(diagram.process_id, "call.unused", f"没有调用活动调用流程 {diagram.process_id}")


def shared_ids(diagrams: Sequence[Diagram]) -> Iterator[Problem]:
    """Lanes, flows and remarks of one id in two files: cases run all the same, a page could not tell them apart."""
    seen: set[str] = set()
    for diagram in diagrams:
        own = set(diagram.ids) - diagram.nodes.keys()
        for element in sorted(own & seen):
            yield found(element, "xml.duplicate_id", f"两个流程图文件都有 id {element}")
        seen |= own


def _reached(called: dict[str, Diagram], first: str) -> set[str]:
    reached, todo = {first}, [first]
    while todo:
        for node in calls(called[todo.pop()]):
            if node.called in called and node.called not in reached:
                reached.add(node.called)
                todo.append(node.called)
    return reached
