"""Facts of one reading: nothing unsure becomes a difference."""

from __future__ import annotations

from datetime import date

import pytest

from domain.documents.comparison import Comparison, PageSeen, Seen, compare, is_lawful_term
from domain.documents.documents import DocumentType

TODAY = date(2026, 3, 2)
NUMBER = "11010519491231002X"
FIELDS = {"name": "张三", "id_number": NUMBER, "validity": "2010.03.02-长期"}


def compared(
    fields: dict[str, str] | None = None,
    confidences: dict[str, float] | None = None,
    warnings: tuple[tuple[str, ...], ...] = ((), ()),
) -> Comparison:
    read = FIELDS if fields is None else fields
    sure = dict.fromkeys(read, 0.99) | (confidences or {})
    pages = tuple(PageSeen(f"page{index}", f"flat{index}", codes) for index, codes in enumerate(warnings))
    return compare(DocumentType.RESIDENT_ID, "张三", NUMBER, Seen(pages, read, sure), confident_from=0.9, today=TODAY)


def test_a_good_reading() -> None:
    found = compared()

    assert (found.name_agreement, found.number_agreement, found.sides_agree) == ("same", "same", "agree")
    assert (found.validity, found.valid_until, found.quality) == ("valid", None, "good")
    assert not found.has_flags
    assert (found.portrait, found.can_crop_portrait) == ("flat0", True)


def test_the_same_value_is_the_same_however_unsure() -> None:
    found = compared(confidences={"name": 0.61, "id_number": 0.61})

    assert (found.name_agreement, found.number_agreement) == ("same", "same")


@pytest.mark.parametrize(("confidence", "agreement"), [(0.95, "different"), (0.89, "unread")])
def test_a_difference_needs_a_confident_reading(confidence: float, agreement: str) -> None:
    fields = FIELDS | {"id_number": "440524188001010014"}

    assert compared(fields, {"id_number": confidence}).number_agreement == agreement


def test_a_number_that_fails_its_check_was_misread() -> None:
    assert compared(FIELDS | {"id_number": "110105194912310021"}).number_agreement == "unread"


@pytest.mark.parametrize(
    ("validity", "expected"),
    [
        ("2006.03.02-2026.03.02", "valid"),  # the last day counts
        ("2006.03.01-2026.03.01", "expired"),
        ("2026.03.03-长期", "not_yet"),
        ("2006.13.01-长期", "unread"),
        ("长期", "unread"),
    ],
)
def test_the_term_of_validity(validity: str, expected: str) -> None:
    assert compared(FIELDS | {"validity": validity}).validity == expected


@pytest.mark.parametrize(
    ("expiry", "until", "expected"),
    [("2026-03-02", "2026-03-02", "valid"), ("2026-03-01", "2026-03-01", "expired"), ("2026-02-30", None, "unread")],
)
def test_a_passport_tells_only_its_last_day(expiry: str, until: str | None, expected: str) -> None:
    found = compared({"name": "张三", "expiry": expiry})

    assert (found.validity, found.valid_until, found.sides_agree) == (expected, until, "unknown")


def test_glare_alone_is_told_but_does_not_spoil_a_reading() -> None:
    found = compared(warnings=((), ("glare",)))

    assert found.quality == "fair"
    assert found.defects == ("反面：证件上有反光，请避开灯光",)


def test_turned_photos_are_no_defect() -> None:
    found = compared(warnings=(("turned",), ()))

    assert (found.quality, found.defects) == ("good", ())


@pytest.mark.parametrize(
    ("birth", "starts", "until", "is_lawful"),
    [
        (date(2012, 5, 1), date(2024, 1, 1), date(2029, 1, 1), True),
        (date(2000, 5, 1), date(2020, 1, 1), date(2030, 1, 1), True),
        (date(1990, 5, 1), date(2020, 1, 1), date(2040, 1, 1), True),
        (date(1970, 5, 1), date(2020, 1, 1), None, True),
        (date(1974, 3, 1), date(2020, 3, 2), date(2040, 3, 2), True),  # applied for at 45, begins at 46
        (date(1950, 5, 1), date(2020, 1, 1), date(2030, 1, 1), False),
        (date(2000, 5, 1), date(2020, 1, 1), None, False),
        (date(2012, 5, 1), date(2024, 1, 1), date(2044, 1, 1), False),
    ],
)
def test_terms_of_article_5(birth: date, starts: date, until: date | None, is_lawful: bool) -> None:
    assert is_lawful_term(birth, starts, until) is is_lawful
