"""From BPMN bytes to a compiled Process: parse, refuse what is not hosted, rewrite, let SpiffWorkflow parse, swap classes."""

from __future__ import annotations

import copy
import hashlib
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import full_tag
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.spiff.parser.task_spec import SpiffTaskParser
from SpiffWorkflow.spiff.specs.defaults import NoneTask

from engine.errors import InvalidDiagram, Problem
from engine.flow.attributes import SINCE, is_bpmn
from engine.flow.calls import call_problems
from engine.flow.codes import found
from engine.flow.compensation import UNWISE, reach_findings, read_compensation, read_undoing
from engine.flow.diagram import DiagramFile
from engine.flow.reading import read_files
from engine.flow.references import reference_problems
from engine.flow.shape import shape_problems
from engine.flow.vocabulary import BPMN
from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name, parse_xml
from engine.language.decisions import DecisionTable, read_decisions
from engine.language.expressions import Expression
from engine.spiff.process import EACH, UNDO, Element, Node, Process, spec_name
from engine.spiff.reading.called_files import CompiledFile, pause_problems
from engine.spiff.reading.nodes import read_nodes
from engine.spiff.reading.rewrite import (
    compile_event_subprocesses,
    lead_to_starts,
    put_stand_ins,
    take_out_handlers,
    wrap_multi_instances,
)
from engine.spiff.reading.spec_classes import host_spec
from engine.spiff.regions import Regions, read_regions
from engine.spiff.rules.joins import read_merges
from engine.spiff.specs import PlainServiceTask

MOST_FRAMES = 20_000
_recursing = threading.Lock()  # the limit is the whole interpreter's


class _PlainTaskParser(SpiffTaskParser):  # type: ignore[misc]  # SpiffWorkflow ships no types
    """No prescript, no operator: what a task does is read from the Diagram."""

    def create_task(self) -> Any:
        return self.spec_class(self.spec, self.bpmn_id, **self.bpmn_attributes)

    def parse_extensions(self, node: Any = None) -> dict[str, Any]:
        return {}


class _Parser(SpiffBpmnParser):  # type: ignore[misc]  # SpiffWorkflow ships no types
    """SpiffWorkflow's parser for the graph alone: services, decisions and events are read from the Diagram."""

    OVERRIDE_PARSER_CLASSES = {  # noqa: RUF012  # SpiffWorkflow's own shape
        **SpiffBpmnParser.OVERRIDE_PARSER_CLASSES,
        full_tag("serviceTask"): (_PlainTaskParser, PlainServiceTask),
        full_tag("businessRuleTask"): (_PlainTaskParser, NoneTask),
    }

    def _find_dependencies(self, process: Any) -> None:
        pass  # no called process, and decisions are the host's


def compile_process(
    bpmn_xml: bytes, decisions: Mapping[str, bytes], called: Mapping[str, bytes] | None = None
) -> Process:
    """The executable process of one BPMN file.

    decisions: DMN files by name. called: further BPMN files by name, each with one process for call activities; element ids
    are unique over all of them.

    Raises InvalidDiagram with the problems found, each with the element's id and a code of docs/check-codes.md. What is
    merely unwise is the deployment check's to say (engine/checks/check.py); here only what cannot be hosted is refused.
    """
    return _compile([bpmn_xml, *_by_name(called)], decisions, let_through=frozenset())


def compile_deployed(
    bpmn_xml: bytes, decisions: Mapping[str, bytes], called: Mapping[str, bytes] | None = None
) -> Process:
    """As compile_process(), of a version that was deployed: what is refused only since means what it meant then."""
    return _compile([bpmn_xml, *_by_name(called)], decisions, let_through=SINCE)


def _by_name(called: Mapping[str, bytes] | None) -> list[bytes]:
    return [content for _, content in sorted((called or {}).items())]


def _compile(contents: Sequence[bytes], decisions: Mapping[str, bytes], let_through: frozenset[str]) -> Process:
    tables = _tables(decisions)
    drawn = read_files(contents)
    files = [
        CompiledFile(file.diagram, read_nodes(file.diagram, frozenset(tables)), read_compensation(file.diagram))
        for file in drawn
    ]
    _refuse(problem for problem in _problems(drawn, files) if problem.code not in let_through)
    roots = [_without_drawing(parse_xml(content)) for content in contents]
    digest = _digest(roots, decisions)
    nodes: dict[str, Node] = {}
    specs: dict[str, Any] = {}
    conditions: dict[str, Expression] = {}
    regions = Regions()
    for file, root in zip(files, roots, strict=True):
        for scope in file.diagram.scopes():
            regions |= read_regions(file.diagram, scope)
        own = {spec_name(element): node for element, node in file.read.nodes.items()}
        each = {EACH + name: replace(node, many=None) for name, node in own.items() if node.many is not None}
        specs |= _parse(file, root, own | each)
        nodes |= own
        conditions |= file.read.conditions
    top = files[0].diagram
    return Process(
        process_id=top.process_id,
        digest=digest,
        elements={node.id: Element(node.id, node.kind, node.name, node.lane) for node in nodes.values()},
        specs=specs,
        top=top.process_id,
        conditions=conditions,
        decisions=tables,
        has_clocks=any(node.pauses for node in nodes.values()),
        starts=tuple(files[0].read.nodes[node.id] for node in top.nodes.values() if top.begins_cases(node)),
        regions=regions,
        merges=read_merges(specs),
        undoing=read_undoing([file.compensation for file in files]),
    )


