"""The check of a diagram alone: what may stand in it and how it hangs together."""

import pytest

from engine.check import check_bpmn
from tests.engine.checking import alone
from tests.engine.diagrams import Diagram


def a_diagram() -> Diagram:
    """begin → fill (with a time limit) → done."""
    d = Diagram()
    d.start("begin")
    d.user("fill", form="fill")
    d.boundary("late", "fill", d.timer("P30D"))
    d.end("done", outcome="done")
    d.end("expired", outcome="expired")
    d.flow("begin", "fill", "done")
    d.flow("late", "expired")
    return d


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


def test_a_loop_that_never_leads_to_an_end_is_pointed_out():
    d = Diagram()
    d.start("begin")
    d.user("again")
    d.end("done")
    d.flow("begin", "again", "again")

    problems = alone(d)

    assert ("again", "element.no_end_ahead") in problems
    assert ("done", "element.unreachable") in problems


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


@pytest.mark.parametrize(
    ("wait", "is_loop"),
    [("user", False), ("job", False), ("timer", False), ("decision", True), ("transaction", True), ("gateway", True)],
)
def test_a_loop_needs_a_wait(wait, is_loop):
    d = Diagram()
    d.start("begin")
    d.xor("again")
    {
        "user": lambda: d.user("step"),
        "job": lambda: d.service("step", "check.read", pages="[]"),
        "timer": lambda: d.catch("step", d.timer("PT1H")),
        "decision": lambda: d.rule("step", "decide"),
        "transaction": lambda: d.service("step", "check.record"),
        "gateway": lambda: d.xor("step"),
    }[wait]()
    d.xor("enough")
    d.end("done")
    d.flow("begin", "again", "step", "enough")
    d.flow("enough", "again", when="n < 3")
    d.flow("enough", "done", default=True)

    assert (("again", "loop.no_wait") in alone(d)) is is_loop


@pytest.mark.parametrize("has_wait", [True, False])
def test_a_subprocess_in_a_loop_waits_only_if_every_way_through_it_does(has_wait):
    d = Diagram()
    d.start("begin")
    inside = d.subprocess("step")
    inside.start("inner")
    inside.xor("quick")
    inside.user("slow")
    inside.end("inner_done")
    inside.flow("inner", "quick")
    inside.flow("quick", "slow", default=True)
    inside.flow("slow", "inner_done")
    if not has_wait:
        inside.flow("quick", "inner_done", when="skip")
    d.xor("again")
    d.end("done")
    d.flow("begin", "step", "again")
    d.flow("again", "step", when="n < 3")
    d.flow("again", "done", default=True)

    assert any(code == "loop.no_wait" for _, code in alone(d)) is not has_wait


def test_an_error_of_a_transaction_that_leads_back_is_a_loop_without_a_wait():
    d = Diagram()
    d.start("begin")
    d.service("record", "check.record")
    d.boundary("taken", "record", d.error("check.taken"))
    d.end("done")
    d.flow("begin", "record", "done")
    d.flow("taken", "record")

    assert ("record", "loop.no_wait") in alone(d)


def test_two_flows_from_one_element_into_a_join_are_refused():
    d = Diagram()
    d.start("begin")
    d.parallel("fork")
    d.parallel("join")
    d.end("done")
    d.flow("begin", "fork", "join", "done")
    d.flow("fork", "join")

    assert ("join", "join.doubled") in alone(d)


def a_fork(first: str = "a", second: str = "b") -> Diagram:
    """Two jobs side by side, whose results go to the variables `first` and `second`."""
    d = Diagram()
    d.start("begin")
    d.parallel("fork")
    d.service("one", "check.read", result=first, pages="[]")
    d.service("two", "check.read", result=second, pages="[]")
    for element in ("one", "two"):
        d.boundary(f"{element}_failed", element, d.error())
        d.end(f"{element}_over")
        d.flow(f"{element}_failed", f"{element}_over")
    d.parallel("join")
    d.end("done")
    d.flow("begin", "fork", "one", "join", "done")
    d.flow("fork", "two", "join")
    return d


