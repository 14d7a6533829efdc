"""What was completed and has been undone since is told from what is merely done, on the drawn diagram."""

from __future__ import annotations

from datetime import UTC, datetime

from lxml import etree
from playwright.sync_api import expect
from sqlalchemy import select

from engine.actors import SYSTEM, Actor
from engine.cases.start import start_case
from engine.deployment.deploy import deploy_flow
from engine.flow.flow import Flow
from engine.model.tables import WAITING
from engine.work_items.acts import claim_work_item, complete_work_item
from storage.transactions import transaction
from tests.e2e.console import Console
from tests.engine.diagrams import BPMN, Diagram
from tests.engine.flows import a_flow
from tools.browser import violations
from tools.demo.site import Site

GROUP = "real_name.reviewer"
CLERK = Actor("clerk-of-bookings", frozenset({GROUP}))
TOML = f"""key = "booking"
title = "约号"
[start]
who = ["{GROUP}"]
[lanes]
reviewer = "{GROUP}"
[outcomes.undone]
label = "已撤销"
"""


def a_booking() -> Flow:
    """reserve → decide → undo → undone; `reserve` is undone by `give_back`. A person does each."""
    d = Diagram("booking", lanes={"reviewer": ["reserve", "decide", "give_back"]})
    d.start("begin")
    d.user("reserve", form="decide")
    d.user("decide", form="decide")
    d.user("give_back", form="decide")
    d.undone_by("reserve", "give_back")
    d.throw("undo", d.compensation())
    d.end("done", outcome="undone")
    d.flow("begin", "reserve", "decide", "undo", "done")
    return a_flow(drawn(d.xml()), TOML)


def drawn(semantic: bytes) -> str:
    """The diagram with its elements in a row, boundary events on lower edges, handlers below, straight flows between."""
    root = etree.fromstring(semantic)
    process = root.find(f"{{{BPMN}}}process")
    places: dict[str, tuple[int, int, int, int]] = {}
    for element in process:
        kind, on = etree.QName(element).localname, element.get("attachedToRef")
        if kind in ("laneSet", "sequenceFlow", "association"):
            continue
        width, height = (100, 80) if kind.endswith("Task") else (36, 36)
        in_row = 100 + 150 * sum(y < 300 for _, y, _, _ in places.values())
        x, y = in_row, 240 - height // 2
        if on:
            x, y = places[on][0] + 32, 262
        elif element.get("isForCompensation"):
            y = 380
        places[element.get("id")] = (x, y, width, height)
    shapes = "".join(
        f'<di:BPMNShape id="{name}_di" bpmnElement="{name}"><dc:Bounds x="{x}" y="{y}" width="{width}" height="{height}"/>'
        "</di:BPMNShape>"
        for name, (x, y, width, height) in places.items()
    )
    edges = "".join(
        f'<di:BPMNEdge id="{line.get("id")}_di" bpmnElement="{line.get("id")}">{between(places, line)}</di:BPMNEdge>'
        for line in process
        if line.get("sourceRef")
    )
    spaces = (
        'xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" '
        'xmlns:ddi="http://www.omg.org/spec/DD/20100524/DI"'
    )
    plane = f'<di:BPMNPlane id="plane" bpmnElement="{process.get("id")}">{shapes}{edges}</di:BPMNPlane>'
    diagram = f'<di:BPMNDiagram {spaces} id="drawing">{plane}</di:BPMNDiagram>'
    return semantic.decode().replace("</bpmn:definitions>", f"{diagram}</bpmn:definitions>")


def between(places: dict[str, tuple[int, int, int, int]], line: etree._Element) -> str:
    """Waypoints from the right edge of one to the left edge of the other; of an association from below it."""
    x, y, width, height = places[line.get("sourceRef")]
    to_x, to_y, _, to_height = places[line.get("targetRef")]
    is_flow = etree.QName(line).localname == "sequenceFlow"
    begin = (x + width, y + height // 2) if is_flow else (x + width // 2, y + height)
    points = (begin, (to_x, to_y + to_height // 2))
    return "".join(f'<ddi:waypoint x="{x}" y="{y}"/>' for x, y in points)


def completed(site: Site, case_id: str, element: str) -> None:
    with transaction(site.sessions) as session:
        here = (WAITING.c.case_id == case_id, WAITING.c.element == element, WAITING.c.closed_at.is_(None))
        item = session.execute(select(WAITING.c.id).where(*here)).scalar_one()
        claim_work_item(session, item, by=CLERK, now=datetime.now(UTC))
        complete_work_item(session, item, by=CLERK, values={}, now=datetime.now(UTC))


def test_an_activity_that_was_undone_says_so(site: Site, console: Console) -> None:
    with transaction(site.sessions) as session:
        deploy_flow(session, a_booking(), by=SYSTEM, reason="约号", now=datetime.now(UTC))
    with transaction(site.sessions) as session:
        case_id = start_case(session, "booking", by=CLERK, values={}, now=datetime.now(UTC))
    for element in ("reserve", "decide", "give_back"):
        completed(site, case_id, element)

    console.is_signed_in_as(site.staff("reviewer-of-bookings", display_name="周审核"))
    console.goes_to(f"/cases/{case_id}")
    console.page.get_by_role("button", name="流程图").click()

    undone = console.page.locator(".djs-overlays[data-container-id=reserve]")
    expect(undone).to_contain_text("已补偿")
    expect(console.page.locator(".djs-overlays", has_text="已补偿")).to_have_count(1)
    assert violations(console.page) == []
