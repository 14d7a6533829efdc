from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import text

from api.commands.cli import register_commands
from tests.api.conftest import FLOWS, PASSWORD, Platform, an_application


def flask(platform: Platform, *words: str, typed: str | None = None) -> Result:
    if "check-flow" not in platform.app.cli.commands:
        register_commands(platform.app, platform.sessions, platform.settings)
    return platform.app.test_cli_runner().invoke(args=list(words), input=typed)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_check_flow_says_of_each_path_whether_it_can_be_deployed(platform: Platform, tmp_path: Path) -> None:
    broken = shutil.copytree(FLOWS / "parking_permit", tmp_path / "broken")
    diagram = (broken / "process.bpmn").read_text()
    (broken / "process.bpmn").write_text(diagram.replace('decision == "grant"', "__import__(&quot;os&quot;)"))

    result = flask(platform, "check-flow", str(FLOWS / "parking_permit"), str(broken), str(tmp_path / "gone"), "--json")

    good, bad, gone = lines(result)
    assert result.exit_code == 0
    assert good["deployable"] is True
    assert bad["deployable"] is gone["deployable"] is False
    assert bad["problems"][0].keys() == {"element", "severity", "code", "message"}
    assert "f4" in {problem["element"] for problem in bad["problems"]}


def test_find_cases_finds_a_case_by_a_value_that_is_asked_for_and_not_echoed(platform: Platform) -> None:
    permit = an_application(platform.citizen("wang"), plate="鄂A54321")
    an_application(platform.citizen("li"), plate="鄂B00001")

    found = flask(platform, "find-cases", "plate", "--json", typed="鄂A54321\n")
    read = flask(platform, "find-cases", "plate", typed="鄂A54321\n")
    missed = flask(platform, "find-cases", "plate", "--value", "鄂A5432")

    assert json.loads(found.stdout.splitlines()[-1])["case_id"] == permit.id
    assert "停车证" in read.stdout
    assert "鄂A54321" not in read.output
    assert missed.stdout == ""
    assert "没有找到案件" in missed.stderr


def test_verify_journal_counts_what_it_checked(platform: Platform) -> None:
    an_application(platform.citizen("wang")).send_photo()
    an_application(platform.citizen("li"))

    [report] = lines(flask(platform, "verify-journal", "--json"))

    assert report["cases_checked"] == 2
    assert report["entries"] == 3
    assert report["chain_breaks"] == report["snapshot_differences"] == report["wait_differences"] == []


def test_verify_journal_names_the_entry_that_was_changed(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    permit.send_photo()
    with platform.engine.begin() as connection:
        connection.execute(text("UPDATE journal SET actor = 'somebody' WHERE seq = 2"))

    result = flask(platform, "verify-journal", "--case", permit.id, "--json")

    [report] = lines(result)
    assert result.exit_code == 1
    assert report["chain_breaks"] == [{"case": permit.id, "seq": 2}]


def test_what_verify_journal_finds_is_seen_by_operators_until_it_is_in_order(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    permit.send_photo()
    with platform.engine.begin() as connection:
        connection.execute(
            text("UPDATE waiting SET element = 'nowhere' WHERE closed_at IS NULL AND kind = 'WORK_ITEM'")
        )
    assert flask(platform, "verify-journal").exit_code == 1

    operator = platform.staff("operator", "admin")
    [found] = operator.get("/api/v1/journal/findings").json["items"]
    assert (found["case_id"], found["kind"], found["seq"]) == (permit.id, "waits", 2)
    assert platform.staff("guard").get("/api/v1/journal/findings").status_code == 403

    with platform.engine.begin() as connection:
        connection.execute(text("UPDATE waiting SET element = substr(address, 1, instr(address, ':') - 1)"))
    assert flask(platform, "verify-journal").exit_code == 0
    assert operator.get("/api/v1/journal/findings").json["items"] == []


def test_a_root_kept_elsewhere_is_looked_for(platform: Platform) -> None:
    an_application(platform.citizen())
    _, root = flask(platform, "journal-root").output.split()

    assert flask(platform, "verify-journal", "--root", root).exit_code == 0
    assert flask(platform, "verify-journal", "--root", "00" * 32).exit_code == 1


def test_verify_journal_of_a_case_that_is_not_there_could_not_run(platform: Platform) -> None:
    result = flask(platform, "verify-journal", "--case", "nowhere")

    assert result.exit_code == 1
    assert "没有案件" in result.output


def test_deploying_a_folder_twice_makes_one_version(platform: Platform) -> None:
    first, second = (flask(platform, "deploy-flows", str(FLOWS)) for _ in range(2))

    assert first.exit_code == second.exit_code == 0
    [flow] = platform.citizen().get("/api/v1/flows").json["items"]
    assert flow["version"] == 1


def test_an_account_made_on_the_command_line_signs_in(platform: Platform) -> None:
    made = flask(
        platform, "create-account", "Guard", "--group", "parking.guard", "--name", "门卫", typed=f"{PASSWORD}\n" * 2
    )

    assert made.exit_code == 0, made.output
    assert platform.sign_in("guard").get("/api/v1/me").json["groups"] == ["parking.guard"]
    assert PASSWORD not in made.output


@pytest.mark.parametrize(
    ("name", "password", "said"), [("guard", PASSWORD, "用户名已被使用"), ("other", "short", "口令太弱")]
)
def test_an_account_that_breaks_a_rule_is_refused_in_words(
    platform: Platform, name: str, password: str, said: str
) -> None:
    platform.staff("guard")

    result = flask(platform, "create-account", name, "--password", password)

    assert result.exit_code == 1
    assert said in result.output


def test_a_reset_password_ends_what_was_signed_in(platform: Platform) -> None:
    guard = platform.staff()

    reset = flask(platform, "reset-password", "guard", "--password", "another-horse-7")

    assert reset.exit_code == 0
    assert guard.get("/api/v1/me").json["code"] == "auth.expired"


def test_what_cannot_be_used_is_said_in_one_line(platform: Platform, tmp_path: Path) -> None:
    permit = an_application(platform.citizen())
    broken = shutil.copytree(FLOWS / "parking_permit", tmp_path / "parking_permit")
    (broken / "scenarios").mkdir(exist_ok=True)
    (broken / "scenarios" / "odd.toml").write_text("title = 1\n")
    (tmp_path / "empty").mkdir()

    for words, answer in (
        (("export-evidence", permit.id, "-o", str(tmp_path / "no" / "file.zip")), "无法写入"),
        (("what-if", "parking_permit", "--with", str(tmp_path / "empty")), "也没有流程图、决策表或表单"),
        (("run-scenarios", str(broken)), "odd.toml"),
    ):
        result = flask(platform, *words)

        assert result.exit_code == 1
        assert answer in result.output
        assert len(result.output.strip().splitlines()) == 1
