"""Which pictures a document type asks for, and what can be read of documents other than the resident ID.

Those readings are a help for the reviewer: only values whose form leaves no doubt are given.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from domain.documents.documents import DocumentType, number_problems, parse_resident_number
from tasks.vision.documents.fields import LEAST_CONFIDENCE, SURE, Field, clean_name
from tasks.vision.documents.layout import BACK, FRONT, plain
from tasks.vision.documents.mrz import read_mrz, shows_mrz
from tasks.vision.text.ocr import TextLine

_LATIN_LABEL = re.compile(r"^ ?/ ?[A-Za-z. ]+|^ ?:")  # 姓名/Name, 出生日期/DateofBirth
_NUMBER_LABEL = re.compile(r"^[^0-9A-Za-z]*(?:(?:ID|Card)No\.?:?)?", re.IGNORECASE)  # 证件号码, 证件号码/ID No.
CLEAR = 0.9
LABELS = frozenset({"姓名", "性别", "出生", "出生日期", "有效期限", "签发机关", "证件号码", "国籍"})
# What is printed on these documents and never on a resident ID: ends of titles, as their beginnings get lost more often
TITLES = {
    "来往内地通行证": DocumentType.HK_MACAU_PERMIT,
    "来往大陆通行证": DocumentType.TAIWAN_PERMIT,
    "国人永久居留": DocumentType.FOREIGN_PERMANENT_RESIDENT,
    "居民居住证": DocumentType.RESIDENCE_PERMIT,
    "PASSPORT": DocumentType.PASSPORT,
    "PASSEPORT": DocumentType.PASSPORT,
}
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


def shown_document(lines: Sequence[TextLine]) -> str | None:
    """The kind of document that is no resident ID and stands in the picture: by its title, or by a passport's MRZ."""
    for line in lines:
        text = plain(line.text).upper()
        for title, kind in TITLES.items():
            if title in text:
                return kind.value
    return DocumentType.PASSPORT.value if shows_mrz(lines) else None


def read_other(kind: str, lines: Sequence[TextLine], today: date) -> tuple[dict[str, Field], list[str]]:
    """Fields and warnings of a document that is no resident ID. kind: a DocumentType's value.

    Permits: document_number, name, birth, sex, validity (`2020.01.02-2030.01.01`), of the back what it repeats of these.
    """
    if kind == DocumentType.PASSPORT:
        return read_mrz(lines, today)
    document = DocumentType(kind)
    is_foreign = document is DocumentType.FOREIGN_PERMANENT_RESIDENT
    found = {
        "document_number": _number(document, lines, today),
        "name": _labelled(lines, ("姓名",), _latin_name if is_foreign else _chinese_name),
        "birth": _labelled(lines, ("出生日期", "出生"), _day),
        "sex": _labelled(lines, ("性别",), _sex),
        "validity": _validity(lines),
    }
    fields = {name: field for name, field in found.items() if field and field.confidence >= LEAST_CONFIDENCE}
    if not fields:
        return {}, []  # the back of a permit: nothing is missing there
    warnings = [f"field_missing.{name}" for name in found if name not in fields]
    warnings += [f"low_confidence.{name}" for name, field in fields.items() if field.confidence < SURE]
    return fields, warnings + _disagreements(fields, today)


def _disagreements(fields: Mapping[str, Field], today: date) -> list[str]:
    """What the fields say against each other and against today."""
    warnings = []
    number = fields.get("document_number")
    says = parse_resident_number(number.value) if number else None
    birth = fields["birth"].value.replace("-", "") if number and "birth" in fields else None
    if number and birth and len(number.value) >= 15:
        # 18 digits: YYYYMMDD from the 7th on; cards of foreigners before 2023-12: three letters, four digits, YYMMDD
        printed = number.value[6:14] if says else number.value[7:13]
        if not birth.endswith(printed):
            warnings.append("birth_disagrees")
    if says and "sex" in fields and fields["sex"].value != says.sex:
        warnings.append("sex_disagrees")
    if "validity" in fields and fields["validity"].value.partition("-")[2] < f"{today:%Y.%m.%d}":
        warnings.append("expired")
    return warnings


def is_residence_permit(number: str) -> bool:
    """Whether an 18-digit number is that of a residence permit, whose front is printed like a resident ID's."""
    return number.startswith(RESIDENCE_REGIONS) and parse_resident_number(number) is not None


def _number(document: DocumentType, lines: Sequence[TextLine], today: date) -> Field | None:
    """The one line that is a number of this type, with or without its label; None when two lines differ.

    Most of these numbers have no check digit: only what was read clearly counts.
    """
    found = {}
    for line in lines:
        text = _NUMBER_LABEL.sub("", plain(line.text)).upper()
        if not text.isalnum() or _is_day(text) or number_problems(document, text, today):
            continue
        found[text] = Field(text, line.confidence, line.box)
    number = found.popitem()[1] if len(found) == 1 else None
    return number if number and number.confidence >= CLEAR else None


def _is_day(text: str) -> bool:
    """Eight digits of a Taiwan permit may not be a date printed without dots."""
    return bool(re.fullmatch(r"(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])", text))


def _labelled(lines: Sequence[TextLine], labels: Sequence[str], parse: Callable[[str], str | None]) -> Field | None:
    """What stands behind a label on its line, or as the next line to its right, or right below it."""
    for line in lines:
        text = _half_width(line.text)
        label = next((label for label in labels if text.startswith(label)), None)
        if label is None:
            continue
        value = parse(_LATIN_LABEL.sub("", text.removeprefix(label)))
        if value:
            return Field(value, line.confidence, line.box)
        for near in _neighbours(line, lines):
            value = parse(_half_width(near.text))
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


def _half_width(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _chinese_name(text: str) -> str | None:
    name = clean_name(plain(text))
    return None if name in LABELS else name


def _latin_name(text: str) -> str | None:
    """`WALKER, ALAN`: without the comma it is not known which part is the surname."""
    found = re.fullmatch(r"([A-Z' -]*[A-Z]) ?, ?([A-Z][A-Z' -]*)", text.upper())
    return f"{found[1]}, {found[2]}" if found else None


def _sex(text: str) -> str | None:
    found = re.fullmatch(r"([男女])(?:/[MF])?", plain(text))
    return found[1] if found else None


_DAY = re.compile(r"(\d{4})[.年/-](\d{1,2})[.月/-](\d{1,2})日?")


def _day(text: str) -> str | None:
    found = _DAY.search(plain(text))
    try:
        return date(int(found[1]), int(found[2]), int(found[3])).isoformat() if found else None
    except ValueError:
        return None


def _validity(lines: Sequence[TextLine]) -> Field | None:
    """The printed period whose end comes after its beginning."""
    for line in lines:
        days = [_day(match[0]) for match in _DAY.finditer(plain(line.text))]
        if len(days) == 2 and days[0] and days[1] and days[0] < days[1]:
            return Field(f"{days[0]}/{days[1]}".replace("-", ".").replace("/", "-"), line.confidence, line.box)
    return None
