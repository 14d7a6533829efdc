"""机构补增: what is in the library already, what a category has to give, and input that is wrong."""

from __future__ import annotations

import pytest

from engine.errors import InvalidForm
from tests.flows.institution_admission.cases import (
    CLERK,
    JIANGAN,
    a_credit_code,
    a_licence,
    a_registration,
    applies,
    clerk_of,
    in_the_library,
    institution_named,
    institutions,
    listed,
    notices,
    registers,
    remarks,
    somebody_with_phone,
    uploads,
)
from tests.flows.story import Story, Town

RENAI = "武汉市江汉区仁爱医院"
CITED = f"机构库中的“{RENAI}”（主管单位江汉区卫生健康局，机构编码 420103000001，已收录）"


def problems(story: Story) -> list[str]:
    return list(story.variables["check"]["problems"])


# ---- names and codes that are taken


@pytest.mark.parametrize(
    "typed",
    [RENAI, "武汉市 江汉区 仁爱医院", "（武汉市）江汉区仁爱医院", "武漢市江漢區仁愛醫院"],
    ids=["the same", "blanks", "brackets", "繁体"],
)
def test_an_exact_duplicate_goes_no_further(province: Town, typed: str) -> None:
    in_the_library(province, RENAI)

    story = registers(province, institution_name=typed)

    assert story.waits_for("information")
    assert problems(story) == [f"机构名称与{CITED}相同，不能重复申请"]
    assert listed(story) is None


def test_width_makes_no_other_name(province: Town) -> None:
    in_the_library(province, "武汉ABC口腔医院（江汉）")

    story = registers(province, institution_name="武汉ＡＢＣ口腔医院(江汉)")

    assert story.waits_for("information")
    assert "不能重复申请" in problems(story)[0]


def test_a_near_duplicate_explained_as_a_branch_goes_on(province: Town) -> None:
    in_the_library(province, RENAI)
    story = registers(province, institution_name=f"{RENAI}常青分院")
    assert story.waits_for("explain")
    (near,) = story.variables["check"]["near"]
    assert near["name"] == RENAI

    story.completes("explain", relation="branch", explanation="常青路院区，2025 年批复设立")

    assert story.waits_for("stamped_form")
    uploads(story)
    assert f"与已收录的“{RENAI}”相近：{near['reason']}" in remarks(story)
    assert "申请人说明（是其分院、院区或分支机构）：常青路院区，2025 年批复设立" in remarks(story)
    story.completes("review", by=CLERK, review_decision="admit")
    assert story.outcome == "admitted"
    assert institutions(province) == 2
    assert story.is_sound()


def test_a_near_duplicate_may_be_another_institution(province: Town) -> None:
    in_the_library(province, "武汉市江汉区仁爱中西医结合医院")
    story = registers(province, institution_name="武汉市江汉区仁爱中西医结合医苑")
    assert story.waits_for("explain")

    story.completes("explain", relation="different", explanation="两家机构地址和法人都不同")

    uploads(story)
    assert "申请人说明（是另一家机构，只是名称相近）：两家机构地址和法人都不同" in remarks(story)


def test_who_finds_their_own_institution_goes_back_and_corrects(province: Town) -> None:
    in_the_library(province, RENAI)
    story = registers(province, institution_name=f"{RENAI}常青分院")

    story.completes("explain", relation="correct")

    assert story.waits_for("information")
    story.completes(
        "information", **a_registration(institution_name="武汉市江汉区长青路口腔门诊部", category="outpatient")
    )
    assert story.waits_for("stamped_form")


def test_an_explanation_holds_for_the_name_it_was_given_for(province: Town) -> None:
    in_the_library(province, RENAI)
    story = registers(province, institution_name=f"{RENAI}常青分院")
    story.completes("explain", relation="branch", explanation="常青路院区")
    uploads(story)
    story.completes(
        "review", by=CLERK, review_decision="return", defects=["institution_name"], opinion="请用批复上的名称"
    )

    story.completes("information", **a_registration(institution_name=f"{RENAI}长青分院"))

    assert story.waits_for("explain")


def test_an_explanation_without_words_is_refused(province: Town) -> None:
    in_the_library(province, RENAI)
    story = registers(province, institution_name=f"{RENAI}常青分院")

    with pytest.raises(InvalidForm):
        story.completes("explain", relation="branch")

    assert story.waits_for("explain")


def test_a_branch_that_shares_the_credit_code_is_admitted_without_one(province: Town) -> None:
    in_the_library(province, RENAI, credit_code=a_credit_code())
    story = registers(province, institution_name="武汉市江汉区常青康复院区")
    assert story.waits_for("explain")
    assert story.variables["check"]["same_credit_code"] == [f"统一社会信用代码与{CITED}相同"]

    story.completes("explain", relation="branch", explanation="仁爱医院的康复院区")
    uploads(story)

    assert "与总院共用统一社会信用代码，收录时不登记该代码" in remarks(story)
    story.completes("review", by=CLERK, review_decision="admit")
    branch = institution_named(province, "武汉市江汉区常青康复院区")
    assert branch is not None
    assert branch.credit_code is None
    assert story.is_sound()


