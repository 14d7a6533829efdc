"""What SpiffWorkflow's parser is shown in place of the diagram.

Elements it does not read, or reads wrong, have stand-ins of the plainest kind; what they are is read from the Diagram and
given to their specs afterwards (specs.py). Event subprocesses are compiled away: its own do not hold (tests/engine/spiff).

A scope with event subprocesses becomes

    start → S2[ S1[ body ] + non-interrupting boundary events → their handlers ] + interrupting boundary events → theirs

where S1 and S2 are subprocesses of the compiler's own, invisible in addresses and history. Each start event of an event
subprocess becomes a boundary event of the same id; the subprocess itself, under its own id, becomes what follows it.

A compensation handler is in no sequence flow: with its boundary events and what follows them it becomes a process of its
own, which a throw event opens as a scope. The boundary event that leads to it is gone: nothing ever waits there.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from engine.flow.attributes import flag
from engine.flow.compensation import CompensationParts
from engine.flow.vocabulary import BPMN, COMPENSATION, DEFINITION, LOOP
from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name
from engine.spiff.process import EACH, HIDDEN, UNDO

_TASK_STANDS_IN = {"callActivity", "intermediateThrowEvent", "sendTask"}
_ARE_SCOPES = {"subProcess", "callActivity"}
_STAYS_WITH_SCOPE = {"extensionElements", "documentation", "laneSet", "incoming", "outgoing"}


def put_stand_ins(process: Xml) -> None:
    """Tasks for what runs when a token comes, plain ends, and one kind of event for all that wait for one."""
    for xml in list(process.iter(f"{{{BPMN}}}*")):
        kind = local_name(xml)
        if kind in _TASK_STANDS_IN:
            _strip_definitions(xml)
            xml.tag = f"{{{BPMN}}}businessRuleTask"
        elif kind in {"startEvent", "endEvent"}:
            _strip_definitions(xml)
        elif kind in {"boundaryEvent", "intermediateCatchEvent"}:
            _strip_definitions(xml)
            timer = etree.SubElement(xml, f"{{{BPMN}}}timerEventDefinition")
            etree.SubElement(timer, f"{{{BPMN}}}timeDuration").text = "PT0S"


def lead_to_starts(process: Xml) -> None:
    """Several start events become tasks behind one of the compiler's, which leads to the one a case begins at."""
    starts = process.findall(f"{{{BPMN}}}startEvent")
    if len(starts) < 2:
        return
    begin = _new(process, "startEvent", f"{HIDDEN}starts")
    for start in starts:
        _strip_definitions(start)
        start.tag = f"{{{BPMN}}}businessRuleTask"
        _flow(process, begin.get("id", ""), start.get("id", ""))


def wrap_multi_instances(process: Xml) -> None:
    """A multi-instance task becomes a subprocess of its id around the task; what opens its instances is the host's."""
    for loop in list(process.iter(f"{{{BPMN}}}{LOOP}")):
        xml = loop.getparent()
        assert xml is not None
        xml.remove(loop)
        if local_name(xml) in _ARE_SCOPES:
            continue
        element = xml.get("id", "")
        task = _new(None, local_name(xml), f"{EACH}{element}")
        for part in list(xml):
            xml.remove(part)
        xml.tag = f"{{{BPMN}}}subProcess"
        start = _new(xml, "startEvent", f"{HIDDEN}start.{element}")
        xml.append(task)
        end = _new(xml, "endEvent", f"{HIDDEN}end.{element}")
        _flow(xml, start.get("id", ""), task.get("id", ""))
        _flow(xml, task.get("id", ""), end.get("id", ""))


def take_out_handlers(process: Xml, parts: CompensationParts) -> dict[str, Xml]:
    """Every compensation handler as a process of its own, by handler; before anything else is rewritten."""
    taken: dict[str, Xml] = {}
    for scope in list(scopes(process)):
        for child in list(scope):
            if local_name(child) == "association" or _is_undone_event(child):
                scope.remove(child)
        for handler in [child.get("id", "") for child in scope if child.get("id") in parts.islands]:
            taken[handler] = _taken_out(scope, handler, parts.islands[handler])
    return taken


def _is_undone_event(xml: Xml) -> bool:
    return local_name(xml) == "boundaryEvent" and xml.find(f"{{{BPMN}}}{COMPENSATION}{DEFINITION}") is not None


