"""Tests from real life: an anonymised journal in `scenarios/*.toml` of a flow, run on the flow's files as they are now.

    title = "…"                      outcome = "verified"       path = ["start", "consent", …]
    started_at = 2026-03-02T01:00:00Z                           settings = '''{"face_step": true}'''  (where they differ)
    [[inputs]]
    kind = "WorkItemCompleted"       wait = "consent:1"         after_s = 60.0
    given = '''{"by": "person-1", "values": {…}}'''

No database, no handler: what service tasks said is among the inputs. A scenario passes if every input finds its place, no
timer was due before it, its form takes the values, and the path and the end are those recorded.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from engine.errors import Conflict, InvalidForm
from engine.flow.flow import Flow
from engine.forms.form import load_form, validate_values
from engine.inputs import (
    KINDS,
    Input,
    JobFailed,
    JobGivenUp,
    JobSucceeded,
    Started,
    TimerFired,
    WorkItemCompleted,
    WorkItemSigned,
)
from engine.machine import ActivityEvent, Machine, Process
from engine.machine_state import MachineState
from engine.queries.activities import activity_views
from engine.queries.way_taken import lines_of, lines_used
from engine.replay.rerun import standing_at
from engine.waits import JobWait, UserTaskWait, element_of

FOLDER = "scenarios"
# What a stand-in cannot be held to: it has neither the length nor the shape of the text it replaces.
_NOT_OF_STAND_INS = frozenset({"form.pattern", "form.format", "form.attachment", "form.too_short", "form.too_long"})

Json = Any  # a JSON value


@dataclass(frozen=True, slots=True)
class Scenario:
    """outcome: "" for a case that still runs, which then stands at `standing`. path: elements in the order they began.

    settings: those that differ from the flow's own. inputs: the first is Started.
    """

    title: str
    outcome: str
    standing: tuple[str, ...]
    path: tuple[str, ...]
    settings: Mapping[str, Json]
    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """problem: what is not as recorded, in Chinese; "" for a scenario that passes. lines: sequence flows used."""

    title: str
    problem: str
    path: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of a flow's diagrams, in the order of the files. not_reached, not_used: what no scenario comes by."""

    elements: int
    lines: int
    not_reached: tuple[str, ...]
    not_used: tuple[str, ...]


def read_scenarios(folder: Path) -> dict[str, Scenario]:
    """By file name, of a flow's folder. Raises ValueError for a file that is no scenario, with its name."""
    found: dict[str, Scenario] = {}
    for path in sorted((folder / FOLDER).glob("*.toml")):
        try:
            found[path.name] = read_scenario(path.read_text())
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from error
    return found


