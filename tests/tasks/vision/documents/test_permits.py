"""Photographed permits of people from Hong Kong, Macau, Taiwan and abroad: what they say is a help for the reviewer."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import pytest

from engine.attachments.media import find_media_type
from engine.services.registry import StoredFile, find_service_task
from tasks.vision.documents.documents import read_other, shown_document
from tasks.vision.documents.reader import document_reader
from tasks.vision.pictures.images import decode_photo_or_page
from tasks.vision.service_tasks import DocumentReadParameters
from tasks.vision.text.ocr import TextLine
from tools.cards.people import TODAY
from tools.cards.permits import KINDS, Permit, draw_permit, draw_permit_back, make_permit
from tools.cards.scene import EASY, MEDIUM, photograph


@pytest.fixture(scope="module", autouse=True)
def own_folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VAR_DIR", str(tmp_path_factory.mktemp("var")))
        environment.delenv("OCR_MODEL_DIR", raising=False)
        document_reader.cache_clear()
        yield
        document_reader.cache_clear()


@dataclass
class CaseWithFiles:
    """A JobContext whose attachments are given bytes."""

    files: dict[str, bytes]
    case_id: str = "case"
    started_by: str = "account"
    idempotency_key: str = "key"
    now: datetime = field(default_factory=lambda: datetime(2026, 6, 1, tzinfo=UTC))

    def read_attachment(self, attachment_id: str) -> StoredFile:
        content = self.files[attachment_id]
        return StoredFile(content, find_media_type(content) or "application/octet-stream")

    def add_attachment(self, content: bytes, media_type: str, kind: str) -> str:
        self.files[f"added-{len(self.files)}"] = content
        return f"added-{len(self.files) - 1}"


def read(jpeg: bytes, kind: str = "auto", today: date = TODAY):
    return document_reader().read(decode_photo_or_page(jpeg), kind, today=today)


def printed(permit: Permit) -> dict[str, str]:
    """Every field its portrait side shows."""
    common = {"name": permit.name, "birth": permit.birth.isoformat(), "sex": permit.sex}
    if permit.kind == "residence_permit":
        return {**common, "id_number": permit.number, "address": permit.address}
    return {**common, "document_number": permit.number, "validity": permit.validity}


def lines_of(*texts: str, confidence: float = 0.99) -> list[TextLine]:
    """Each text a line below the one before."""
    return [
        TextLine(text, confidence, (370, 50 + 50 * i, 700, 84 + 50 * i), (370, 67 + 50 * i), (700, 67 + 50 * i))
        for i, text in enumerate(texts)
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("quarter_turns", [0, 2])
@pytest.mark.parametrize("level", [EASY, MEDIUM], ids=lambda level: level.name)
def test_a_photographed_permit_is_read(kind, level, quarter_turns, request):
    rng = random.Random(request.node.name)
    permit = make_permit(rng, kind)

    page = read(photograph(draw_permit(permit), level, rng, quarter_turns=quarter_turns).jpeg)

    truth, found = printed(permit), {name: one.value for name, one in page.fields.items()}
    number = "id_number" if kind == "residence_permit" else "document_number"
    assert page.kind == kind
    assert found[number] == permit.number
    assert found["name"] == permit.name
    assert {name: value for name, value in found.items() if value != truth[name]} == {}, "right or left out"
    assert len(found) >= len(truth) - 1
    assert "wrong_document" not in page.warnings


@pytest.mark.parametrize("kind", KINDS)
def test_the_back_of_a_permit_is_known_as_such(kind):
    rng = random.Random(f"back-{kind}")
    permit = make_permit(rng, kind)

    page = read(photograph(draw_permit_back(permit), EASY, rng).jpeg, kind=kind)

    assert page.kind == kind
    assert not {"wrong_document", "wrong_side", "not_a_document"} & set(page.warnings)
    if kind == "residence_permit":
        assert page.fields["validity"].value == permit.validity
        assert page.fields["authority"].value == permit.authority


def test_both_sides_of_a_residence_permit_make_one_reading():
    rng = random.Random(6)
    permit = make_permit(rng, "residence_permit")
    sides = {
        "front": photograph(draw_permit(permit), EASY, rng).jpeg,
        "back": photograph(draw_permit_back(permit), EASY, rng).jpeg,
    }

    parameters = DocumentReadParameters(document_type="residence_permit", pages=["front", "back"])
    result = find_service_task("document.read").run(parameters, CaseWithFiles(sides)).model_dump()

    assert [page["kind"] for page in result["pages"]] == ["residence_permit", "residence_permit"]
    assert result["fields"]["id_number"] == permit.number
    assert result["fields"]["validity"] == permit.validity
    assert result["warnings"] == []


def test_a_taiwan_permit_in_place_of_a_hong_kong_one_is_the_wrong_document():
    rng = random.Random(7)

    page = read(photograph(draw_permit(make_permit(rng, "taiwan_permit")), EASY, rng).jpeg, kind="hk_macau_permit")

    assert page.kind == "taiwan_permit"
    assert "wrong_document" in page.warnings


def test_two_different_numbers_on_a_permit_give_none():
    lines = lines_of("港澳居民来往内地通行证", "姓名", "陈大文", "证件号码H12345678", "H12345679")

    fields, warnings = read_other("hk_macau_permit", lines, TODAY)

    assert "document_number" not in fields
    assert "field_missing.document_number" in warnings


def test_a_number_without_a_check_digit_counts_only_when_read_clearly():
    texts = ("台湾居民来往大陆通行证", "姓名", "陈大文", "01234567")

    unsure, _ = read_other("taiwan_permit", lines_of(*texts, confidence=0.88), TODAY)
    sure, _ = read_other("taiwan_permit", lines_of(*texts), TODAY)

    assert "document_number" not in unsure
    assert sure["document_number"].value == "01234567"


@pytest.mark.parametrize("day", ["1990.01.02", "19900102", "2020.01.02-2030.01.01"])
def test_a_date_is_not_the_number_of_a_taiwan_permit(day):
    fields, _ = read_other("taiwan_permit", lines_of("台湾居民来往大陆通行证", "姓名", "陈大文", day), TODAY)

    assert "document_number" not in fields


def test_a_label_is_not_a_name():
    fields, warnings = read_other("hk_macau_permit", lines_of("港澳居民来往内地通行证", "姓名", "性别", "女"), TODAY)

    assert "name" not in fields
    assert fields["sex"].value == "女"
    assert "field_missing.name" in warnings


@pytest.mark.parametrize(
    ("number", "birth", "is_at_odds"),
    [
        ("CAN110081080310", "1981.08.03", False),
        ("CAN110081080310", "1981.08.04", True),
        ("942643195509142018", "1955.09.14", False),
        ("942643195509142018", "1956.09.14", True),
    ],
)
def test_the_birth_in_a_foreigners_number_is_compared_with_the_printed_one(number, birth, is_at_odds):
    lines = lines_of("外国人永久居留身份证", "出生日期/Date of Birth", birth, f"证件号码/ID No.{number}")

    fields, warnings = read_other("foreign_permanent_resident", lines, TODAY)

    assert fields["document_number"].value == number
    assert ("birth_disagrees" in warnings) == is_at_odds


def test_an_expired_permit_says_so():
    lines = lines_of("港澳居民来往内地通行证", "有效期限", "2013.01.02-2023.01.01")

    fields, warnings = read_other("hk_macau_permit", lines, TODAY)

    assert fields["validity"].value == "2013.01.02-2023.01.01"
    assert "expired" in warnings


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("民来往内地通行证", "hk_macau_permit"),
        ("台湾居民来往大陆通行证", "taiwan_permit"),
        ("中华人民共和国外国人永久居留身份证", "foreign_permanent_resident"),
        ("台湾居民居住证", "residence_permit"),
        ("PASSPORT", "passport"),
        ("居民身份证", None),
    ],
)
def test_a_document_is_known_by_its_title(title, kind):
    assert shown_document(lines_of("姓名", title)) == kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_permit_follows_from_its_seed(kind):
    first, second = (make_permit(random.Random(8), kind) for _ in range(2))

    assert first == second
    assert replace(first, name="") != first
    assert (draw_permit(first) == draw_permit(second)).all()