def scopes(process: Xml) -> Iterator[Xml]:
    """The process and its subprocesses, outer ones first."""
    yield process
    for child in process.findall(f"{{{BPMN}}}subProcess"):
        yield from scopes(child)


def _taken_out(scope: Xml, handler: str, island: frozenset[str]) -> Xml:
    alone = _new(None, "process", f"{UNDO}{handler}")
    alone.set("isExecutable", "true")
    start = _new(alone, "startEvent", f"{HIDDEN}undo_start.{handler}")
    end = _new(alone, "endEvent", f"{HIDDEN}undo_end.{handler}")
    for child in list(scope):
        if child.get("id") in island or child.get("sourceRef") in island:
            alone.append(child)
    _flow(alone, start.get("id", ""), handler)
    _flow(alone, handler, end.get("id", ""))
    return alone


def _strip_definitions(xml: Xml) -> None:
    for child in list(xml):
        if local_name(child).endswith(DEFINITION):
            xml.remove(child)


def compile_event_subprocesses(process: Xml) -> None:
    """Rewrite the process element in place. The diagram must have been accepted."""
    for scope in list(scopes(process)):  # outer first: a handler has become a plain subprocess when its own turn comes
        if _handlers(scope):
            _compile(scope)


def _handlers(scope: Xml) -> list[Xml]:
    return [child for child in scope.findall(f"{{{BPMN}}}subProcess") if flag(child, "triggeredByEvent")]


def _compile(scope: Xml) -> None:
    name = scope.get("id", "")
    handlers = [(handler, _start(handler)) for handler in _handlers(scope)]
    interrupting = [pair for pair in handlers if flag(pair[1], "isInterrupting")]
    others = [pair for pair in handlers if not flag(pair[1], "isInterrupting")]
    body = _new(None, "subProcess", f"{HIDDEN}body.{name}")
    own_handlers = {id(handler) for handler, _ in handlers}
    for child in list(scope):
        if local_name(child) not in _STAYS_WITH_SCOPE and id(child) not in own_handlers:
            body.append(child)
    for handler, _ in handlers:
        scope.remove(handler)
    guarded = body
    if others:
        guarded = _new(None, "subProcess", f"{HIDDEN}guard.{name}")
        _fill(guarded, body, others)
    _fill(scope, guarded, interrupting)


def _fill(scope: Xml, guarded: Xml, handlers: list[tuple[Xml, Xml]]) -> None:
    """`scope` := start → guarded → end, with a boundary event on `guarded` for each handler."""
    name, activity = scope.get("id", ""), guarded.get("id", "")
    start = _new(scope, "startEvent", f"{HIDDEN}start.{name}")
    end = _new(scope, "endEvent", f"{HIDDEN}end.{name}")
    scope.append(guarded)
    _flow(scope, start.get("id", ""), activity)
    _flow(scope, activity, end.get("id", ""))
    for handler, event in handlers:
        boundary = _new(scope, "boundaryEvent", event.get("id", ""))
        boundary.set("attachedToRef", activity)
        boundary.set("cancelActivity", event.get("isInterrupting", "true"))
        inner_start = f"{HIDDEN}begin.{handler.get('id', '')}"
        for flow in handler.findall(f"{{{BPMN}}}sequenceFlow"):
            if flow.get("sourceRef") == event.get("id"):
                flow.set("sourceRef", inner_start)
        for part in list(event):
            boundary.append(part)
        handler.remove(event)
        handler.insert(0, _new(None, "startEvent", inner_start))
        del handler.attrib["triggeredByEvent"]
        scope.append(handler)
        _flow(scope, event.get("id", ""), handler.get("id", ""))


def _start(handler: Xml) -> Xml:
    start = handler.find(f"{{{BPMN}}}startEvent")
    if start is None:
        raise AssertionError("no reading lets a handler without a start event through")
    return start


def _new(parent: Xml | None, tag: str, element: str) -> Xml:
    xml = etree.Element(f"{{{BPMN}}}{tag}") if parent is None else etree.SubElement(parent, f"{{{BPMN}}}{tag}")
    xml.set("id", element)
    return xml


def _flow(scope: Xml, source: str, target: str) -> None:
    flow = _new(scope, "sequenceFlow", f"{HIDDEN}flow.{source}.{target}")
    flow.set("sourceRef", source)
    flow.set("targetRef", target)
