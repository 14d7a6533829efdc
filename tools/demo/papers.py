"""A made-up card as a phone sends it and as the reader returns it, without the reader: photographs, and a reading by hand."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.cards.passport import Passport, draw_passport
from tools.cards.people import Person
from tools.cards.resident_id import draw_back, draw_front
from tools.cards.scene import EASY, Difficulty, photograph, to_jpeg

Json = dict[str, Any]  # Any: what service tasks return
Box = tuple[int, int, int, int]
SURE = 0.98
READER = "by hand"


@dataclass(frozen=True, slots=True)
class Page:
    """photo: what the applicant sends. flat: the card laid flat, as the reader keeps it. fields: value and box by name."""

    photo: bytes
    flat: bytes
    kind: str
    fields: Mapping[str, tuple[str, Box]]


def pages_of_card(person: Person, rng: random.Random, level: Difficulty = EASY) -> tuple[Page, Page]:
    """Both sides of a resident ID."""
    front, back = draw_front(person), draw_back(person)
    return (
        Page(photograph(front, level, rng).jpeg, to_jpeg(front), "resident_id_front", front_fields(person)),
        Page(photograph(back, level, rng).jpeg, to_jpeg(back), "resident_id_back", back_fields(person)),
    )


def pages_of_passport(passport: Passport, rng: random.Random, level: Difficulty = EASY) -> tuple[Page]:
    """The data page."""
    page = draw_passport(passport)
    return (Page(photograph(page, level, rng).jpeg, to_jpeg(page), "passport_page", passport_fields(passport)),)


def a_reading(
    pages: Sequence[tuple[Page, str, str]],
    *,
    warnings: Sequence[Sequence[str]] = (),
    confidences: Mapping[str, float] | None = None,
    instead: Mapping[str, str] | None = None,
) -> Json:
    """What `document.read` returns for `pages`: (page, attachment id of its photo, attachment id of the flat card).

    warnings: codes by page. confidences: of fields that are not read surely. instead: what is read for a field rather than
    what is printed.
    """
    unsure, misread = dict(confidences or {}), dict(instead or {})
    told: list[Json] = []
    for number, (page, photo, flat) in enumerate(pages):
        fields = {
            name: {"value": misread.get(name, value), "confidence": unsure.get(name, SURE), "box": list(box)}
            for name, (value, box) in page.fields.items()
        }
        told.append(
            {
                "attachment": photo,
                "kind": page.kind,
                "rectified": flat,
                "fields": fields,
                "warnings": list(warnings[number]) if number < len(warnings) else [],
                "sharpness": 180.0,
            }
        )
    merged: Json = {name: field for page in told for name, field in page["fields"].items()}
    return {
        "pages": told,
        "fields": {name: field["value"] for name, field in merged.items()},
        "confidences": {name: field["confidence"] for name, field in merged.items()},
        "warnings": list(dict.fromkeys(code for page in told for code in page["warnings"])),
        "reader": READER,
    }


def front_fields(person: Person) -> dict[str, tuple[str, Box]]:
    """The portrait side's values, and where tools/cards/resident_id.py writes each."""
    wide = len(person.name) * 44
    return {
        "name": (person.name, (176, 64, 190 + wide, 120)),
        "sex": (person.sex, (176, 148, 228, 196)),
        "ethnicity": (person.ethnicity, (416, 148, 428 + 38 * len(person.ethnicity), 196)),
        "birth": (person.birth.isoformat(), (176, 224, 530, 272)),
        "address": (person.address, (176, 298, 616, 456)),
        "id_number": (person.id_number, (344, 526, 958, 586)),
    }


def back_fields(person: Person) -> dict[str, tuple[str, Box]]:
    """As front_fields, of the emblem side."""
    return {
        "authority": (person.authority, (402, 460, 414 + 38 * len(person.authority), 512)),
        "validity": (person.validity, (402, 542, 860, 594)),
    }


def passport_fields(passport: Passport) -> dict[str, tuple[str, Box]]:
    """Where tools/cards/passport.py prints each value."""
    return {
        "name": (passport.name, (440, 236, 800, 362)),
        "document_number": (passport.number, (920, 146, 1180, 184)),
        "birth": (passport.birth.isoformat(), (440, 506, 720, 544)),
        "expiry": (passport.valid_until.isoformat(), (800, 596, 1080, 634)),
    }
