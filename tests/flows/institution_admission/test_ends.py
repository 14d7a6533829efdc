"""机构补增: its four ends, and the ways to them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.credentials.consent import Consent, Purpose
from domain.institutions.history import InstitutionChange
from domain.institutions.institution import read_contact
from domain.units.unit import Unit
from tests.flows.institution_admission.cases import (
    CLERK,
    JIANGHAN,
    PHONE,
    a_credit_code,
    applies,
    institution_named,
    institutions,
    listed,
    notice_text,
    notices,
    registers,
    remarks,
    standing_at,
    uploads,
)
from tests.flows.story import Town

DAY = timedelta(days=1)


# ---- the four ends


def test_an_admitted_institution_is_in_the_library_when_the_case_ends(province: Town) -> None:
    story = applies(province)

    story.completes("review", by=CLERK, review_decision="admit", confirmation_code="JH-001")

    assert story.outcome == "admitted"
    institution = institution_named(province, "武汉市江汉区仁爱医院")
    assert institution is not None
    assert (institution.supervising_unit, institution.category) == (JIANGHAN, "hospital")
    assert (institution.credit_code, institution.code) == (a_credit_code(), "420103000001")
    assert (institution.confirmation_code, institution.case_id) == ("JH-001", story.case_id)
    assert listed(story) == ("ADMITTED", None)
    assert story.is_sound()


def test_who_admitted_and_who_applied_are_kept_with_the_institution(province: Town) -> None:
    applies(province).completes("review", by=CLERK, review_decision="admit")

    institution = institution_named(province, "武汉市江汉区仁爱医院")
    assert institution is not None
    with province.sessions() as session:
        by = session.scalars(
            select(InstitutionChange.by).where(InstitutionChange.institution_id == institution.id)
        ).one()
        contact = read_contact(session, institution)
    assert by == CLERK.id
    assert contact is not None
    assert (contact.name, contact.phone) == ("王小明", PHONE)


def test_the_notice_says_what_comes_next_and_whom_to_ask(province: Town) -> None:
    with province.writing() as session:
        unit = session.get_one(Unit, JIANGHAN)
        unit.contact_name, unit.contact_phone = "李科长", "027-85551234"

    story = applies(province)
    story.completes("review", by=CLERK, review_decision="admit")

    assert notice_text(story, "admitted") == (
        "“武汉市江汉区仁爱医院”已收录，机构编码 420103000001。"
        "接下来请向江汉区卫生健康局（李科长 027-85551234）领取业务授权码，由业务管理人在小程序中凭码添加业务。"
    )


def test_a_rejection_carries_its_opinion(province: Town) -> None:
    story = applies(province)

    story.completes("review", by=CLERK, review_decision="reject", opinion="该机构已注销，不予收录")

    assert story.outcome == "rejected"
    assert listed(story) == ("REJECTED", "该机构已注销，不予收录")
    assert notice_text(story, "rejected") == (
        "“武汉市江汉区仁爱医院”的补增申请未通过。审核意见：该机构已注销，不予收录"
    )
    assert institutions(province) == 0
    assert story.is_sound()


@pytest.mark.parametrize("stage", ["agreement", "information", "stamped_form", "read_form", "review", "amend"])
def test_the_applicant_withdraws_at_any_time(province: Town, stage: str) -> None:
    story = standing_at(province, stage)

    story.message("withdraw")

    assert story.outcome == "withdrawn"
    assert story.open_forms() == []
    handed_in = stage in {"read_form", "review", "amend"}
    assert listed(story) == (("WITHDRAWN", None) if handed_in else None)
    assert notices(story)[-1] == "withdrawn"
    assert story.is_sound()
    assert applies(province).waits_for("review")  # and may apply again


def test_an_idle_applicant_expires(province: Town) -> None:
    story = registers(province)
    story.passes(29 * DAY)
    assert story.waits_for("stamped_form")

    story.passes(1 * DAY)

    assert story.outcome == "expired"
    assert notices(story) == ["expired"]
    assert listed(story) is None
    assert story.is_sound()


def test_an_application_nobody_amends_expires(province: Town) -> None:
    story = standing_at(province, "amend")

    story.passes(30 * DAY)

    assert story.outcome == "expired"
    assert listed(story) == ("EXPIRED", None)
    assert story.is_sound()


# ---- agreement and the stamped form


def test_the_version_of_the_agreement_is_recorded(province: Town) -> None:
    story = registers(province)

    with province.sessions() as session:
        given = session.scalars(select(Consent)).all()
    assert [(one.account_id, one.purpose, one.text_version, one.case_id) for one in given] == [
        (story.starter.id, Purpose.ADMIT_INSTITUTION, "admit_institution/2026-01", story.case_id)
    ]


def test_an_application_is_listed_from_the_moment_it_is_handed_in(province: Town) -> None:
    story = registers(province)
    assert listed(story) is None

    story.completes("stamped_form", stamped_form=story.photo())

    assert listed(story) == ("PENDING", None)
    asked = story.job("document.read_stamped_form").parameters
    assert (asked["expected_name"], asked["credit_code"]) == ("武汉市江汉区仁爱医院", a_credit_code())
    assert asked["applicant_name"] == "王小明"


def test_a_wrong_seal_is_shown_to_the_reviewer_and_refuses_nothing(province: Town) -> None:
    found = "公章文字“武汉市江岸区某某医院”与机构名称“武汉市江汉区仁爱医院”不一致。"
    story = uploads(registers(province), seal_text="武汉市江岸区某某医院", seal_agreement="different", findings=[found])

    assert story.waits_for("review", group=f"unit:{JIANGHAN}")
    assert {"程序判读：印章不是本机构的，请核对", found} <= set(remarks(story))
    assert not any(line.startswith("印文") for line in remarks(story))  # the finding quotes it
    story.completes("review", by=CLERK, review_decision="return", defects=["stamp_other"], opinion="请盖本单位公章")
    assert story.waits_for("amend")


def test_a_form_without_a_seal_is_shown_to_the_reviewer(province: Town) -> None:
    story = uploads(registers(province), has_red_seal=False, seal_text=None, seal_agreement="none")

    assert "程序判读：没有找到红色印章，请查看原件" in remarks(story)


def test_a_form_that_cannot_be_opened_is_uploaded_again(province: Town) -> None:
    story = registers(province)
    story.completes("stamped_form", stamped_form=story.photo())

    story.job("document.read_stamped_form").fails("document.unreadable_file")

    assert story.waits_for("stamped_form")
    assert story.variables["form_problem"] == "上传的盖章申请表无法打开，请重新拍照或扫描后上传。"
    assert listed(story) == ("RETURNED", "上传的盖章申请表无法打开，请重新拍照或扫描后上传。")
    assert notices(story) == ["form_unreadable"]
    uploads(story)
    assert story.waits_for("review")
    assert story.variables["brief"]["changes"] == []  # no reviewer has seen the first one
    assert listed(story) == ("PENDING", None)
    assert story.is_sound()
