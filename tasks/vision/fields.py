"""Lines read on the two sides of a resident ID become fields. Nothing is guessed: what is not sure is left out.

All positions are on the flattened card (1016 × 640). A `Reread` reads one strip of the card again as a single line: a
character that stands alone (男, 汉, a day of one digit) is read far better with its neighbours around it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from domain.documents import parse_resident_number
from tasks.vision.layout import plain
from tasks.vision.ocr import Box, TextLine

LEAST_CONFIDENCE = 0.6  # below it a field is left out
SURE = 0.85  # below it a field is given with the warning low_confidence

FRONT_FIELDS = ("name", "sex", "ethnicity", "birth", "address", "id_number")
BACK_FIELDS = ("authority", "validity")

# left, top, right, bottom of each field's row, labels included; the portrait begins at 638
NAME_ROW = (40, 50, 632, 134)
SEX_ROW = (40, 134, 632, 210)
BIRTH_ROW = (40, 212, 632, 286)
ADDRESS_AREA = (40, 288, 640, 505)
NUMBER_ROW = (40, 508, 1000, 606)
AUTHORITY_ROW = (200, 430, 1000, 528)
VALIDITY_ROW = (200, 530, 1000, 610)
LABEL_END = 140  # values of the left column begin to the right of it

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
        "name": _name(lines, reread),
        "sex": _from_row(lines, reread, SEX_ROW, _sex),
        "ethnicity": _from_row(lines, reread, SEX_ROW, _ethnicity),
        "birth": _from_row(lines, reread, BIRTH_ROW, _birth),
        "address": _address(lines),
        "id_number": _from_row(lines, reread, NUMBER_ROW, _id_number),
    }
    return {name: field for name, field in found.items() if field and field.confidence >= LEAST_CONFIDENCE}


def read_back(lines: Sequence[TextLine], reread: Reread) -> dict[str, Field]:
    """Fields of the emblem side that could be read for sure."""
    found = {
        "authority": _from_row(lines, reread, AUTHORITY_ROW, _authority),
        "validity": _from_row(lines, reread, VALIDITY_ROW, _validity),
    }
    return {name: field for name, field in found.items() if field and field.confidence >= LEAST_CONFIDENCE}


def _within(lines: Iterable[TextLine], area: Box) -> list[TextLine]:
    """Lines whose middle lies in `area`, left to right; blocks taller than a row (the portrait, stains) are no text."""
    left, top, right, bottom = area
    inside = [
        line
        for line in lines
        if top <= line.middle_y < bottom
        and left - 30 <= line.box[0]
        and (line.box[0] + line.box[2]) / 2 < right
        and line.height < 90
    ]
    return sorted(inside, key=lambda line: line.box[0])


def _from_row(lines: Sequence[TextLine], reread: Reread, row: Box, parse: Callable[[str], str | None]) -> Field | None:
    """What `parse` makes of the row's lines joined; if nothing or unsure, of the row read again as one line."""
    inside = _within(lines, row)
    first = _parsed(inside, parse)
    if first and first.confidence >= SURE:
        return first
    text, confidence = reread(row)
    value = parse(plain(text))
    again = Field(value, confidence, row) if value else None
    if first and again and first.value == again.value:
        return Field(first.value, max(first.confidence, again.confidence), first.box)
    if first and again:  # two readings disagree: neither is sure
        return None
    return first or again


def _parsed(inside: Sequence[TextLine], parse: Callable[[str], str | None]) -> Field | None:
    value = parse("".join(plain(line.text) for line in inside))
    if not value:
        return None
    holders = [line for line in inside if parse(plain(line.text)) == value] or inside
    return Field(value, min(line.confidence for line in holders), _around(holders))


def _around(lines: Sequence[TextLine]) -> Box:
    boxes = [line.box for line in lines]
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def _name(lines: Sequence[TextLine], reread: Reread) -> Field | None:
    values = [line for line in _within(lines, NAME_ROW) if line.box[2] > LABEL_END + 20]
    text = "".join(plain(line.text) for line in values)
    value = clean_name(text.removeprefix("姓名"))
    if value and values:
        return Field(value, min(line.confidence for line in values), _around(values))
    text, confidence = reread(NAME_ROW)
    value = clean_name(plain(text).removeprefix("姓名"))
    return Field(value, confidence, NAME_ROW) if value else None


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
    _, label, value = text.rpartition("族")
    if not label:
        _, _, value = text.rpartition("民")
    value = simplified(value)
    return value if value in ETHNICITIES else None


_BIRTH = re.compile(r"(?:出?生)?(\d{4})年(\d{1,2})月(\d{1,2})日?")


def _birth(text: str) -> str | None:
    found = _BIRTH.fullmatch(text)
    if not found:
        return None
    try:
        return date(*(int(part) for part in found.groups())).isoformat()
    except ValueError:
        return None


_NOT_ADDRESS = re.compile(r"[^一-鿿㐀-䶿〇0-9A-Za-z\-()·#]")


def _address(lines: Sequence[TextLine]) -> Field | None:
    """The lines between birth and number, top to bottom; label and portrait are to their left and right."""
    values = [line for line in _within(lines, ADDRESS_AREA) if line.box[2] > LABEL_END + 20 and line.box[0] < 560]
    ordered = [line for row in _rows(values) for line in row]
    text = "".join(plain(line.text) for line in ordered).removeprefix("住址")
    value = simplified(_NOT_ADDRESS.sub("", text))
    if len(value) < 6:
        return None
    return Field(value, min(line.confidence for line in ordered), _around(ordered))


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
    value = simplified(re.sub(r"[^一-鿿]", "", text.removeprefix("签发机关")))
    return value if len(value) >= 5 and "公安" in value and value.endswith("局") else None


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
    same_day = (start.month, start.day) == (end.month, end.day) or (start.month, start.day) == (2, 29)
    return f"{start:%Y.%m.%d}-{end:%Y.%m.%d}" if same_day and end.year - start.year in (5, 10, 20) else None
