"""The machine readable zone of a passport: two lines of 44 characters (ICAO 9303-4, TD3), read position by position.

The recogniser takes O for 0 and loses some of the filler `<`. Every position has a type (letter, digit, either), which
settles most slips; check digits decide whether a field is given at all.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.documents import mrz_check_digit
from tasks.vision.fields import Field
from tasks.vision.ocr import Box, TextLine

LENGTH = 44
TO_DIGIT = str.maketrans("OQDILZSBG", "000112586")
TO_LETTER = str.maketrans("0125 8", "OIZS B")
FILLERS = str.maketrans(
    {"«": "<<", "≪": "<<", "《": "<<", "‹": "<", "〈": "<", "＜": "<", "^": "<", "(": "<", "{": "<"}
)
TWINS = {"0": "O", "O": "0", "1": "I", "I": "1", "2": "Z", "Z": "2", "5": "S", "S": "5", "8": "B", "B": "8"}

_SECOND = re.compile(
    r"(?P<number>.{9})(?P<number_check>.)(?P<state>.{3})(?P<birth>.{6})(?P<birth_check>.)(?P<sex>.)(?P<expiry>.{6})(?P<expiry_check>.)(?P<rest>.*)"
)


@dataclass(frozen=True, slots=True)
class Row:
    text: str
    confidence: float
    box: Box


def read_mrz(lines: Sequence[TextLine], today: date) -> tuple[dict[str, Field], list[str]]:
    """document_number, name, nationality, birth, sex, expiry, each only if its check digit holds; and warnings."""
    rows = [row for row in _rows(lines) if row.text.count("<") >= 2 and len(row.text) >= 28]
    first = next((row for row in rows if re.match(r"P[A-Z<]", row.text)), None)
    second = next((row for row in reversed(rows) if row is not first and _SECOND.match(row.text)), None)
    fields = _second_line(second, today) if second else {}
    name = _name(first.text) if first else None
    if first and name:
        fields["name"] = Field(name, first.confidence, first.box)
    warnings = [
        f"field_missing.{field}" for field in ("document_number", "name", "birth", "expiry") if field not in fields
    ]
    if second and not {"document_number", "birth", "expiry"} <= fields.keys():
        warnings.append("mrz_check_failed")
    if "expiry" in fields and fields["expiry"].value < today.isoformat():
        warnings.append("expired")
    return fields, warnings


def _rows(lines: Sequence[TextLine]) -> list[Row]:
    """Lines side by side joined; blanks and look-alikes of the filler put right."""
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: line.middle_y):
        home = next((row for row in rows if abs(row[0].middle_y - line.middle_y) < 0.6 * row[0].height), None)
        if home is None:
            rows.append([line])
        else:
            home.append(line)
    return [_row(sorted(row, key=lambda line: line.box[0])) for row in rows]


def _row(parts: Sequence[TextLine]) -> Row:
    text = "".join(unicodedata.normalize("NFKC", part.text).translate(FILLERS) for part in parts)
    text = re.sub(r"[^A-Z0-9<]", "", text.upper())
    boxes = [part.box for part in parts]
    around = min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)
    return Row(text, min(part.confidence for part in parts), around)


def _name(text: str) -> str | None:
    """`P<CHNZHANG<<SAN<<<` → `ZHANG SAN`: surname, then given names. The number of trailing fillers says nothing."""
    body = text[5:].translate(TO_LETTER)
    surname, separator, given = body.partition("<<")
    given = re.sub(r"<[CKLEX<]*$", "", given + "<") if "<" in given else given
    parts = [part for part in f"{surname}<{given}".split("<") if part]
    return " ".join(parts) if separator and parts and all(part.isalpha() for part in parts) else None


def _second_line(row: Row, today: date) -> dict[str, Field]:
    found = _SECOND.match(row.text)
    assert found is not None
    number = _checked_number(found["number"], found["number_check"].translate(TO_DIGIT))
    state = found["state"].translate(TO_LETTER).rstrip("<")
    sex = {"M": "男", "F": "女"}.get(found["sex"])
    values = {
        "document_number": number,
        "nationality": state if re.fullmatch(r"[A-Z]{1,3}", state) else None,
        "birth": _day(
            found["birth"], found["birth_check"], lambda year: year if year <= today.year % 100 else year - 100
        ),
        "sex": sex,
        "expiry": _day(found["expiry"], found["expiry_check"], lambda year: year),
    }
    return {name: Field(value, row.confidence, row.box) for name, value in values.items() if value}


def _checked_number(read: str, check: str) -> str | None:
    """The number as read, or with look-alikes exchanged, if exactly one of these agrees with the check digit."""
    if mrz_check_digit(read) == check:
        return read.rstrip("<")
    choices = [(character, TWINS[character]) if character in TWINS else (character,) for character in read]
    fitting = {v for v in map("".join, itertools.product(*choices)) if mrz_check_digit(v) == check}
    return fitting.pop().rstrip("<") if len(fitting) == 1 else None


def _day(read: str, check: str, century: object) -> str | None:
    assert callable(century)
    digits = read.translate(TO_DIGIT)
    if not digits.isdigit() or mrz_check_digit(digits) != check.translate(TO_DIGIT):
        return None
    try:
        return date(2000 + int(century(int(digits[:2]))), int(digits[2:4]), int(digits[4:])).isoformat()
    except ValueError:
        return None
