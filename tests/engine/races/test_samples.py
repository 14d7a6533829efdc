"""Three and four commands at once in interleavings drawn by a seed: as if they had come one after the other, in some order."""

from __future__ import annotations

import random
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from tests.engine.conftest import Store
from tests.engine.races.interleaving import interleaved, stepping
from tests.engine.races.race_commands import RACES, Command, World, one_after_the_other, settle, told, what_is_left

pytestmark = pytest.mark.server

# What each order leaves, by the commands' names; worked out when it is looked for.
Known = dict[tuple[str, ...], dict[tuple[int, ...], Any]]


def test_a_few_samples_are_some_order(postgres_store: Store) -> None:
    play(postgres_store, seed=20260302, samples=8, most_commands=3)


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_five_thousand_samples_are_some_order(postgres_store: Store) -> None:
    play(postgres_store, seed=20260302, samples=5_000, most_commands=4)


def play(store: Store, *, seed: int, samples: int, most_commands: int) -> None:
    store.deploy()
    rng = random.Random(seed)
    known: Known = {}
    with stepping(store.engine) as watching:
        for sample in range(samples):
            if sample % 500 == 0:
                print(f"{sample} of {samples} samples, {len(known)} sets of commands", flush=True)
            prepare, commands = rng.choice(RACES)
            chosen = sorted(
                rng.choices(commands, k=rng.randint(3, most_commands)), key=lambda command: command.__name__
            )
            path: list[int] = []
            ended: list[int] = []

            def choose(ready: Any, path: list[int] = path) -> int:
                path.append(rng.choice(ready))
                return path[-1]

            world = prepare(store)
            runs = [partial(_noting_its_end, command, world, place, ended) for place, command in enumerate(chosen)]
            results = interleaved(watching, runs, choose)
            left = what_is_left(world, results)
            settle(world)
            names = [command.__name__ for command in chosen]
            at_fault = f"seed {seed}, sample {sample}: {names} by {path} left {left}"
            assert is_of_some_order(store, prepare, chosen, left, tuple(ended), known), at_fault


def _noting_its_end(command: Command, world: World, place: int, ended: list[int]) -> Any:
    try:
        return command(world)
    finally:
        ended.append(place)


def is_of_some_order(
    store: Store, prepare: Any, chosen: list[Command], left: Any, likely: tuple[int, ...], known: Known
) -> bool:
    """Whether one order of the commands leaves this; the one they ended in is looked at first."""
    found = known.setdefault((prepare.__name__, *(command.__name__ for command in chosen)), {})
    for order in (likely, *permutations(range(len(chosen)))):
        if order not in found:
            found[order] = one_after_the_other(prepare, store, chosen, order)
        if found[order] == left:
            return True
    return False


def test_the_oracle_tells_a_lost_decision_from_a_kept_one(postgres_store: Store) -> None:
    """What it compares differs where the outcome, or what somebody was told, differs."""
    postgres_store.deploy()
    prepare, commands = RACES[0]
    decide, _, time_out, *_ = commands

    orders = [one_after_the_other(prepare, postgres_store, (decide, time_out), order) for order in ((0, 1), (1, 0))]

    assert orders[0] != orders[1]
    assert [left[2] for left in orders] == ["approved", "expired"]
    assert orders[1][0][0] == "work_item.gone"
    assert told(None) == "None"
