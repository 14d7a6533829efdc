"""实名认证: consent, information, scanning again, typed against read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.credentials.consent import Consent, Purpose
from engine.actors import Actor
from tests.flows.real_name.cases import ZHANG, credential_of, scans
from tests.flows.story import Story, Town

DAY = timedelta(days=1)


def test_the_version_of_the_text_agreed_to_is_recorded(flow: Story) -> None:
    with flow.town.sessions() as session:
        consents = session.scalars(select(Consent)).all()

    assert [(one.purpose, one.text_version, one.case_id) for one in consents] == [
        (Purpose.READ_DOCUMENT, "read_document/2026-01", flow.case_id)
    ]


def test_a_number_that_fails_its_check_digit_comes_back_to_the_form(
    begins: Callable[..., Story], applicant: Actor
) -> None:
    flow = begins(applicant, document_number="110105194912310021")

    assert flow.waits_for("information")
    assert flow.variables["information_check"]["problems"] == ["证件号码校验位不正确，请逐位核对"]
    flow.completes("information", document_type="resident_id", method="automatic", **ZHANG)
    assert flow.waits_for("scan")


# ---- scan again, and how often


def test_every_defect_is_told_at_once(flow: Story) -> None:
    scans(flow, front_warnings=["blurred", "cut"], back_warnings=["wrong_side"], missing=["id_number"])

    assert flow.waits_for("scan")
    assert flow.variables["comparison"]["defects"] == [
        "正面：照片模糊，请对焦后再拍",
        "正面：证件没有拍全，请把四角都放进取景框",
        "反面：正反面放反了",
        "没有读清证件号码",
    ]
    assert flow.variables["attempts"] == {"used": 1, "limit": 3, "is_exhausted": False}


def test_scanning_again_leads_to_the_goal(flow: Story) -> None:
    scans(flow, front_warnings=["blurred"])
    scans(flow, missing=["validity"])

    scans(flow)

    assert flow.outcome == "verified"
    assert flow.is_sound()


def test_a_file_that_cannot_be_opened_costs_an_attempt(flow: Story) -> None:
    flow.completes("scan", front=flow.photo(), back=flow.photo())

    flow.job("document.read").fails("document.unreadable_file")

    assert flow.waits_for("scan")
    assert flow.variables["comparison"]["defects"] == ["正面、反面的文件无法打开，请重新拍摄"]
    assert flow.variables["attempts"]["used"] == 1


def test_after_three_attempts_manual_review_takes_everything_over(flow: Story) -> None:
    for _ in range(3):
        scans(flow, front_warnings=["blurred"])
    assert flow.waits_for("offer_review")

    flow.completes("offer_review", method="manual")

    assert flow.waits_for("review", group="real_name.reviewer")
    assert flow.variables["name"] == "张三"
    assert flow.variables["comparison"]["portrait"] is not None
    flow.completes("review", review_decision="approve")
    assert flow.outcome == "verified"
    credential = credential_of(flow)
    assert credential is not None
    assert credential.verified_by == "REVIEW"


def test_attempts_are_counted_over_cases_of_a_day(town: Town, begins: Callable[..., Story], applicant: Actor) -> None:
    first = begins(applicant)
    scans(first, front_warnings=["cut"])
    scans(first, front_warnings=["cut"])
    first.message("withdraw")
    second = begins(applicant)

    scans(second, front_warnings=["cut"])

    assert second.waits_for("offer_review")
    second.message("withdraw")
    assert begins(applicant).waits_for("offer_review")


def test_another_account_gives_no_second_round_for_the_same_card(
    town: Town, flow: Story, begins: Callable[..., Story]
) -> None:
    for _ in range(3):
        scans(flow, front_warnings=["blurred"])

    other = begins(town.somebody("openid-second"))

    assert other.waits_for("offer_review")


def test_the_next_day_brings_new_attempts(flow: Story) -> None:
    for _ in range(3):
        scans(flow, front_warnings=["blurred"])
    flow.completes("offer_review", method="automatic")
    assert flow.waits_for("offer_review")  # not today

    flow.passes(DAY)
    flow.completes("offer_review", method="automatic")
    scans(flow)

    assert flow.outcome == "verified"


def test_without_photos_the_manual_method_still_asks_for_them(
    flow: Story, begins: Callable[..., Story], town: Town
) -> None:
    for _ in range(3):
        scans(flow, front_warnings=["blurred"])
    flow.message("withdraw")
    second = begins(flow.starter)
    assert second.waits_for("offer_review")

    second.completes("offer_review", method="manual")

    scans(second, front_warnings=["blurred"])
    assert second.waits_for("review")


# ---- typed against read


def test_a_wrong_typed_number_costs_no_attempt_and_may_be_corrected(
    begins: Callable[..., Story], applicant: Actor
) -> None:
    flow = scans(begins(applicant, document_number="440524188001010014"))
    assert flow.waits_for("correct")
    assert flow.variables["comparison"]["differences"] == ["填写的证件编号与证件上的 11010519491231002X 不一致"]

    flow.completes("correct", next_step="correct", **ZHANG)

    assert flow.outcome == "verified"
    assert flow.variables["attempts"]["used"] == 0


def test_an_applicant_who_insists_on_the_typed_name_gets_a_reviewer(
    begins: Callable[..., Story], applicant: Actor
) -> None:
    flow = scans(begins(applicant, name="张叁"))

    flow.completes("correct", next_step="review", name="张叁", document_number=ZHANG["document_number"])

    assert flow.waits_for("review", group="real_name.reviewer")


def test_an_unsure_reading_is_never_taken_for_a_difference(begins: Callable[..., Story], applicant: Actor) -> None:
    flow = scans(begins(applicant, name="张叁"), confidences={"name": 0.7})

    assert flow.waits_for("scan")
    assert flow.variables["comparison"]["name_agreement"] == "unread"


def test_an_expired_card_is_not_rejected_by_the_program(flow: Story) -> None:
    scans(flow, validity="2005.03.02-2025.03.02")
    assert flow.waits_for("correct")

    flow.completes("correct", next_step="rescan", **ZHANG)
    assert flow.waits_for("scan")
    scans(flow)

    assert flow.outcome == "verified"
    assert flow.variables["attempts"]["used"] == 1


@pytest.mark.parametrize(
    "reading",
    [
        {"validity": "2015.03.02-2025.03.02", "number": "440524188001010014"},
        {"validity": "2020.03.02-2030.03.02"},  # ten years for somebody of seventy
        {"front_warnings": ["birth_disagrees"]},
        {"authority": "上海市公安局黄浦分局"},
    ],
    ids=["another person's number and an old card", "sides disagree", "birth disagrees", "authority elsewhere"],
)
def test_doubts_never_pass(flow: Story, reading: dict[str, Any]) -> None:
    scans(flow, **reading)

    assert flow.outcome is None
    assert {*flow.open_forms()} <= {"review", "correct"}
    assert flow.is_sound()
