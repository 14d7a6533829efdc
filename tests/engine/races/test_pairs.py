"""Every pair of commands in every interleaving of their database steps: as if one had come after the other, and no deadlock."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import partial
from itertools import combinations_with_replacement
from typing import Any

import pytest

from tests.engine.conftest import Store
from tests.engine.races.interleaving import Choose, every_interleaving, interleaved, stepping
from tests.engine.races.race_commands import (
    CLAIMED,
    RACES,
    READY_JOB,
    RUNNING_JOB,
    UNCLAIMED,
    Command,
    World,
    claimed,
    one_after_the_other,
    ready_job,
    running_job,
    settle,
    unclaimed,
    what_is_left,
)

pytestmark = [pytest.mark.server, pytest.mark.timeout(900)]

Prepare = Callable[[Store], World]
Pair = tuple[Command, Command]
EVERY_TIME = ((claimed, CLAIMED), (unclaimed, UNCLAIMED), (running_job, RUNNING_JOB), (ready_job, READY_JOB))
DRAWN = 30  # of the other pairs, each in one interleaving


@pytest.mark.parametrize(("prepare", "commands"), EVERY_TIME, ids=[prepare.__name__ for prepare, _ in EVERY_TIME])
def test_two_at_once_are_two_in_a_row(
    postgres_store: Store,
    record_property: Callable[[str, Any], None],
    prepare: Prepare,
    commands: tuple[Command, ...],
) -> None:
    postgres_store.deploy()
    pairs = pairs_of(commands)

    counts = [interleavings_of(postgres_store, prepare, pair) for pair in pairs]

    assert min(counts) >= 2
    record_property(f"interleavings of {len(pairs)} pairs, {prepare.__name__}", sum(counts))


def test_operators_and_verbs_meet_everything_in_one_interleaving_each(postgres_store: Store) -> None:
    postgres_store.deploy()
    chance = random.Random(20260311)
    every_time = {(prepare, pair) for prepare, commands in EVERY_TIME for pair in pairs_of(commands)}
    others = [(prepare, pair) for prepare, commands in RACES for pair in pairs_of(commands)]
    drawn = chance.sample([other for other in others if other not in every_time], DRAWN)

    with stepping(postgres_store.engine) as watching:
        for prepare, pair in drawn:
            plays(postgres_store, watching, prepare, pair, chance.choice)


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("prepare", "commands"), RACES, ids=[prepare.__name__ for prepare, _ in RACES])
def test_any_two_at_once_are_two_in_a_row(
    postgres_store: Store,
    record_property: Callable[[str, Any], None],
    prepare: Prepare,
    commands: tuple[Command, ...],
) -> None:
    postgres_store.deploy()
    pairs = pairs_of(commands)

    counts = [interleavings_of(postgres_store, prepare, pair) for pair in pairs]

    record_property(f"interleavings of all {len(pairs)} pairs, {prepare.__name__}", sum(counts))


def pairs_of(commands: Iterable[Command]) -> list[Pair]:
    return list(combinations_with_replacement(sorted(commands, key=lambda command: command.__name__), 2))


def interleavings_of(store: Store, prepare: Prepare, pair: Pair) -> int:
    """How many there are; each leaves what one of the two orders leaves."""
    in_a_row = results_in_a_row(store, prepare, pair)
    with stepping(store.engine) as watching:
        return every_interleaving(lambda choose: plays(store, watching, prepare, pair, choose, in_a_row))


def plays(
    store: Store, watching: Any, prepare: Prepare, pair: Pair, choose: Choose, in_a_row: list[Any] | None = None
) -> None:
    """Both at once, by one interleaving. in_a_row: what may be left, worked out here where it is not known."""
    possible = results_in_a_row(store, prepare, pair) if in_a_row is None else in_a_row
    world = prepare(store)
    results = interleaved(watching, [partial(command, world) for command in pair], choose)
    left = what_is_left(world, results)
    settle(world)
    assert left in possible, ([command.__name__ for command in pair], left, possible)


def results_in_a_row(store: Store, prepare: Prepare, pair: Pair) -> list[Any]:
    return [one_after_the_other(prepare, store, pair, order) for order in ((0, 1), (1, 0))]
