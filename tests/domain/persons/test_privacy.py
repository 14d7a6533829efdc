from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.persons.privacy import mask_document_number, mask_name, mask_phone


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张三", "张*"),
        ("欧阳娜娜", "欧阳**"),
        ("欧阳", "欧*"),
        ("阿卜杜拉·买买提", "阿***"),
        ("ANNA MARIA", "A***"),
        ("", ""),
    ],
)
def test_names_keep_the_surname(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("11010519491231002X", "1101**********002X"),
        ("E12345678", "E******78"),
        ("H1234567801", "H********01"),
        ("123", "***"),
    ],
)
def test_numbers_hide_the_birth_date(number: str, masked: str) -> None:
    assert mask_document_number(number) == masked


def test_phones_hide_the_middle() -> None:
    assert mask_phone("13812345678") == "138****5678"


@given(st.from_regex(r"[A-Z0-9]{5,18}", fullmatch=True))
def test_at_least_half_of_a_number_is_hidden(number: str) -> None:
    assert mask_document_number(number).count("*") * 2 >= len(number) - 1
