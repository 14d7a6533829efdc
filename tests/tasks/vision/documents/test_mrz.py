"""The two lines of a passport's machine readable zone as the recogniser may give them (ICAO 9303-4, appendix B)."""

from __future__ import annotations

from datetime import date

import pytest

from domain.documents.documents import mrz_check_digit
from tasks.vision.documents.mrz import read_mrz, shows_mrz
from tasks.vision.text.ocr import TextLine
from tools.cards.passport import mrz_lines

FIRST = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"
SECOND = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"
IN_2011 = date(2011, 6, 1)


def a_line(text: str, y: int, left: int = 50, right: int = 960, rise: float = 0.0) -> TextLine:
    box = (left, int(y - 17 - max(rise, 0)), right, int(y + 17 + max(-rise, 0)))
    return TextLine(text, 0.99, box, (left, float(y)), (right, y - rise))


def read(*texts: str, printed: tuple[str, ...] = (), today: date = IN_2011):
    lines = [a_line(text, 60 + 40 * i, 430, 640) for i, text in enumerate(printed)]
    lines += [a_line(text, 540 + 47 * i) for i, text in enumerate(texts)]
    fields, warnings = read_mrz(lines, today)
    return {name: field.value for name, field in fields.items()}, warnings


@pytest.mark.parametrize(
    ("field", "digit"),
    [
        ("L898902C3", "6"),
        ("740812", "2"),
        ("120415", "9"),
        ("ZE184226B<<<<<", "1"),
        ("520727", "3"),
        ("AB2134<<<", "5"),
    ],
)
def test_check_digits_are_those_of_the_norm(field, digit):
    assert mrz_check_digit(field) == digit


def test_the_specimen_of_the_norm_is_drawn_as_printed_there():
    drawn = mrz_lines(
        "ERIKSSON", "ANNA MARIA", "L898902C3", "UTO", date(1974, 8, 12), "女", date(2012, 4, 15), "ZE184226B"
    )

    assert drawn == (FIRST, SECOND)


def test_the_specimen_of_the_norm_is_read():
    fields, warnings = read(FIRST, SECOND)

    assert fields == {
        "document_number": "L898902C3",
        "name": "ERIKSSON ANNA MARIA",
        "nationality": "UTO",
        "birth": "1974-08-12",
        "sex": "女",
        "expiry": "2012-04-15",
    }
    assert warnings == []


def test_an_expired_passport_says_so():
    _, warnings = read(FIRST, SECOND, today=date(2012, 4, 16))

    assert warnings == ["expired"]


@pytest.mark.parametrize(
    ("position", "lost"), [(9, "document_number"), (0, "document_number"), (19, "birth"), (27, "expiry")]
)
def test_a_wrong_check_digit_takes_its_field_away(position, lost):
    other = "X" if position == 0 else str((int(SECOND[position]) + 1) % 10)

    fields, warnings = read(FIRST, SECOND[:position] + other + SECOND[position + 1 :])

    assert lost not in fields
    assert "mrz_check_failed" in warnings
    assert f"field_missing.{lost}" in warnings


def test_a_line_that_contradicts_its_last_digit_gives_no_number():
    fields, warnings = read(FIRST, SECOND[:-1] + "3")

    assert "document_number" not in fields
    assert "mrz_check_failed" in warnings


def test_letters_in_place_of_digits_are_put_right_by_their_position():
    fields, warnings = read("P<UT0ERIKSS0N<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", SECOND.replace("UTO74O8122", "UTO74O8I22"))

    assert fields["name"] == "ERIKSSON ANNA MARIA"
    assert fields["birth"] == "1974-08-12"
    assert warnings == []


def test_digits_of_a_date_read_as_letters_still_hold():
    fields, warnings = read(FIRST, SECOND.replace("7408122", "74O8I2Z").replace("1204159", "I2O4IS9"))

    assert (fields["birth"], fields["expiry"]) == ("1974-08-12", "2012-04-15")
    assert warnings == []


def test_a_number_read_with_a_look_alike_is_settled_by_the_printed_one():
    fields, warnings = read(FIRST, "L8989O2C3" + SECOND[9:], printed=("Passport No.", "L898902C3"))

    assert fields["document_number"] == "L898902C3"
    assert warnings == []


def test_a_slip_the_check_digit_does_not_see_is_settled_by_the_printed_number():
    # G is worth 16 and 6 is worth 6: the check digit is the same
    true = mrz_lines("ERIKSSON", "ANNA", "L89890263", "UTO", date(1974, 8, 12), "女", date(2012, 4, 15))[1]

    fields, _ = read(FIRST, true.replace("L89890263", "L898902G3"), printed=("L89890263",))

    assert fields["document_number"] == "L89890263"


