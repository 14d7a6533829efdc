"""Whatever is killed, stopped, filled, set or lost while cases are under way: every case ends, its effects are there once.

Real processes: web, worker, beat, PostgreSQL and Redis, or nothing but files. Applicants bring cases in through HTTP and send
each command until it is answered; at the end every journal replays to what is kept. The short run has every kind of fault once.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from domain.credentials.attempts import Attempt
from domain.notice import Notice
from engine.inputs import WorkItemCompleted
from engine.model.instance import Attachment, Case
from engine.replay.rebuild import read_inputs, verify_case
from tests.chaos.busy_flow import FILES_OF_A_CASE
from tests.chaos.faults import ON_FILES, ON_SERVERS, Fault, kill_beat, kill_web, kill_web_process, kill_worker
from tests.chaos.platforms import until
from tests.chaos.site import Site, a_site, work_goes_on

pytestmark = pytest.mark.server


def suffers(site: Site, faults: list[Fault], *, cases_each: int) -> None:
    """Cases come in while each fault happens; work goes on after it."""
    site.bring_in(cases_each)
    until(lambda: site.ended() > 0, within_s=90, log=site.log)  # everybody is up
    for fault in faults:
        print(f"{site.now:%H:%M:%S} {fault.__name__}, {site.ended()} of {len(site.clients.pending)} ended")
        site.bring_in(cases_each)
        fault(site)
        work_goes_on(site)


def all_end(site: Site, *, within_s: float) -> None:
    """The clock goes on to where it has been: what a case waits for by the clock that was set back comes about."""
    site.clients.have_brought_in()
    site.clock.set(timedelta(hours=2))
    until(lambda: site.ended() == len(site.clients.cases), within_s=within_s, log=site.log)


def is_as_if_nothing_had_happened(site: Site) -> None:
    cases = site.clients.cases
    site.clients.ask_again()
    with site.platform.sessions() as session:
        kept = set(session.scalars(select(Case.id)))
        unsound = [case_id for case_id in cases if not verify_case(session, case_id).is_sound]
        decided = {case_id: _decisions(read_inputs(session, case_id)) for case_id in cases}
        counted = _per_case(session, Attempt.case_id)
        notices = _per_case(session, Notice.case_id)
        files = _per_case(session, Attachment.case_id)
    assert kept == set(cases)
    assert unsound == []
    assert sorted(decided.values()) == [(number,) for number in range(len(cases))]
    assert counted == dict.fromkeys(cases, 2)
    assert notices == dict.fromkeys(cases, 1)
    assert files == dict.fromkeys(cases, FILES_OF_A_CASE)
    assert site.provider.repeated <= site.kills + site.breaks, site.provider.taken
    assert "unforeseen" not in site.log.read_text()  # what a 500 is logged as


def _decisions(inputs: list[Any]) -> tuple[int, ...]:
    return tuple(given.values["number"] for given in inputs if isinstance(given, WorkItemCompleted))


def _per_case(session: Any, column: Any) -> dict[str, int]:
    return dict(session.execute(select(column, func.count()).group_by(column)).all())


@pytest.mark.timeout(600)
def test_every_case_ends_once_whatever_happens_to_files(tmp_path: Path) -> None:
    with a_site(tmp_path, with_servers=False, most_cases=60) as site:
        suffers(site, ON_FILES, cases_each=1)
        all_end(site, within_s=180)

        is_as_if_nothing_had_happened(site)


@pytest.mark.timeout(600)
def test_every_case_ends_once_whatever_happens_to_postgres_and_redis(tmp_path: Path) -> None:
    with a_site(tmp_path, with_servers=True, most_cases=90) as site:
        suffers(site, ON_SERVERS, cases_each=1)
        all_end(site, within_s=180)

        is_as_if_nothing_had_happened(site)


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("with_servers", [False, True], ids=["files", "servers"])
def test_two_hundred_cases_and_a_hundred_kills(
    tmp_path: Path, with_servers: bool, record_property: Callable[[str, Any], None]
) -> None:
    """In rounds: two hundred cases are under way, all of them paused at some time, while a dozen faults happen."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    kinds = ON_SERVERS if with_servers else ON_FILES
    faults = chance.choices([kill_worker, kill_beat, kill_web, kill_web_process], k=100) + kinds * 2
    chance.shuffle(faults)
    rounds = [faults[start::4] for start in range(4)]

    with a_site(tmp_path, with_servers=with_servers, most_cases=1200) as site:
        for number, mine in enumerate(rounds, 1):
            print(f"round {number}: {len(mine)} faults")
            under_way(site, 200)
            suffers(site, mine, cases_each=1)
            all_end(site, within_s=900)
        is_as_if_nothing_had_happened(site)
        # A notice in the hands of a killed worker is tried again when its lease is over.
        until(lambda: site.sent() == len(site.clients.cases), within_s=600, log=site.log)
        assert set(site.provider.taken.values()) <= {1, 2}
        record_property("kills", site.kills)
        record_property("what clients were told", dict(site.clients.told))
        record_property("faults", dict(Counter(fault.__name__ for fault in faults)))


def under_way(site: Site, count: int) -> None:
    """So many cases are in and wait for a pause of half a minute to end."""
    site.clock.set(timedelta())
    site.pause = "PT30S"
    site.bring_in(count)
    site.clients.have_brought_in()
    site.pause = "PT1S"
