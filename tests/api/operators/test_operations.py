"""Operators over HTTP: each act with its reason, a second person where a rule wants one, incidents one by one and the rest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from engine.actors import SYSTEM
from engine.cases.start import start_case
from engine.deployment.deploy import deploy_flow
from engine.jobs.leases import give_up_job, lease_job, ready_jobs, succeed_job
from engine.jobs.runs import JobResult
from engine.model.tables import WAITING
from engine.work_items.acts import complete_work_item
from storage.transactions import transaction
from tests.api.commands.test_commands import flask
from tests.api.conftest import Person, Platform, an_application
from tests.engine.flows import a_flow

WHY = {"why": "按工单 17"}


@pytest.fixture
def admin(platform: Platform) -> Person:
    return platform.staff("root", "admin")


def failed_readings(platform: Platform, count: int) -> None:
    """Cases of the leave flow whose reading was given up."""
    with transaction(platform.sessions) as session:
        deploy_flow(session, a_flow(), by=SYSTEM, reason="test", now=platform.clock())
        for _ in range(count):
            start_case(session, "leave", by=SYSTEM, values={}, now=platform.clock())
    with platform.sessions() as session:
        items = session.execute(select(WAITING.c.id).where(WAITING.c.element == "fill")).scalars().all()
    for item in items:
        with transaction(platform.sessions) as session:
            values = {"number": "1", "office": "wuhan"}
            complete_work_item(session, item, by=SYSTEM, values=values, now=platform.clock())
    fail_all(platform)


def fail_all(platform: Platform) -> None:
    with platform.sessions() as session:
        jobs = ready_jobs(session, platform.clock(), 50)
    for job in jobs:
        with transaction(platform.sessions) as session:
            leased = lease_job(session, job.id, worker="w", now=platform.clock())
            assert leased is not None
            give_up_job(session, leased, "provider away", now=platform.clock())


def succeed_all(platform: Platform) -> int:
    with platform.sessions() as session:
        jobs = ready_jobs(session, platform.clock(), 50)
    for job in jobs:
        with transaction(platform.sessions) as session:
            leased = lease_job(session, job.id, worker="w", now=platform.clock())
            assert leased is not None
            succeed_job(session, leased, JobResult({"length": 1}), now=platform.clock())
    return len(jobs)


def test_only_who_runs_the_platform_operates(platform: Platform, admin: Person) -> None:
    permit = an_application(platform.citizen())
    guard = platform.staff("guard")

    refused = guard.post(f"/api/v1/cases/{permit.id}/suspend", WHY)
    without_reason = admin.post(f"/api/v1/cases/{permit.id}/suspend", {"why": ""})

    assert (refused.status_code, refused.json["code"]) == (403, "operations.may_not_open")
    assert without_reason.status_code == 422
    for path in ("incidents", "proposals", "second-person-rules", "watchdog"):
        assert guard.get(f"/api/v1/{path}").status_code == 403
        assert admin.get(f"/api/v1/{path}").status_code == 200


def test_a_case_is_suspended_seen_and_resumed(platform: Platform, admin: Person) -> None:
    permit = an_application(platform.citizen())

    suspended = admin.post(f"/api/v1/cases/{permit.id}/suspend", WHY)
    why = admin.get(f"/api/v1/cases/{permit.id}/why").json
    refused = permit.applicant.post(f"/api/v1/applications/{permit.id}/messages/withdraw")
    page = admin.get(f"/api/v1/cases/{permit.id}").json
    resumed = admin.post(f"/api/v1/cases/{permit.id}/resume", WHY)

    assert (suspended.json["is_done"], suspended.json["state"]) == (True, "SUSPENDED")
    assert "暂停" in why["sentence"]
    assert (refused.status_code, refused.json["code"]) == (409, "case.suspended")
    assert page["is_masked"]
    assert resumed.json["state"] == "RUNNING"
    assert admin.post(f"/api/v1/cases/{permit.id}/resume", WHY).json["code"] == "case.not_suspended"


def test_an_operator_edits_skips_and_moves(platform: Platform, admin: Person) -> None:
    permit = an_application(platform.citizen())
    case = f"/api/v1/cases/{permit.id}"

    def waits() -> list[dict[str, Any]]:
        return [
            wait for wait in admin.get(case).json["waits"] if wait["closed_at"] is None and wait["kind"] == "WORK_ITEM"
        ]

    edited = admin.post(f"{case}/variables", {**WHY, "values": {"owner": "李四"}})
    skipped_element = waits()[0]["element"]
    skipped = admin.post(f"{case}/waits/{waits()[0]['id']}/skip", {**WHY, "values": {"note": "补交纸质"}})
    [review] = waits()
    nowhere = admin.post(f"{case}/waits/{review['id']}/move", {**WHY, "to": "nowhere"})
    moved = admin.post(f"{case}/waits/{review['id']}/move", {**WHY, "to": "photo"})

    assert edited.json["is_done"]
    assert skipped.json["is_done"]
    assert review["element"] == "review"
    assert (nowhere.status_code, nowhere.json["code"]) == (409, "move.unknown_target")
    assert moved.json["is_done"]
    assert [wait["element"] for wait in waits()] == ["photo"]
    drawn = admin.get(f"{case}/diagram").json["interventions"]
    assert [(mark["verb"], mark["element"], mark["to"]) for mark in drawn] == [
        ("edit", "", ""),
        ("skip", skipped_element, ""),
        ("move", "review", "photo"),
    ]
    assert {mark["who"] for mark in drawn} == {"root"}
    assert all(mark["sentence"].endswith(WHY["why"]) for mark in drawn)


def test_a_second_administrator_confirms(platform: Platform, admin: Person) -> None:
    permit = an_application(platform.citizen())
    other = platform.staff("second", "admin")
    admin.put("/api/v1/second-person-rules", {"flow": "parking_permit", "verb": "cancel"})

    asked = admin.post(f"/api/v1/cases/{permit.id}/cancel", WHY)
    [proposal] = other.get("/api/v1/proposals").json["items"]
    own = admin.post(f"/api/v1/proposals/{proposal['id']}/confirm")
    confirmed = other.post(f"/api/v1/proposals/{proposal['id']}/confirm")
    again = other.post(f"/api/v1/proposals/{proposal['id']}/confirm")

    assert (asked.json["is_done"], asked.json["state"]) == (False, "RUNNING")
    assert (proposal["verb"], proposal["why"], proposal["proposed_by_name"]) == ("cancel", WHY["why"], "root")
    assert (own.status_code, own.json["code"]) == (403, "proposal.same_person")
    assert confirmed.json["state"] == "CANCELLED"
    assert again.json["code"] == "proposal.gone"
    assert admin.get("/api/v1/second-person-rules").json["items"][0]["verb"] == "cancel"
    assert admin.delete("/api/v1/second-person-rules/parking_permit/cancel").status_code == 204
    assert admin.get("/api/v1/second-person-rules").json["items"] == []


def test_the_rest_is_tried_again_once_the_first_has_helped(platform: Platform, admin: Person) -> None:
    failed_readings(platform, 4)
    first, *others = admin.get("/api/v1/incidents?element=read").json["items"]
    rest = {**WHY, "first": first["id"]}

    too_early = admin.post("/api/v1/incidents/retry-rest", rest)
    retried = admin.post(f"/api/v1/incidents/{first['id']}/retry", WHY)
    running = admin.post("/api/v1/incidents/retry-rest", rest)
    fail_all(platform)
    failed = admin.post("/api/v1/incidents/retry-rest", rest)
    again = admin.get("/api/v1/incidents?element=read").json["items"][0]
    admin.post(f"/api/v1/incidents/{again['id']}/retry", WHY)
    assert succeed_all(platform) == 1
    done = admin.post("/api/v1/incidents/retry-rest", rest)

    assert len(others) == 3
    assert too_early.json["code"] == "incident.first_open"
    assert retried.json["is_done"]
    assert running.json["code"] == "incident.first_running"
    assert failed.json["code"] == "incident.first_failed"
    assert (again["id"], again["retries"], again["state"]) == (first["id"], 1, "OPEN")
    assert [attempt["retried_at"] is not None for attempt in again["history"]] == [True, False]
    assert done.json == {"retried": 3, "proposed": 0, "left": 0}
    assert {one["state"] for one in admin.get("/api/v1/incidents").json["items"]} == {"RETRYING"}
    succeed_all(platform)
    assert admin.get("/api/v1/incidents").json["items"] == []


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Somebody else does this again and again while the block lasts."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.wait(0.05):
            work()

    other = threading.Thread(target=run)
    other.start()
    try:
        yield
    finally:
        is_over.set()
        other.join()


def test_the_command_line_tries_the_first_and_then_the_rest(platform: Platform) -> None:
    platform.clock.at = datetime.now(UTC) - timedelta(minutes=1)  # commands use the real clock
    failed_readings(platform, 3)
    platform.clock.at = datetime.now(UTC) + timedelta(minutes=1)
    words = ("retry-incidents", "--flow", "leave", "--element", "read", "--reason", "服务恢复")

    nobody_works = flask(platform, *words, "--wait", "0")
    still_running = flask(platform, *words, "--wait", "0")
    fail_all(platform)
    with meanwhile(lambda: fail_all(platform)):
        failed_again = flask(platform, *words)
    with meanwhile(lambda: succeed_all(platform)):
        helped = flask(platform, *words)
    succeed_all(platform)
    none_left = flask(platform, *words)

    assert nobody_works.exit_code == still_running.exit_code == failed_again.exit_code == 1
    assert "0 秒内没有结果，其余没有重试" in nobody_works.output
    assert still_running.output.splitlines()[0] == nobody_works.output.splitlines()[0]
    assert "第一个再次失败，其余没有重试" in failed_again.output
    assert helped.exit_code == 0, helped.output
    assert "第一个已解决；其余重试 2 个" in helped.output
    assert none_left.exit_code == 1
    assert "没有这样的异常" in none_left.output


def test_the_command_line_asks_which_kind_is_meant(platform: Platform) -> None:
    failed_readings(platform, 2)
    with transaction(platform.sessions) as session:
        case_id = start_case(session, "leave", by=SYSTEM, values={}, now=platform.clock())
    other = update(WAITING).where(WAITING.c.case_id == case_id, WAITING.c.element == "fill")
    with transaction(platform.sessions) as session:
        session.execute(other.values(kind="INCIDENT", code="test", note=""))

    said = flask(platform, "retry-incidents", "--reason", "x")

    assert said.exit_code == 1
    assert "--flow leave --element read（2 个）" in said.output


def test_a_reviewer_returns_an_item_to_the_applicant(platform: Platform) -> None:
    permit = an_application(platform.citizen("wang"))
    permit.send_photo()
    guard = platform.staff("guard")
    [item] = guard.get("/api/v1/inbox").json["items"]
    path = f"/api/v1/work-items/{item['id']}"
    guard.post(f"{path}/claim")

    offered = guard.get(f"{path}/return-targets").json["items"]
    refused = guard.post(f"{path}/return", {"to": "review", "why": "x"})
    given = guard.post(f"{path}/return", {"to": offered[0]["element"], "why": "照片模糊"})

    assert [target["element"] for target in offered] == ["photo"]
    assert (refused.status_code, refused.json["code"]) == (409, "return.not_earlier")
    assert given.json["state"] == "CANCELLED"
    assert permit.applicant.get(f"/api/v1/work-items/{permit.item}").json["element"] == "photo"
    told = guard.get(f"{path}/events").json["items"][-1]
    assert (told["verb"], told["why"]) == ("returned", "照片模糊")
