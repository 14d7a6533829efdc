"""Asking for a what-if run over HTTP, having a worker do it, reading the report."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select

from engine.cases.journal import JOURNAL
from engine.model.tables import CASE
from tasks.what_if import run_next
from tests.api.commands.test_commands import flask, lines
from tests.api.conftest import FLOWS, Platform, an_application

DIAGRAM = FLOWS / "parking_permit" / "process.bpmn"


def entries(platform: Platform) -> tuple[int, int]:
    with platform.sessions() as session:
        counts = [session.execute(select(func.count()).select_from(table)).scalar_one() for table in (CASE, JOURNAL)]
    return counts[0], counts[1]


def test_a_run_is_asked_for_worked_off_and_read(platform: Platform) -> None:
    an_application(platform.citizen("wang")).send_photo()
    an_application(platform.citizen("li"))
    operator = platform.staff("operator", "admin")
    before = entries(platform)

    asked = operator.post("/api/v1/what-if", {"flow": "parking_permit"})
    assert asked.status_code == 202, asked.text
    assert (asked.json["state"], asked.json["report"]) == ("ASKED", None)
    assert run_next(platform.sessions)
    assert not run_next(platform.sessions)

    shown = operator.get(f"/api/v1/what-if/{asked.json['id']}").json
    assert (shown["state"], shown["done"], shown["total"]) == ("DONE", 2, 2)
    assert shown["report"]["totals"]["same_end"] == 2
    assert shown["report"]["differences"] == []
    assert entries(platform) == before
    [listed] = operator.get("/api/v1/what-if?flow=parking_permit").json["items"]
    assert (listed["id"], listed["report"]) == (asked.json["id"], None)


def test_a_change_that_cannot_be_deployed_is_refused_with_its_problems(platform: Platform) -> None:
    operator = platform.staff("operator", "admin")
    broken = Path(DIAGRAM).read_text().replace('targetRef="', 'targetRef="no_', 1)

    refused = operator.post("/api/v1/what-if", {"flow": "parking_permit", "files": {"process.bpmn": broken}})

    assert (refused.status_code, refused.json["code"]) == (422, "flow.invalid")
    assert refused.json["problems"]


def test_only_operators_may_ask_and_read(platform: Platform) -> None:
    guard = platform.staff("guard")

    assert guard.post("/api/v1/what-if", {"flow": "parking_permit"}).json["code"] == "operations.may_not_open"
    assert guard.get("/api/v1/what-if/none").status_code == 403
    assert platform.staff("operator", "admin").get("/api/v1/what-if/none").json["code"] == "what_if.unknown"
    assert platform.citizen().post("/api/v1/what-if", {"flow": "parking_permit"}).status_code == 403


def test_the_command_tries_a_folder_or_only_what_changed(platform: Platform, tmp_path: Path) -> None:
    an_application(platform.citizen("wang")).send_photo()
    (tmp_path / "changed").mkdir()
    diagram = DIAGRAM.read_text()
    (tmp_path / "changed" / "process.bpmn").write_text(diagram.replace('id="review"', 'id="inspect"').replace(
        'Ref="review"', 'Ref="inspect"').replace("flowNodeRef>review<", "flowNodeRef>inspect<"))  # fmt: skip
    words = ("what-if", "parking_permit", "--processes", "1", "--json", "--with")

    [same] = lines(flask(platform, *words, str(DIAGRAM.parent)))
    [renamed] = lines(flask(platform, *words, str(tmp_path / "changed")))
    [told] = lines(flask(platform, *words, str(tmp_path / "changed" / "process.bpmn"), "--element", "review=inspect"))

    assert (same["cases"], same["totals"]["same_end"]) == (1, 1)
    assert renamed["matrix"] == [{"old": "waits:review", "new": "waits:inspect", "cases": 1}]
    assert told["totals"]["same_end"] == 1
    assert flask(platform, "what-if", "nothing", "--with", str(tmp_path / "changed")).exit_code != 0
