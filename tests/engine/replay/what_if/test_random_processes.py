"""What-if, migration and its taking back on random processes: on the same diagram nothing changes, whatever the way.

Paths are those of the random test (tests/engine/random), with due timers first, as a journal has them.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from engine.inputs import CaseMigrated, Input, Started, TimerFired
from engine.machine import Machine, Process
from engine.replay.carry_over import Walk, carry_over
from engine.replay.rerun import Candidate, rerun
from engine.waits import TimerWait
from tests.engine.random.play import Play, drawn
from tests.engine.random.trial import FIRST_SEED, fresh_seed

CHUNK = 25


class DueFirst(Play):
    """Before an input with time t every timer due at or before t fires, in due order."""

    def next_input(self) -> Input:
        given = super().next_input()
        due = self.machine.due_before(given.at)
        return TimerFired(at=max(due[0].due, self.machine.at), wait=due[0].address) if due else given


def played(seed: int, path: int) -> DueFirst:
    play = DueFirst(*drawn(seed), Random(f"{seed}/{path}"), checks_snapshots=False)
    play.run()
    return play


def check(seed: int, path: int) -> None:
    play = played(seed, path)
    started = play.inputs[0]
    assert isinstance(started, Started)
    same = play.machine.canonical()

    again = tried(play.process, play.inputs, play.machine)
    assert again == same, f"what-if, RANDOM_SEED={seed}, path {path}"

    numbered = list(enumerate(play.inputs, 1))
    carried = carry_over(play.process, "b", numbered, settings=started.settings, instants={}, computed={})
    assert carried.misfit is None, f"{carried.misfit}, RANDOM_SEED={seed}, path {path}"
    assert carried.course.machine.canonical() == same, f"carried over, RANDOM_SEED={seed}, path {path}"

    if not play.machine.is_ended:
        assert there_and_back(play.process, play.inputs, started) == same, (
            f"taken back, RANDOM_SEED={seed}, path {path}"
        )


def tried(process: Process, inputs: list[Input], machine: Machine) -> bytes:
    started = inputs[0]
    assert isinstance(started, Started)
    candidate = Candidate(process, started.settings, frozenset(), frozenset(), {}, lambda *_: "")
    # A path may be cut off where timers are due that have not fired: as recorded_cases.py reads a case.
    timers = [wait.due for wait in machine.waits.values() if isinstance(wait, TimerWait) and wait.due is not None]
    until = min([inputs[-1].at, *(due - timedelta(microseconds=1) for due in timers)])
    run = rerun(candidate, inputs, frozenset(process.elements), until)
    assert (run.misfit, run.unplaced) == (None, ())
    return run.machine.canonical()


def there_and_back(process: Process, inputs: list[Input], started: Started) -> bytes:
    """Migrated to a version that is the same, and taken back."""
    walk = Walk(lambda _: process, "a")
    for seq, given in enumerate(inputs, 1):
        walk.apply(seq, given)
    moved = {"at": inputs[-1].at, "by": "operator", "settings": started.settings}
    seq = len(inputs) + 1
    walk.apply(seq, CaseMigrated(from_definition="a", to_definition="b", **moved))
    walk.apply(seq + 1, CaseMigrated(from_definition="b", to_definition="a", reverts=seq, **moved))
    return walk.course.machine.canonical()


@pytest.mark.parametrize("chunk", range(4))
def test_on_the_same_diagram_nothing_changes(chunk: int) -> None:
    first = FIRST_SEED + chunk * CHUNK
    print(f"seeds {first} to {first + CHUNK - 1} (RANDOM_SEED={first})")

    for seed in range(first, first + CHUNK):
        for path in range(4):
            check(seed, path)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_on_two_thousand_diagrams_nobody_has_seen_nothing_changes() -> None:
    first = fresh_seed()
    print(f"seeds from {first} (RANDOM_SEED={first})")

    for seed in range(first, first + 2_000):
        for path in range(4):
            check(seed, path)
