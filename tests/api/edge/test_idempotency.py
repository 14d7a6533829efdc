from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select

from api.edge.idempotency import forget_old_answers
from api.edge.model import IdempotentAnswer
from engine.actors import SYSTEM
from engine.operators.interventions import cancel_case, erase_case
from storage.engines import make_engine
from storage.transactions import transaction
from tests.api.conftest import Platform, a_platform, an_application
from tests.servers import ServerMissing, start_postgres

START = {"flow": "parking_permit", "values": {"plate": "鄂A12345", "owner": "张三丰"}}


def test_a_post_that_creates_needs_a_key(platform: Platform) -> None:
    citizen = platform.citizen()

    missing = citizen.client.post("/api/v1/applications", json=START, headers=citizen.headers)
    short = citizen.post("/api/v1/applications", START, key="short")

    assert (missing.status_code, missing.json["code"]) == (400, "idempotency.key_required")
    assert (short.status_code, short.json["code"]) == (400, "idempotency.key_invalid")


def test_a_repeat_gets_the_first_answer_and_changes_nothing(platform: Platform) -> None:
    citizen = platform.citizen()

    first = citizen.post("/api/v1/applications", START, key="start-0001")
    again = citizen.post("/api/v1/applications", START, key="start-0001")

    assert again.status_code == first.status_code == 201
    assert again.json == first.json
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(citizen.get("/api/v1/applications").json["items"]) == 1


def test_a_key_serves_one_request_only(platform: Platform) -> None:
    citizen = platform.citizen()
    citizen.post("/api/v1/applications", START, key="start-0001")

    other = citizen.post(
        "/api/v1/applications", {**START, "values": {"plate": "鄂B00001", "owner": "李"}}, key="start-0001"
    )

    assert (other.status_code, other.json["code"]) == (422, "idempotency.other_request")


def test_two_people_may_have_the_same_key(platform: Platform) -> None:
    wang, li = platform.citizen("wang"), platform.citizen("li")

    first = wang.post("/api/v1/applications", START, key="start-0001")
    second = li.post("/api/v1/applications", START, key="start-0001")

    assert first.json["id"] != second.json["id"]


def test_completing_twice_with_one_key_is_one_completion_and_with_another_a_conflict(platform: Platform) -> None:
    citizen, guard = platform.citizen(), platform.staff()
    an_application(citizen).send_photo()
    item = guard.get("/api/v1/inbox").json["items"][0]["id"]
    guard.post(f"/api/v1/work-items/{item}/claim")
    path, body = f"/api/v1/work-items/{item}/complete", {"values": {"decision": "grant"}}

    first = guard.post(path, body, key="decide-0001")
    repeat = guard.post(path, body, key="decide-0001")
    second = guard.post(path, body, key="decide-0002")

    assert first.status_code == repeat.status_code == 200
    assert repeat.json == first.json
    assert (second.status_code, second.json["code"]) == (409, "work_item.gone")


def test_a_request_that_failed_may_be_tried_again_with_its_key(platform: Platform) -> None:
    citizen = platform.citizen()
    permit = an_application(citizen)

    refused = citizen.post("/api/v1/applications", START, key="start-0002")
    citizen.post(f"/api/v1/applications/{permit.id}/messages/withdraw")
    accepted = citizen.post("/api/v1/applications", START, key="start-0002")

    assert refused.status_code == 409
    assert accepted.status_code == 201


def test_a_kept_answer_is_unreadable_in_the_database_and_gone_with_its_case(platform: Platform) -> None:
    citizen = platform.citizen()
    case_id = citizen.post("/api/v1/applications", START, key="start-0001").json["id"]
    with platform.sessions() as session:
        kept = session.scalars(select(IdempotentAnswer)).one()
    with transaction(platform.sessions) as session:
        cancel_case(session, case_id, by=SYSTEM, reason="test", now=platform.clock())
        erase_case(session, case_id, now=platform.clock())

    repeat = citizen.post("/api/v1/applications", START, key="start-0001")

    assert kept.owner == f"case:{case_id}"
    assert kept.answer is not None
    assert "鄂A12345".encode() not in kept.answer
    assert (repeat.status_code, repeat.json["code"]) == (410, "case.erased")


def test_after_a_day_a_key_is_free_again(platform: Platform) -> None:
    citizen = platform.citizen()
    permit = an_application(citizen)
    first = citizen.post(f"/api/v1/applications/{permit.id}/messages/withdraw", key="start-0001")

    platform.clock.pass_time(hours=25)
    later = citizen.post("/api/v1/applications", START, key="start-0001")
    with transaction(platform.sessions) as session:
        forgotten = forget_old_answers(session, platform.clock())

    assert first.status_code == 200
    assert later.status_code == 201
    assert forgotten == 1  # an_application's own; the reused key's row is of today


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    try:
        with start_postgres() as url:
            yield url
    except ServerMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["sqlite", "postgresql"])
def shared_platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    """For several clients at once."""
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path / 'platform.db'}")
    else:
        engine = make_engine(request.getfixturevalue("postgres"))
    yield a_platform(tmp_path, engine)
    engine.dispose()


@pytest.mark.server
def test_of_eight_repeats_at_once_one_is_carried_out_and_all_get_its_answer(shared_platform: Platform) -> None:
    citizens = [shared_platform.citizen("wang") for _ in range(8)]
    together = threading.Barrier(8)

    def start(number: int) -> tuple[int, str]:
        together.wait()
        answer = citizens[number].post("/api/v1/applications", START, key="start-0001")
        return answer.status_code, answer.json.get("id", answer.json.get("code"))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(start, range(8)))

    assert len(set(answers)) == 1
    assert answers[0][0] == 201
    assert len(citizens[0].get("/api/v1/applications").json["items"]) == 1


@pytest.mark.server
def test_of_eight_reviewers_who_claim_at_once_one_has_the_item(shared_platform: Platform) -> None:
    an_application(shared_platform.citizen()).send_photo()
    guards = [shared_platform.staff(f"guard-{number}") for number in range(8)]
    item = guards[0].get("/api/v1/inbox").json["items"][0]["id"]
    together = threading.Barrier(8)

    def claim(number: int) -> int:
        together.wait()
        return guards[number].post(f"/api/v1/work-items/{item}/claim").status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(claim, range(8)))

    assert answers == [200] + [409] * 7
