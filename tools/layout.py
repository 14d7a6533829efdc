"""Draws the edges and labels of a diagram anew, around the shapes as they stand: `python -m tools.layout FILE.bpmn`.

For diagrams written or changed as text: shapes keep their places, every sequence flow gets an orthogonal way around them
that shares its track only with flows to the same target.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from engine.flow.xml import Node, local_name, parse_xml
from tools.routing import MARGIN, STEP, Box, Direction, Point, Sheet, route

LETTER, LINE = 11, 14  # px of a label's character and line
CONTAINERS = {"participant", "lane"}

_BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
_DI = "http://www.omg.org/spec/DD/20100524/DI"
_DC = "http://www.omg.org/spec/DD/20100524/DC"
_BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"


@dataclass(slots=True)
class Drawing:
    """One diagram: its DI nodes by element, its elements by id."""

    root: Node
    elements: dict[str, Node]
    shapes: dict[str, Node]
    edges: dict[str, Node]

    def box(self, element: str) -> Box:
        bounds = self.shapes[element].find(f"{{{_DC}}}Bounds")
        assert bounds is not None, element
        return Box(*(int(float(bounds.get(key, "0"))) for key in ("x", "y", "width", "height")))

    def kind(self, element: str) -> str:
        return local_name(self.elements[element])


def read_drawing(content: bytes) -> Drawing:
    root = parse_xml(content)
    elements = {node.get("id", ""): node for node in root.iter(f"{{{_BPMN}}}*") if node.get("id")}
    shapes = {node.get("bpmnElement", ""): node for node in root.iter(f"{{{_BPMNDI}}}BPMNShape")}
    edges = {node.get("bpmnElement", ""): node for node in root.iter(f"{{{_BPMNDI}}}BPMNEdge")}
    return Drawing(root, elements, shapes, edges)


def draw_edges(drawing: Drawing) -> None:
    """Give every edge of the drawing its waypoints and every label its place."""
    boxes = {
        element: drawing.box(element)
        for element in drawing.shapes
        if drawing.kind(element) not in CONTAINERS and not _is_expanded(drawing.shapes[element])
    }
    pool = [drawing.box(e) for e in drawing.shapes if drawing.kind(e) == "participant"]
    bounds = pool[0] if pool else Box(0, 0, max(b.x + b.width for b in boxes.values()) + 200, 4000)
    expanded = {e: drawing.box(e) for e in drawing.shapes if _is_expanded(drawing.shapes[e])}
    sheet = Sheet(boxes, bounds)
    sheet.boxes = {**boxes, **expanded}  # a flow may begin and end at an expanded subprocess; inside it is no obstacle
    ways: dict[str, list[Point]] = {}
    for flow in sorted(drawing.edges, key=lambda flow: _span(drawing, flow)):
        node = drawing.elements[flow]
        source, target = node.get("sourceRef", ""), node.get("targetRef", "")
        for scope in expanded.values():
            _close(sheet, boxes, scope, is_open=scope.holds(drawing.box(source).port((1, 0))))
        ways[flow] = route(sheet, source, target, _attached_side(drawing, source))
    for flow, points in ways.items():
        _write_waypoints(drawing.edges[flow], points)
    _place_labels(drawing, boxes, ways)


def _span(drawing: Drawing, flow: str) -> int:
    """Short flows are drawn first: the straight way is theirs."""
    node = drawing.elements[flow]
    a, b = drawing.box(node.get("sourceRef", "")), drawing.box(node.get("targetRef", ""))
    return abs(a.x + a.width // 2 - b.x - b.width // 2) + abs(a.y + a.height // 2 - b.y - b.height // 2)


def _close(sheet: Sheet, boxes: dict[str, Box], scope: Box, *, is_open: bool) -> None:
    """Nothing outside an expanded subprocess runs through it."""
    for x in range(scope.x // STEP * STEP, scope.x + scope.width + STEP, STEP):
        for y in range(scope.y // STEP * STEP, scope.y + scope.height + STEP, STEP):
            inside_shape = any(box.holds((x, y), MARGIN) for box in boxes.values())
            if not is_open:
                sheet.blocked.add((x, y))
            elif not inside_shape:
                sheet.blocked.discard((x, y))


def _is_expanded(shape: Node) -> bool:
    return shape.get("isExpanded") == "true"


def _attached_side(drawing: Drawing, element: str) -> Direction | None:
    """A boundary event's flow leaves on the side that faces away from its host."""
    host = drawing.elements[element].get("attachedToRef")
    if host is None:
        return None
    box, on = drawing.box(element), drawing.box(host)
    middle = box.port((1, 0))[1]
    return (0, -1) if middle <= on.y else (0, 1)


