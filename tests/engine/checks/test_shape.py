"""The check of a diagram alone: what may stand in it, and what may follow what."""

import pytest

from engine.checks.check import check_bpmn
from tests.engine.checking import a_diagram, alone
from tests.engine.diagrams import Diagram


def error_codes(d: Diagram) -> set[str]:
    return {problem.code for problem in check_bpmn(d.xml()) if problem.severity == "error"}


def test_a_sound_diagram_has_no_problem():
    assert alone(a_diagram()) == set()


@pytest.mark.parametrize(
    "xml",
    [
        '<bpmn:scriptTask id="bad"/>', '<bpmn:manualTask id="bad"/>', '<bpmn:task id="bad"/>',
        '<bpmn:receiveTask id="bad"/>', '<bpmn:transaction id="bad"/>',
        '<bpmn:adHocSubProcess id="bad"/>', '<bpmn:complexGateway id="bad"/>',
        '<bpmn:startEvent id="bad"><bpmn:compensateEventDefinition/></bpmn:startEvent>',
        '<bpmn:intermediateCatchEvent id="bad"><bpmn:linkEventDefinition name="x"/></bpmn:intermediateCatchEvent>',
        '<bpmn:intermediateCatchEvent id="bad"><bpmn:conditionalEventDefinition/></bpmn:intermediateCatchEvent>',
        '<bpmn:boundaryEvent id="bad" attachedToRef="fill"><bpmn:terminateEventDefinition/></bpmn:boundaryEvent>',
        '<bpmn:exclusiveGateway id="bad" isForCompensation="true"/>',
        '<bpmn:subProcess id="bad" triggeredByEvent="true" isForCompensation="true"/>',
        '<bpmn:businessRuleTask id="bad"><bpmn:loopCharacteristics/></bpmn:businessRuleTask>',
        '<bpmn:userTask id="bad"><bpmn:standardLoopCharacteristics/></bpmn:userTask>',
        '<bpmn:userTask id="bad"><bpmn:potentialOwner/></bpmn:userTask>',
    ],
)  # fmt: skip
def test_what_the_engine_does_not_host_is_refused_with_its_element(xml):
    d = a_diagram()
    d.raw(xml)

    problems = alone(d)

    assert {("bad", "element.unsupported"), ("bad", "element.script")} & problems


@pytest.mark.parametrize(
    "xml",
    [
        '<bpmn:dataObject id="bad"/>',
        '<bpmn:dataObjectReference id="bad"/>',
        '<bpmn:userTask id="bad"><bpmn:dataInputAssociation/></bpmn:userTask>',
        '<bpmn:userTask id="bad"><bpmn:ioSpecification/></bpmn:userTask>',
    ],
)
def test_data_objects_and_associations_are_refused(xml):
    d = a_diagram()
    d.raw(xml)

    assert ("bad", "element.data") in alone(d)


@pytest.mark.parametrize("script", ["preScript", "postScript"])
def test_a_script_beside_a_task_is_refused(script):
    d = a_diagram()
    d.raw(
        f'<bpmn:userTask id="bad"><bpmn:extensionElements><spiffworkflow:{script}>import os</spiffworkflow:{script}>'
        "</bpmn:extensionElements></bpmn:userTask>"
    )

    assert ("bad", "element.script") in alone(d)


def test_remarks_and_layout_are_no_problem():
    d = a_diagram()
    d.raw('<bpmn:textAnnotation id="note"><bpmn:text>说明</bpmn:text></bpmn:textAnnotation>')
    d.raw('<bpmn:association id="link" sourceRef="fill" targetRef="note"/>')

    assert alone(d) == set()


@pytest.mark.parametrize("element", ["", "a/b", "a:1", "1a", "__x", "a b"])
def test_an_id_that_cannot_be_part_of_an_address_is_refused(element):
    d = a_diagram()
    d.raw(f'<bpmn:userTask id="{element}"/>')

    assert "element.no_id" in error_codes(d)


def test_an_id_used_twice_is_refused():
    d = a_diagram()
    d.user("fill")

    assert ("fill", "xml.duplicate_id") in alone(d)


def test_several_processes_are_refused_and_each_is_still_checked():
    xml = a_diagram().xml().replace(b"</bpmn:definitions>", b'<bpmn:process id="other"/></bpmn:definitions>')

    found = {(problem.element, problem.code) for problem in check_bpmn(xml)}

    assert {("process", "process.several"), ("other", "process.several"), ("other", "scope.start")} <= found


def test_a_process_that_is_not_executable_is_refused():
    xml = a_diagram().xml().replace(b'isExecutable="true"', b'isExecutable="false"')

    assert "process.not_executable" in [problem.code for problem in check_bpmn(xml)]


def test_what_no_token_reaches_and_what_has_no_way_on_are_found():
    d = a_diagram()
    d.user("island")
    d.flow("island", "done")
    d.xor("choice")
    d.user("stuck")
    d.boundary("stuck_late", "stuck", d.timer("P1D"))
    d.flow("stuck_late", "expired")
    d.flow("expired", "choice")

    problems = alone(d)

    assert ("island", "element.unreachable") in problems
    assert ("stuck", "element.unreachable") in problems
    assert ("flow.expired.choice.5", "flow.misplaced") in problems


