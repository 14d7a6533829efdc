"""What operators do from the command line is in the journal, and says no in words."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.api.conftest import Platform, an_application
from tests.api.test_commands import flask


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
