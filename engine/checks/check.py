"""The deployment check: every problem of a flow, with the element it is about, before anybody deploys it.

Codes, severities and what they mean: docs/check-codes.md. Whatever the input, an answer comes back, never an exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.checks.case_starts import check_case_starts, check_schedules
from engine.checks.compensation import check_compensation
from engine.checks.concurrency import check_concurrency
from engine.checks.config import check_config
from engine.checks.elements import check_elements
from engine.checks.faces import check_faces
from engine.checks.folder import Folder, open_folder
from engine.checks.notices import check_notices
from engine.checks.pauses import check_pauses
from engine.checks.shape import check_shape
from engine.checks.tables import check_table
from engine.checks.tasks import check_tasks
from engine.checks.variables import check_variables, written_by
from engine.errors import InvalidDiagram, Problem
from engine.flow.calls import call_problems, shared_ids
from engine.flow.codes import CODES, found
from engine.flow.diagram import Diagram
from engine.flow.flow import CONFIG_FILE, Flow, flow_of_files
from engine.flow.reading import read_files
from engine.language.decisions import DecisionTable, read_decisions
from engine.machine import compile_process

__all__ = ["CODES", "FlowCheck", "check_bpmn", "check_dmn", "check_files", "check_flow"]


@dataclass(frozen=True, slots=True)
class FlowCheck:
    """path: as it was given. problems: errors first, then warnings, then info."""

    path: str
    problems: tuple[Problem, ...]

    @property
    def deployable(self) -> bool:
        return not any(problem.severity == "error" for problem in self.problems)


def check_flow(path: Path) -> FlowCheck:
    """A flow folder, or a single .bpmn or .dmn file (then nothing is said of what a folder would hold)."""
    try:
        if path.is_dir():
            return FlowCheck(str(path), check_files(_files_of(path)))
        content = path.read_bytes()
    except OSError as error:
        problem = found("", "file.unreadable", f"无法读取：{error.strerror or type(error).__name__}")
        return FlowCheck(str(path), (problem,))
    check = check_dmn if path.suffix.lower() == ".dmn" else check_bpmn
    return FlowCheck(str(path), check(content))


def check_files(files: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """A flow's files by path in its folder (`flow.toml`, `process.bpmn`, `decide.dmn`, `forms/x.json`)."""
    try:
        flow = flow_of_files(files)
    except InvalidDiagram as error:
        # Without its flow.toml a folder still has a diagram to look at.
        diagrams = [content for path, content in sorted(files.items()) if path.endswith(".bpmn")]
        return _sorted((*error.problems, *(problem for content in diagrams for problem in check_bpmn(content))))
    folder = open_folder(flow)
    problems = [
        *folder.problems,
        *_table_problems(folder.tables.values(), folder.choices()),
        *_diagram_problems([flow.bpmn, *(content for _, content in sorted(flow.called.items()))], folder),
    ]
    if not any(problem.severity == "error" for problem in problems):
        problems += _compile_problems(flow)
    return _sorted(problems)


def check_bpmn(content: bytes) -> tuple[Problem, ...]:
    """A diagram alone."""
    return _sorted(_diagram_problems([content], Folder()))


def check_dmn(content: bytes) -> tuple[Problem, ...]:
    """A file of decision tables alone."""
    try:
        tables = read_decisions(content)
    except InvalidDiagram as error:
        return _sorted(error.problems)
    return _sorted(_table_problems(tables.values(), {}))


def _files_of(folder: Path) -> dict[str, bytes]:
    paths = [folder / CONFIG_FILE, *folder.glob("*.bpmn"), *folder.glob("*.dmn"), *folder.glob("forms/*.json")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def _diagram_problems(contents: Sequence[bytes], folder: Folder) -> list[Problem]:
    """contents: the flow's own diagram, then those it calls."""
    try:
        files = read_files(contents)
    except InvalidDiagram as error:
        return list(error.problems)
    problems: list[Problem] = []
    linked = [file.diagram for file in files]
    for file in files:
        problems += file.findings
        for diagram in file.diagrams:
            problems += _process_problems(diagram, folder)
    problems += [*check_config(linked, folder), *check_case_starts(linked, folder), *check_compensation(linked)]
    problems += [*check_notices(linked, folder), *check_pauses(linked, is_alone=folder.is_alone)]
    return [*problems, *(() if folder.is_alone else (*call_problems(linked), *shared_ids(linked)))]


def _process_problems(diagram: Diagram, folder: Folder) -> list[Problem]:
    writes = written_by(diagram, folder)
    return [
        *check_elements(diagram),
        *check_shape(diagram),
        *check_schedules(diagram),
        *check_tasks(diagram, folder),
        *check_concurrency(diagram, writes),
        *check_variables(diagram, folder, writes),
        *check_faces(diagram, folder),
    ]


def _table_problems(tables: Iterable[DecisionTable], choices: Mapping[str, list[str]]) -> list[Problem]:
    return [problem for table in tables for problem in check_table(table, choices)]


def _compile_problems(flow: Flow) -> list[Problem]:
    """What the engine itself refuses though every check passed: then the check has a gap, and the analyst a reason."""
    try:
        compile_process(flow.bpmn, flow.decisions, flow.called)
    except InvalidDiagram as error:
        return [found(p.element, "compile.failed", f"{p.code}：{p.message}") for p in error.problems]
    return []


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Errors first; the same thing said once."""
    ranks = {"error": 0, "warning": 1, "info": 2}
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: ranks[problem.severity]))