def test_a_dead_end_is_found():
    d = a_diagram()
    d.catch("wait", d.timer("PT1H"))
    d.boundary("asked", "fill", d.message("ask"))
    d.flow("asked", "wait")

    assert ("wait", "element.dead_end") in alone(d)


def test_flows_that_cross_a_scope_or_lead_nowhere_are_refused():
    d = a_diagram()
    inside = d.subprocess("inside")
    inside.start("inner")
    inside.end("inner_done")
    inside.flow("inner", "inner_done")
    d.flow("inner", "done")
    d.flow("fill", "nowhere")

    problems = alone(d)

    assert any(code == "flow.crosses_scope" for _, code in problems)
    assert any(code == "flow.dangling" for _, code in problems)


def test_a_condition_belongs_to_an_exclusive_gateway_only():
    d = Diagram()
    d.start("begin")
    d.parallel("fork")
    d.end("a")
    d.end("b")
    d.flow("begin", "fork")
    d.flow("fork", "a", when="x > 1")
    d.flow("fork", "b")

    assert ("flow.fork.a.1", "flow.condition_misplaced") in alone(d)


def test_two_ways_out_of_a_task_need_a_gateway():
    d = a_diagram()
    d.flow("fill", "expired")

    assert ("fill", "flow.implicit_split") in alone(d)


def a_choice(*conditions: str, default: bool = False) -> Diagram:
    d = Diagram()
    d.start("begin")
    d.xor("choice")
    d.flow("begin", "choice")
    for number, condition in enumerate(conditions):
        d.end(f"end{number}")
        d.flow("choice", f"end{number}", when=condition)
    if default:
        d.end("otherwise")
        d.flow("choice", "otherwise", default=True)
    return d


@pytest.mark.parametrize(
    ("d", "code"),
    [
        (a_choice("x == 1", "x == 2"), "gateway.no_default"),
        (a_choice("x < 1", "x >= 1"), "gateway.no_default"),  # both false where x is missing
        (a_choice("x == 1", ""), "flow.no_condition"),
        (a_choice("x.__class__", default=True), "expression.invalid"),
        (a_choice("__import__('os').system('id')", default=True), "expression.invalid"),
        (a_choice("x == 1", default=True), None),
        (a_choice("x == 1", "x != 1"), None),
        (a_choice("ok", "not ok"), None),
        (a_choice("x is None", "x is not None"), None),
        (a_choice("x in [1]", "x not in [1]"), None),
    ],
)
def test_the_exits_of_an_exclusive_gateway(d, code):
    found = {found_code for _, found_code in alone(d)}

    assert found == ({code} if code else set())


def test_an_event_gateway_leads_to_events_of_its_own():
    d = a_diagram()
    d.race("race")
    d.catch("paid", d.message("paid"))
    d.boundary("asked", "fill", d.message("ask"))
    d.flow("asked", "race", "paid", "done")
    d.flow("race", "expired")

    assert ("race", "gateway.event_targets") in alone(d)


def test_start_events_must_suit_their_scope():
    d = Diagram()
    d.start("begin", d.error("x"))
    d.end("done")
    inside = d.subprocess("inside")
    inside.end("inner_done")
    second = d.subprocess("second")
    second.start("asked", d.message("x"))
    second.end("second_done")
    second.flow("asked", "second_done")
    handler = d.event_subprocess("handler", "handled", "")
    handler.end("handler_done")
    handler.flow("handled", "handler_done")
    d.flow("begin", "inside", "second", "done")

    problems = alone(d)

    assert ("begin", "event.definition") in problems
    assert {("asked", "scope.start"), ("inside", "scope.start"), ("handled", "scope.start")} <= problems


def test_boundary_events_sit_on_activities_and_can_fire():
    d = a_diagram()
    d.xor("choice")
    d.boundary("on_gateway", "choice", d.timer("P1D"))
    d.boundary("on_nothing", "nothing", d.timer("P1D"))
    d.boundary("on_user_task", "fill", d.error("x"))
    d.boundary("soft_error", "fill", d.error("x"), interrupting=False)

    problems = alone(d)

    assert {("on_gateway", "event.boundary"), ("on_nothing", "event.boundary")} <= problems
    assert ("on_user_task", "event.never_fires") in problems
    assert ("soft_error", "event.definition") in problems


def test_an_outcome_inside_a_subprocess_has_no_effect_but_one_in_a_handler_of_the_process_has():
    d = a_diagram()
    handler = d.event_subprocess("handler", "handled", d.message("withdraw"))
    handler.end("withdrawn", outcome="withdrawn")
    handler.flow("handled", "withdrawn")
    inside = d.subprocess("inside")
    inside.start("inner")
    inside.end("inner_done", outcome="x")
    inside.flow("inner", "inner_done")

    problems = alone(d)

    assert ("inner_done", "outcome.nested") in problems
    assert ("withdrawn", "outcome.nested") not in problems
