"""What the fields of a resident ID say about each other. Disagreements are reported, never settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from domain.documents.documents import DocumentType, number_flags, parse_resident_number
from tasks.vision.documents.fields import BACK_FIELDS, FRONT_FIELDS, NUMBER_ROW, SURE, Field, number_in
from tasks.vision.documents.layout import FRONT, plain
from tasks.vision.text.ocr import TextLine


def field_warnings(kind: str, fields: Mapping[str, Field], lines: Sequence[TextLine], today: date) -> list[str]:
    """Codes for missing, unsure and contradicting fields. kind: one of the two sides of a resident ID."""
    expected = FRONT_FIELDS if kind == FRONT else BACK_FIELDS
    found = [f"field_missing.{name}" for name in expected if name not in fields]
    found += [f"low_confidence.{name}" for name in expected if name in fields and fields[name].confidence < SURE]
    return found + (_number_warnings(fields, lines) if kind == FRONT else _validity_warnings(fields, today))


def _number_warnings(fields: Mapping[str, Field], lines: Sequence[TextLine]) -> list[str]:
    if "id_number" not in fields:
        _, top, _, bottom = NUMBER_ROW
        in_row = (number_in(plain(line.text)) for line in lines if top <= line.middle_y < bottom)
        return ["number_check_failed"] if any(number and not parse_resident_number(number) for number in in_row) else []
    number = parse_resident_number(fields["id_number"].value)
    assert number is not None, "a number is given only if it holds"
    found = []
    if "birth" in fields and fields["birth"].value != number.birth.isoformat():
        found.append("birth_disagrees")
    if "sex" in fields and fields["sex"].value != number.sex:
        found.append("sex_disagrees")
    if number_flags(DocumentType.RESIDENT_ID, number.number):
        found.append("unknown_division")
    return found


def _validity_warnings(fields: Mapping[str, Field], today: date) -> list[str]:
    if "validity" not in fields:
        return []
    until = fields["validity"].value.partition("-")[2]
    if until == "长期":
        return []
    return ["expired"] if date(*(int(part) for part in until.split("."))) < today else []
