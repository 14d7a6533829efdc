"""A minute of everything at once on a few cases: every command is done or refused in words, every journal stays sound."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from engine.errors import EngineError
from engine.replay.rebuild import verify_case
from tests.engine.conftest import Store
from tests.engine.races.race_commands import RACES, World

pytestmark = pytest.mark.server
THREADS = 6


def test_a_moment_of_everything_at_once(postgres_store: Store) -> None:
    stress(postgres_store, seconds=3, seed=7)


@pytest.mark.full
def test_a_minute_of_everything_at_once(postgres_store: Store, record_property: Callable[[str, Any], None]) -> None:
    told = stress(postgres_store, seconds=60, seed=7)

    record_property("commands of a minute's stress", sum(told.values()))


def stress(store: Store, *, seconds: float, seed: int) -> Counter[str]:
    print(f"seed {seed}")
    store.deploy()
    rng = random.Random(seed)
    places = [(prepare, commands, prepare(store)) for prepare, commands in RACES]
    cases = {world.case_id for *_, world in places}
    told: Counter[str] = Counter()
    until = time.monotonic() + seconds

    def hammer(seed: int) -> None:
        own = random.Random(seed)
        while time.monotonic() < until:
            place = own.randrange(len(places))
            _, commands, world = places[place]
            told[_answer(own.choice(commands), world)] += 1
            if own.random() < 0.2:  # the old case is over, or soon will be
                renew(place)

    def renew(place: int) -> None:
        prepare, commands, _ = places[place]
        try:
            world = prepare(store)
        except (EngineError, AssertionError):  # claim_next() or free() of another thread was faster
            told["another was faster"] += 1
            return
        places[place] = (prepare, commands, world)
        cases.add(world.case_id)

    def until_the_end(seed: int) -> None:
        try:
            hammer(seed)
        except Exception as error:
            told[f"! a thread ended: {type(error).__name__}"] += 1

    threads = [threading.Thread(target=until_the_end, args=(rng.random(),)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 60)

    print(dict(told))
    assert not any(thread.is_alive() for thread in threads)
    assert not [answer for answer in told if answer.startswith("!")], told
    assert told["done"] > 0
    with store.sessions() as session:
        assert all(verify_case(session, case_id).is_sound for case_id in cases)
    return told


def _answer(command: Callable[[World], Any], world: World) -> str:
    try:
        command(world)
    except EngineError as no:
        return no.code
    except DBAPIError as error:  # a deadlock, a lost connection: nothing of the kind may happen
        return f"! {type(error.orig).__name__}"
    except Exception as error:
        return f"! {type(error).__name__}"
    return "done"
