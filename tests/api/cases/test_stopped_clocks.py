"""A clock that stands still, as people see it over HTTP: on the item, on the case, in one sentence."""

from __future__ import annotations

from datetime import timedelta

from engine.actors import SYSTEM
from engine.deployment.deploy import deploy_flow
from storage.transactions import transaction
from tests.api.conftest import Person, Platform
from tests.engine.cases.test_stopped_clocks import a_permit_flow

LEFT_S = 5 * 86_400 - 600


def an_item(person: Person, path: str) -> dict:
    [item] = person.get(path).json["items"]
    return item


def test_whoever_has_the_ball_sees_that_the_clock_stands_still_and_the_reviewer_that_it_runs(
    platform: Platform,
) -> None:
    with transaction(platform.sessions) as session:
        deploy_flow(session, a_permit_flow("P5D"), by=SYSTEM, reason="test", now=platform.clock())
    citizen, reviewer = platform.citizen(), platform.staff("reviewer", "reviewer")
    started = citizen.post("/api/v1/applications", {"flow": "permit", "values": {}})
    assert started.status_code == 201, started.json

    running = an_item(reviewer, "/api/v1/inbox")
    reviewer.post(f"/api/v1/work-items/{running['id']}/claim")
    platform.clock.at += timedelta(minutes=10)
    reviewer.post(f"/api/v1/work-items/{running['id']}/complete", {"values": {"opinion": "more"}})
    stopped = an_item(citizen, "/api/v1/work-items")

    assert running["paused"] is None
    assert (stopped["paused"]["left_s"], stopped["paused"]["is_working_time"]) == (LEFT_S, False)
    page = reviewer.get(f"/api/v1/cases/{stopped['case_id']}").json
    [timer] = [wait for wait in page["waits"] if wait["element"] == "late" and wait["closed_at"] is None]
    assert (timer["due_at"], timer["left_s"], timer["clock"]) == (None, LEFT_S, "plain")
    assert "“late”的计时已暂停，还剩 4 天 23 小时" in [each["sentence"] for each in page["awaits"]]
