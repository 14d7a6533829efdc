"""Every pair of commands in every interleaving of their database steps: as if one had come after the other, and no deadlock."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations_with_replacement
from typing import Any

import pytest

from tests.engine.conftest import Store
from tests.engine.interleaving import Choose, every_interleaving, interleaved, stepping
from tests.engine.race_commands import RACES, Command, World, one_after_the_other, settle, what_is_left

pytestmark = [pytest.mark.server, pytest.mark.timeout(900)]


@pytest.mark.parametrize(("prepare", "commands"), RACES, ids=[prepare.__name__ for prepare, _ in RACES])
def test_two_at_once_are_two_in_a_row(
    postgres_store: Store,
    record_property: Callable[[str, Any], None],
    prepare: Callable[[Store], World],
    commands: tuple[Command, ...],
) -> None:
    postgres_store.deploy()
    pairs = list(combinations_with_replacement(commands, 2))

    counts = [interleavings_of(postgres_store, prepare, pair) for pair in pairs]

    assert min(counts) >= 2
    record_property(f"interleavings of {len(pairs)} pairs, {prepare.__name__}", sum(counts))


def interleavings_of(store: Store, prepare: Callable[[Store], World], pair: tuple[Command, Command]) -> int:
    """How many there are; each leaves what one of the two orders leaves."""
    in_a_row = [one_after_the_other(prepare, store, pair, order) for order in ((0, 1), (1, 0))]
    names = [command.__name__ for command in pair]

    with stepping(store.engine) as watching:

        def run(choose: Choose) -> None:
            world = prepare(store)
            results = interleaved(watching, [partial(command, world) for command in pair], choose)
            left = what_is_left(world, results)
            settle(world)
            assert left in in_a_row, (names, left, in_a_row)

        return every_interleaving(run)
