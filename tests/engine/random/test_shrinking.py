"""What failed on a random process is made smaller, kept as a file, and played again as a test."""

from __future__ import annotations

from random import Random

import pytest

from engine.machine import Machine
from tests.engine.random.generator import generate
from tests.engine.random.kept_processes import KEPT, KeptPath, keep, read_kept, shrunk
from tests.engine.random.play import Play, drawn
from tests.engine.random.smaller import is_sound
from tests.engine.random.test_ablations import (
    AllInstancesAtOnce,
    AMoveLeavesTheOtherBranches,
    TwoEventsWin,
    machine_on,
)
from tests.engine.random.trial import play_processes


@pytest.mark.parametrize("file", sorted(KEPT.glob("process-*.json")), ids=lambda file: file.stem)
def test_a_process_that_once_failed_runs_as_the_reference_says(file):
    assert read_kept(file).failure() == ""


@pytest.mark.parametrize(
    ("host", "most_blocks", "most_inputs"),
    [
        (TwoEventsWin, 4, 2),
        (AllInstancesAtOnce, 2, 2),
        (AMoveLeavesTheOtherBranches, 7, 4),
    ],
    ids=lambda made: getattr(made, "__name__", str(made)),
)
def test_a_planted_bug_is_kept_as_a_small_process_and_a_short_path(host, most_blocks, most_inputs, tmp_path):
    machine = machine_on(host)
    failing = first_failing(machine)

    small = shrunk(failing, machine, seconds=30)
    file = keep(small, "planted", tmp_path / "process-planted.json")

    again = read_kept(file)
    assert again == small
    assert again.failure(machine) != ""
    assert again.failure() == ""
    assert (size(again) <= most_blocks, len(again.inputs) <= most_inputs) == (True, True), (again.tree, again.inputs)


def first_failing(machine: type[Machine]) -> KeptPath:
    for seed in range(1, 121):
        for path in range(3):
            tree, process = drawn(seed)
            play = Play(tree, process, Random(f"{seed}/{path}"), machine_class=machine)
            try:
                play.run()
            except Exception:
                kept = KeptPath(tree, seed, tuple(play.inputs))
                if kept.failure(machine):
                    return kept
    raise AssertionError("nothing failed")


def size(kept: KeptPath) -> int:
    return sum(1 for part in kept.tree.parts if getattr(part, "id", ""))


def test_a_failing_run_tells_the_file_it_kept(tmp_path):
    with pytest.raises(pytest.fail.Exception) as failed:
        play_processes(1, 40, 3, machine_on(TwoEventsWin), tmp_path)

    (file,) = tmp_path.glob("process-*.json")
    assert f"kept as a test: {file}" in str(failed.value)
    assert read_kept(file).failure(machine_on(TwoEventsWin)) != ""


def test_every_generated_process_keeps_the_rules_that_smaller_ones_must_keep():
    assert [seed for seed in range(1, 200) if not is_sound(generate(seed))] == []
