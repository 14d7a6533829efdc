"""Every flow's recorded scenarios run on its files as they are; what they cover is told."""

from __future__ import annotations

import re

import pytest

from api.commands.scenarios import run_all
from engine.flow.flow import flow_folders, load_flow
from engine.replay.scenarios.playing import FOLDER
from tests.flows.conftest import FLOWS

WITH_SCENARIOS = [folder for folder in flow_folders(FLOWS) if (folder / FOLDER).is_dir()]


@pytest.mark.parametrize("folder", WITH_SCENARIOS, ids=lambda folder: folder.name)
def test_every_scenario_takes_the_way_it_was_recorded_on(folder) -> None:
    results, coverage = run_all(load_flow(folder), folder)

    print(f"{folder.name}: {len(results)} scenarios; lines not used: {coverage.not_used or 'none'}")
    assert {name: result.problem for name, result in results.items() if result.problem} == {}


@pytest.mark.parametrize("folder", WITH_SCENARIOS, ids=lambda folder: folder.name)
def test_the_scenarios_together_use_every_sequence_flow(folder) -> None:
    _, coverage = run_all(load_flow(folder), folder)

    assert set(coverage.not_used) == set()


@pytest.mark.parametrize("folder", WITH_SCENARIOS, ids=lambda folder: folder.name)
def test_no_scenario_holds_a_number_or_a_name_of_somebody(folder) -> None:
    for path in (folder / FOLDER).glob("*.toml"):
        text = path.read_text()
        assert not re.search(r"[1-9]\d{16}[\dX]|\b1[3-9]\d{9}\b|[张李王赵][一-龥]{1,2}\"", text), path.name


def test_real_name_has_scenarios() -> None:
    assert "real_name" in {folder.name for folder in WITH_SCENARIOS}
