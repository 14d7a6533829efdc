"""From BPMN bytes to a compiled Process: parse, refuse what is not hosted, rewrite, let SpiffWorkflow parse, swap classes."""

from __future__ import annotations

import copy
import hashlib
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import full_tag
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.spiff.parser.task_spec import SpiffTaskParser
from SpiffWorkflow.spiff.specs.defaults import NoneTask

from engine.errors import InvalidDiagram, Problem
from engine.flow.compensation import UNWISE, reach_findings, read_compensation, read_undoing
from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name, namespace, parse_xml
from engine.language.decisions import DecisionTable, read_decisions
from engine.language.expressions import Expression
from engine.spiff.called_files import DiagramFile, call_problems, pause_problems
from engine.spiff.hosting import host_spec
from engine.spiff.joins import read_merges
from engine.spiff.nodes import NodeReader, scopes
from engine.spiff.process import EACH, UNDO, Element, Node, Process, spec_name
from engine.spiff.regions import Regions, read_regions
from engine.spiff.rewrite import (
    compile_event_subprocesses,
    lead_to_starts,
    put_stand_ins,
    take_out_handlers,
    wrap_multi_instances,
)
from engine.spiff.specs import PlainServiceTask
from engine.spiff.wiring import BPMN, children_of

MOST_FRAMES = 20_000
_recursing = threading.Lock()  # the limit is the whole interpreter's


class _PlainTaskParser(SpiffTaskParser):  # type: ignore[misc]  # SpiffWorkflow ships no types
    """No prescript, no operator: what a task does is read by NodeReader."""

    def create_task(self) -> Any:
        return self.spec_class(self.spec, self.bpmn_id, **self.bpmn_attributes)

    def parse_extensions(self, node: Any = None) -> dict[str, Any]:
        return {}


class _Parser(SpiffBpmnParser):  # type: ignore[misc]  # SpiffWorkflow ships no types
    """SpiffWorkflow's parser for the graph alone: services, decisions and events are read by NodeReader."""

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

    Raises InvalidDiagram with every problem found, each with the element's id and a code of docs/check-codes.md. What is
    merely unwise is the deployment check's to say (engine/check.py); here only what cannot be hosted is refused.
    """
    tables = _tables(decisions)
    files = [_open(bpmn_xml, tables, is_called=False)]
    files += [_open(content, tables, is_called=True) for _, content in sorted((called or {}).items())]
    problems = [problem for file in files for problem in file.reader.problems]
    problems += [*call_problems(files), *pause_problems(files), *_compensation_problems(files)]
    if problems:
        raise InvalidDiagram(problems)
    digest = _digest([file.root for file in files], decisions)
    nodes: dict[str, Node] = {}
    specs: dict[str, Any] = {}
    conditions: dict[str, Expression] = {}
    regions = Regions()
    starts = tuple(files[0].reader.nodes[xml.get("id", "")] for xml in children_of(files[0].process, "startEvent"))
    for file in files:
        for scope in scopes(file.process):  # before it is rewritten
            regions |= read_regions(scope)
        own = {spec_name(element): node for element, node in file.reader.nodes.items()}
        each = {EACH + name: replace(node, many=None) for name, node in own.items() if node.many is not None}
        specs |= _parse(file, own | each)
        nodes |= own
        conditions |= file.reader.conditions
    return Process(
        process_id=files[0].id,
        digest=digest,
        elements={node.id: Element(node.id, node.kind, node.name, node.lane) for node in nodes.values()},
        specs=specs,
        top=files[0].id,
        conditions=conditions,
        decisions=tables,
        has_clocks=any(node.pauses for node in nodes.values()),
        starts=starts,
        regions=regions,
        merges=read_merges(specs),
        undoing=read_undoing([file.compensation for file in files]),
    )


def _open(content: bytes, tables: Mapping[str, DecisionTable], *, is_called: bool) -> DiagramFile:
    root = _without_drawing(parse_xml(content))
    process = _executable(root)
    reader = NodeReader(root, process, frozenset(tables), is_called=is_called)
    return DiagramFile(root, process, reader, read_compensation(process))


def _compensation_problems(files: list[DiagramFile]) -> list[Problem]:
    findings = [finding for file in files for finding in file.compensation.findings]
    findings += reach_findings([file.compensation for file in files])
    return [Problem(element, "error", code, message) for element, code, message in findings if code not in UNWISE]


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


def _executable(root: Xml) -> Xml:
    if local_name(root) != "definitions" or namespace(root) != BPMN:
        raise InvalidDiagram([Problem("", "error", "xml.not_bpmn", "不是 BPMN 2.0 文件")])
    processes = root.findall(f"{{{BPMN}}}process")
    if len(processes) != 1:
        code = "process.several" if processes else "process.none"
        raise InvalidDiagram([Problem("", "error", code, "文件中应有且只有一个流程")])
    if processes[0].get("isExecutable") != "true":
        name = processes[0].get("id", "")
        raise InvalidDiagram([Problem(name, "error", "process.not_executable", "流程应标为可执行（isExecutable）")])
    return processes[0]


def _parse(file: DiagramFile, nodes: Mapping[str, Node]) -> dict[str, Any]:
    """SpiffWorkflow's spec of every scope by name, its classes swapped for hosted ones."""
    root, process = file.root, file.process
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
