"""Draws the edges and labels of a diagram anew, around the shapes as they stand: `python -m tools.layout FILE.bpmn`.

For diagrams written or changed as text: shapes keep their places, every sequence flow gets an orthogonal way around them
that shares its track only with flows to the same target.
"""

from __future__ import annotations

import heapq
import itertools
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from engine.diagram_xml import Node, local_name, parse_xml

STEP = 10  # px; tracks of parallel flows are this far apart
MARGIN = 5  # px a flow keeps from a shape
BEND, CROSSING, SHARED, MERGED = 60, 25, 400, 0.4  # costs in px; MERGED is a factor on flows to one target
LETTER, LINE = 11, 14  # px of a label's character and line
CONTAINERS = {"participant", "lane"}

_BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
_DI = "http://www.omg.org/spec/DD/20100524/DI"
_DC = "http://www.omg.org/spec/DD/20100524/DC"
_BPMNDI = "http://www.omg.org/spec/BPMN/20100524/DI"

Point = tuple[int, int]
Direction = tuple[int, int]
SIDES: tuple[Direction, ...] = ((1, 0), (0, 1), (-1, 0), (0, -1))


@dataclass(frozen=True, slots=True)
class Box:
    x: int
    y: int
    width: int
    height: int

    def holds(self, point: Point, margin: int = 0) -> bool:
        inside_x = self.x - margin < point[0] < self.x + self.width + margin
        return inside_x and self.y - margin < point[1] < self.y + self.height + margin

    def meets(self, other: Box) -> bool:
        apart_x = self.x >= other.x + other.width or other.x >= self.x + self.width
        return not (apart_x or self.y >= other.y + other.height or other.y >= self.y + self.height)

    def port(self, side: Direction) -> Point:
        half_x, half_y = self.width // 2, self.height // 2
        return (self.x + half_x + side[0] * half_x, self.y + half_y + side[1] * half_y)

    def outside(self, side: Direction) -> Point:
        """The first point of the grid beyond the port that keeps the margin."""
        x, y = self.port(side)
        if side[0]:
            x = (x + MARGIN + STEP - 1) // STEP * STEP if side[0] > 0 else (x - MARGIN) // STEP * STEP
            return (x, round(y / STEP) * STEP)
        y = (y + MARGIN + STEP - 1) // STEP * STEP if side[1] > 0 else (y - MARGIN) // STEP * STEP
        return (round(x / STEP) * STEP, y)


