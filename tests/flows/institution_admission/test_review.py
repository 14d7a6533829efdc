"""机构补增: what a reviewer does besides admitting and rejecting, and what happens when nobody reviews."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.flows.institution_admission.cases import (
    CLERK,
    JIANGAN,
    JIANGHAN,
    PROVINCE,
    WUHAN,
    a_credit_code,
    a_registration,
    applies,
    clerk_of,
    institution_named,
    listed,
    notice_text,
    notices,
    remarks,
    standing_at,
    uploads,
)
from tests.flows.story import Town

DAY = timedelta(days=1)


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
    story = standing_at(province, "amend")
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
