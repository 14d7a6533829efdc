"""Lines read on the two sides of a resident ID become fields. Nothing is guessed: what is not sure is left out.

All positions are on the flattened card (1016 × 640). A `Reread` reads one strip of the card again as a single line: cut to a
value's own place it is read far better than in one line with a faint label.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise

from domain.documents.documents import parse_resident_number
from tasks.vision.documents.divisions import has_known_head, is_known_authority, mended_address, mended_authority
from tasks.vision.documents.layout import plain
from tasks.vision.text.ocr import Box, TextLine

LEAST_CONFIDENCE = 0.6  # below it a field is left out
SURE = 0.85  # below it a field is given with the warning low_confidence
UNSURE = 0.8  # confidence of a value that was put right

FRONT_FIELDS = ("name", "sex", "ethnicity", "birth", "address", "id_number")
BACK_FIELDS = ("authority", "validity")

# left, top, right, bottom of each field's place; a line belongs to it by its middle. The portrait begins at 638.
NAME_ROW = (165, 50, 632, 134)
SEX_ROW = (46, 134, 580, 210)
BIRTH_ROW = (168, 212, 570, 286)
ADDRESS_AREA = (165, 288, 640, 505)
ETHNICITY_PLACE = (304, 134, 580, 210)  # by its middle: also where label or sex were read with it
SEX_CELL = (164, 146, 244, 200)
ETHNICITY_CELL = (404, 146, 580, 200)
NUMBER_ROW = (300, 508, 1000, 606)
BACK_VALUES = (382, 390, 1000, 630)
AUTHORITY_ROW = (382, 430, 1000, 528)
VALIDITY_ROW = (382, 530, 1000, 610)
ADDRESS_BEGINS_BY = 208  # pixels from the left; its lines begin at 180
LOST_CHARACTER_PX = 30
STRIP_PX = 54  # height of a strip that is read again; the text is 38 high

Reread = Callable[[Box], tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Field:
    """value: as in the contract of `read-document`. confidence: 0-1. box: on the flattened card."""

    value: str
    confidence: float
    box: Box


# GB/T 3304: the 56 ethnic groups, without 族; and the one other group that cards may print
ETHNICITIES = frozenset((
    "汉", "蒙古", "回", "藏", "维吾尔", "苗", "彝", "壮", "布依", "朝鲜", "满", "侗",
    "瑶", "白", "土家", "哈尼", "哈萨克", "傣", "黎", "傈僳", "佤", "畲", "高山", "拉祜",
    "水", "东乡", "纳西", "景颇", "柯尔克孜", "土", "达斡尔", "仫佬", "羌", "布朗", "撒拉", "毛南",
    "仡佬", "锡伯", "阿昌", "普米", "塔吉克", "怒", "乌孜别克", "俄罗斯", "鄂温克", "德昂", "保安", "裕固",
    "京", "塔塔尔", "独龙", "鄂伦春", "赫哲", "门巴", "珞巴", "基诺", "穿青人",
))  # fmt: skip

# Names may hold characters that look traditional but are standard in mainland names (通用规范汉字表, 2013)
STANDARD_IN_NAMES = frozenset("昇甯於乾淩徵陞祕濛龑頔麽")


def read_front(lines: Sequence[TextLine], reread: Reread) -> dict[str, Field]:
    """Fields of the portrait side that could be read for sure."""
    found = {
        "name": _from_row(lines, reread, NAME_ROW, clean_name),
        "sex": _from_row(lines, reread, SEX_ROW, _sex, (SEX_CELL,)),
        "ethnicity": _from_row(lines, reread, ETHNICITY_PLACE, _ethnicity, (ETHNICITY_CELL, ETHNICITY_PLACE)),
        "birth": _from_row(lines, reread, BIRTH_ROW, _birth),
        "address": _address(lines, reread),
        "id_number": _from_row(lines, reread, NUMBER_ROW, _id_number),
    }
    return {name: field for name, field in found.items() if field and field.confidence >= LEAST_CONFIDENCE}


def read_back(lines: Sequence[TextLine], reread: Reread) -> dict[str, Field]:
    """Fields of the emblem side that could be read for sure."""
    found = {
        "authority": _checked_bureau(_from_back(lines, reread, AUTHORITY_ROW, _authority), lines),
        "validity": _from_back(lines, reread, VALIDITY_ROW, _validity),
    }
    return {name: field for name, field in found.items() if field and field.confidence >= LEAST_CONFIDENCE}


def _from_back(lines: Sequence[TextLine], reread: Reread, row: Box, parse: Callable[[str], str | None]) -> Field | None:
    """The printed line that `parse` accepts, or two following ones together (long names of bureaus), wherever it lies."""
    rows = _rows(_within(lines, BACK_VALUES))
    for together in [*rows, *([*above, *below] for above, below in pairwise(rows))]:
        value = parse("".join(plain(line.text) for line in together))
        confidence = min(line.confidence for line in together)
        if value and confidence >= SURE:
            return Field(value, confidence, _around([line.box for line in together]))
    return _from_row(lines, reread, row, parse)


def _within(lines: Iterable[TextLine], area: Box) -> list[TextLine]:
    """Lines whose middle lies in `area`, left to right; blocks taller than a row (the portrait, stains) are no text."""
    left, top, right, bottom = area
    inside = [
        line for line in lines if top <= line.middle_y < bottom and left < _middle_x(line) < right and line.height < 90
    ]
    return sorted(inside, key=lambda line: line.box[0])


def _middle_x(line: TextLine) -> float:
    return (line.box[0] + line.box[2]) / 2


def _from_row(
    lines: Sequence[TextLine], reread: Reread, row: Box, parse: Callable[[str], str | None], cells: Sequence[Box] = ()
) -> Field | None:
    """What `parse` makes of the row's lines joined; if nothing or unsure, of `cells` (or the row) read again."""
    inside = _within(lines, row)
    first = _parsed(inside, parse)
    if first and first.confidence >= SURE:
        return first
    again = None
    for cell in cells or (row,):
        strip = _strip(cell, inside)
        text, confidence = reread(strip)
        value = parse(plain(text))
        if value and (again is None or confidence > again.confidence):
            again = Field(value, confidence, strip)
        if again and again.confidence >= SURE:
            break
    return _settled(first, again)


