"""Credit codes and licence numbers: the two check algorithms, the letters left out, and what malformed ones are refused with."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.institutions.credit_code import (
    ALPHABET,
    check_character,
    division_of,
    has_valid_organisation_code,
    kind_of,
    normalise_credit_code,
    organisation_check_character,
    organisation_code,
)
from domain.institutions.practice_licence import (
    LicenceForm,
    has_valid_check,
    normalise_licence_number,
    read_licence_number,
)
from domain.refused import Refused

# Public codes: a joint venture (GB 32100's usual example) and the operator of a well-known search engine.
GOOD = ("91350100M000100Y43", "91110000802100433B")

organisations = st.text("0123456789" + string.ascii_uppercase, min_size=8, max_size=8).map(
    lambda first: first + organisation_check_character(first)
)
credit_codes = st.builds(
    lambda kind, division, organisation: _with_check(kind + division + organisation),
    st.text(ALPHABET, min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(ALPHABET, min_size=9, max_size=9),
)


def _with_check(first_17: str) -> str:
    return first_17 + check_character(first_17)


def refusal(text: str, read: object = normalise_credit_code) -> Refused:
    with pytest.raises(Refused) as refused:
        read(text)  # type: ignore[operator]
    return refused.value


@pytest.mark.parametrize("code", GOOD)
def test_known_good_codes_stand_both_checks(code: str) -> None:
    assert normalise_credit_code(code) == code
    assert has_valid_organisation_code(code)


@given(credit_codes)
def test_the_check_is_that_of_the_norm_computed_another_way(code: str) -> None:
    # GB 32100-2015, 5.2: the sum of Ci * Wi over all 18 characters, W18 = 1, is a multiple of 31
    total = sum(ALPHABET.index(character) * pow(3, place, 31) for place, character in enumerate(code[:-1]))

    assert (total + ALPHABET.index(code[-1])) % 31 == 0
    assert normalise_credit_code(code) == code


@given(credit_codes, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_any_single_character_mistyped_is_noticed(code: str, place: int, other: str) -> None:
    mistyped = code[:place] + other + code[place + 1 :]

    if other != code[place]:
        assert refusal(mistyped).code in {"credit_code.check", "credit_code.form"}


@given(credit_codes, st.integers(0, 16))
def test_two_neighbours_swapped_are_noticed(code: str, place: int) -> None:
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]

    if swapped != code:
        assert refusal(swapped).code in {"credit_code.check", "credit_code.form"}


@given(credit_codes)
def test_how_a_code_is_typed_does_not_matter(code: str) -> None:
    full_width = "".join(chr(ord(character) + 0xFEE0) for character in code)

    assert normalise_credit_code(f" {code[:8].lower()}-{code[8:17]} {code[17]}\n") == code
    assert normalise_credit_code(full_width) == code


@given(st.text(max_size=40))
def test_no_text_whatever_breaks_the_check(text: str) -> None:
    codes = {"credit_code.length", "credit_code.letters", "credit_code.form", "credit_code.check"}

    assert _read_or_refusal(text) in {*codes, text}


def _read_or_refusal(text: str) -> str:
    try:
        return normalise_credit_code(text) and text
    except Refused as refused:
        return refused.code


@pytest.mark.parametrize("letter", "IOSVZ")
def test_letters_the_norm_leaves_out_are_named(letter: str) -> None:
    refused = refusal(GOOD[0][:9] + letter + GOOD[0][10:])

    assert (refused.code, refused.facts["letters"]) == ("credit_code.letters", letter)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("91350100M000100Y4", "credit_code.length"),
        ("91350100M000100Y430", "credit_code.length"),
        ("", "credit_code.length"),
        ("91350100M000100Y44", "credit_code.check"),
        ("913501A0M000100Y43", "credit_code.form"),
        ("9135010!M000100Y43", "credit_code.form"),
    ],
)
def test_malformed_codes_are_refused_each_with_its_code(text: str, code: str) -> None:
    assert refusal(text).code == code


@pytest.mark.parametrize("kind", ["A1", "N1", "Y1"])
def test_bodies_registered_by_the_army_and_others_begin_with_a_letter(kind: str) -> None:
    code = _with_check(kind + "420106" + GOOD[0][8:17])

    assert kind_of(normalise_credit_code(code)) == kind


def test_a_code_is_taken_apart() -> None:
    assert (kind_of(GOOD[0]), division_of(GOOD[0]), organisation_code(GOOD[0])) == ("91", "350100", "M000100Y4")


# ---- organisation codes


@pytest.mark.parametrize("code", ["D2143569X", "600037341", "802100433", "M000100Y4"])
def test_known_organisation_codes_stand_their_check(code: str) -> None:
    assert organisation_check_character(code[:8]) == code[8]


@given(organisations)
def test_the_organisation_code_s_weighted_sum_is_a_multiple_of_eleven(code: str) -> None:
    values = [10 if character == "X" else int(character, 36) for character in code[8:]]
    total = sum(int(character, 36) * weight for character, weight in zip(code, (3, 7, 9, 10, 5, 8, 4, 2), strict=False))

    assert (total + values[0]) % 11 == 0


@given(organisations, st.integers(0, 7), st.integers(0, 9))
def test_a_mistyped_digit_of_an_organisation_code_is_noticed(code: str, place: int, digit: int) -> None:
    mistyped = code[:place] + str(digit) + code[place + 1 :]
    differs = (int(code[place], 36) - digit) % 11 != 0

    assert (organisation_check_character(mistyped[:8]) == code[8]) is not differs


# ---- practice licences


def test_a_licence_number_is_taken_apart() -> None:
    licence = read_licence_number("m000100y4 420106 17A1 001".replace(" ", ""))

    assert (licence.form, licence.organisation_code, licence.division) == (LicenceForm.FULL, "M000100Y4", "420106")
    assert has_valid_check(licence)


def test_pseudo_codes_and_old_numbers_hold_no_organisation_code() -> None:
    pseudo, old = read_licence_number("PDY60123X42010617A1001"), read_licence_number("420106123456")

    assert (pseudo.form, pseudo.organisation_code, pseudo.division) == (LicenceForm.PSEUDO, None, "420106")
    assert (old.form, old.organisation_code, old.division) == (LicenceForm.OLD, None, None)
    assert has_valid_check(pseudo)
    assert has_valid_check(old)


@given(organisations, st.text("0123456789", min_size=6, max_size=6), st.text("0123456789ABCD", min_size=7, max_size=7))
def test_every_well_formed_licence_number_is_read_back_as_it_was(organisation: str, division: str, rest: str) -> None:
    number = organisation + division + rest

    assert normalise_licence_number(number.lower()) == number


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("M000100Y442010617A100", "licence.length"),
        ("42010612345", "licence.length"),
        ("M000100Y44201A617A1001", "licence.form"),
        ("4201061234A6", "licence.form"),
        ("医" * 22, "licence.form"),
    ],
)
def test_malformed_licence_numbers_are_refused(text: str, code: str) -> None:
    assert refusal(text, read_licence_number).code == code
