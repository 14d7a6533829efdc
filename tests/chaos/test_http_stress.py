"""Many people at once on a few cases, through HTTP: each is told what became of it, nobody gets a 500, nothing deadlocks.

gunicorn as the Procfile has it, on PostgreSQL and Redis, with a worker and beat: deadlines pass and results come in meanwhile.
What somebody was told is done is in the journal, and nothing else is.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from engine.replay.rebuild import read_inputs, verify_case
from tests.chaos.platforms import until
from tests.chaos.rivals import Person, Rivals, staff_of, write_leave_flow
from tests.chaos.site import Site, a_site

pytestmark = [pytest.mark.server, pytest.mark.timeout(600)]
THREADS = 8
PLACES = 3  # cases raced for at any moment


def test_a_moment_of_everybody_at_once(tmp_path: Path) -> None:
    told = stress(tmp_path, seconds=8, seed=11)

    assert told["200"] > 0


@pytest.mark.full
def test_a_minute_of_everybody_at_once(tmp_path: Path, record_property: Callable[[str, Any], None]) -> None:
    told = stress(tmp_path, seconds=60, seed=12)

    record_property("answers of a minute's stress through HTTP", dict(told.most_common()))


def stress(tmp_path: Path, *, seconds: float, seed: int) -> Counter[str]:
    print(f"seed {seed}")
    with a_site(tmp_path, with_servers=True, most_cases=PLACES, write_flow=write_leave_flow) as site:
        rivals = gathered(site)
        wrong = everybody_at_once(rivals, seconds, seed)
        print(dict(rivals.told.most_common()))
        settle(rivals)
        deadlocks = deadlocks_of(site)

        assert wrong == []
        assert deadlocks == 0
        assert "unforeseen" not in site.log.read_text()
        agrees_with_the_journals(site, rivals)
        return rivals.told


def gathered(site: Site) -> Rivals:
    address = site.clients.address
    until(lambda: _answers(address), within_s=90, log=site.log)
    citizens = [Person(address, "", {"Authorization": f"Bearer {token}"}) for token in site.clients.tokens]
    rivals = Rivals(staff_of(site.platform, address, site.now), citizens)
    for place in range(PLACES):
        rivals.start(place)
    return rivals


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False


def everybody_at_once(rivals: Rivals, seconds: float, seed: int) -> list[str]:
    """What went wrong, one text for each thread that met something."""
    wrong: list[str] = []
    until_s = time.monotonic() + seconds

    def hammer(number: int) -> None:
        chance = random.Random(seed * 100 + number)
        try:
            while time.monotonic() < until_s:
                rivals.act(chance)
        except Exception as error:
            wrong.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 120)
    assert not any(thread.is_alive() for thread in threads)
    return wrong


def settle(rivals: Rivals) -> None:
    """The operator ends what is left, suspended or not."""
    for case_id in rivals.cases:
        path = f"/api/v1/cases/{case_id}/cancel"
        rivals.send(rivals.staff["operator"], path, {"why": "over"}, (case_id, "CaseCancelled"), twice=False)


def deadlocks_of(site: Site) -> int:
    """As PostgreSQL counted them. Its backends report when they have been idle for a second."""
    assert site.database is not None
    time.sleep(2)
    with psycopg.connect(site.database.url.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = 'platform'").fetchone()
    assert row is not None
    in_log = (site.database.folder / "log").read_text(errors="replace").count("deadlock detected")
    return max(int(row[0]), in_log)


def agrees_with_the_journals(site: Site, rivals: Rivals) -> None:
    """Each input a person gave was answered to one who was told "done", and each such answer is an input."""
    kinds = {kind for _, kind in rivals.done} - {""}
    given: Counter[tuple[str, str]] = Counter()
    with site.platform.sessions() as session:
        for case_id in rivals.cases:
            assert verify_case(session, case_id).is_sound, case_id
            given.update((case_id, type(each).__name__) for each in read_inputs(session, case_id))
    assert {what: count for what, count in given.items() if what[1] in kinds} == dict(rivals.done)