def _problems(drawn: Sequence[DiagramFile], files: Sequence[CompiledFile]) -> Iterator[Problem]:
    for file in drawn:
        yield from file.findings
        yield from file.diagram.findings
        yield from shape_problems(file.diagram)
        yield from reference_problems(file.diagram)
    yield from call_problems([file.diagram for file in drawn])
    for compiled in files:
        yield from compiled.read.problems
    yield from pause_problems(files)
    yield from _compensation_problems(files)


def _refuse(problems: Iterable[Problem]) -> None:
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise InvalidDiagram(errors)


def _compensation_problems(files: Sequence[CompiledFile]) -> list[Problem]:
    findings = [finding for file in files for finding in file.compensation.findings]
    findings += reach_findings([file.compensation for file in files])
    return [found(*finding) for finding in findings if finding[1] not in UNWISE]


def _without_drawing(root: Xml) -> Xml:
    """The diagram without positions, colours, comments and layout whitespace.

    SpiffWorkflow tries the exits of a gateway from the top of the drawing down; without positions it is document order.
    """
    root = copy.deepcopy(root)
    etree.strip_tags(root, etree.Comment, etree.ProcessingInstruction)
    for child in list(root):
        if local_name(child) in {"BPMNDiagram", "DMNDI"}:
            root.remove(child)
    for xml in root.iter():
        xml.tail = None
        if len(xml) and not (xml.text or "").strip():
            xml.text = None
    return root


def _digest(roots: list[Xml], decisions: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256(etree.tostring(roots[0], method="c14n"))
    for root in roots[1:]:
        digest.update(hashlib.sha256(etree.tostring(root, method="c14n")).digest())
    for name in sorted(decisions):
        table = etree.tostring(_without_drawing(parse_xml(decisions[name])), method="c14n")
        digest.update(hashlib.sha256(table).digest())
    return digest.hexdigest()


def _tables(decisions: Mapping[str, bytes]) -> dict[str, DecisionTable]:
    tables: dict[str, DecisionTable] = {}
    for name in sorted(decisions):
        for decision, table in read_decisions(decisions[name]).items():
            if decision in tables:
                raise InvalidDiagram([Problem(decision, "error", "decision.id", f"两个决策表的 id 相同：{decision}")])
            tables[decision] = table
    return tables


def _parse(file: CompiledFile, root: Xml, nodes: Mapping[str, Node]) -> dict[str, Any]:
    """SpiffWorkflow's spec of every scope by name, its classes swapped for hosted ones."""
    process = next(child for child in root if is_bpmn(child, "process"))
    for unread in root.findall(f"{{{BPMN}}}collaboration"):
        root.remove(unread)  # a single pool around the process; SpiffWorkflow would make it mutable
    # SpiffWorkflow finds elements by any id inside the process: a service or parameter of that name would be taken for one.
    etree.strip_elements(process, f"{{{BPMN}}}extensionElements", with_tail=False)
    handlers = take_out_handlers(process, file.compensation)
    for each in (process, *handlers.values()):
        _rename(each)
        wrap_multi_instances(each)
        lead_to_starts(each)
        compile_event_subprocesses(each)
        put_stand_ins(each)
    root.extend(handlers.values())
    try:
        specs = _specs(root, [process.get("id", ""), *(UNDO + handler for handler in handlers)])
        for spec in specs.values():
            for name, task_spec in spec.task_specs.items():
                host_spec(task_spec, nodes.get(name))
        for handler in handlers:
            specs[UNDO + handler].task_specs[spec_name(handler)].is_handler = True
    except Exception as error:  # the parser leaks KeyError, TypeError, AttributeError, RecursionError on odd diagrams
        element = str(getattr(error, "id", "") or "")
        problem = Problem(element, "error", "compile.failed", f"无法解析流程图：{type(error).__name__}")
        raise InvalidDiagram([problem]) from error
    return specs


def _specs(root: Xml, processes: list[str]) -> dict[str, Any]:
    specs: dict[str, Any] = {}
    with _deep_recursion():
        parser = _Parser()
        parser.add_bpmn_xml(root)
        for process in processes:
            specs |= {process: parser.get_spec(process), **parser.get_subprocess_specs(process)}
    return specs


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """SpiffWorkflow's parser calls itself from each element to the next: 1,000 elements in a row are 4,000 frames."""
    with _recursing:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(before, MOST_FRAMES))
        try:
            yield
        finally:
            sys.setrecursionlimit(before)


def _rename(process: Xml) -> None:
    for xml in process.iter():
        for attribute in ("id", "sourceRef", "targetRef", "attachedToRef", "default"):
            value = xml.get(attribute)
            if value is not None and xml is not process:
                xml.set(attribute, spec_name(value))
