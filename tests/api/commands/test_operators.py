"""What operators do from the command line is in the journal, and says no in words."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.api.commands.test_commands import flask
from tests.api.conftest import Platform, an_application


def test_an_operator_ends_a_case_and_then_destroys_its_content(platform: Platform) -> None:
    platform.clock.at = datetime.now(UTC)  # commands use the real clock: nothing may be due in between
    citizen = platform.citizen()
    permit = an_application(citizen)

    too_early = flask(platform, "erase-case", permit.id, "--yes")
    ended = flask(platform, "cancel-case", permit.id, "--reason", "重复申请")
    again = flask(platform, "cancel-case", permit.id, "--reason", "重复申请")
    erased = flask(platform, "erase-case", permit.id, "--yes")

    assert "结束后才能销毁" in too_early.output
    assert ended.exit_code == 0, ended.output
    assert "案件已经结束" in again.output
    assert erased.exit_code == 0
    told = citizen.get(f"/api/v1/applications/{permit.id}").json
    assert told["outcome"] == "cancelled"
    assert told["public"] == {}


def test_nothing_waits_for_an_operator_of_a_sound_platform(platform: Platform) -> None:
    an_application(platform.citizen())

    said = flask(platform, "incidents").output

    assert "共 0 个异常" in said


def test_what_does_not_exist_is_refused_in_words(platform: Platform) -> None:
    for words, answer in (
        (("retry-incident", "nothing"), "没有这个异常"),
        (("cancel-case", "nothing", "--reason", "x"), "没有这个案件"),
        (("revoke-credential", "nothing", "--reason", "x"), "没有这个凭证"),
    ):
        result = flask(platform, *words)

        assert result.exit_code == 1
        assert answer in result.output


def test_an_operator_suspends_edits_and_resumes_from_the_command_line(platform: Platform) -> None:
    platform.clock.at = datetime.now(UTC)
    permit = an_application(platform.citizen())

    suspended = flask(platform, "suspend-case", permit.id, "--reason", "按工单 17")
    why = flask(platform, "why", permit.id)
    again = flask(platform, "suspend-case", permit.id, "--reason", "按工单 17")
    edited = flask(platform, "edit-variables", permit.id, "--set", "owner=李四", "--reason", "更正")
    nonsense = flask(platform, "edit-variables", permit.id, "--set", "owner", "--reason", "更正")
    resumed = flask(platform, "resume-case", permit.id, "--reason", "完成")

    assert suspended.output.strip() == "已暂停"
    assert "暂停" in why.output
    assert "案件已暂停" in again.output
    assert edited.output.strip() == "已修改"
    assert "应为 变量名=值" in nonsense.output
    assert resumed.output.strip() == "已恢复"


def test_a_rule_for_two_people_holds_on_the_command_line_too(platform: Platform) -> None:
    platform.clock.at = datetime.now(UTC)
    permit = an_application(platform.citizen())

    flask(platform, "second-person", "parking_permit", "cancel")
    asked = flask(platform, "cancel-case", permit.id, "--reason", "重复")
    proposal = asked.output.split()[-1]
    own = flask(platform, "confirm-proposal", proposal)
    listed = flask(platform, "proposals")
    rejected = flask(platform, "reject-proposal", proposal)
    flask(platform, "second-person", "parking_permit", "cancel", "--lift")
    ended = flask(platform, "cancel-case", permit.id, "--reason", "重复")

    assert "须另一名管理员复核" in asked.output
    assert "须由另一人复核" in own.output
    assert proposal in listed.output
    assert rejected.output.strip() == "已否决"
    assert ended.output.strip() == "已结束"


def test_a_sound_platform_has_nothing_standing_still(platform: Platform) -> None:
    platform.clock.at = datetime.now(UTC)
    an_application(platform.citizen())

    assert "共 0 处" in flask(platform, "watchdog").output
    assert "共 0 条" in flask(platform, "undelivered").output
    assert "没有找到" in flask(platform, "undelivered", "--dismiss", "nothing").output


def test_the_ids_that_skipping_takes_are_listed(platform: Platform) -> None:
    platform.clock.at = datetime.now(UTC)
    permit = an_application(platform.citizen())

    listed = flask(platform, "waits", permit.id).output
    wait_id = next(line.split()[0] for line in listed.splitlines() if "WORK_ITEM" in line)
    skipped = flask(platform, "skip-element", permit.id, wait_id, "--reason", "补交纸质")

    assert skipped.output.strip() == "已跳过"
    assert wait_id not in flask(platform, "waits", permit.id).output
    assert "没有这个案件" in flask(platform, "waits", "nothing").output
