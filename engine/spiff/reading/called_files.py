"""What a compiled flow's diagrams must agree on, each read and compiled by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.compensation import CompensationParts
from engine.flow.diagram import Diagram
from engine.spiff.reading.nodes import ReadDiagram


@dataclass(frozen=True, slots=True)
class CompiledFile:
    """One BPMN file with its texts compiled. The first of a flow is its own process, the others are called."""

    diagram: Diagram
    read: ReadDiagram
    compensation: CompensationParts


def pause_problems(files: Sequence[CompiledFile]) -> Iterator[Problem]:
    """Clocks that are to stand still for a lane none of the diagrams has."""
    lanes = {lane for file in files for lane in file.diagram.lanes}
    for file in files:
        for node in file.read.nodes.values():
            for lane in sorted(set(node.pauses) - lanes):
                yield found(node.id, "timer.pauses", f"没有泳道 {lane[:60]}，时钟不会为它暂停")
