"""Reading diagrams: what is refused, with which element; what makes two versions the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.errors import InvalidDiagram
from engine.machine import Element, compile_process
from tests.engine.case_under_test import PlayedCase
from tests.engine.diagrams import Diagram, decision_table, two_tasks


def problems_of(xml: bytes) -> list[tuple[str, str]]:
    with pytest.raises(InvalidDiagram) as refused:
        compile_process(xml, {})
    return [(problem.element, problem.code) for problem in refused.value.problems]


def drawn(draw: Callable[[Diagram], None]) -> bytes:
    """begin → fill → done, and what `draw` adds."""
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.end("done")
    d.flow("begin", "fill", "done")
    draw(d)
    return d.xml()


def test_elements_are_known_by_id_kind_name_and_lane() -> None:
    d = Diagram(lanes={"outer": ["begin", "Check", "done"], "reviewer": ["look"]})
    d.start("begin")
    sub = d.subprocess("Check")
    sub.start("in")
    sub.user("look")
    sub.end("out")
    sub.flow("in", "look", "out")
    d.end("done")
    d.flow("begin", "Check", "done")

    process = d.compile()

    assert process.process_id == "process"
    assert process.elements["look"] == Element("look", "userTask", "look", "reviewer")
    assert process.elements["in"].lane == "outer"
    assert list(process.elements) == ["begin", "Check", "in", "look", "out", "done"]


@pytest.mark.parametrize(
    "hostile",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]><x/>',
        b'<?xml version="1.0"?><!DOCTYPE bpmn SYSTEM "http://127.0.0.1/x"><bpmn/>',
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'.encode("utf-16"),
    ],
)
def test_a_document_type_is_refused(hostile: bytes) -> None:
    assert problems_of(hostile) == [("", "xml.doctype")]


@pytest.mark.parametrize("content", [b"", b"<x", b"\xff\xfe\x00", b"not xml", b"<x>&nbsp;</x>"])
def test_what_is_not_xml_is_refused(content: bytes) -> None:
    assert problems_of(content) == [("", "xml.malformed")]


def test_xml_that_is_not_bpmn_is_refused() -> None:
    assert problems_of(b"<html/>") == [("", "xml.not_bpmn")]


def test_a_hostile_condition_is_refused_with_its_flow() -> None:
    def draw(d: Diagram) -> None:
        d.xor("choose")
        d.end("evil")
        d.boundary("on", "fill", d.message("m"))
        d.flow("on", "choose", "evil", when="")
        d.flow("choose", "done", when="__import__('os').system('true')")

    ((element, code), *_) = [found for found in problems_of(drawn(draw)) if found[1] == "expression.invalid"]

    assert code == "expression.invalid"
    assert element.startswith("flow.choose.done")


@pytest.mark.parametrize(
    ("xml", "element", "code"),
    [
        ('<bpmn:scriptTask id="s"><bpmn:script>x = 1</bpmn:script></bpmn:scriptTask>', "s", "element.script"),
        ('<bpmn:complexGateway id="g"/>', "g", "element.unsupported"),
        ('<bpmn:manualTask id="t"/>', "t", "element.unsupported"),
        ('<bpmn:task id="t"/>', "t", "element.unsupported"),
        ('<bpmn:dataObject id="o"/>', "o", "element.data"),
        ('<bpmn:transaction id="t"/>', "t", "element.unsupported"),
        ('<bpmn:adHocSubProcess id="t"/>', "t", "element.unsupported"),
        ('<bpmn:userTask id="t"><bpmn:standardLoopCharacteristics/></bpmn:userTask>', "t", "element.unsupported"),
        (
            '<bpmn:sendTask id="t"><bpmn:multiInstanceLoopCharacteristics/></bpmn:sendTask>',
            "t",
            "multi_instance.invalid",
        ),
        ('<bpmn:userTask id="t"><bpmn:ioSpecification/></bpmn:userTask>', "t", "element.data"),
    ],
)
def test_what_is_not_hosted_is_refused_with_its_id(xml: str, element: str, code: str) -> None:
    assert (element, code) in problems_of(drawn(lambda d: d.raw(xml)))


@pytest.mark.parametrize("kind", ["link", "cancel", "conditional"])
def test_an_end_event_that_would_be_ignored_is_refused(kind: str) -> None:
    xml = f'<bpmn:endEvent id="e"><bpmn:{kind}EventDefinition/></bpmn:endEvent>'

    assert ("e", "element.unsupported") in problems_of(drawn(lambda d: d.raw(xml)))


@pytest.mark.parametrize(
    ("text", "interrupting"),
    [("R3/PT1H", True), ("R3/PT1S", False), ("R3", False), ("P1D", False), ("R/P9000D", False)],
)
def test_a_cycle_that_interrupts_or_is_none_is_refused(text: str, interrupting: bool) -> None:
    def draw(d: Diagram) -> None:
        d.boundary("often", "fill", d.timer(text, "timeCycle"), interrupting=interrupting)

    assert ("often", "timer.invalid") in problems_of(drawn(draw))


def test_an_error_event_that_does_not_interrupt_is_refused() -> None:
    def draw(d: Diagram) -> None:
        d.boundary("on", "fill", d.error("x"), interrupting=False)

    assert ("on", "event.definition") in problems_of(drawn(draw))


def test_the_wiring_is_checked() -> None:
    def draw(d: Diagram) -> None:
        d.user("island")
        d.xor("choose")
        d.parallel("fork")
        d.parallel("join")
        d.user("fork_again")
        d.end("end_2")
        d.boundary("on", "fill", d.message("m"))
        d.flow("on", "choose", "end_2")
        d.flow("choose", "fork", "join", "end_2")
        d.flow("fork", "join")
        d.flow("fill", "end_2")
        d.boundary("nowhere", "choose", d.message("m"))
        d.flow("fork", "fork_again", "join", when="x")

    found = problems_of(drawn(draw))

    codes = {code for _, code in found}
    assert {
        "flow.implicit_split",
        "join.doubled",
        "flow.condition_misplaced",
        "flow.no_condition",
        "event.boundary",
    } <= codes
    assert ("island", "element.unreachable") in found


def test_ids_must_be_unique_and_not_the_compilers_own() -> None:
    found = problems_of(
        drawn(lambda d: d.raw('<bpmn:userTask id="fill"/><bpmn:userTask id="__body"/><bpmn:userTask/>'))
    )

    assert {("fill", "xml.duplicate_id"), ("__body", "element.no_id"), ("process", "element.no_id")} <= set(found)


def test_ids_that_spiffworkflow_uses_itself_are_fine() -> None:
    d = Diagram("End")
    d.start("Start")
    d.xor("End.EndJoin")
    d.service("work", "End.EndJoin", result="x", Start="1")
    d.end("End_")
    d.flow("Start", "End.EndJoin")
    d.flow("End.EndJoin", "work", "End_", default=True)

    case = PlayedCase(d.compile())
    case.job("work:1", 1)

    assert case.machine.is_ended


def test_an_unknown_decision_is_refused() -> None:
    def draw(d: Diagram) -> None:
        d.rule("decide", "missing")

    assert ("decide", "decision.unknown") in problems_of(drawn(draw))


def test_the_digest_does_not_see_positions_comments_or_layout() -> None:
    xml = two_tasks().xml()
    moved = xml.replace(
        b"</bpmn:definitions>",
        b'<!-- moved --><d:BPMNDiagram xmlns:d="http://www.omg.org/spec/BPMN/20100524/DI" id="x"/>\n  </bpmn:definitions>',
    ).replace(b"<bpmn:process", b"\n  <bpmn:process")
    changed = xml.replace(b'form" value="first', b'form" value="second')
    table = {"t.dmn": decision_table("t", ["x"], ["y"], [["-", "1"]])}

    digest = compile_process(xml, {}).digest

    assert compile_process(moved, {}).digest == digest
    assert compile_process(changed, {}).digest != digest
    assert compile_process(xml, table).digest != digest


def test_exits_are_tried_in_the_order_of_the_file_wherever_they_are_drawn() -> None:
    d = Diagram()
    d.start("begin")
    d.xor("choose")
    d.user("low")
    d.user("high")
    d.end("done")
    d.flow("begin", "choose")
    d.flow("choose", "low", "done", when="True")
    d.flow("choose", "high", "done", when="True")
    shapes = "".join(
        f'<di:BPMNShape bpmnElement="{name}"><dc:Bounds x="0" y="{y}" width="1" height="1"/></di:BPMNShape>'
        for name, y in (("low", 900), ("high", 100))
    )
    drawing = (
        '<di:BPMNDiagram xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC">'
        f"<di:BPMNPlane>{shapes}</di:BPMNPlane></di:BPMNDiagram></bpmn:definitions>"
    )

    process = compile_process(d.xml().replace(b"</bpmn:definitions>", drawing.encode()), {})

    assert PlayedCase(process).waits == ["low:1"]
