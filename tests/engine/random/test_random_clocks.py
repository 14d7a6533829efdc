"""Clocks that stand still, in the random processes: they do stop and go on there, and each rule of theirs is needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from engine.spiff.rules.host import Host
from engine.waits import Pause, UserTaskWait
from tests.engine.random.generator import generate
from tests.engine.random.test_ablations import PROCESSES, machine_on
from tests.engine.random.trial import FIRST_SEED, first_mismatch, play_processes


def test_the_random_paths_stop_clocks_of_both_units_and_let_them_go_on():
    seen: Counter[str] = Counter()

    class Counted(Host):
        def keep_clocks(self):
            before = {wait.address: wait for _, wait in self._clocks()}
            super().keep_clocks()
            for _, wait in self._clocks():
                was = before[wait.address]
                if was.pause is None and wait.pause is not None:
                    seen[f"{wait.clock} stops"] += 1
                if was.pause is not None and wait.pause is None:
                    seen[f"{wait.clock} goes on"] += 1

    play_processes(FIRST_SEED, 60, paths=4, machine_class=machine_on(Counted))

    assert all(seen[f"{unit} {what}"] > 3 for unit in ("plain", "working") for what in ("stops", "goes on")), seen


def test_a_seed_gives_the_same_clocks_again():
    assert generate(FIRST_SEED) == generate(FIRST_SEED)


class ClocksNeverStop(Host):
    def keep_clocks(self):
        pass


class ClocksStopForTheWholeCase(Host):
    """What is open anywhere stops them, another instance's tasks as well."""

    def is_held(self, token, open_tasks):
        return any(wait.lane in token.task_spec.node.pauses for _, wait in open_tasks)


class ClocksStopForAnybody(Host):
    def is_held(self, token, open_tasks):
        return any(wait.address.startswith(token.workflow.path) for _, wait in open_tasks)


class AClockBeginsAnew(Host):
    """It goes on with all the time it had, not with what was left."""

    def resumed(self, wait, pause):
        token = self.waits()[wait.address][0]
        return self.due(token, token.task_spec.node.timer)


class TheDeadlineStays(Host):
    def resumed(self, wait, pause):
        return max(pause.due, self.at)


class WorkingTimeIsTime(Host):
    """What was left of working days is counted in hours, nights and holidays among them."""

    def resumed(self, wait, pause):
        return super().resumed(replace(wait, clock="plain"), pause)


class ADueClockStops(Host):
    """One that is due already stands still, and so its moment is past and gone."""

    def keep_clocks(self):
        super().keep_clocks()
        tasks = [pair for pair in self.waits().values() if isinstance(pair[1], UserTaskWait)]
        for token, wait in list(self._clocks()):
            if wait.due is not None and self.is_held(token, tasks):
                token.wait = replace(wait, due=None, pause=Pause(self.at, wait.due))


class ClocksAreStoppedOnce(Host):
    """They go on when the first of several tasks is done."""

    def is_held(self, token, open_tasks):
        held = super().is_held(token, open_tasks)
        return held and (token.wait.pause is None or self.at == token.wait.pause.since)


RULES = [
    ClocksNeverStop,
    ClocksStopForTheWholeCase,
    ClocksStopForAnybody,
    AClockBeginsAnew,
    TheDeadlineStays,
    WorkingTimeIsTime,
    ADueClockStops,
    ClocksAreStoppedOnce,
]


@pytest.mark.parametrize("host", RULES, ids=lambda host: host.__name__)
def test_the_random_test_notices_a_rule_of_the_clocks_that_is_gone(host):
    assert first_mismatch(PROCESSES, 3, machine_on(host), checks_snapshots=False)
