"""机构补增: input that is wrong is told in words, and nothing changes."""

from __future__ import annotations

import pytest

from domain.admissions.record import ApplicationState
from engine.errors import InvalidForm
from tests.flows.institution_admission.cases import (
    CLERK,
    PHONE,
    a_credit_code,
    a_registration,
    applies,
    at_the_form,
    listed,
    registers,
    somebody_with_phone,
)
from tests.flows.story import Story, Town


def problems(story: Story) -> list[str]:
    return list(story.variables["check"]["problems"])


def test_a_credit_code_with_a_wrong_check_digit_comes_back(province: Town) -> None:
    code = a_credit_code()
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")

    story = registers(province, credit_code=wrong)

    assert story.waits_for("information")
    assert problems(story) == ["统一社会信用代码校验位不符，可能抄错一位"]
    assert listed(story) is None


@pytest.mark.parametrize("letter", "IOSVZ")
def test_letters_no_credit_code_has_are_refused(province: Town, letter: str) -> None:
    story = at_the_form(province)

    with pytest.raises(InvalidForm) as refused:
        story.completes("information", **a_registration(credit_code=a_credit_code()[:-1] + letter))

    assert [(p.element, p.code, p.message) for p in refused.value.problems] == [
        ("credit_code", "form.pattern", "统一社会信用代码的格式不正确。")
    ]
    assert story.waits_for("information")


def test_a_name_of_300_characters_is_refused(province: Town) -> None:
    story = at_the_form(province)

    with pytest.raises(InvalidForm) as refused:
        story.completes("information", **a_registration(institution_name="仁" * 300))

    assert [(p.element, p.message) for p in refused.value.problems] == [("institution_name", "机构名称最多 100 个字。")]


def test_a_name_without_a_word_in_it_comes_back(province: Town) -> None:
    story = registers(province, institution_name="（（（）））")

    assert problems(story) == ["机构名称应为 2 至 100 个字的全称"]


def test_an_unknown_unit_comes_back(province: Town) -> None:
    story = registers(province, supervising_unit="999999")

    assert "主管单位不存在，请从列表中选择" in problems(story)


def test_a_phone_that_was_not_proved_comes_back(province: Town) -> None:
    story = registers(province, somebody_with_phone(province), applicant_phone="13900000009")

    assert problems(story) == ["申请人手机应为短信验证过的手机号码"]


def test_without_a_proved_phone_nobody_applies(province: Town) -> None:
    story = registers(province, province.somebody("openid-without-phone"))

    assert problems(story) == ["尚未验证手机号码，请先用短信验证码验证手机，再提交"]


def test_the_proved_phone_is_filled_in_beforehand(province: Town) -> None:
    story = at_the_form(province)

    assert story.variables["applicant"] == {"phone": PHONE}


@pytest.mark.parametrize(
    ("decision", "missing"),
    [
        ({"review_decision": "reject"}, ["opinion"]),
        ({"review_decision": "return", "opinion": "请补正"}, ["defects"]),
        ({"review_decision": "return", "defects": [], "opinion": "请补正"}, ["defects"]),
        ({"review_decision": "forward", "opinion": "不属于本单位"}, ["forward_to"]),
    ],
)
def test_a_decision_that_does_not_say_enough_is_refused(
    province: Town, decision: dict[str, object], missing: list[str]
) -> None:
    story = applies(province)

    with pytest.raises(InvalidForm) as refused:
        story.completes("review", by=CLERK, **decision)

    assert [p.element for p in refused.value.problems] == missing
    assert listed(story) == (ApplicationState.PENDING, None)
