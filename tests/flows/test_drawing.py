"""Every flow's diagram is drawn so that a person can read it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from lxml import etree

from config import ROOT
from tools.layout import CONTAINERS, Box, Drawing, read_drawing

DIAGRAMS = sorted((ROOT / "bpmn").glob("*/*.bpmn"))
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
DI = "{http://www.omg.org/spec/DD/20100524/DI}"
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"


@pytest.fixture(params=DIAGRAMS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def drawing(request: pytest.FixtureRequest) -> Drawing:
    path: Path = request.param
    return read_drawing(path.read_bytes())


def points(edge: etree._Element) -> list[tuple[int, int]]:
    return [(int(float(p.get("x", ""))), int(float(p.get("y", "")))) for p in edge.iterfind(f"{DI}waypoint")]


def nodes(drawing: Drawing) -> dict[str, Box]:
    return {
        element: drawing.box(element)
        for element, shape in drawing.shapes.items()
        if drawing.kind(element) not in CONTAINERS and shape.get("isExpanded") != "true"
    }


def test_every_node_has_a_shape_and_every_flow_a_way(drawing: Drawing) -> None:
    drawn = {*drawing.shapes, *drawing.edges}
    kinds = ("Task", "Event", "Gateway", "sequenceFlow", "subProcess", "lane")

    wanted = {e for e in drawing.elements if drawing.kind(e).endswith(kinds)}

    assert wanted - drawn == set()
    assert all(len(points(edge)) >= 2 for edge in drawing.edges.values())


def test_every_node_lies_in_its_lane(drawing: Drawing) -> None:
    for lane in (e for e in drawing.elements if drawing.kind(e) == "lane"):
        band = drawing.box(lane)
        for reference in drawing.elements[lane].iterfind(f"{BPMN}flowNodeRef"):
            box = drawing.box(str(reference.text))
            assert band.y <= box.y + box.height // 2 <= band.y + band.height, reference.text
            assert band.x <= box.x, reference.text
            assert box.x + box.width <= band.x + band.width, reference.text


def test_shapes_keep_apart(drawing: Drawing) -> None:
    boxes = nodes(drawing)
    solid = [e for e in boxes if "attachedToRef" not in drawing.elements[e].attrib]

    touching = [(a, b) for i, a in enumerate(solid) for b in solid[i + 1 :] if boxes[a].meets(boxes[b])]

    assert touching == []


def test_flows_are_orthogonal_and_run_through_no_shape(drawing: Drawing) -> None:
    boxes = nodes(drawing)
    for flow, edge in drawing.edges.items():
        for (ax, ay), (bx, by) in pairwise(points(edge)):
            assert ax == bx or ay == by, flow
            line = Box(min(ax, bx), min(ay, by), max(abs(ax - bx), 1), max(abs(ay - by), 1))
            for element, box in boxes.items():
                inner = Box(box.x + 1, box.y + 1, box.width - 2, box.height - 2)
                assert not line.meets(inner), f"{flow} runs through {element}"


def test_flows_begin_and_end_at_their_shapes(drawing: Drawing) -> None:
    for flow, edge in drawing.edges.items():
        node = drawing.elements[flow]
        first, *_, last = points(edge)
        assert drawing.box(node.get("sourceRef", "")).holds(first, margin=1), flow
        assert drawing.box(node.get("targetRef", "")).holds(last, margin=1), flow


def test_every_label_is_chinese(drawing: Drawing) -> None:
    names = [drawing.elements[e].get("name", "") for e in drawing.shapes]

    assert [name for name in names if name and not any("一" <= letter <= "鿿" for letter in name)] == []
