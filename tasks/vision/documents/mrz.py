"""The machine readable zone of a passport: two lines of 44 characters (ICAO 9303-4, TD3), read position by position.

The recogniser takes O for 0, breaks a line in two and loses some of the filler `<`. Every position has a type (letter,
digit, either), which settles most slips; check digits decide whether a field is given at all. A check digit does not see
every slip (G for 6, L for 1 and S for 8 leave it unchanged), so the number printed on the page is asked as well.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from domain.documents.documents import mrz_check_digit
from tasks.vision.documents.fields import Field
from tasks.vision.documents.mrz_rows import Row, half_width_capitals, joined_rows
from tasks.vision.text.ocr import TextLine

LENGTH = 44
NUMBER_LENGTH = 9
PERSONAL_LENGTH = 14
CLEAR = 0.9  # confidence
LEAST_LENGTH = 30  # characters of a line that may still be one of the two: fillers get lost

TO_DIGIT = str.maketrans("OQDILZSBG", "000112586")
TO_LETTER = str.maketrans("012568", "OIZSGB")
TWINS = ("0OQD", "1IL", "2Z", "5S", "6G", "8BS")  # characters taken for each other

_DIGIT = "[0-9OQDILZSBG]"
_AFTER_NUMBER = re.compile(
    rf"(?P<number_check>{_DIGIT})(?P<state>[A-Z0-9]{{3}}|[A-Z0-9]<{{1,2}})"
    rf"(?P<birth>{_DIGIT}{{6}})(?P<birth_check>{_DIGIT})(?P<sex>[A-Z<])"
    rf"(?P<expiry>{_DIGIT}{{6}})(?P<expiry_check>{_DIGIT})(?P<rest>[A-Z0-9<]*)"
)
_REST = re.compile(rf"(?P<personal>[A-Z0-9<]*?)<*(?P<personal_check>{_DIGIT}|<)(?P<composite>{_DIGIT})")
_PRINTED_NUMBER = re.compile(r"(?=.*[0-9])[A-Z0-9]{5,9}")


@dataclass(frozen=True, slots=True)
class SecondLine:
    """The parts of the second line as read, check digits as digits. number: without filler."""

    number: str
    number_check: str
    state: str
    birth: str
    birth_check: str
    sex: str
    expiry: str
    expiry_check: str
    rest: str

    @property
    def has_its_dates(self) -> bool:
        return _holds(self.birth, self.birth_check) and _holds(self.expiry, self.expiry_check)

    def contradicts(self, number: str) -> bool:
        """Whether the check digit over the whole line is wrong with this number although the other parts hold."""
        found = _REST.fullmatch(self.rest)
        if found is None or len(found["personal"]) > PERSONAL_LENGTH or not self.has_its_dates:
            return False
        personal = found["personal"].ljust(PERSONAL_LENGTH, "<")
        own_check = found["personal_check"].translate(TO_DIGIT)
        if not _holds(personal, own_check.replace("<", "0")):
            return False  # a misread personal number says nothing about the others
        parts = (
            number.ljust(NUMBER_LENGTH, "<") + self.number_check,
            self.birth + self.birth_check,
            self.expiry + self.expiry_check,
            personal + own_check,
        )
        return not _holds("".join(parts), found["composite"].translate(TO_DIGIT))


def read_mrz(lines: Sequence[TextLine], today: date) -> tuple[dict[str, Field], list[str]]:
    """document_number, name, nationality, birth, sex, expiry, each only if its check digit holds; and warnings.

    name: surname, then given names, in the MRZ's letters. birth, expiry: YYYY-MM-DD. sex: 男 or 女, absent for X.
    """
    rows = joined_rows(lines)
    first, second, parts = _the_two(rows)
    printed = [half_width_capitals(line.text) for line in lines]
    fields: dict[str, Field] = {}
    warnings: list[str] = []
    if second and parts:
        fields, warnings = _second_line(second, parts, printed, today)
    words = {word for line in lines if "<" not in line.text for word in re.findall("[A-Z]+", line.text.upper())}
    name = _name(first.text, words) if first else None
    if first and name and _is_printed_otherwise(name, words):
        warnings.append("field_conflict.name")
    elif first and name and (_is_whole(first) or words.issuperset(name.split())):
        fields["name"] = Field(name, first.confidence, first.box)
    if second and not _is_confirmed(fields.get("nationality"), first, words):
        fields.pop("nationality", None)
    missing = [field for field in ("document_number", "name", "birth", "expiry") if field not in fields]
    warnings += [f"field_missing.{field}" for field in missing]
    if "expiry" in fields and fields["expiry"].value < today.isoformat():
        warnings.append("expired")
    return fields, warnings


def shows_mrz(lines: Sequence[TextLine]) -> bool:
    """Whether the picture shows the two lines of a passport, however well they can be read."""
    first, second, _ = _the_two(joined_rows(lines))
    return first is not None and second is not None


def _the_two(rows: Sequence[Row]) -> tuple[Row | None, Row | None, SecondLine | None]:
    long = [row for row in rows if len(row.text) >= LEAST_LENGTH]
    first = next((row for row in long if re.match(r"P[A-Z0-9<]", row.text) and "<<" in row.text), None)
    splits = [(row, parts) for row in long if row is not first for parts in _splits(row.text)]
    if not splits:
        return first, None, None
    second, parts = next((split for split in splits if split[1].has_its_dates), splits[0])
    return first, second, parts


def _splits(text: str) -> Iterator[SecondLine]:
    """Ways to divide a second line, the regular one first: where the number is short its filler may be lost or doubled."""
    for length in (NUMBER_LENGTH, NUMBER_LENGTH - 1, NUMBER_LENGTH + 1, NUMBER_LENGTH - 2):
        found = _AFTER_NUMBER.fullmatch(text[length:])
        number = text[:length].rstrip("<")
        if found and 5 <= len(number) <= NUMBER_LENGTH and "<" not in number:
            digits = {key: found[key].translate(TO_DIGIT) for key in ("number_check", "birth_check", "expiry_check")}
            days = {key: found[key].translate(TO_DIGIT) for key in ("birth", "expiry")}
            yield SecondLine(
                number=number, state=found["state"], sex=found["sex"], rest=found["rest"], **digits, **days
            )


def _name(text: str, printed_words: set[str]) -> str | None:
    """`P<CHNZHANG<<SAN<<<` → `ZHANG SAN`: surname, then given names. The number of trailing fillers says nothing."""
    surname, separator, given = text[5:].lstrip("<").partition("<<")
    given = re.sub(r"<<[CKLEX<]*$", "", given)  # fillers at the end are read as these letters
    parts = [_word(part, printed_words) for part in f"{surname}<{given}".split("<") if part]
    return " ".join(parts) if separator and parts and all(part.isalpha() for part in parts) else None


def _is_whole(first: Row) -> bool:
    """Whether nothing of a first line is lost and its name ends in fillers alone; otherwise the page must print the name."""
    return (
        len(first.text) == LENGTH
        and first.confidence >= CLEAR
        and bool(re.search("[^<]<<[A-Z0-9<]*[A-Z0-9]<<+$", first.text))
    )


def _is_confirmed(nationality: Field | None, first: Row | None, printed_words: set[str]) -> bool:
    """Whether the page or the first line (the issuing state) says the same: no check digit covers it."""
    if nationality is None:
        return False
    issued_by = first.text[2:5].translate(TO_LETTER).rstrip("<") if first else ""
    return nationality.value in printed_words or nationality.value == issued_by


def _word(read: str, printed_words: set[str]) -> str:
    """Digits are letters here: those of the same word printed above where it is found, else the likeliest."""
    if read.isalpha():
        return read
    alike = {word for word in printed_words if _folded(word) == _folded(read)}
    return alike.pop() if len(alike) == 1 else read.translate(TO_LETTER)


def _is_printed_otherwise(name: str, printed_words: set[str]) -> bool:
    """Whether the page prints a part of the name with one letter different: a name has no check digit."""
    return any(
        part not in printed_words
        and any(len(word) == len(part) > 2 and _distance(word, part) == 1 for word in printed_words)
        for part in name.split()
    )


def _distance(text: str, other: str) -> int:
    """In how many places two texts of the same length differ."""
    return sum(a != b for a, b in zip(text, other, strict=True))


def _second_line(
    row: Row, parts: SecondLine, printed: Sequence[str], today: date
) -> tuple[dict[str, Field], list[str]]:
    warnings = []
    number = _number(parts, printed)
    birth = _day(parts.birth, parts.birth_check, lambda year: year if year <= today.year % 100 else year - 100)
    expiry = _day(parts.expiry, parts.expiry_check, lambda year: year)
    if number and parts.contradicts(number):
        number = None
    if number is None or birth is None or expiry is None:
        warnings.append("mrz_check_failed")
    if number and _is_contradicted(number, printed):
        number = None
        warnings.append("field_conflict.document_number")
    state = parts.state.translate(TO_LETTER).rstrip("<")
    values = {
        "document_number": number,
        "nationality": state if state.isalpha() else None,
        "birth": birth,
        "sex": {"M": "男", "F": "女"}.get(parts.sex),
        "expiry": expiry,
    }
    return {name: Field(value, row.confidence, row.box) for name, value in values.items() if value}, warnings


def _number(parts: SecondLine, printed: Sequence[str]) -> str | None:
    """The one number that looks like what was read, agrees with its check digit and, where it can be found, with the page.

    The page's own number counts if one character differs. Without the page: as read if that holds, or the only look-alike
    that does. None where two would do.
    """
    like = {text for text in printed if len(text) == len(parts.number) and _distance(text, parts.number) == 1}
    valid = {text for text in like.union(_lookalikes(parts.number)) if _holds(text, parts.number_check)}
    on_page = valid & set(printed)
    if len(on_page) == 1:
        return on_page.pop()
    if on_page:
        return None
    if parts.number in valid:
        return parts.number
    return valid.pop() if len(valid) == 1 else None


def _lookalikes(read: str) -> Iterator[str]:
    """`read` itself and with one or two characters exchanged for others they are taken for."""
    yield read
    swaps = [
        (i, twin) for i, sign in enumerate(read) for group in TWINS if sign in group for twin in group if twin != sign
    ]
    for count in (1, 2):
        for chosen in itertools.combinations(swaps, count):
            signs = list(read)
            for i, twin in chosen:
                signs[i] = twin
            yield "".join(signs)


def _is_contradicted(number: str, printed: Sequence[str]) -> bool:
    """Whether the page prints a number that differs from this one by a character or two which are no look-alikes."""
    others = (text for text in printed if len(text) == len(number) and _PRINTED_NUMBER.fullmatch(text))
    near = [text for text in others if _distance(text, number) <= 2]
    return number not in near and any(_folded(text) != _folded(number) for text in near)


def _folded(text: str) -> str:
    """One writing for all texts that look alike."""
    return text.translate(TO_DIGIT)


def _holds(field: str, check: str) -> bool:
    return mrz_check_digit(field) == check


def _day(digits: str, check: str, years_after_2000: Callable[[int], int]) -> str | None:
    if not _holds(digits, check):
        return None
    try:
        return date(2000 + years_after_2000(int(digits[:2])), int(digits[2:4]), int(digits[4:])).isoformat()
    except ValueError:
        return None