@dataclass(slots=True)
class Sheet:
    """Obstacles and the tracks taken so far. tracks: (point, is_horizontal) → targets whose flows run there."""

    boxes: dict[str, Box]
    bounds: Box
    tracks: dict[tuple[Point, bool], set[str]] = field(default_factory=lambda: defaultdict(set))
    ports: dict[tuple[str, Direction], list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    blocked: set[Point] = field(default_factory=set)

    def __post_init__(self) -> None:
        for box in self.boxes.values():
            for x in range((box.x - MARGIN) // STEP * STEP, box.x + box.width + MARGIN + STEP, STEP):
                for y in range((box.y - MARGIN) // STEP * STEP, box.y + box.height + MARGIN + STEP, STEP):
                    if box.holds((x, y), MARGIN):
                        self.blocked.add((x, y))

    def step_cost(self, point: Point, is_horizontal: bool, target: str) -> float:
        here = self.tracks.get((point, is_horizontal))
        cost: float = STEP
        if here:
            cost = STEP * MERGED if here == {target} else STEP + SHARED
        if self.tracks.get((point, not is_horizontal)):
            cost += CROSSING
        return cost

    def port_cost(self, shape: str, side: Direction, role: str, target: str) -> float:
        """Flows in and flows out do not share a port; two flows out of one port would read as one."""
        others = self.ports.get((shape, side), [])
        return sum(0 if role == "in" and other == ("in", target) else 300 for other in others)


State = tuple[Point, Direction]  # where a way is, and which way it heads


@dataclass(slots=True)
class Search:
    """Dijkstra over the grid from one shape to another; turning, crossing and sharing a track cost extra."""

    sheet: Sheet
    source: str
    target: str
    queue: list[tuple[float, int, State]] = field(default_factory=list)
    best: dict[State, float] = field(default_factory=dict)
    came: dict[State, State | None] = field(default_factory=dict)
    order: itertools.count[int] = field(default_factory=itertools.count)

    def reach(self, state: State, cost: float, before: State | None) -> None:
        if cost < self.best.get(state, float("inf")):
            self.best[state] = cost
            self.came[state] = before
            heapq.heappush(self.queue, (cost, next(self.order), state))

    def leave(self, sides: Iterable[Direction]) -> None:
        for side in sides:
            point = self.sheet.boxes[self.source].outside(side)
            if point not in self.sheet.blocked:
                # Reading goes from left to right: leaving backwards is a little dearer.
                backwards = 40 if side == (-1, 0) else 0
                self.reach((point, side), self.sheet.port_cost(self.source, side, "out", self.target) + backwards, None)

    def step(self, state: State, cost: float) -> None:
        point, heading = state
        for turned in SIDES:
            onward = (point[0] + turned[0] * STEP, point[1] + turned[1] * STEP)
            is_back = turned == (-heading[0], -heading[1])
            if is_back or onward in self.sheet.blocked or not self.sheet.bounds.holds(onward):
                continue
            bend = BEND if turned != heading else 0
            self.reach((onward, turned), cost + self.sheet.step_cost(onward, turned[1] == 0, self.target) + bend, state)

    def arrival_cost(self, state: State, side: Direction) -> float:
        """What entering the target on `side` adds; not possible when the way heads out of it."""
        heading = state[1]
        if heading == side:
            return float("inf")
        bend = 0 if heading == (-side[0], -side[1]) else BEND
        return bend + self.sheet.port_cost(self.target, side, "in", self.target)

    def way_to(self, state: State) -> list[State]:
        way: list[State] = []
        here: State | None = state
        while here is not None:
            way.append(here)
            here = self.came[here]
        return way[::-1]


def route(sheet: Sheet, source: str, target: str, fixed_side: Direction | None = None) -> list[Point]:
    """Waypoints from shape to shape. Raises ValueError where no way is left."""
    end = sheet.boxes[target]
    goals = {end.outside(side): side for side in SIDES if end.outside(side) not in sheet.blocked}
    search = Search(sheet, source, target)
    search.leave([fixed_side] if fixed_side else SIDES)
    finish: tuple[float, State] = (float("inf"), ((0, 0), (0, 0)))
    while search.queue:
        cost, _, state = heapq.heappop(search.queue)
        if cost >= finish[0]:
            break
        if cost > search.best[state]:
            continue
        side = goals.get(state[0])
        if side is not None:
            finish = min(finish, (cost + search.arrival_cost(state, side), state))
        search.step(state, cost)
    if finish[0] == float("inf"):
        raise ValueError(f"no way from {source} to {target}")
    way = search.way_to(finish[1])
    return _take(sheet, source, target, way, goals[way[-1][0]])


def _take(
    sheet: Sheet, source: str, target: str, path: list[tuple[Point, Direction]], target_side: Direction
) -> list[Point]:
    """Mark the way as taken; gives its corners with both ports."""
    source_side = path[0][1]
    sheet.ports[(source, source_side)].append(("out", target))
    sheet.ports[(target, target_side)].append(("in", target))
    for (point, heading), following in itertools.zip_longest(path, path[1:]):
        sheet.tracks[(point, heading[1] == 0)].add(target)
        leaving = following[1] if following else (-target_side[0], -target_side[1])
        sheet.tracks[(point, leaving[1] == 0)].add(target)
    points = [sheet.boxes[source].port(source_side), *(point for point, _ in path)]
    points.append(sheet.boxes[target].port(target_side))
    return _corners(_squared(points))


def _squared(points: list[Point]) -> list[Point]:
    """Ports lie up to half a step off the grid: the first and the last run take their port's own line."""
    return _first_run_squared(_first_run_squared(points)[::-1])[::-1]


def _first_run_squared(points: list[Point]) -> list[Point]:
    (x, y), near = points[0], points[1]
    if x == near[0] or y == near[1]:
        return points
    is_horizontal = abs(near[0] - x) > abs(near[1] - y)
    axis = 1 if is_horizontal else 0
    run = list(itertools.takewhile(lambda point: point[axis] == near[axis], points[1:]))
    moved = [(point[0], y) if is_horizontal else (x, point[1]) for point in run]
    return [points[0], *moved, *points[1 + len(run) :]]


def _corners(points: list[Point]) -> list[Point]:
    kept = [points[0]]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        straight = (before[0] == here[0] == after[0]) or (before[1] == here[1] == after[1])
        if not straight:
            kept.append(here)
    return [*kept, points[-1]]


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
    scopes = [drawing.box(e) for e in drawing.shapes if _is_expanded(drawing.shapes[e])]
    sheet = Sheet(boxes, bounds)
    ways: dict[str, list[Point]] = {}
    for flow in sorted(drawing.edges, key=lambda flow: _span(drawing, flow)):
        node = drawing.elements[flow]
        source, target = node.get("sourceRef", ""), node.get("targetRef", "")
        for scope in scopes:
            _close(sheet, scope, is_open=scope.holds(drawing.box(source).port((1, 0))))
        ways[flow] = route(sheet, source, target, _attached_side(drawing, source))
    for flow, points in ways.items():
        _write_waypoints(drawing.edges[flow], points)
    _place_labels(drawing, boxes, ways)


def _span(drawing: Drawing, flow: str) -> int:
    """Short flows are drawn first: the straight way is theirs."""
    node = drawing.elements[flow]
    a, b = drawing.box(node.get("sourceRef", "")), drawing.box(node.get("targetRef", ""))
    return abs(a.x + a.width // 2 - b.x - b.width // 2) + abs(a.y + a.height // 2 - b.y - b.height // 2)


def _close(sheet: Sheet, scope: Box, *, is_open: bool) -> None:
    """Nothing outside an expanded subprocess runs through it."""
    for x in range(scope.x // STEP * STEP, scope.x + scope.width + STEP, STEP):
        for y in range(scope.y // STEP * STEP, scope.y + scope.height + STEP, STEP):
            inside_shape = any(box.holds((x, y), MARGIN) for box in sheet.boxes.values())
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
