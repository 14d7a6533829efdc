"""The form an institution stamps: what was typed stands on it, on one page, with room for the stamp."""

from __future__ import annotations

import pypdfium2
import pytest

from bpmn.institution_admission.submitting import PRINTED_LABELS
from domain.admissions.form import blank_form_pdf

TYPED = {
    "institution_name": "仙桃市第一人民医院",
    "credit_code": "12429004MB1A2B3C4D",
    "address": "湖北省仙桃市仙桃大道 29 号",
    "supervising_unit": "仙桃市卫生健康委员会",
    "category": "医院",
    "applicant_name": "王小明",
    "applicant_phone": "13800001111",
}


def pages_of(values: dict[str, str]) -> list[str]:
    return [
        page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(blank_form_pdf(values, PRINTED_LABELS))
    ]


def test_everything_typed_stands_beside_its_label():
    (page,) = pages_of(TYPED)

    for key, value in TYPED.items():
        assert f"{PRINTED_LABELS[key]} {value}" in page
    assert "单位公章（盖在此处）" in page


def test_nothing_typed_gives_the_form_to_fill_in_by_hand():
    (page,) = pages_of({})

    assert all(PRINTED_LABELS[key] in page for key in TYPED)


@pytest.mark.parametrize("key", ["licence_number", "filing_number"])
def test_a_number_only_some_categories_have_stands_on_it_where_it_was_typed(key):
    (without,) = pages_of(TYPED)
    (with_it,) = pages_of(TYPED | {key: "PDY00001X42900411A1001"})

    assert PRINTED_LABELS[key] not in without
    assert f"{PRINTED_LABELS[key]} PDY00001X42900411A1001" in with_it


def test_the_longest_name_and_address_still_fit_on_one_page():
    pages = pages_of(
        TYPED | {"institution_name": "长" * 100, "address": "路" * 150, "filing_number": "1", "licence_number": "2"}
    )

    assert len(pages) == 1


def test_the_place_for_the_stamp_is_never_torn_in_two():
    first, second = pages_of(TYPED | {"address": "路" * 560})

    assert "申请人（签字）" not in first
    assert "申请人（签字）" in second
    assert "单位公章（盖在此处）" in second


def test_what_is_no_field_of_the_form_is_not_printed():
    (page,) = pages_of(TYPED | {"remark": "不应出现"})

    assert "不应出现" not in page
