"""What a page needs of a diagram that the machine does not: the names of lanes and the lines between elements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from engine.flow.reading import read_alone


@dataclass(frozen=True, slots=True)
class Line:
    """A sequence flow."""

    id: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class DiagramParts:
    """lanes: lane id → name as drawn. lines: in the order of the file."""

    lanes: Mapping[str, str]
    lines: tuple[Line, ...]


@lru_cache(maxsize=64)
def diagram_parts(bpmn: bytes) -> DiagramParts:
    """bpmn: a deployed diagram."""
    diagram = read_alone(bpmn)
    lanes = {lane: name or lane for lane, name in diagram.lanes.items()}
    return DiagramParts(lanes, tuple(Line(flow.id, flow.source, flow.target) for flow in diagram.all_flows))
