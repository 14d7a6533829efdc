"""Three and four commands at once in interleavings drawn by a seed: as if they had come one after the other, in some order."""

from __future__ import annotations

import random
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from tests.engine.conftest import Store
from tests.engine.interleaving import interleaved, stepping
from tests.engine.race_commands import RACES, Command, one_after_the_other, settle, told, what_is_left

pytestmark = pytest.mark.server

Orders = dict[tuple[str, ...], set[Any]]


def test_a_few_samples_are_some_order(postgres_store: Store) -> None:
    play(postgres_store, seed=20260302, samples=8, most_commands=3)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_five_thousand_samples_are_some_order(postgres_store: Store) -> None:
    play(postgres_store, seed=20260302, samples=5_000, most_commands=4)


def play(store: Store, *, seed: int, samples: int, most_commands: int) -> None:
    store.deploy()
    rng = random.Random(seed)
    known: Orders = {}
    with stepping(store.engine) as watching:
        for sample in range(samples):
            prepare, commands = rng.choice(RACES)
            chosen = sorted(
                rng.choices(commands, k=rng.randint(3, most_commands)), key=lambda command: command.__name__
            )
            possible = in_some_order(store, prepare, chosen, known)
            path: list[int] = []

            def choose(ready: Any, path: list[int] = path) -> int:
                path.append(rng.choice(ready))
                return path[-1]

            world = prepare(store)
            results = interleaved(watching, [partial(command, world) for command in chosen], choose)
            left = what_is_left(world, results)
            settle(world)
            names = [command.__name__ for command in chosen]
            assert left in possible, f"seed {seed}, sample {sample}: {names} by {path} left {left}"


def in_some_order(store: Store, prepare: Any, chosen: list[Command], known: Orders) -> set[Any]:
    key = (prepare.__name__, *(command.__name__ for command in chosen))
    if key not in known:
        orders = permutations(range(len(chosen)))
        known[key] = {one_after_the_other(prepare, store, chosen, order) for order in orders}
    return known[key]


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
