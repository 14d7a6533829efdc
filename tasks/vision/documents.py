"""Which pictures a document type asks for, and what can be read of documents other than the resident ID.

Those readings are a help for the reviewer: only values whose form leaves no doubt are given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from domain.documents import DocumentType, number_problems, parse_resident_number
from tasks.vision.fields import Field, clean_name
from tasks.vision.layout import BACK, FRONT, plain
from tasks.vision.mrz import read_mrz
from tasks.vision.ocr import TextLine

RESIDENCE_REGIONS = ("810000", "820000", "830000")  # Hong Kong, Macau, Taiwan


def expected_kinds(document_type: DocumentType, pages: int) -> tuple[str, ...]:
    """What each of `pages` pictures ought to show; a page beyond the known ones may show anything."""
    if document_type is DocumentType.RESIDENT_ID:
        return ((FRONT, BACK) + ("auto",) * pages)[:pages]
    return ((document_type.value,) + ("auto",) * pages)[:pages]


def merged_fields(pages: Sequence[Mapping[str, Field]]) -> dict[str, Field]:
    """Of every field the surest reading. Pages that show the same field differently are `field_conflict`s."""
    merged: dict[str, Field] = {}
    for page in pages:
        for name, field in page.items():
            if name not in merged or field.confidence > merged[name].confidence:
                merged[name] = field
    return merged


def page_conflicts(pages: Sequence[Mapping[str, Field]]) -> list[str]:
    """`field_conflict.<name>` for every field that two pages give with different values."""
    names = {name for page in pages for name in page}
    return [f"field_conflict.{n}" for n in sorted(names) if len({page[n].value for page in pages if n in page}) > 1]


def read_other(kind: str, lines: Sequence[TextLine], today: date) -> tuple[dict[str, Field], list[str]]:
    """Fields and warnings of a document that is no resident ID. kind: a DocumentType's value."""
    if kind == DocumentType.PASSPORT:
        return read_mrz(lines, today)
    document = DocumentType(kind)
    found = {
        "document_number": _number(document, lines, today),
        "name": _labelled(lines, ("姓名",), _whole_name),
        "birth": _labelled(lines, ("出生日期", "出生"), _day),
        "expiry": _expiry(lines),
    }
    fields = {name: field for name, field in found.items() if field is not None}
    warnings = [f"field_missing.{name}" for name in ("document_number", "name") if name not in fields]
    if "expiry" in fields and fields["expiry"].value < today.isoformat():
        warnings.append("expired")
    return fields, warnings


def is_residence_permit(number: str) -> bool:
    """Whether an 18-digit number is that of a residence permit, whose front is printed like a resident ID's."""
    return number.startswith(RESIDENCE_REGIONS) and parse_resident_number(number) is not None


def _number(document: DocumentType, lines: Sequence[TextLine], today: date) -> Field | None:
    """The one line that is a number of this type, with or without its label; None when two lines differ."""
    found = {}
    for line in lines:
        text = re.sub(r"^[^0-9A-Z]+", "", plain(line.text).upper())
        if _looks_like_day(text) or number_problems(document, text, today):
            continue
        found[text] = Field(text, line.confidence, line.box)
    return found.popitem()[1] if len(found) == 1 else None


def _looks_like_day(text: str) -> bool:
    """Eight digits of a Taiwan permit may not be a date printed without dots."""
    return bool(re.fullmatch(r"(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])", text))


def _labelled(lines: Sequence[TextLine], labels: Sequence[str], parse: object) -> Field | None:
    """What stands behind a label on its line, or as the next line to its right, or right below it."""
    assert callable(parse)
    for line in lines:
        text = plain(line.text)
        label = next((label for label in labels if text.startswith(label)), None)
        if label is None:
            continue
        value = parse(text.removeprefix(label))
        if value:
            return Field(value, line.confidence, line.box)
        for near in _neighbours(line, lines):
            value = parse(plain(near.text))
            if value:
                return Field(value, near.confidence, near.box)
    return None


def _neighbours(label: TextLine, lines: Sequence[TextLine]) -> list[TextLine]:
    right = [o for o in lines if abs(o.middle_y - label.middle_y) < label.height and o.box[0] >= label.box[2] - 10]
    below = [
        o
        for o in lines
        if 0 < o.middle_y - label.middle_y < 3 * label.height and o.box[0] < label.box[2] and o.box[2] > label.box[0]
    ]
    return sorted(right, key=lambda o: o.box[0])[:1] + sorted(below, key=lambda o: o.middle_y)[:1]


def _whole_name(text: str) -> str | None:
    return clean_name(text.lstrip(":"))


_DAY = re.compile(r"(\d{4})[.年/-](\d{1,2})[.月/-](\d{1,2})日?")


def _day(text: str) -> str | None:
    found = _DAY.search(text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])).isoformat() if found else None
    except ValueError:
        return None


def _expiry(lines: Sequence[TextLine]) -> Field | None:
    """The end of a printed period `2020.01.02-2030.01.01`."""
    for line in lines:
        days = [match[0] for match in _DAY.finditer(plain(line.text))]
        end = _day(days[1]) if len(days) == 2 else None
        if end:
            return Field(end, line.confidence, line.box)
    return None
