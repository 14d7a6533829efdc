"""机构补增: its four ends, and the ways to them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.consent import Consent, Purpose
from domain.institution import read_contact
from domain.institution_history import InstitutionChange
from domain.unit import Unit
from tests.flows.institution_admission import (
    CLERK,
    JIANGAN,
    JIANGHAN,
    PHONE,
    PROVINCE,
    WUHAN,
    a_credit_code,
    a_registration,
    applies,
    clerk_of,
    institution_named,
    institutions,
    listed,
    notice_text,
    notices,
    registers,
    remarks,
    somebody_with_phone,
    uploads,
)
from tests.flows.story import Story, Town

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
    story = _at(province, stage)

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
    story = _at(province, "amend")

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


# ---- the reviewer's other ways


def test_a_returned_application_is_amended_and_shows_what_changed(province: Town) -> None:
    story = applies(province)
    story.completes(
        "review",
        by=CLERK,
        review_decision="return",
        defects=["institution_name", "stamp_missing"],
        opinion="请用证照上的全称",
    )
    assert story.waits_for("amend")
    assert listed(story) == ("RETURNED", "请用证照上的全称")
    assert notice_text(story, "returned") == (
        "“武汉市江汉区仁爱医院”的补增申请需要补正：机构名称与公章或证照不一致、申请表未盖章或不是红色公章。"
        "审核意见：请用证照上的全称。请在原申请上修改后重新提交。"
    )

    story.completes("information", **a_registration(institution_name="武汉市江汉区仁爱中西医结合医院"))
    uploads(story)

    assert story.waits_for("review", group=f"unit:{JIANGHAN}")
    assert story.variables["brief"]["changes"] == [
        "机构名称：原为“武汉市江汉区仁爱医院”，改为“武汉市江汉区仁爱中西医结合医院”",
        "重新上传了盖章申请表",
    ]
    assert listed(story) == ("PENDING", None)
    story.completes("review", by=CLERK, review_decision="admit")
    assert story.outcome == "admitted"
    assert institution_named(province, "武汉市江汉区仁爱中西医结合医院") is not None
    assert story.is_sound()


def test_a_number_that_was_emptied_when_amending_is_gone(province: Town) -> None:
    story = applies(province, category="community_health", institution_name="江汉区民权街道社区卫生服务站")
    story.completes(
        "review", by=CLERK, review_decision="return", defects=["credit_code"], opinion="代码是中心的，请留空"
    )

    story.completes(
        "information",
        **a_registration(
            category="community_health", institution_name="江汉区民权街道社区卫生服务站", credit_code=None
        ),
    )
    uploads(story)

    changed = f"统一社会信用代码：原为“{a_credit_code()}”，改为“（未填）”"
    assert changed in story.variables["brief"]["changes"]
    story.completes("review", by=CLERK, review_decision="admit")
    institution = institution_named(province, "江汉区民权街道社区卫生服务站")
    assert institution is not None
    assert institution.credit_code is None


def test_changes_are_told_against_what_the_reviewer_saw_last(province: Town) -> None:
    story = _at(province, "amend")
    story.completes("information", **a_registration(address="武汉市江汉区青年路 8 号"))
    story.completes("stamped_form", stamped_form=story.photo())
    story.job("document.read_stamped_form").fails("document.unreadable_file")

    uploads(story)

    assert story.variables["brief"]["changes"] == [
        "机构地址：原为“武汉市江汉区解放大道 100 号”，改为“武汉市江汉区青年路 8 号”",
        "重新上传了盖章申请表",
    ]


def test_the_right_unit_gets_it_forwarded_instead_of_a_rejection(province: Town) -> None:
    story = applies(province)

    story.completes("review", by=CLERK, review_decision="forward", forward_to=JIANGAN, opinion="机构在江岸区")

    assert story.waits_for("review", group=f"unit:{JIANGAN}")
    assert notices(story) == [f"forwarded → unit:{JIANGAN}"]
    assert remarks(story)[0] == "由江汉区卫生健康局转交，意见：机构在江岸区"
    story.completes("review", by=clerk_of(JIANGAN), review_decision="admit")
    institution = institution_named(province, "武汉市江汉区仁爱医院")
    assert institution is not None
    assert (institution.supervising_unit, institution.code) == (JIANGAN, "420102000001")
    assert story.is_sound()


@pytest.mark.parametrize(
    ("unit", "remark"),
    [
        ("999999", "没有转交：所选单位不存在，请重新选择"),
        (JIANGHAN, "没有转交：所选单位就是现在的主管单位"),
    ],
)
def test_what_cannot_be_forwarded_stays_with_the_reason(province: Town, unit: str, remark: str) -> None:
    story = applies(province)

    story.completes("review", by=CLERK, review_decision="forward", forward_to=unit, opinion="转交")

    assert story.waits_for("review", group=f"unit:{JIANGHAN}")
    assert remarks(story)[0] == remark
    assert notices(story) == []
    assert story.is_sound()


def test_a_unit_is_reminded_and_its_superior_takes_over(province: Town) -> None:
    story = applies(province)
    story.passes(DAY)  # Tuesday
    assert notices(story) == [f"review_waiting → unit:{JIANGHAN}"]
    assert story.waits_for("review", group=f"unit:{JIANGHAN}")

    story.passes(2 * DAY)

    assert story.waits_for("review_escalated", group=f"unit:{WUHAN}")
    assert notices(story)[-1] == f"review_escalated → unit:{WUHAN}"
    story.passes(4 * DAY)  # Thursday to Monday
    assert notices(story)[-1] == f"review_waiting → unit:{WUHAN}"
    story.completes("review", by=clerk_of(WUHAN), review_decision="admit")
    assert story.outcome == "admitted"
    institution = institution_named(province, "武汉市江汉区仁爱医院")
    assert institution is not None
    assert institution.supervising_unit == JIANGHAN  # who decides late is not who supervises
    assert story.is_sound()


def test_above_the_province_there_is_nobody(province: Town) -> None:
    story = applies(province, supervising_unit=PROVINCE, institution_name="湖北省仁爱医院")

    story.passes(3 * DAY)

    assert story.waits_for("review_escalated", group=f"unit:{PROVINCE}")


def _at(town: Town, stage: str) -> Story:
    """A case that stands at this element."""
    if stage == "agreement":
        story = town.start("institution_admission", somebody_with_phone(town))
    elif stage == "information":
        story = town.start("institution_admission", somebody_with_phone(town))
        story.completes("agreement", agreement="admit_institution/2026-01")
    elif stage in {"stamped_form", "read_form"}:
        story = registers(town)
        if stage == "read_form":
            story.completes("stamped_form", stamped_form=story.photo())
    else:
        story = applies(town)
        if stage == "amend":
            story.completes(
                "review", by=CLERK, review_decision="return", defects=["form_incomplete"], opinion="请填写完整"
            )
    assert story.waits_for(stage)
    return story