def _settled(first: Field | None, again: Field | None) -> Field | None:
    """Two readings that agree are as sure as the surer; of two that do not, one counts only if it leaves no doubt."""
    if first is None or again is None:
        return first or again
    if first.value == again.value:
        return Field(first.value, max(first.confidence, again.confidence), first.box)
    return again if again.confidence >= SURE and first.confidence < 0.75 else None


def _strip(row: Box, inside: Sequence[TextLine]) -> Box:
    """The row cut close to its text: with much paper around it the recogniser sees the text too small."""
    left, top, right, bottom = row
    middle = sum(line.middle_y for line in inside) / len(inside) if inside else (top + bottom) / 2
    return left, int(middle) - STRIP_PX // 2, right, int(middle) + STRIP_PX // 2


def _parsed(inside: Sequence[TextLine], parse: Callable[[str], str | None]) -> Field | None:
    value = parse("".join(plain(line.text) for line in inside))
    if not value:
        return None
    holders = [line for line in inside if parse(plain(line.text)) == value] or inside
    return Field(value, min(line.confidence for line in holders), _around([line.box for line in holders]))


def _around(boxes: Sequence[Box]) -> Box:
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


_MIDDLE_DOTS = str.maketrans({dot: "·" for dot in "•・‧∙⋅●▪.。、"})
_NAME = re.compile(r"[一-鿿㐀-䶿\U00020000-\U0003ffff〇]{1,20}(?:·[一-鿿㐀-䶿\U00020000-\U0003ffff]{1,20})*")


def clean_name(text: str) -> str | None:
    """A Chinese name of two characters or more with · between its parts; None when the text is not one."""
    name = simplified(text.translate(_MIDDLE_DOTS).strip("·"))
    return name if len(name) >= 2 and _NAME.fullmatch(name) else None


def simplified(text: str) -> str:
    """Traditional slips of the recogniser put right; only for mainland cards, which print none."""
    return "".join(character if character in STANDARD_IN_NAMES else _converter()(character) for character in text)


@cache
def _converter() -> Callable[[str], str]:
    import opencc

    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return cache(convert)


def _sex(text: str) -> str | None:
    """男 or 女, where exactly one of them stands in the row."""
    found = {character for character in text.partition("民族")[0] if character in "男女"}
    return found.pop() if len(found) == 1 else None


def _ethnicity(text: str) -> str | None:
    """The longest group name that ends the row: the label before it (民族) is often misread, the value seldom."""
    text = simplified(text)
    return next((text[-n:] for n in (4, 3, 2, 1) if text[-n:] in ETHNICITIES and len(text) >= n), None)


