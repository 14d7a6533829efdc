"""What the deployment check, and the compiler behind it, say of compensation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.errors import InvalidDiagram
from engine.machine import compile_process
from tests.engine.checking import a_folder, alone, check_files, said
from tests.engine.diagrams import Diagram


def a_diagram(draw: Callable[[Diagram], object] = lambda d: None, *, throws: str = "") -> Diagram:
    """begin → fill → undo → done; `fill` is undone by `revoke`. throws: the definition of `undo`, "" for all of its scope."""
    d = Diagram(lanes={"clerk": ["fill", "revoke"]})
    d.start("begin")
    d.user("fill", form="fill")
    d.boundary("late", "fill", d.timer("P3D"))
    d.service("revoke", "check.record")
    d.undone_by("fill", "revoke")
    d.boundary("taken", "revoke", d.error("check.taken"))
    d.end("given_up")
    d.throw("undo", throws or d.compensation())
    d.end("done", outcome="done")
    d.flow("begin", "fill", "undo", "done")
    d.flow("late", "done")
    d.flow("taken", "given_up")
    draw(d)
    return d


def test_a_sound_diagram_with_compensation_has_no_problem() -> None:
    assert said(check_files(a_folder(a_diagram()))) <= {("given_up", "outcome.none")}


DEFINITION = "<bpmn:compensateEventDefinition/>"
BOUNDARY = f'<bpmn:boundaryEvent id="bad" attachedToRef="{{on}}">{DEFINITION}</bpmn:boundaryEvent>'
ASSOCIATION = '<bpmn:association id="a" sourceRef="bad" targetRef="{to}"/>'
PLAIN = '<bpmn:userTask id="plain"/>'
LOOSE = '<bpmn:sendTask id="bad" isForCompensation="true" messageRef="message.m"/>'


def drawn(xml: str, *more: str) -> Callable[[Diagram], object]:
    def draw(d: Diagram) -> None:
        d.message("m")
        d.raw(xml + "".join(more))

    return draw


@pytest.mark.parametrize(
    ("draw", "element", "code"),
    [
        (drawn(BOUNDARY.format(on="revoke")), "bad", "compensation.no_handler"),
        (drawn(BOUNDARY.format(on="fill"), ASSOCIATION.format(to="done")), "bad", "compensation.no_handler"),
        (drawn(BOUNDARY.format(on="fill"), ASSOCIATION.format(to="revoke")), "bad", "compensation.several"),
        (
            drawn(PLAIN, BOUNDARY.format(on="plain"), ASSOCIATION.format(to="revoke")),
            "revoke",
            "compensation.handler_shared",
        ),
        (drawn(LOOSE), "bad", "compensation.unattached"),
        (lambda d: d.flow("fill", "revoke"), "revoke", "compensation.flows"),
        (lambda d: d.flow("revoke", "done"), "revoke", "compensation.flows"),
        (lambda d: d.flow("undo.fill", "done"), "undo.fill", "compensation.flows"),
        (lambda d: d.flow("given_up", "done"), "done", "compensation.path"),
        (drawn(BOUNDARY.format(on="revoke")), "revoke", "compensation.nested"),
    ],
)
def test_what_does_not_hang_together_is_refused_by_the_check_and_by_the_compiler(
    draw: Callable[[Diagram], object], element: str, code: str
) -> None:
    d = a_diagram(draw)

    assert (element, code) in alone(d)
    with pytest.raises(InvalidDiagram) as refused:
        compile_process(d.xml(), {})
    assert (element, code) in said(tuple(refused.value.problems))


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        ('<bpmn:compensateEventDefinition activityRef="nothing"/>', "compensation.activity"),
        ('<bpmn:compensateEventDefinition activityRef="revoke"/>', "compensation.activity"),
        ('<bpmn:compensateEventDefinition activityRef="plain"/>', "compensation.activity"),
        ('<bpmn:compensateEventDefinition waitForCompletion="false"/>', "compensation.not_awaited"),
    ],
)
def test_a_throw_event_that_can_name_nothing_or_does_not_wait_is_refused(definition: str, code: str) -> None:
    def draw(d: Diagram) -> None:
        d.user("plain")
        d.boundary("soon", "plain", d.timer("P1D"))
        d.flow("soon", "plain", "done")

    d = a_diagram(draw, throws=definition)

    assert ("undo", code) in alone(d)
    with pytest.raises(InvalidDiagram) as refused:
        compile_process(d.xml(), {})
    assert ("undo", code) in said(tuple(refused.value.problems))


def test_an_activity_of_another_scope_cannot_be_named() -> None:
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.service("revoke", "check.record")
    d.undone_by("fill", "revoke")
    inner = d.subprocess("sub")
    inner.start("open")
    inner.throw("undo", d.compensation("fill"))
    inner.end("closed")
    inner.flow("open", "undo", "closed")
    d.end("done")
    d.flow("begin", "fill", "sub", "done")

    assert {("undo", "compensation.activity"), ("fill", "compensation.unused")} <= alone(d)


def test_an_event_subprocess_may_name_an_activity_of_the_scope_it_belongs_to() -> None:
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.service("revoke", "check.record")
    d.undone_by("fill", "revoke")
    d.end("done")
    handler = d.event_subprocess("mend", "on", d.message("stop"))
    handler.throw("undo", d.compensation("fill"))
    handler.end("mended")
    handler.flow("on", "undo", "mended")
    d.flow("begin", "fill", "done")

    assert not {code for _, code in alone(d) if code.startswith("compensation.")}
    assert d.compile().undoing.kept == {"fill"}


def test_an_event_with_nothing_to_undo_and_a_handler_nobody_calls_for_are_warned_of() -> None:
    d = Diagram()
    d.start("begin")
    d.user("fill")
    d.service("revoke", "check.record")
    d.undone_by("fill", "revoke")
    inner = d.subprocess("sub")
    inner.start("open")
    inner.throw("undo", d.compensation())
    inner.end("closed")
    inner.flow("open", "undo", "closed")
    d.end("done")
    d.flow("begin", "fill", "sub", "done")

    assert {("undo", "compensation.nothing"), ("fill", "compensation.unused")} <= alone(d)
    assert d.compile().undoing.kept == frozenset()


def test_a_compensation_event_subprocess_is_refused_with_its_start_event() -> None:
    d = a_diagram()
    handler = d.event_subprocess("undoing", "on", d.compensation())
    handler.end("undone")
    handler.flow("on", "undone")

    assert ("on", "element.unsupported") in alone(d)
    with pytest.raises(InvalidDiagram):
        d.compile()


def test_what_throws_into_a_called_flow_reaches_what_is_undone_there() -> None:
    callee = Diagram("booking")
    callee.start("open")
    callee.user("book")
    callee.service("free", "check.record")
    callee.undone_by("book", "free")
    callee.end("closed")
    callee.flow("open", "book", "closed")
    d = Diagram()
    d.start("begin")
    d.call("reserve", "booking")
    d.throw("undo", d.compensation("reserve"))
    d.end("done")
    d.flow("begin", "reserve", "undo", "done")

    assert d.compile(None, callee).undoing.kept == {"reserve", "book"}
    callee = Diagram("booking")
    callee.start("open")
    callee.user("book")
    callee.end("closed")
    callee.flow("open", "book", "closed")
    with pytest.raises(InvalidDiagram, match="undo"):
        d.compile(None, callee)


def test_a_face_step_in_a_handler_needs_its_consent_like_any_other() -> None:
    d = Diagram()
    d.start("begin")
    d.service("ask", "check.read", pages="[]")
    d.service("compare", "face.of_check")
    d.undone_by("ask", "compare")
    d.throw("undo", d.compensation())
    d.end("done", outcome="done")
    d.flow("begin", "ask", "undo", "done")

    assert ("compare", "face.no_consent") in said(check_files(a_folder(d)))
