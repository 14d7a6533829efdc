"""Mutated attributes of a flow's diagrams, and what the check and the machine make of each: where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from lxml import etree

from engine.checks.check import check_files
from engine.errors import InvalidDiagram
from engine.flow.diagram import Diagram
from engine.flow.diagram import Node as Drawn
from engine.flow.flow import flow_of_files
from engine.flow.four_eyes import others_of
from engine.flow.lines import diagram_parts
from engine.flow.reading import read_files
from engine.flow.vocabulary import BPMN, CHOICES, FLAGS, NAMING_ATTRIBUTES, SPIFF
from engine.language.expressions import Expression
from engine.machine import Process, StartEvent, compile_process

# What only the check can know: it has the folder beside the diagram, the registered service tasks and the whole flow in view.
ONLY_THE_CHECKS = frozenset(
    {
        *(
            "form.missing",
            "lane.unmapped",
            "lane.unused",
            "user_task.nobody",
            "user_task.four_eyes",
            "outcome.no_label",
        ),
        *("service_task.unknown", "service_task.parameter_unknown", "service_task.parameter_missing", "inbox.facet"),
        *("variable.name", "variable.parallel_write", "decision.missing", "message.not_caught", "start.nobody"),
        *("start.doubled", "loop.no_wait", "handler.parallel", "face.no_consent", "face.no_alternative"),
        *("event.never_fires", "xml.duplicate_id"),  # of lanes and flows in two files
    }
)
FLAG_VALUES = ("true", "false", "True", "FALSE", " true", "false ", "\u3000false", "0", "1", "ｆａｌｓｅ", "")
TEXTS = {
    *("conditionExpression", "flowNodeRef", "timeDuration", "timeDate", "timeCycle", "calledDecisionId"),
    *("loopCardinality", "loopDataInputRef", "loopDataOutputRef", "completionCondition"),
}
MISPLACED = {
    "cancelActivity": "intermediateCatchEvent",
    "isInterrupting": "boundaryEvent",
    "triggeredByEvent": "userTask",
    "attachedToRef": "intermediateCatchEvent",
    "isForCompensation": "exclusiveGateway",
    "waitForCompletion": "compensateEventDefinition",
    "parallelMultiple": "startEvent",
    "instantiate": "eventBasedGateway",
    "isSequential": "multiInstanceLoopCharacteristics",
}


@dataclass(frozen=True, slots=True)
class Mutation:
    """path: file. place: of the element in document order. attribute: "" for its text."""

    path: str
    place: int
    kind: str
    attribute: str
    value: str

    def __str__(self) -> str:
        return f"{self.path}: {self.kind} {self.attribute or 'text'} = {self.value!r}"

    def of(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        root = etree.fromstring(files[self.path])
        element = list(root.iter())[self.place]
        if self.attribute:
            element.set(self.attribute, self.value)
        else:
            _set_text(element, self.value)
        return {**files, self.path: etree.tostring(root)}


def _set_text(element: etree._Element, value: str) -> None:
    """`<>` in the value stands for an element, `!` for a comment."""
    for mark, inner in (("<>", etree.Element(f"{{{BPMN}}}documentation")), ("!", etree.Comment("x"))):
        if mark in value:
            element.text, inner.tail = value.split(mark)
            element.append(inner)
            return
    element.text = value


def mutations(files: Mapping[str, bytes]) -> Iterator[Mutation]:
    """Of one element of each kind for each attribute, property and text that either reads."""
    told: set[tuple[str, str, str]] = set()
    for path, content in files.items():
        if not path.endswith(".bpmn"):
            continue
        for place, element in enumerate(etree.fromstring(content).iter()):
            if not isinstance(element.tag, str):
                continue
            kind = etree.QName(element).localname
            owner = _owner(element)
            for attribute in sorted(_attributes(element, kind)):
                what = (element.get("name", "").split(".")[0] if _is_property(element) else kind, attribute, owner)
                if what not in told:
                    told.add(what)
                    values = (
                        FLAG_VALUES
                        if attribute in {*FLAGS, "isExecutable"}
                        else _values(element.get(attribute, "fill"))
                    )
                    yield from (Mutation(path, place, f"{owner}/{what[0]}", attribute, value) for value in values)
            if kind in TEXTS and (kind, "", owner) not in told:
                told.add((kind, "", owner))
                text = element.text or ""
                for value in (*_values(text), f"{text}<>", f"{text[:2]}<>{text[2:]}", f"{text[:2]}!{text[2:]}"):
                    yield Mutation(path, place, f"{owner}/{kind}", "", value)


def _owner(element: etree._Element) -> str:
    """Kind of the flow node whose property it is, else of what it stands in."""
    around = [etree.QName(outer).localname for outer in element.iterancestors()]
    return next(iter(around[2:] if _is_property(element) else around), "")


def _is_property(element: etree._Element) -> bool:
    return element.tag == f"{{{SPIFF}}}property"


def _attributes(element: etree._Element, kind: str) -> set[str]:
    """Those that are there, and those that might be."""
    if _is_property(element):
        return {"value", "name"}
    named = (
        {"name"}
        if kind in {"message", "signal"}
        else {"id", "value"}
        if etree.QName(element).namespace == SPIFF
        else set()
    )
    there = {*FLAGS, *NAMING_ATTRIBUTES, "isExecutable", *named} & set(element.keys())
    absent = {name for name, place in MISPLACED.items() if place == kind}
    absent |= {"userTask": {"isForCompensation"}, "subProcess": {"triggeredByEvent", "isForCompensation"}}.get(
        kind, set()
    )
    absent |= {"boundaryEvent": {"cancelActivity"}, "startEvent": {"isInterrupting"}}.get(kind, set())
    return there | absent


def _values(value: str) -> list[str]:
    wide = "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in value)
    return [f" {value}", f"{value} ", f"\u3000{value}", value.swapcase(), wide, "", " ", "\u3000"]


def sampled(files: Mapping[str, bytes], random: Random, count: int) -> list[Mutation]:
    every = list(mutations(files))
    return random.sample(every, min(count, len(every)))


def difference(files: Mapping[str, bytes]) -> str:
    """What the check and the machine make differently of a folder; "" for nothing."""
    flow = flow_of_files(files)
    errors = {problem.code for problem in check_files(files) if problem.severity == "error"}
    try:
        process = compile_process(flow.bpmn, flow.decisions, flow.called)
    except InvalidDiagram as refused:
        told = {problem.code for problem in refused.problems}
        return "" if errors and "compile.failed" not in errors else f"the machine alone refuses: {sorted(told)}"
    if errors - ONLY_THE_CHECKS:
        return f"the check alone refuses: {sorted(errors - ONLY_THE_CHECKS)}"
    files_read = read_files([flow.bpmn, *(content for _, content in sorted(flow.called.items()))])
    return "; ".join(
        found
        for file in files_read
        for drawn in file.diagram.nodes.values()
        for found in _unequal(file.diagram, drawn, process, others_of(flow, drawn.id))
    ) or _beside_nodes(files, process, [file.diagram for file in files_read])


def _unequal(diagram: Diagram, drawn: Drawn, process: Process, others: tuple[str, ...]) -> Iterator[str]:
    nodes = {node.id: node for node in process.nodes() if not node.id.startswith("__")}
    kept = nodes.get(drawn.id)
    if kept is None:  # an event subprocess and its handler have no spec of their own name
        return
    for name, read, ran in (*_read(diagram, drawn, kept), ("not_same_person_as", drawn.others, others)):
        if read != ran:
            yield f"{drawn.id}: {name} is {read!r} to the check, {ran!r} to the machine"


def _read(diagram: Diagram, drawn: Drawn, kept: StartEvent) -> Iterator[tuple[str, object, object]]:
    """Name, the check's value, the machine's."""
    given = drawn.properties
    element = "eventSubProcess" if drawn.is_event_subprocess else drawn.kind
    yield from [("kind", element, kept.kind), ("name", drawn.name, kept.name), ("lane", drawn.lane, kept.lane)]
    if drawn.kind == "userTask":
        yield from [(name, given.get(name, ""), getattr(kept, name)) for name in ("form", "due")]
        yield "priority", drawn.priority, kept.priority
    if drawn.kind == "endEvent":
        yield "outcome", given.get("outcome", ""), kept.outcome
        yield "is_outcome", diagram.gives_outcome(drawn), kept.is_outcome
    if drawn.operator is not None:
        yield "operator", (drawn.operator.id, drawn.operator.result), (kept.service, kept.result)
        yield "parameters", list(drawn.operator.parameters), _shown(kept.parameters)
    yield "decision", drawn.decision, kept.decision
    yield "called", drawn.called, kept.called
    yield "in.", drawn.prefixed("in."), _shown(kept.inputs)
    yield "out.", drawn.prefixed("out."), _shown(kept.outputs)
    if drawn.loop is not None and kept.many is not None:
        yield from _loop(drawn, kept)
    if drawn.definitions and drawn.kind != "sendTask":
        yield from _event(diagram, drawn, kept)
    if drawn.definitions and drawn.is_throwing:
        yield "payload", drawn.prefixed("payload."), _shown(kept.payload)


def _loop(drawn: Drawn, kept: StartEvent) -> Iterator[tuple[str, object, object]]:
    loop, many = drawn.loop, kept.many
    assert loop is not None
    assert many is not None
    for name in ("is_sequential", "item", "output", "output_item"):
        yield name, getattr(loop, name), getattr(many, name)
    for name in ("cardinality", "collection", "condition"):
        yield name, getattr(loop, name).strip(), _text(getattr(many, name))
    yield "item_key", drawn.properties.get("item_key", ""), _text(many.item_key)


def _event(diagram: Diagram, drawn: Drawn, kept: StartEvent) -> Iterator[tuple[str, object, object]]:
    given = drawn.properties
    if drawn.event in ("error", "escalation"):
        yield "code", drawn.told, kept.error_code
    if drawn.event in ("message", "signal"):
        yield "message", drawn.told, kept.message.removeprefix("signal:")
    if drawn.event == "message" and not diagram.begins_cases(drawn):
        yield "correlation", given.get("correlation", ""), _text(kept.correlation)
    if drawn.event == "timer" and drawn.time() is not None and not diagram.begins_cases(drawn):
        yield "timer", drawn.time(), kept.timer
        yield "pauses_while", sorted(given.get("pauses_while", "").split()), list(kept.pauses)
    if diagram.begins_cases(drawn):
        yield "correlation_result", given.get("correlation_result", ""), kept.correlation_result
        return
    yield "attached_to", drawn.attached_to, kept.attached_to
    yield "is_interrupting", drawn.is_interrupting, kept.is_interrupting
    yield "result", given.get("result", ""), kept.result


def _beside_nodes(files: Mapping[str, bytes], process: Process, diagrams: list[Diagram]) -> str:
    """Conditions of exits, names of lanes."""
    drawn = {(diagram.nodes[flow.source].kind, flow.condition) for diagram in diagrams for flow in diagram.flows}
    texts = {condition for kind, condition in drawn if condition and kind in CHOICES}
    if texts != set(process.conditions):
        return f"conditions are {texts} to the check, {set(process.conditions)} to the machine"
    named = {lane: name or lane for diagram in diagrams for lane, name in diagram.lanes.items()}
    shown: dict[str, str] = {}
    for path, content in files.items():
        shown |= diagram_parts(content).lanes if path.endswith(".bpmn") else {}
    return "" if named == shown else f"labels are {named} to the check, {shown} to the pages"


def _text(expression: Expression | None) -> str:
    return "" if expression is None else expression.text


def _shown(expressions: tuple[tuple[str, Expression], ...]) -> list[tuple[str, str]]:
    return [(name, expression.text) for name, expression in expressions]
