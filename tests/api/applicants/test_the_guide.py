"""docs/add-a-flow.md, followed word for word: its files go into a temporary folder and run through the HTTP API."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from composition import declare_service_tasks
from engine.checks.check import check_flow
from tests.api.conftest import Platform, a_platform

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "add-a-flow.md"


@pytest.fixture
def day_pass(tmp_path: Path) -> Path:
    folder = tmp_path / "flows" / "day_pass"
    for path, text in re.findall(r"```\w+ file=(\S+)\n(.*?)```", GUIDE.read_text(), re.DOTALL):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    declare_service_tasks(folder.parent)
    return folder


@pytest.fixture
def platform(tmp_path: Path, engine, day_pass: Path) -> Platform:
    return a_platform(tmp_path, engine, day_pass)


def test_the_guides_flow_passes_the_check(day_pass):
    found = check_flow(day_pass)

    assert found.deployable
    assert [problem for problem in found.problems if problem.severity != "info"] == []


def test_a_visitor_asks_and_the_desk_grants(platform):
    visitor, desk = platform.citizen(), platform.staff("desk", "day_pass.desk")

    application = _ask(visitor, days=2)
    [item] = desk.get("/api/v1/inbox").json["items"]
    desk.post(f"/api/v1/work-items/{item['id']}/claim")
    desk.post(f"/api/v1/work-items/{item['id']}/complete", {"values": {"decision": "approve", "opinion": "欢迎"}})

    ended = visitor.get(f"/api/v1/applications/{application}").json
    assert ended["status"] == {"code": "success", "label": "已发证"}
    assert ended["public"] == {"days": 2, "opinion": "欢迎"}


def test_too_many_days_are_refused_by_the_flows_own_service_task(platform):
    visitor = platform.citizen()

    application = _ask(visitor, days=9)

    assert visitor.get(f"/api/v1/applications/{application}").json["outcome"] == "refused"


def test_the_visitor_withdraws(platform):
    visitor = platform.citizen()
    application = _ask(visitor, days=1)

    visitor.post(f"/api/v1/applications/{application}/messages/withdraw")

    assert visitor.get(f"/api/v1/applications/{application}").json["outcome"] == "withdrawn"


def _ask(visitor, *, days):
    application = visitor.post("/api/v1/applications", {"flow": "day_pass"}).json["id"]
    [item] = visitor.get(f"/api/v1/applications/{application}").json["work_items"]
    sent = visitor.post(f"/api/v1/work-items/{item}/complete", {"values": {"reason": "送材料", "days": days}})
    assert sent.status_code == 200, sent.text
    return application
