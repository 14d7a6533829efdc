"""The diagrams of one flow and how they call each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.errors import Problem
from engine.flow.compensation import CompensationParts
from engine.flow.xml import Node as Xml
from engine.spiff.nodes import NodeReader


@dataclass(frozen=True, slots=True)
class DiagramFile:
    """One BPMN file, read. The first of a flow is its own process, the others are called."""

    root: Xml
    process: Xml
    reader: NodeReader
    compensation: CompensationParts

    @property
    def id(self) -> str:
        return str(self.process.get("id", ""))

    @property
    def calls(self) -> dict[str, str]:
        """Process id by call activity."""
        return {node.id: node.called for node in self.reader.nodes.values() if node.kind == "callActivity"}


def call_problems(files: Sequence[DiagramFile]) -> Iterator[Problem]:
    """Unknown and circular calls, and ids used in two files: an address names one element of the whole flow."""
    seen: set[str] = set()
    for file in files:
        own = {file.id, *file.reader.nodes}
        for element in sorted(own & seen):
            yield Problem(element, "error", "xml.duplicate_id", f"两个流程图文件都有 id：{element}")
        seen |= own
    called = {file.id: file for file in files[1:]}
    for file in files:
        for element, process in file.calls.items():
            if process not in called:
                yield Problem(element, "error", "call.unknown", f"没有可调用的流程：{process or '（空）'}")
            elif _reaches(process, file.id, called):
                yield Problem(element, "error", "call.recursive", f"流程 {process} 会再调用 {file.id}，没有尽头")


def pause_problems(files: Sequence[DiagramFile]) -> Iterator[Problem]:
    """Clocks that are to stand still for a lane none of the diagrams has."""
    lanes = {lane for file in files for lane in file.reader.lanes}
    for file in files:
        for node in file.reader.nodes.values():
            for lane in sorted(set(node.pauses) - lanes):
                yield Problem(node.id, "error", "timer.pauses", f"没有泳道 {lane[:60]}，时钟不会为它暂停")


def _reaches(process: str, wanted: str, called: dict[str, DiagramFile]) -> bool:
    todo, seen = [process], {process}
    while todo:
        current = todo.pop()
        if current == wanted:
            return True
        following = set(called[current].calls.values()) & called.keys() - seen
        seen |= following
        todo += following
    return False
