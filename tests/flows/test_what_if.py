"""What-if on the recorded scenarios of every flow: on the same files each case ends, in every detail, where it ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest

from composition import declare_service_tasks
from engine.flow.flow import Flow, flow_folders, load_flow
from engine.inputs import Started
from engine.machine import Process, compile_process, replay
from engine.replay.carry_over import carry_over
from engine.replay.rerun import Candidate, rerun
from engine.replay.scenarios.playing import FOLDER, Scenario, read_scenarios
from engine.services.registry import declared_service_tasks
from tests.flows.conftest import FLOWS

SCENARIOS = [
    (folder, name, scenario)
    for folder in flow_folders(FLOWS)
    if (folder / FOLDER).is_dir()
    for name, scenario in read_scenarios(folder).items()
]
every_scenario = pytest.mark.parametrize(
    ("folder", "name", "scenario"), SCENARIOS, ids=[f"{folder.name}-{name}" for folder, name, _ in SCENARIOS]
)


@cache
def compiled(folder: Path) -> tuple[Flow, Process]:
    flow = load_flow(folder)
    return flow, compile_process(flow.bpmn, flow.decisions, flow.called)


def inputs_of(folder: Path, scenario: Scenario) -> list[Any]:
    """With the settings and the calendar's instants a journal would have."""
    settings = {**compiled(folder)[0].config.settings, **scenario.settings}
    first = replace(cast(Started, scenario.inputs[0]), settings=settings)
    return [first, *scenario.inputs[1:]]


@every_scenario
def test_on_the_same_files_a_case_is_what_it_was(folder: Path, name: str, scenario: Scenario) -> None:
    declare_service_tasks(FLOWS)
    _, process = compiled(folder)
    inputs = inputs_of(folder, scenario)
    at_once = frozenset(task.name for task in declared_service_tasks().values() if task.in_transaction)
    candidate = Candidate(process, inputs[0].settings, at_once, frozenset(), {}, lambda *_: "")

    run = rerun(candidate, inputs, frozenset(), inputs[-1].at)

    assert run.machine.canonical() == replay(process, inputs).canonical()
    assert (run.lacking, run.misfit, run.unplaced, run.work) == ((), None, (), Counter())


@every_scenario
def test_carried_over_to_the_same_files_a_case_is_what_it_was(folder: Path, name: str, scenario: Scenario) -> None:
    _, process = compiled(folder)
    inputs = inputs_of(folder, scenario)

    carried = carry_over(
        process, "same", list(enumerate(inputs, 1)), settings=inputs[0].settings, instants={}, computed={}
    )

    assert (carried.misfit, carried.skipped) == (None, ())
    assert carried.course.machine.canonical() == replay(process, inputs).canonical()
