"""What operators see of the timers that begin cases, over HTTP and from the command line."""

from __future__ import annotations

import json
from datetime import timedelta

from engine.actors import SYSTEM
from engine.deployment.deploy import deploy_flow
from engine.periodic.clock_starts import fire_start_timer
from storage.transactions import transaction
from tests.api.commands.test_commands import flask
from tests.api.conftest import Platform
from tests.engine.periodic.test_clock_starts import a_report_flow

WHY = {"why": "按工单 17"}
THE_TIMER = "/api/v1/start-timers/report/daily"


def deployed(platform: Platform) -> None:
    with transaction(platform.sessions) as session:
        deploy_flow(session, a_report_flow(), by=SYSTEM, reason="test", now=platform.clock())


def test_operators_see_when_the_next_case_begins_and_what_became_of_the_last(platform: Platform) -> None:
    deployed(platform)
    due = platform.clock() + timedelta(days=1)
    with transaction(platform.sessions) as session:
        case_id = fire_start_timer(session, "report", "daily", due)

    [timer] = platform.staff("root", "admin").get("/api/v1/start-timers").json["items"]

    assert (timer["title"], timer["version"], timer["says"], timer["left"]) == ("日报", 1, "R/P1D", -1)
    assert (timer["last_state"], timer["last_case_id"]) == ("STARTED", case_id)
    assert timer["next_at"][:10] == f"{due + timedelta(days=1):%Y-%m-%d}"


def test_an_administrator_pauses_and_resumes_it(platform: Platform) -> None:
    deployed(platform)
    admin = platform.staff("root", "admin")

    paused = admin.post(f"{THE_TIMER}/pause", WHY)
    [seen] = admin.get("/api/v1/start-timers").json["items"]
    again = admin.post(f"{THE_TIMER}/pause", WHY)
    resumed = admin.post(f"{THE_TIMER}/resume")

    assert (paused.status_code, resumed.status_code) == (204, 204)
    assert (seen["next_at"], seen["pause_reason"]) == (None, "按工单 17")
    assert (again.status_code, again.json["code"]) == (409, "start_timer.paused")
    assert admin.post("/api/v1/start-timers/report/nightly/resume").json["code"] == "start_timer.unknown"


def test_nobody_else_sees_or_pauses_them(platform: Platform) -> None:
    deployed(platform)
    guard = platform.staff("guard")

    assert guard.get("/api/v1/start-timers").status_code == 403
    assert guard.post(f"{THE_TIMER}/pause", WHY).json["code"] == "operations.may_not_open"


def test_the_same_from_the_command_line(platform: Platform) -> None:
    deployed(platform)

    listed = flask(platform, "start-timers").output
    paused = flask(platform, "pause-start-timer", "report", "daily", "--reason", "春节")
    then = flask(platform, "start-timers").output
    [told] = flask(platform, "start-timers", "--json").output.splitlines()
    resumed = flask(platform, "resume-start-timer", "report", "daily")
    refused = flask(platform, "resume-start-timer", "report", "daily")

    assert "report/daily  日报（版本 1）  R/P1D  下次" in listed
    assert (paused.output, resumed.output) == ("已暂停\n", "已恢复\n")
    assert "春节" in then
    assert json.loads(told)["element"] == "daily"
    assert "没有暂停" in refused.output