_BIRTH = re.compile(r"[^0-9]*(\d{4})年(\d{1,2})月(\d{1,2})日?")


def _birth(text: str) -> str | None:
    found = _BIRTH.fullmatch(text)
    if not found:
        return None
    try:
        birth = date(*(int(part) for part in found.groups()))
    except ValueError:
        return None
    return birth.isoformat() if birth.year >= 1900 else None


_NOT_ADDRESS = re.compile(r"[^一-鿿㐀-䶿〇0-9A-Za-z\-()·#]")


def _address(lines: Sequence[TextLine], reread: Reread) -> Field | None:
    """The lines between birth and number, top to bottom; label and portrait are to their left and right."""
    values = [line for line in _within(lines, ADDRESS_AREA) if line.box[0] < 560]
    parts = [_address_line(row, reread) for row in _rows(values)]
    if not parts or any(part is None for part in parts):
        return None
    known = [part for part in parts if part]
    text = "".join(part.value for part in known)
    value = simplified(_NOT_ADDRESS.sub("", text))
    if len(value) < 6 or re.search(r"[0-9]{12}", value):  # a run of digits that long is the number's line
        return None
    confidence = min(part.confidence for part in known)
    mended = mended_address(value)
    if mended != value or not has_known_head(value):
        confidence = min(confidence, UNSURE)
    return Field(mended, confidence, _around([part.box for part in known]))


def _address_line(row: Sequence[TextLine], reread: Reread) -> Field | None:
    """One printed line. Where it begins late or has a gap, characters were lost in glare: read it again as a whole."""
    box = _around([line.box for line in row])
    gaps = [after.box[0] - before.box[2] for before, after in pairwise(row)]
    if box[0] <= ADDRESS_BEGINS_BY and max(gaps, default=0) < LOST_CHARACTER_PX:
        return Field("".join(plain(line.text) for line in row), min(line.confidence for line in row), box)
    left, _, right, _ = ADDRESS_AREA
    strip = (left, box[1], right, box[3])
    text, confidence = reread(strip)
    return Field(plain(text), confidence, strip) if confidence >= SURE else None


def _rows(lines: Iterable[TextLine]) -> list[list[TextLine]]:
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: line.middle_y):
        if rows and line.middle_y - rows[-1][-1].middle_y < 22:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.box[0]) for row in rows]


_NUMBER = re.compile(r"[^0-9]*([0-9]{17}[0-9Xx])")


def number_in(text: str) -> str | None:
    """The 18 characters that end `text`, whether or not their check digit holds. Never a part of a longer run."""
    found = _NUMBER.fullmatch(text)
    return found[1].upper() if found else None


def _id_number(text: str) -> str | None:
    number = number_in(text)
    return number if number and parse_resident_number(number) else None


def _authority(text: str) -> str | None:
    value = mended_authority(simplified(re.sub(r"[^一-鿿]", "", text)))
    return value if len(value) >= 5 and "公安" in value and value.endswith("局") else None


def _checked_bureau(read: Field | None, lines: Sequence[TextLine]) -> Field | None:
    """A bureau that is in no list, or was put right to be in one, is unsure."""
    if read is None:
        return None
    as_read = simplified("".join(plain(line.text) for row in _rows(_within(lines, BACK_VALUES)) for line in row))
    is_sure = is_known_authority(read.value) and read.value in as_read
    return read if is_sure else Field(read.value, min(read.confidence, UNSURE), read.box)


_VALIDITY = re.compile(r"(?:[^0-9]*)(\d{4})\.?(\d{2})\.?(\d{2})[^0-9长]{0,2}(?:(\d{4})\.?(\d{2})\.?(\d{2})|(长期?))")


def _validity(text: str) -> str | None:
    """`2015.03.02-2035.03.02` or `2015.03.02-长期`; only terms a card can have: 5, 10 or 20 years to the day."""
    found = _VALIDITY.fullmatch(text.replace("長", "长"))
    if not found:
        return None
    try:
        start = date(int(found[1]), int(found[2]), int(found[3]))
        if found[7]:
            return f"{start:%Y.%m.%d}-长期"
        end = date(int(found[4]), int(found[5]), int(found[6]))
    except ValueError:
        return None
    ends = {(start.month, start.day)} | ({(2, 28), (3, 1)} if (start.month, start.day) == (2, 29) else set())
    is_a_term = (end.month, end.day) in ends and end.year - start.year in (5, 10, 20)
    return f"{start:%Y.%m.%d}-{end:%Y.%m.%d}" if is_a_term else None
