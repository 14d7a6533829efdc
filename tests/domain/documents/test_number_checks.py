"""What a reviewer is told about a number and the dates around it, and how typed and read are laid side by side."""

from __future__ import annotations

from datetime import date

import pytest

from domain.documents.documents import DocumentType
from domain.documents.number_checks import CheckState, document_checks
from domain.documents.side_by_side import side_by_side

TODAY = date(2026, 3, 2)
RESIDENT = DocumentType.RESIDENT_ID
NUMBER = "11010519491231002X"  # 北京市朝阳区, 1949-12-31, 女


def told(number: str = NUMBER, kind: DocumentType = RESIDENT, today: date = TODAY, **fields: str) -> dict[str, str]:
    return {check.code: f"{check.state}: {check.sentence}" for check in document_checks(kind, number, fields, today)}


@pytest.mark.parametrize(
    ("fields", "code", "sentence"),
    [
        ({"birth": "1949-12-31"}, "birth", "ok: 号码与证件上均为 1949-12-31。"),
        ({"birth": "1949年12月31日"}, "birth", "ok: 号码与证件上均为 1949-12-31。"),
        ({"birth": "1950-01-01"}, "birth", "problem: 号码中为 1949-12-31，证件上为 1950-01-01。"),
        ({}, "birth", "unknown: 号码中为 1949-12-31；证件上没有读出出生日期。"),
        ({"sex": "女"}, "sex", "ok: 号码与证件上均为女。"),
        ({"sex": "男"}, "sex", "problem: 号码中为女，证件上为男。"),
        ({"validity": "2010.03.02-长期"}, "validity", "ok: 长期有效。"),
        ({"validity": "2019.03.02-2039.03.02"}, "validity", "ok: 有效期至 2039-03-02。"),
        ({"validity": "2006.03.01-2026.03.01"}, "validity", "problem: 证件已于 2026-03-01 到期。"),
        ({"validity": "2027.03.02-长期"}, "validity", "problem: 证件自 2027-03-02 起才有效。"),
        ({"validity": "2010.13.02-长期"}, "validity", "unknown: 没有读出有效期限。"),
        ({"validity": "2010.03.02-2030.02.30"}, "validity", "unknown: 没有读出有效期限。"),
        ({"name": "张三"}, "validity", "unknown: 没有读出有效期限。"),
    ],
)
def test_the_number_is_held_against_what_was_read(fields: dict[str, str], code: str, sentence: str) -> None:
    assert told(**fields)[code] == sentence


@pytest.mark.parametrize(
    ("today", "state"),
    [(date(2026, 3, 2), "ok"), (date(1960, 1, 1), "notice"), (date(2060, 1, 1), "notice")],
)
def test_an_unusual_age_is_worth_a_look(today: date, state: str) -> None:
    assert told(today=today)["age"].startswith(state)


def test_on_the_last_day_a_document_is_still_valid() -> None:
    assert told(today=date(2030, 3, 2), validity="2010.03.02-2030.03.02")["validity"].startswith("ok")
    assert told(today=date(2030, 3, 3), validity="2010.03.02-2030.03.02")["validity"].startswith("problem")


def test_a_term_that_does_not_fit_the_age_is_pointed_out() -> None:
    assert "term" not in told(validity="2010.03.02-长期")
    assert told(validity="2020.03.02-2030.03.02")["term"].startswith("problem")


def test_a_wrong_check_digit_ends_what_the_number_can_tell() -> None:
    found = told("110105194912310021")

    assert found == {"number": "problem: 证件号码校验位不正确，请逐位核对。"}


def test_an_unknown_division_is_a_notice_and_no_problem() -> None:
    number = "990000194912310026"

    assert told(number)["number"].startswith("ok")
    assert told(number)["division"] == "notice: 行政区划代码 990000 不在已知名录中，请核对首次登记地。"


def test_other_documents_have_their_form_and_their_expiry() -> None:
    found = document_checks(DocumentType.PASSPORT, "E12345678", {"expiry": "2025-12-31"}, TODAY)

    assert [(check.code, check.state) for check in found] == [
        ("number", CheckState.OK),
        ("validity", CheckState.PROBLEM),
    ]


def test_typed_comes_first_and_finds_its_read_field() -> None:
    rows = side_by_side(
        {"name": "阿依古丽•买买提", "document_number": "e1234 5678", "opinion": "x"},
        {"nationality": "CHN", "document_number": "E12345678", "name": "阿依古丽·买买提"},
        {"name": 0.99, "document_number": 0.5},
    )

    assert [(row.label, row.agreement, row.field) for row in rows] == [
        ("姓名", "same", "name"),
        ("证件编号", "same", "document_number"),
        ("国籍", None, "nationality"),
    ]
    assert rows[1].confidence == 0.5


def test_what_was_not_read_is_unread_and_not_different() -> None:
    rows = side_by_side({"name": "张三", "document_number": NUMBER}, {}, {})

    assert [(row.typed, row.read, row.agreement) for row in rows] == [
        ("张三", None, "unread"),
        (NUMBER, None, "unread"),
    ]
