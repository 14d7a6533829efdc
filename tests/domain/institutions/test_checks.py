"""What certificates say about each other and about the unit that supervises."""

from __future__ import annotations

import pytest

from domain.institutions.category import Category
from domain.institutions.checks import Verdict, check_institution
from domain.institutions.credit_code import check_character
from tests.domain.admitting import WUCHANG


def with_check(first_17: str) -> str:
    return first_17 + check_character(first_17)


def verdicts(**facts: object) -> dict[str, Verdict]:
    values = {"supervising_unit": WUCHANG, "category": Category.HOSPITAL, **facts}
    return {each.code: each.verdict for each in check_institution(**values).findings}


HOSPITAL_CODE = with_check("12420106" + "M000100Y4")
LICENCE = "M000100Y442010617A1001"


def test_certificates_that_agree_say_so() -> None:
    assert verdicts(credit_code=HOSPITAL_CODE, licence_number=LICENCE) == {
        "credit_division": Verdict.AGREES,
        "credit_kind": Verdict.AGREES,
        "organisation_code": Verdict.AGREES,
        "licence_division": Verdict.AGREES,
    }


@pytest.mark.parametrize(
    ("facts", "code", "words"),
    [
        ({"licence_number": "80210043342010617A1001"}, "organisation_code", "两者应当一致"),
        ({"supervising_unit": "420200"}, "credit_division", "主管单位却是 420200（黄石市）"),
        ({"supervising_unit": "420200"}, "licence_division", "发证地区划是 420106（武昌区）"),
        ({"category": Category.HEALTH_COMMISSION}, "credit_kind", "通常登记为机关"),
        ({"credit_code": "12420106M000100Y4!"}, "credit_code", "格式不符"),
        ({"credit_code": HOSPITAL_CODE[:-1] + ("0" if HOSPITAL_CODE[-1] != "0" else "1")}, "credit_code", "校验位不符"),
        ({"licence_number": "123"}, "licence_number", "应为 22 位"),
    ],
)
def test_a_contradiction_explains_itself(facts: dict[str, object], code: str, words: str) -> None:
    values = {
        "supervising_unit": WUCHANG,
        "category": Category.HOSPITAL,
        "credit_code": HOSPITAL_CODE,
        "licence_number": LICENCE,
        **facts,
    }

    found = {each.code: each.sentence for each in check_institution(**values).contradictions}

    assert words in found[code]


@pytest.mark.parametrize("unit", ["420106", "420100", "420000"])
def test_a_body_registered_below_its_supervisor_agrees(unit: str) -> None:
    assert verdicts(credit_code=HOSPITAL_CODE, supervising_unit=unit)["credit_division"] is Verdict.AGREES


def test_what_cannot_be_compared_is_a_note_or_not_mentioned() -> None:
    assert verdicts() == {}
    assert verdicts(credit_code=HOSPITAL_CODE, licence_number="420106123456")["licence_form"] is Verdict.NOTE
    assert verdicts(licence_number="PDY60123X42010617A1001")["licence_form"] is Verdict.NOTE
    assert "credit_kind" not in verdicts(credit_code=HOSPITAL_CODE, category=Category.OTHER)
    assert verdicts(licence_number="12345678942010617A1001")["licence_check"] is Verdict.NOTE


def test_a_code_whose_organisation_check_fails_is_only_noted() -> None:
    code = with_check("12420106" + "M000100Y5")

    assert verdicts(credit_code=code)["organisation_check"] is Verdict.NOTE
