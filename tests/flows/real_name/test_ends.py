"""实名认证: its four ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.accounts.account import find_account
from domain.persons.person import read_identity
from engine.actors import Actor
from tests.flows.readings import a_reading
from tests.flows.real_name.cases import ZHANG, credential_of, notice_text, notices, scans
from tests.flows.story import Story, Town

DAY = timedelta(days=1)


def test_a_good_card_is_verified_without_a_person(flow: Story) -> None:
    scans(flow)

    assert flow.outcome == "verified"
    credential = credential_of(flow)
    assert credential is not None
    assert credential.verified_by == "READING"
    assert credential.valid_until is None
    assert notices(flow) == ["verified"]
    assert flow.is_sound()


def test_the_credential_names_the_person_only_in_cipher(flow: Story) -> None:
    scans(flow)

    credential = credential_of(flow)
    assert credential is not None
    with flow.town.sessions() as session:
        assert read_identity(session, credential.person_id).name == "张三"
        assert find_account(session, flow.starter.id).person_id == credential.person_id
        file = session.connection().engine.url.database
    assert file is not None
    with open(file, "rb") as database:
        content = database.read()
    assert "张三".encode() not in content
    assert ZHANG["document_number"].encode() not in content


def test_a_reviewer_rejects_with_reasons(begins: Callable[..., Story], applicant: Actor) -> None:
    flow = scans(begins(applicant, "manual"))

    flow.completes("review", review_decision="reject", reject_reasons=["altered", "other"], opinion="照片为翻拍")

    assert flow.outcome == "rejected"
    assert notice_text(flow, "rejected") == (
        "您的实名认证未通过。原因：证件有涂改或翻拍痕迹、其他。审核意见：照片为翻拍"
    )
    assert credential_of(flow) is None
    assert flow.is_sound()


@pytest.mark.parametrize("stage", ["consent", "information", "scan", "read", "review"])
def test_the_applicant_withdraws_at_any_time(
    town: Town, begins: Callable[..., Story], applicant: Actor, stage: str
) -> None:
    flow = town.start("real_name", applicant)
    if stage != "consent":
        flow.completes("consent", read_consent="read_document/2026-01")
    if stage in ("scan", "read", "review"):
        method = "manual" if stage == "review" else "automatic"
        flow.completes("information", document_type="resident_id", method=method, **ZHANG)
    if stage in ("read", "review"):
        flow.completes("scan", front=flow.photo(), back=flow.photo())
    if stage == "review":
        flow.job("document.read").returns(a_reading())
    assert flow.waits_for(stage)

    flow.message("withdraw")

    assert flow.outcome == "withdrawn"
    assert flow.open_forms() == []
    assert notices(flow) == ["withdrawn"]
    assert flow.is_sound()
    assert begins(applicant, "manual").waits_for("scan")  # and may start again with another method


def test_an_idle_applicant_expires(flow: Story) -> None:
    flow.passes(29 * DAY)
    assert flow.waits_for("scan")

    flow.passes(1 * DAY)

    assert flow.outcome == "expired"
    assert notices(flow) == ["expired"]
    assert flow.is_sound()