def read_scenario(text: str) -> Scenario:
    """Raises ValueError, naming what is wrong."""
    told = tomllib.loads(text)
    try:
        began: datetime = told["started_at"]
        return Scenario(
            title=told["title"],
            outcome=told.get("outcome", ""),
            standing=tuple(told.get("standing", ())),
            path=tuple(told["path"]),
            settings=json.loads(told.get("settings", "{}")),
            inputs=tuple(_input(began, one) for one in told["inputs"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a scenario: {error}") from error


def write_scenario(scenario: Scenario) -> str:
    """TOML that read_scenario() reads as the same scenario."""
    began = scenario.inputs[0].at
    lines = [
        "# 由真实案件录制，已匿名。flask run-scenarios 按此重演并核对路径和结果。",
        f"title = {_basic(scenario.title)}",
        f"outcome = {_basic(scenario.outcome)}",
        f"started_at = {began.isoformat()}",
    ]
    if scenario.standing:
        lines.append(f"standing = {json.dumps(scenario.standing)}")
    if scenario.settings:
        lines.append(f"settings = {_literal(scenario.settings)}")
    lines += ["path = [", *(f"    {_basic(element)}," for element in scenario.path), "]"]
    for given in scenario.inputs:
        values = {name: value for name, value in _fields(given).items() if name not in {"at", "computed", "settings"}}
        lines += ["", "[[inputs]]", f"kind = {_basic(type(given).__name__)}"]
        if "wait" in values:
            lines.append(f"wait = {_basic(values.pop('wait'))}")
        lines += [f"after_s = {(given.at - began).total_seconds()}", f"given = {_literal(values)}"]
    return "\n".join(lines) + "\n"


def run_scenario(flow: Flow, process: Process, scenario: Scenario) -> ScenarioResult:
    """flow: the folder's files, compiled as `process`."""
    events: list[ActivityEvent] = []
    problem = _played(flow, process, scenario, events)
    views = activity_views(process, events)
    path = tuple(view.element for view in views)
    if not problem and path != scenario.path:
        problem = _first_difference(scenario.path, path)
    return ScenarioResult(scenario.title, problem, path, tuple(lines_used(lines_of(flow), views)))


def coverage_of(flow: Flow, process: Process, results: Iterable[ScenarioResult]) -> Coverage:
    reached: set[str] = set()
    used: set[str] = set()
    for result in results:
        reached.update(result.path)
        used.update(result.lines)
    lines = [line.id for line in lines_of(flow)]
    return Coverage(
        elements=len(process.elements),
        lines=len(lines),
        not_reached=tuple(element for element in process.elements if element not in reached),
        not_used=tuple(line for line in lines if line not in used),
    )


def _played(flow: Flow, process: Process, scenario: Scenario, events: list[ActivityEvent]) -> str:
    started = cast(Started, scenario.inputs[0])
    settings = {**flow.config.settings, **scenario.settings}
    machine, applied = Machine.start(process, replace(started, settings=settings))
    events.extend(applied.activities)
    for number, given in enumerate(scenario.inputs[1:], 2):
        problem = _due_first(machine, given) or _refused(flow, machine, given)
        if problem:
            return f"第 {number} 步：{problem}"
        try:
            events.extend(machine.apply(given).activities)
        except Conflict as conflict:
            place = element_of(getattr(given, "wait", ""))
            return f"第 {number} 步（{type(given).__name__} {place}）没有位置：{conflict.code}，案件停在 {_standing(machine)}"
    if (machine.outcome or "" if machine.is_ended else "") != scenario.outcome or bool(
        scenario.standing
    ) == machine.is_ended:
        told = machine.outcome or "（无结果）" if machine.is_ended else f"停在 {_standing(machine)}"
        return f"应以 {scenario.outcome or '、'.join(scenario.standing)} 结束，实际 {told}"
    if scenario.standing and standing_at(machine) != scenario.standing:
        return f"应停在 {'、'.join(scenario.standing)}，实际停在 {_standing(machine)}"
    return ""


def _due_first(machine: MachineState, given: Input) -> str:
    """A timer that the platform would have fired before this input came in."""
    if machine.is_ended or isinstance(given, TimerFired):
        return ""
    is_answer = isinstance(given, JobSucceeded | JobFailed | JobGivenUp) and given.at == machine.at
    if is_answer and isinstance(machine.waits.get(getattr(given, "wait", "")), JobWait):
        return ""
    due = machine.due_before(given.at)
    return f"此前定时器 {due[0].element} 已到时" if due else ""


def _refused(flow: Flow, machine: Machine, given: Input) -> str:
    if not isinstance(given, WorkItemCompleted | WorkItemSigned):
        return ""
    wait = machine.waits.get(given.wait)
    if not isinstance(wait, UserTaskWait) or not wait.form:
        return ""
    content = flow.forms.get(wait.form)
    if content is None:
        return f"没有表单 {wait.form}"
    try:
        validate_values(load_form(content), given.values, lambda _: True)
    except InvalidForm as refused:
        problems = [problem.message for problem in refused.problems if problem.code not in _NOT_OF_STAND_INS]
        return f"表单 {wait.form} 不接受：{' '.join(problems)}" if problems else ""
    return ""


def _standing(machine: MachineState) -> str:
    return "、".join(standing_at(machine)) or "终点"


def _first_difference(expected: Sequence[str], found: Sequence[str]) -> str:
    for number, (one, other) in enumerate(zip(expected, found, strict=False), 1):
        if one != other:
            return f"路径第 {number} 步应为 {one}，实际为 {other}"
    longer, word = (expected, "少了") if len(expected) > len(found) else (found, "多了")
    return f"路径{word} {longer[min(len(expected), len(found))]}"


def _input(began: datetime, told: Mapping[str, Json]) -> Input:
    values = {**json.loads(told["given"]), "at": began + timedelta(seconds=told["after_s"])}
    if "wait" in told:
        values["wait"] = told["wait"]
    return KINDS[told["kind"]](**values)


def _fields(given: Input) -> dict[str, Json]:
    return {name: getattr(given, name) for name in type(given).__dataclass_fields__}


def _basic(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _literal(value: Json) -> str:
    """A TOML string whose content is JSON, readable where it can be."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1 if len(str(value)) > 100 else None)
    return f"'''{text}'''" if "'''" not in text else _basic(text)
