"""Fifty people enter one code at the same moment, on PostgreSQL: one is let through, the others get the one answer."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from domain.grants.attempts import FailureKind, GrantAttempts, count_failure
from domain.grants.code import CodeState, GrantCode, find_redeemable, issue_code, reserve_code
from domain.grants.grant import GrantState, begin_tenure, find_grant
from domain.grants.holder import GrantHolder, add_auxiliary
from domain.grants.tenure import activate, end_tenure
from domain.refused import Refused
from migrations.tables import every_table
from storage import vault
from storage.columns import Base, new_id
from storage.engines import make_engine
from storage.failures import retry_deadlocks
from storage.transactions import session_factory, transaction
from tests.domain.granting import BUSINESS, a_grant, a_person, a_province, an_active_grant
from tests.servers import ServerMissing, start_postgres

THREADS, ROUNDS = 50, 20


@pytest.fixture(scope="module")
def sessions() -> Iterator[sessionmaker[Session]]:
    vault.use(vault.Vault(bytes(range(32))))
    every_table()
    try:
        with start_postgres() as url:
            engine = make_engine(url, pool_size=THREADS, max_overflow=5)
            Base.metadata.create_all(engine)
            with transaction(session_factory(engine)) as session:
                a_province(session, datetime.now(UTC))
            yield session_factory(engine)
            engine.dispose()
    except ServerMissing as missing:
        pytest.skip(str(missing))


def at_once(count: int, run: Callable[[int], str]) -> Counter[str]:
    """`run(0)` … `run(count - 1)` in as many threads, released together; how often each answer came."""
    barrier = threading.Barrier(count)

    def go(number: int) -> str:
        barrier.wait()
        try:
            return retry_deadlocks(lambda: run(number))
        except Refused as refused:
            return refused.code

    with ThreadPoolExecutor(count) as pool:
        return Counter(pool.map(go, range(count)))


@pytest.mark.server
def test_of_fifty_who_redeem_one_code_at_once_one_becomes_manager(sessions) -> None:
    with transaction(sessions) as session:
        people = [a_person(session, datetime.now(UTC), number) for number in range(1, THREADS + 1)]
        grant_id = a_grant(session, datetime.now(UTC), name="随州抢码医院").id
    winners = set()
    for _ in range(ROUNDS):
        now = datetime.now(UTC)
        with transaction(sessions) as session:
            code = issue_code(session, grant_id, by="unit", now=now)

        def redeem(number: int, code: str = code, now: datetime = now) -> str:
            with transaction(sessions) as session:
                found = find_redeemable(session, code, now, person_id=people[number])
                reserve_code(session, found.id, people[number], now)
            with transaction(sessions) as session:
                activate(session, found.id, people[number], by="system", why="redeemed", now=now)
            return "won"

        answers = at_once(THREADS, redeem)

        assert answers == {"won": 1, "grant.code_not_valid": THREADS - 1}
        with transaction(sessions) as session:
            grant = find_grant(session, grant_id)
            assert grant.state == GrantState.ACTIVE
            used = session.scalars(
                select(GrantCode).where(GrantCode.state == CodeState.USED, GrantCode.tenure == grant.tenure)
            )
            assert used.one().used_by == grant.manager_person_id
            winners.add(grant.manager_person_id)
            end_tenure(session, grant_id, why="replaced", by="unit", now=now)
            begin_tenure(session, grant_id, new_id(), now)
    assert len(winners) > 1, "with twenty rounds somebody else wins some time"


@pytest.mark.server
def test_of_ten_granted_directly_at_once_one_becomes_manager(sessions) -> None:
    now = datetime.now(UTC)
    with transaction(sessions) as session:
        people = [a_person(session, now, number) for number in range(201, 211)]
        grant_id = a_grant(session, now, name="随州直接授权医院").id

    def bind(number: int) -> str:
        with transaction(sessions) as session:
            activate(session, grant_id, people[number], by="unit", why="direct", now=now)
        return "won"

    assert at_once(10, bind) == {"won": 1, "grant.already_active": 9}


@pytest.mark.server
def test_auxiliaries_added_at_once_are_never_more_than_allowed(sessions) -> None:
    now = datetime.now(UTC)
    with transaction(sessions) as session:
        people = [a_person(session, now, number) for number in range(301, 312)]
        grant_id = an_active_grant(session, now, people[0], name="随州辅助医院", business=BUSINESS).id

    def add(number: int) -> str:
        with transaction(sessions) as session:
            add_auxiliary(session, grant_id, people[number + 1], by="manager", why="invited", now=now)
        return "added"

    assert at_once(10, add) == {"added": 5, "grant.too_many_auxiliaries": 5}
    with sessions() as session:
        assert len(session.scalars(select(GrantHolder).where(GrantHolder.grant_id == grant_id)).all()) == 6


@pytest.mark.server
def test_failures_side_by_side_all_count_and_lock_once(sessions) -> None:
    now, institution = datetime.now(UTC), new_id()
    people = [new_id() for _ in range(3)]

    def fail(number: int) -> str:
        with transaction(sessions) as session:
            counted = count_failure(session, people[number % 3], institution, FailureKind.WRONG_CODE, now)
        return f"institution_locked={counted.institution_locked}"

    answers = at_once(20, fail)

    assert answers == {"institution_locked=True": 1, "institution_locked=False": 19}
    with sessions() as session:
        assert session.get(GrantAttempts, f"institution:{institution}").failures == 20