@pytest.mark.parametrize(("second", "is_shared"), [("a", True), ("b", False)])
def test_parallel_branches_may_not_write_one_variable(second, is_shared):
    assert (("fork", "variable.parallel_write") in alone(a_fork(second=second))) is is_shared


def test_a_write_after_the_join_is_no_parallel_write():
    d = Diagram()
    d.start("begin")
    d.parallel("fork")
    d.service("one", "check.read", result="a", pages="[]")
    d.user("two")
    d.parallel("join")
    d.service("three", "check.read", result="a", pages="[]")
    d.xor("again")
    d.end("done")
    d.flow("begin", "fork", "one", "join", "three", "again", "done")
    d.flow("fork", "two", "join")
    d.flow("again", "fork", when="a is None")

    assert "variable.parallel_write" not in {code for _, code in alone(d)}


def test_a_write_inside_a_subprocess_of_a_branch_counts_and_a_loop_around_hides_nothing():
    d = Diagram()
    d.start("begin")
    d.xor("merge")
    d.parallel("fork")
    inside = d.subprocess("one")
    inside.start("inner")
    inside.service("deep", "check.read", result="a", pages="[]")
    inside.end("inner_done")
    inside.flow("inner", "deep", "inner_done")
    d.service("two", "check.read", result="a", pages="[]")
    d.parallel("join")
    d.xor("again")
    d.end("done")
    d.flow("begin", "merge", "fork", "one", "join", "again")
    d.flow("fork", "two", "join")
    d.flow("again", "merge", when="a is None")
    d.flow("again", "done", default=True)

    assert ("fork", "variable.parallel_write") in alone(d)


def test_a_join_that_two_tokens_reach_by_one_flow_is_pointed_out():
    d = Diagram()
    d.start("begin")
    d.parallel("fork")
    for element in ("one", "two", "three"):
        d.user(element)
        d.flow("fork", element)
    d.xor("merge")
    d.parallel("join")
    d.end("done")
    d.flow("begin", "fork")
    d.flow("one", "merge", "join", "done")
    d.flow("two", "merge")
    d.flow("three", "join")

    assert ("join", "join.many_tokens") in alone(d)


def test_a_sound_fork_and_join_is_not_pointed_out():
    assert "join.many_tokens" not in {code for _, code in alone(a_fork())}


@pytest.mark.parametrize(("event", "is_refused"), [("message", True), ("timer", False)])
def test_a_repeatable_handler_may_not_share_a_joins_tokens(event, is_refused):
    d = a_diagram()
    d.boundary("asked", "fill", d.message("ask") if event == "message" else d.timer("P1D"), interrupting=False)
    d.parallel("fork")
    d.user("one")
    d.user("two")
    d.parallel("join")
    d.end("answered")
    d.flow("asked", "fork", "one", "join", "answered")
    d.flow("fork", "two", "join")

    assert (("asked", "handler.parallel") in alone(d)) is is_refused


def test_a_handler_that_writes_what_the_main_flow_writes_is_pointed_out():
    d = Diagram()
    d.start("begin")
    d.service("read", "check.read", result="a", pages="[]")
    d.boundary("reminded", "read", d.timer("P1D"), interrupting=False)
    d.service("read_again", "check.read", result="a", pages="[]")
    d.end("done")
    d.end("over")
    d.flow("begin", "read", "done")
    d.flow("reminded", "read_again", "over")

    assert ("reminded", "variable.handler_write") in alone(d)


def test_a_handler_beside_a_path_that_its_host_does_not_take_is_not():
    d = a_diagram()
    d.service("read", "check.read", result="a", pages="[]")
    d.boundary("asked", "fill", d.message("x"))
    d.boundary("reminded", "fill", d.timer("P1D"), interrupting=False)
    d.service("read_again", "check.read", result="a", pages="[]")
    d.end("over")
    d.flow("asked", "read", "done")
    d.flow("reminded", "read_again", "over")

    assert ("reminded", "variable.handler_write") not in alone(d)


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