def test_another_institution_cannot_have_the_same_credit_code(province: Town) -> None:
    in_the_library(province, RENAI, credit_code=a_credit_code())
    story = registers(province, institution_name="武汉市江汉区博爱康复医院")

    story.completes("explain", relation="different", explanation="是另一家医院")

    assert story.waits_for("information")
    assert problems(story) == ["两家不同的机构不会有相同的统一社会信用代码，请核对代码"]


# ---- two applications for one name


def test_of_two_applications_for_one_name_one_goes_back_to_its_reviewer_with_the_reason(province: Town) -> None:
    first = applies(province)
    second = applies(
        province,
        somebody_with_phone(province, "13900000002"),
        applicant_phone="13900000002",
        institution_name="武汉市江汉区仁爱医院 ",
        supervising_unit=JIANGAN,
        credit_code=a_credit_code(2),
        licence_number=a_licence(a_credit_code(2)),
    )
    assert "另有 1 件申请使用同一机构名称，正在办理" in remarks(second)
    first.completes("review", by=CLERK, review_decision="admit")

    second.completes("review", by=clerk_of(JIANGAN), review_decision="admit")

    assert first.outcome == "admitted"
    assert second.waits_for("review", group=f"unit:{JIANGAN}")
    assert remarks(second)[0] == f"机构名称与{CITED}相同，不能重复申请"
    assert listed(second) == ("PENDING", None)
    assert institutions(province) == 1
    assert notices(second) == []
    second.completes("review", by=clerk_of(JIANGAN), review_decision="reject", opinion="已由江汉区收录")
    assert second.outcome == "rejected"
    assert first.is_sound()
    assert second.is_sound()


def test_a_credit_code_admitted_meanwhile_goes_back_to_the_reviewer_too(province: Town) -> None:
    story = applies(province)
    in_the_library(province, "武汉市江岸区博爱医院", unit=JIANGAN, credit_code=a_credit_code())

    story.completes("review", by=CLERK, review_decision="admit")

    assert story.waits_for("review")
    assert any(line.startswith("统一社会信用代码与机构库中的“武汉市江岸区博爱医院”") for line in remarks(story))
    assert story.is_sound()


def test_the_same_applicant_asks_once(province: Town) -> None:
    first = applies(province)

    again = registers(province)

    assert problems(again) == ["您已有一件该机构的申请正在办理，请在原申请上继续，或先撤回"]
    first.message("withdraw")
    again.completes("information", **a_registration())
    assert again.waits_for("stamped_form")


# ---- what a category has to give


def test_a_disease_control_centre_needs_no_licence(province: Town) -> None:
    story = applies(province, institution_name="武汉市江汉区疾病预防控制中心", category="cdc", licence_number=None)

    assert "所需证照：须填统一社会信用代码，不需要执业许可证" in remarks(story)
    story.completes("review", by=CLERK, review_decision="admit")
    centre = institution_named(province, "武汉市江汉区疾病预防控制中心")
    assert centre is not None
    assert centre.licence_number is None


def test_what_a_category_has_no_document_for_is_not_kept(province: Town) -> None:
    applies(province, institution_name="武汉市江汉区疾病预防控制中心", category="cdc").completes(
        "review", by=CLERK, review_decision="admit"
    )

    centre = institution_named(province, "武汉市江汉区疾病预防控制中心")
    assert centre is not None
    assert centre.licence_number is None


@pytest.mark.parametrize(
    ("category", "missing"),
    [
        ("hospital", ["该类机构须填写统一社会信用代码", "该类机构须填写医疗机构执业许可证登记号"]),
        ("filed_clinic", ["该类机构须填写统一社会信用代码", "该类机构须填写诊所备案凭证编号"]),
        ("village_clinic", ["该类机构须填写医疗机构执业许可证登记号"]),
        ("cdc", ["该类机构须填写统一社会信用代码"]),
    ],
)
def test_missing_documents_are_told_all_at_once(province: Town, category: str, missing: list[str]) -> None:
    story = registers(province, category=category, credit_code=None, licence_number=None)

    assert story.waits_for("information")
    assert story.variables["check"]["missing"] == missing


def test_a_filed_clinic_gives_its_filing_certificate(province: Town) -> None:
    applies(
        province,
        institution_name="江汉区王小明口腔诊所",
        category="filed_clinic",
        credit_code=a_credit_code(7, kind="92"),
        licence_number=None,
        filing_number="鄂武江汉备 2024-0012",
    ).completes("review", by=CLERK, review_decision="admit")

    clinic = institution_named(province, "江汉区王小明口腔诊所")
    assert clinic is not None
    assert (clinic.filing_number, clinic.licence_number) == ("鄂武江汉备 2024-0012", None)


def test_a_contradiction_is_shown_to_the_reviewer_and_refuses_nothing(province: Town) -> None:
    story = applies(province, credit_code=a_credit_code(2, division="420102"))

    said = remarks(story)
    assert "信用代码的登记机关区划是 420102（江岸区），主管单位却是 420103（江汉区）" in said
    assert any(line.startswith("登记号前九位是 ") and line.endswith("两者应当一致") for line in said)
    story.completes("review", by=CLERK, review_decision="admit")
    assert story.outcome == "admitted"
