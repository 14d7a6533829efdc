"""Fifty people send one code at the same moment, through the whole application on PostgreSQL: one is let through, no 500."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.edge.auth import open_session
from domain.accounts.account import find_account
from domain.documents.documents import resident_check_digit
from domain.grants.code import find_redeemable
from domain.grants.grant import ensure_grant
from domain.grants.tenure import reserved_person
from domain.institutions.category import Category
from domain.institutions.institution import NewInstitution, admit_institution
from storage.engines import make_engine
from storage.transactions import transaction
from tests.api.conftest import Person
from tests.api.granting import Province, a_province
from tests.flows.business_grant.cases import COUNTY, NURSES, Someone, a_person
from tests.servers import ServerMissing, start_postgres

THREADS, ROUNDS = 50, 20


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Province]:
    try:
        with start_postgres() as url:
            engine = make_engine(url, pool_size=THREADS + 5, max_overflow=5)
            yield a_province(tmp_path, engine)
            engine.dispose()
    except ServerMissing as missing:
        pytest.skip(str(missing))


def _people(province: Province) -> list[Someone]:
    first_17 = [f"42010619800101{number:03d}" for number in range(1, THREADS + 1)]
    numbers = [first + resident_check_digit(first) for first in first_17]
    return [a_person(province.town, f"王{n}", number=number, portrait=False) for n, number in enumerate(numbers)]


def _signed_in(province: Province, people: list[Someone]) -> list[Person]:
    """Fresh sign-ins: how often one may try is another test's."""
    with transaction(province.platform.sessions) as session:
        tokens = [
            open_session(session, find_account(session, each.account), province.platform.clock()) for each in people
        ]
    return [Person(province.platform.app.test_client(), {"Authorization": f"Bearer {token}"}) for token in tokens]


def _a_code(province: Province, clerk: Person, number: int) -> tuple[str, str]:
    """A grant of its own for each round: the losers' tries lock its institution for the day."""
    with transaction(province.platform.sessions) as session:
        new = NewInstitution(name=f"抢码{number}医院", supervising_unit=COUNTY, category=Category.HOSPITAL)
        institution = admit_institution(session, new, case_id=None, by=None, now=province.platform.clock())
        grant_id = ensure_grant(session, institution.id, NURSES, province.platform.clock()).id
    return grant_id, clerk.post(f"/api/v1/grants/{grant_id}/code").json["code"]


@pytest.mark.server
@pytest.mark.timeout(600)
def test_of_fifty_who_send_one_code_at_once_exactly_one_is_let_through(province) -> None:
    people, clerk = _people(province), province.clerk()
    for number in range(ROUNDS):
        grant_id, code = _a_code(province, clerk, number)
        clients = _signed_in(province, people)
        barrier = threading.Barrier(THREADS)

        def redeem(place: int, code=code, clients=clients, barrier=barrier) -> tuple[int, str]:
            barrier.wait()
            answer = clients[place].post("/api/v1/my/grants/redeem", {"code": code})
            return answer.status_code, answer.json.get("code", "")

        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(redeem, range(THREADS)))

        found = Counter(answers)
        assert found[200, ""] == 1, found
        # Five tries too late lock the institution: who had found the code open before that may hear of the lock.
        assert set(found) <= {(200, ""), (409, "grant.code_not_valid"), (429, "grant.attempts_locked")}, found
        winner = people[answers.index((200, ""))]
        with province.platform.sessions() as session:
            assert reserved_person(session, grant_id) == winner.person
            assert find_redeemable(session, code, province.platform.clock(), person_id=winner.person).id == grant_id
