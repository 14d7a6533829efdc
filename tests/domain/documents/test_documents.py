"""Numbers of identity documents: vectors of the norms, and what must hold for any of them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric

from domain.documents.documents import (
    DocumentType,
    Sex,
    lookup_forms,
    mrz_check_digit,
    normalise_number,
    number_flags,
    number_problems,
    parse_resident_number,
    resident_check_digit,
)

TODAY = date(2026, 3, 2)
RESIDENT = DocumentType.RESIDENT_ID


@pytest.mark.parametrize(
    ("number", "birth", "sex"),
    [
        ("11010519491231002X", date(1949, 12, 31), Sex.FEMALE),
        ("440524188001010014", date(1880, 1, 1), Sex.MALE),
        ("360426199101010071", date(1991, 1, 1), Sex.MALE),
    ],
)
def test_vectors_of_gb_11643(number: str, birth: date, sex: Sex) -> None:
    parsed = parse_resident_number(number)

    assert parsed is not None
    assert (parsed.birth, parsed.sex, parsed.division) == (birth, sex, number[:6])
    assert number_problems(RESIDENT, number, TODAY) == ()


@pytest.mark.parametrize(
    ("number", "problems"),
    [
        ("", ("number.empty",)),
        ("110105491231002", ("number.legacy",)),
        ("11010519491231002", ("number.form",)),
        ("1101051949123100２Ｘ", ()),  # full-width digits are the same number
        ("110105194912310021", ("number.check_digit",)),
        ("110105194913310025", ("number.birth", "number.check_digit")),
        ("11010519490229002X", ("number.birth", "number.check_digit")),
        ("X1010519491231002X", ("number.form",)),
    ],
)
def test_what_is_wrong_with_a_resident_number(number: str, problems: tuple[str, ...]) -> None:
    assert number_problems(RESIDENT, number, TODAY) == problems


def test_a_birth_in_the_future_is_refused_from_the_day_before_it() -> None:
    number = "110105" + "20260303" + "001"
    number += resident_check_digit(number)

    assert number_problems(RESIDENT, number, TODAY) == ("number.birth_in_future",)
    assert number_problems(RESIDENT, number, date(2026, 3, 3)) == ()


@given(st.integers(0, 10**17 - 1))
def test_the_check_digit_is_stdnums(first: int) -> None:
    first_17 = f"{first:017d}"

    assert resident_check_digit(first_17) == ric.calc_check_digit(first_17 + "0")


@given(
    birth=st.dates(date(1900, 1, 1), TODAY),
    order=st.integers(0, 999),
    place=st.integers(0, 17),
    other=st.sampled_from("0123456789"),
)
def test_one_changed_digit_never_passes(birth: date, order: int, place: int, other: str) -> None:
    first_17 = f"420106{birth:%Y%m%d}{order:03d}"
    number = first_17 + resident_check_digit(first_17)
    changed = number[:place] + other + number[place + 1 :]

    assert number_problems(RESIDENT, number, TODAY) == ()
    if changed != number:
        assert number_problems(RESIDENT, changed, TODAY)


def test_an_unknown_division_is_a_flag_and_no_problem() -> None:
    first_17 = "99999919900101001"
    number = first_17 + resident_check_digit(first_17)

    assert number_problems(RESIDENT, number, TODAY) == ()
    assert number_flags(RESIDENT, number) == ("number.unknown_division",)
    assert number_flags(RESIDENT, "11010519491231002X") == ()


def test_a_legacy_number_finds_the_number_of_today() -> None:
    assert lookup_forms(RESIDENT, "110105491231002")[0] == "11010519491231002X"
    assert lookup_forms(RESIDENT, "11010519491231002x") == ("11010519491231002X",)


@pytest.mark.parametrize(
    ("document_type", "good", "bad"),
    [
        ("hk_macau_permit", ["H12345678", "M12345678", "h1234567801"], ["A12345678", "H1234567", "H123456780"]),
        ("taiwan_permit", ["12345678"], ["1234567", "T12345678", "123456789"]),
        ("residence_permit", ["810000199408230021"], ["110105194912310021", "11010519491231002X", "810000"]),
        ("passport", ["E12345678", "EA1234567", "123456789"], ["E1234567890", "ABCDE", "E12-"]),
        (
            "foreign_permanent_resident",
            ["USA110000000000", "usa110000000000"],
            ["US110000000000", "11010519491231002X"],
        ),
    ],
)
def test_patterns_of_other_documents(document_type: str, good: list[str], bad: list[str]) -> None:
    kind = DocumentType(document_type)

    assert [number for number in good if number_problems(kind, number, TODAY)] == []
    assert [number for number in bad if not number_problems(kind, number, TODAY)] == []


def test_the_new_foreign_permanent_resident_number_starts_with_nine() -> None:
    first_17 = "91100019850203001"

    number = first_17 + resident_check_digit(first_17)

    assert number_problems(DocumentType.FOREIGN_PERMANENT_RESIDENT, number, TODAY) == ()


@pytest.mark.parametrize(
    ("field", "digit"),
    [("L898902C3", "6"), ("740812", "2"), ("120415", "9"), ("ZE184226B<<<<<", "1"), ("D23145890", "7")],
)
def test_check_digits_of_icao_9303(field: str, digit: str) -> None:
    assert mrz_check_digit(field) == digit


@given(st.text(max_size=30))
def test_normalising_a_number_twice_changes_nothing(text: str) -> None:
    once = normalise_number(text)

    assert normalise_number(once) == once