def _write_waypoints(edge: Node, points: list[Point]) -> None:
    for child in list(edge):
        edge.remove(child)
    for x, y in points:
        etree.SubElement(edge, f"{{{_DI}}}waypoint", x=str(x), y=str(y))


def _place_labels(drawing: Drawing, boxes: dict[str, Box], ways: dict[str, list[Point]]) -> None:
    taken = list(boxes.values())
    lines = [Box(min(a[0], b[0]) - 1, min(a[1], b[1]) - 1, abs(a[0] - b[0]) + 2, abs(a[1] - b[1]) + 2)
             for points in ways.values() for a, b in itertools.pairwise(points)]  # fmt: skip
    for element, box in boxes.items():
        name = drawing.elements[element].get("name")
        if name and ("Event" in drawing.kind(element) or "Gateway" in drawing.kind(element)):
            width = len(name) * LETTER + 6
            spots = _around(box, width, is_boundary=drawing.elements[element].get("attachedToRef") is not None)
            _label(drawing.shapes[element], width, spots, taken, lines)
    for flow, points in ways.items():
        name = drawing.elements[flow].get("name")
        if name:
            width = len(name) * LETTER + 6
            _label(drawing.edges[flow], width, list(_beside(points, width)), taken, lines)


def _around(box: Box, width: int, *, is_boundary: bool) -> list[Point]:
    """Places for a shape's label; a boundary event's stands beside it, clear of its host's edge."""
    middle_x, middle_y = box.x + box.width // 2, box.y + box.height // 2
    left, right, bottom = box.x - width - 2, box.x + box.width + 2, box.y + box.height
    beside = [(side, y) for y in (middle_y - LINE - 3, middle_y + 3) for side in (left, right)]
    under = [(middle_x - width // 2, bottom + 4), (middle_x - width // 2, box.y - LINE - 4)]
    corners = [(right, bottom + 2), (right, box.y - LINE), (left, box.y - LINE), (left, bottom + 2)]
    return [*beside, *under, *corners] if is_boundary else [*under, *corners, *beside]


def _beside(points: list[Point], width: int) -> itertools.chain[Point]:
    """Places along a flow, the ones near its source first."""
    spots: list[list[Point]] = []
    for (ax, ay), (bx, by) in itertools.islice(itertools.pairwise(points), 3):
        if ay == by:
            left = min(ax, bx)
            near = ax + 4 if bx > ax else ax - width - 4
            spots.append([(near, ay - LINE - 2), (near, ay + 2), ((left + max(ax, bx) - width) // 2, ay - LINE - 2)])
        else:
            near = ay + 4 if by > ay else ay - LINE - 4
            spots.append(
                [(ax + 4, near), (ax - width - 2, near), (ax + 4, (ay + by) // 2), (ax - width - 2, (ay + by) // 2)]
            )
    return itertools.chain.from_iterable(spots)


def _label(owner: Node, width: int, spots: list[Point], taken: list[Box], lines: list[Box]) -> None:
    def faults(place: Box) -> int:
        # Many flows may share one track: it is one line to the eye.
        return 10 * sum(place.meets(other) for other in taken) + min(3, sum(place.meets(line) for line in lines))

    places = [Box(x, y, width, LINE) for x, y in spots]
    place = min(places, key=faults)
    taken.append(place)
    for old in owner.findall(f"{{{_BPMNDI}}}BPMNLabel"):
        owner.remove(old)
    label = etree.SubElement(owner, f"{{{_BPMNDI}}}BPMNLabel")
    etree.SubElement(
        label, f"{{{_DC}}}Bounds", x=str(place.x), y=str(place.y), width=str(place.width), height=str(place.height)
    )


def main(paths: list[str]) -> None:
    for path in map(Path, paths):
        drawing = read_drawing(path.read_bytes())
        draw_edges(drawing)
        etree.indent(drawing.root, "  ")
        content = etree.tostring(drawing.root, xml_declaration=True, encoding="UTF-8") + b"\n"
        path.write_bytes(content)
        print(f"{path}: {len(drawing.edges)} 条连线已重画")


if __name__ == "__main__":
    main(sys.argv[1:])
