"""What was typed beside what was read, field by field. Pure. docs/add-a-flow.md names the variables this looks at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.documents.documents import normalise_number
from domain.documents.names import NameAgreement, compare_names
from domain.documents.reading_texts import FIELD_LABELS

# Typed variable → read fields that say the same.
TYPED_FIELDS: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    "document_number": ("id_number", "document_number", "passport_number"),
}
_LABELS = {"name": "姓名", "document_number": "证件编号"}


@dataclass(frozen=True, slots=True)
class SideBySide:
    """agreement: same | different | unread, None for a field that nobody types. field: of the reading, None if unread.

    confidence: 0-1.
    """

    field: str | None
    typed_as: str | None
    label: str
    typed: str | None
    read: str | None
    confidence: float | None
    agreement: str | None


def side_by_side(
    typed: Mapping[str, Any], fields: Mapping[str, str], confidences: Mapping[str, float]
) -> tuple[SideBySide, ...]:
    """Typed variables first, then what else was read. typed: form values by variable."""
    rows = [_typed_row(name, typed[name], fields, confidences) for name in TYPED_FIELDS if typed.get(name)]
    shown = {row.field for row in rows}
    rows += [
        SideBySide(name, None, FIELD_LABELS.get(name, name), None, value, confidences.get(name), None)
        for name, value in fields.items()
        if name not in shown
    ]
    return tuple(rows)


def _typed_row(variable: str, typed: object, fields: Mapping[str, str], confidences: Mapping[str, float]) -> SideBySide:
    field = next((name for name in TYPED_FIELDS[variable] if fields.get(name)), None)
    read = fields[field] if field else None
    confidence = confidences.get(field) if field else None
    return SideBySide(
        field, variable, _LABELS[variable], str(typed), read, confidence, _agreement(variable, str(typed), read)
    )


def _agreement(variable: str, typed: str, read: str | None) -> str:
    if read is None:
        return "unread"
    if variable == "name":
        return "same" if compare_names(typed, read) is NameAgreement.SAME else "different"
    return "same" if normalise_number(typed) == normalise_number(read) else "different"
