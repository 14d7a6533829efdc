"""Moving cases to another version over HTTP and on the command line."""

from __future__ import annotations

from pathlib import Path

from engine.actors import SYSTEM
from engine.deployment.deploy import deploy_flow
from engine.flow.flow import flow_of_files, load_flow
from storage.transactions import transaction
from tests.api.commands.test_commands import flask, lines
from tests.api.conftest import FLOWS, Platform, an_application

FOLDER = FLOWS / "parking_permit"
ORDER = {"flow": "parking_permit", "to_version": 2, "elements": {"review": "inspect"}}


def deploy_renamed(platform: Platform) -> None:
    """Version 2: `review` is called `inspect`."""
    files = dict(load_flow(FOLDER).files)
    diagram = files["process.bpmn"].replace(b'id="review"', b'id="inspect"').replace(b'Ref="review"', b'Ref="inspect"')
    files["process.bpmn"] = diagram.replace(b"flowNodeRef>review<", b"flowNodeRef>inspect<")
    files["flow.toml"] = files["flow.toml"].replace(b"review =", b"inspect =")
    with transaction(platform.sessions) as session:
        deploy_flow(session, flow_of_files(files), by=SYSTEM, reason="test", now=platform.clock())


def test_cases_are_looked_at_moved_and_taken_back(platform: Platform) -> None:
    permit, waiting = an_application(platform.citizen("wang")), an_application(platform.citizen("li"))
    permit.send_photo()
    deploy_renamed(platform)
    operator = platform.staff("operator", "admin")

    planned = operator.post("/api/v1/migrations/preview", {**ORDER, "standing_at": "review"})
    assert planned.status_code == 200, planned.text
    [plan] = planned.json["items"]
    assert (plan["case"], plan["fits"], plan["from_version"], plan["to_version"]) == (permit.id, True, 1, 2)
    assert ("kept", "review", "inspect") in {(m["how"], m["element_before"], m["element_after"]) for m in plan["moves"]}

    moved = operator.post("/api/v1/migrations", {**ORDER, "reason": "改名"})
    assert {each["case"]: each["migrated"] for each in moved.json["items"]} == {permit.id: True, waiting.id: True}
    guard = platform.staff("guard")
    shown = guard.get(f"/api/v1/cases/{permit.id}").json
    assert (shown["version"], shown["awaits"][0]["element"]) == (2, "inspect")

    back = operator.post(f"/api/v1/cases/{permit.id}/revert-migration", {"reason": "有误"})
    assert back.status_code == 200, back.text
    assert guard.get(f"/api/v1/cases/{permit.id}").json["version"] == 1
    assert (
        operator.post(f"/api/v1/cases/{permit.id}/revert-migration", {"reason": "x"}).json["code"] == "migration.none"
    )


def test_a_case_that_does_not_fit_is_told_why_and_stays(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    item = permit.item
    permit.send_photo()
    files = dict(load_flow(FOLDER).files)
    files["process.bpmn"] = files["process.bpmn"].replace(b'"photo"', b'"picture"').replace(b">photo<", b">picture<")
    files["process.bpmn"] = files["process.bpmn"].replace(b'name="form" value="picture"', b'name="form" value="photo"')
    files["flow.toml"] = files["flow.toml"].replace(b"photo =", b"picture =")
    with transaction(platform.sessions) as session:
        deploy_flow(session, flow_of_files(files), by=SYSTEM, reason="test", now=platform.clock())
    operator = platform.staff("operator", "admin")

    [told] = operator.post(
        "/api/v1/migrations", {"flow": "parking_permit", "to_version": 2, "cases": [permit.id], "reason": "x"}
    ).json["items"]

    assert (told["fits"], told["migrated"]) == (False, False)
    [misfit] = told["misfits"]
    assert (misfit["code"], misfit["element"], misfit["seq"]) == ("input.no_place", "photo", 2)
    assert item


def test_only_operators_may_move_cases(platform: Platform) -> None:
    guard = platform.staff("guard")

    assert guard.post("/api/v1/migrations/preview", ORDER).json["code"] == "operations.may_not_open"
    assert guard.post("/api/v1/migrations", {**ORDER, "reason": "x"}).json["code"] == "operations.may_not_open"
    operator = platform.staff("operator", "admin")
    assert operator.post("/api/v1/migrations/preview", ORDER).json["code"] == "definition.unknown"


def test_the_command_previews_unless_told_to_apply(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    permit.send_photo()
    deploy_renamed(platform)
    words = ("migrate-cases", "parking_permit", "--to", "2", "--element", "review=inspect", "--json")

    [planned] = lines(flask(platform, *words))
    assert (planned["fits"], planned["migrated"]) == (True, False)
    [moved] = lines(flask(platform, *words, "--apply", "--reason", "改名"))
    assert moved["migrated"] is True
    assert lines(flask(platform, *words)) == []

    assert flask(platform, *words, "--apply").exit_code != 0  # no reason
    back = flask(platform, "revert-migration", permit.id, "--reason", "有误")
    assert back.exit_code == 0, back.output
    assert "第 1 版" in back.output
    assert flask(platform, "verify-journal").exit_code == 0


def test_one_case_of_a_list_that_cannot_be_had_stops_no_other(platform: Platform, tmp_path: Path) -> None:
    permit = an_application(platform.citizen())
    permit.send_photo()
    deploy_renamed(platform)
    listed = tmp_path / "cases.txt"
    listed.write_text(f"nothing\n\n{permit.id}\n")
    words = ("migrate-cases", "parking_permit", "--to", "2", "--element", "review=inspect", "--list", str(listed))

    result = flask(platform, *words, "--apply", "--reason", "改名")

    assert result.exit_code == 1
    assert "nothing  没有这个案件" in result.output
    assert "共 2 个案件，已迁移 1 个，1 个无法处理" in result.output
