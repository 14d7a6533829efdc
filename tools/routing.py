"""Ways for the flows of a diagram: orthogonal, around the shapes, apart from each other unless they lead to the same target."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

STEP = 10  # px; tracks of parallel flows are this far apart
MARGIN = 5  # px a flow keeps from a shape
BEND, CROSSING, SHARED, MERGED = 60, 25, 400, 0.4  # costs in px; MERGED is a factor on flows to one target

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
