"""What a page needs of a diagram that the machine does not: the names of lanes and the lines between elements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from engine.flow.xml import local_name, parse_xml


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
    """Parsed once for a version of a flow. bpmn: a deployed diagram."""
    lanes: dict[str, str] = {}
    lines: list[Line] = []
    for node in parse_xml(bpmn).iter():
        kind = local_name(node)
        if kind == "lane":
            lane = node.get("id", "")
            lanes[lane] = node.get("name", "") or lane
        elif kind == "sequenceFlow":
            lines.append(Line(node.get("id", ""), node.get("sourceRef", ""), node.get("targetRef", "")))
    return DiagramParts(lanes, tuple(lines))