def test_a_printed_number_of_other_digits_leaves_it_to_a_person():
    fields, warnings = read(FIRST, SECOND, printed=("L898907C3",))

    assert "document_number" not in fields
    assert "field_conflict.document_number" in warnings


def test_a_name_printed_with_another_letter_leaves_it_to_a_person():
    fields, warnings = read(FIRST.replace("MARIA", "MARLA"), SECOND, printed=("ERIKSSON", "ANNA MARIA"))

    assert "name" not in fields
    assert "field_conflict.name" in warnings


def test_lost_fillers_behind_a_short_number_do_not_shift_the_rest():
    line = mrz_lines("TAYLOR", "LIAM", "TB776856", "NZL", date(1953, 4, 30), "男", date(2033, 12, 4))[1]

    fields, _ = read("P<NZLTAYLOR<<LIAM<<<<<<<<<<<<<<<<<<<<<<<<<<<<", line.replace("TB776856<", "TB776856"))

    assert fields["document_number"] == "TB776856"
    assert fields["birth"] == "1953-04-30"


def test_fillers_lost_at_the_end_cost_nothing():
    fields, warnings = read(
        FIRST[:34], SECOND.replace("<<<<<10", "<<10"), printed=("Surname", "ERIKSSON", "Given names", "ANNA MARIA")
    )

    assert fields["document_number"] == "L898902C3"
    assert fields["name"] == "ERIKSSON ANNA MARIA"
    assert warnings == []


def test_a_name_of_a_line_that_lost_characters_must_be_printed_on_the_page():
    fields, warnings = read("P<JPNTO<<SHOTA<<<<<<<<<<<<<<<<<<<<<<<<<<<<<", SECOND, printed=("ITO", "SHOTA"))

    assert "name" not in fields
    assert "field_missing.name" in warnings


def test_a_printed_number_that_agrees_with_the_check_digit_mends_one_character():
    fields, warnings = read(FIRST, "L898902V3" + SECOND[9:], printed=("L898902C3",))

    assert fields["document_number"] == "L898902C3"
    assert warnings == []


def test_noise_among_the_trailing_fillers_is_no_name():
    first = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<K<<C<<<<<<<<"

    confirmed, _ = read(first, SECOND, printed=("ERIKSSON", "ANNA MARIA"))
    alone, _ = read(first.replace("<<K<<C<<", "<RECCRECE"), SECOND)

    assert confirmed["name"] == "ERIKSSON ANNA MARIA"
    assert "name" not in alone


def test_a_nationality_nothing_else_confirms_is_left_out():
    fields, _ = read(FIRST, SECOND.replace("UTO", "BTO"))

    assert "nationality" not in fields
    assert fields["document_number"] == "L898902C3"


def test_a_short_given_name_of_filler_like_letters_stays():
    fields, _ = read("P<KORKIM<<LEX<LEE<<<<<<<<<<<<<<<<<<<<<<<<<<<", SECOND)

    assert fields["name"] == "KIM LEX LEE"


def test_the_pieces_of_slanted_lines_are_joined_in_their_own_order():
    lines = [
        a_line("L898902C36UTO7408122F12", 580, 50, 500, rise=40),
        a_line("04159ZE184226B<<<<<10", 538, 515, 960, rise=40),
        a_line("P<UTOERIKSSON<<ANNA<MAR", 533, 50, 500, rise=40),
        a_line("IA<<<<<<<<<<<<<<<<<<<", 491, 515, 960, rise=40),
    ]

    fields, warnings = read_mrz(lines, IN_2011)

    assert fields["document_number"].value == "L898902C3"
    assert fields["name"].value == "ERIKSSON ANNA MARIA"
    assert warnings == []


@pytest.mark.parametrize("birth", ["000230", "991301"])
def test_a_day_that_does_not_exist_is_left_out(birth):
    line = SECOND[:13] + birth + mrz_check_digit(birth) + SECOND[20:]

    fields, warnings = read(FIRST, line)

    assert "birth" not in fields
    assert "mrz_check_failed" in warnings


def test_text_that_is_no_mrz_is_not_taken_for_one():
    lines = [
        a_line(text, 100 + 50 * i)
        for i, text in enumerate(("中华人民共和国", "RMB 12345678901234567890123456789012345", ""))
    ]

    assert not shows_mrz(lines)
    assert read_mrz(lines, IN_2011)[0] == {}
