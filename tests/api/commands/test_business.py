"""Businesses from the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from domain.grants.business import find_business, seed_businesses
from domain.grants.grant import BusinessGrant
from storage.transactions import transaction
from tests.api.commands.test_commands import flask
from tests.api.conftest import Platform
from tests.domain.granting import a_province, an_institution


@pytest.fixture
def platform(platform: Platform) -> Platform:
    with transaction(platform.sessions) as session:
        a_province(session, platform.clock())
        an_institution(session, platform.clock())
    return platform


def test_a_new_business_reaches_every_institution(platform: Platform) -> None:
    result = flask(
        platform, "set-business", "blood_review", "--name", "采供血上岗考核", "--code-days", "7", "--auxiliaries", "2"
    )

    assert result.exit_code == 0, result.output
    with platform.sessions() as session:
        made = find_business(session, "blood_review")
        rows = session.scalar(select(func.count()).where(BusinessGrant.business_key == "blood_review"))
        assert (made.name, made.code_lifetime_days, made.max_auxiliaries, made.granted_by, rows) == (
            "采供血上岗考核", 7, 2, "SUPERVISOR", 1
        )  # fmt: skip


def test_terms_that_are_not_given_stay(platform: Platform) -> None:
    flask(platform, "set-business", "nurse_exam_review", "--opens", "2026-12-01", "--closes", "2027-01-01T12:00")

    flask(platform, "set-business", "nurse_exam_review", "--granted-by", "421300")

    with platform.sessions() as session:
        changed = find_business(session, "nurse_exam_review")
        assert (changed.name, changed.granted_by) == ("护士执业资格考试报名审核", "421300")
        assert changed.opens_at == datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
        assert changed.closes_at == datetime(2027, 1, 1, 4, 0, tzinfo=UTC)
    assert "开放：2026-12-01 00:00 至 2027-01-01 12:00" in flask(platform, "businesses").output


def test_an_open_period_can_be_lifted(platform: Platform) -> None:
    flask(platform, "set-business", "nurse_exam_review", "--closes", "2026-01-01")

    flask(platform, "set-business", "nurse_exam_review", "--always")

    with platform.sessions() as session:
        assert find_business(session, "nurse_exam_review").is_open(platform.clock())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Blood", "--name", "血"], "业务代码格式不正确"),
        (["blood_review"], "请给出业务名称"),
        (["nurse_exam_review", "--granted-by", "999999"], "没有这个行政单位"),
        (["nurse_exam_review", "--code-days", "0"], "数值超出范围"),
        (["nurse_exam_review", "--auxiliaries", "51"], "数值超出范围"),
        (["nurse_exam_review", "--opens", "2026-12-02", "--closes", "2026-12-01"], "开放时间有误"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(platform: Platform, words: list[str], said: str) -> None:
    before = flask(platform, "businesses").output

    result = flask(platform, "set-business", *words)

    assert result.exit_code == 1
    assert said in result.output
    assert flask(platform, "businesses").output == before


def test_seeding_again_leaves_the_terms(platform: Platform) -> None:
    flask(platform, "set-business", "nurse_exam_review", "--code-days", "5")

    with transaction(platform.sessions) as session:
        seed_businesses(session, platform.clock())

    with platform.sessions() as session:
        assert find_business(session, "nurse_exam_review").code_lifetime_days == 5
