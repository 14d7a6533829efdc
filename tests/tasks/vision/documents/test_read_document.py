"""`flask read-document` line by line, and `document.read` as a diagram gets it."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from engine.errors import BusinessError
from engine.services.calls import call_service_task
from engine.services.registry import StoredFile, find_service_task
from tasks.vision import cli, service_tasks  # declares the tasks
from tasks.vision.documents.documents import expected_kinds
from tasks.vision.documents.reader import document_reader
from tasks.vision.pictures.images import decode_photo
from tools.cards.people import make_person, with_expired_card
from tools.cards.resident_id import draw_back, draw_front
from tools.cards.scene import EASY, photograph


@pytest.fixture(scope="module", autouse=True)
def own_folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VAR_DIR", str(tmp_path_factory.mktemp("var")))
        environment.delenv("OCR_MODEL_DIR", raising=False)
        document_reader.cache_clear()
        yield
        document_reader.cache_clear()


@pytest.fixture
def rng(request) -> random.Random:
    print(f"seed {request.node.name}")
    return random.Random(request.node.name)


@dataclass
class CaseWithFiles:
    """A JobContext whose attachments are given bytes."""

    files: dict[str, bytes]
    case_id: str = "case"
    started_by: str = "account"
    idempotency_key: str = "key"
    now: datetime = field(default_factory=lambda: datetime(2026, 6, 1, 4, tzinfo=UTC))

    def read_attachment(self, attachment_id: str) -> StoredFile:
        return StoredFile(self.files[attachment_id], "image/jpeg")

    def add_attachment(self, content: bytes, media_type: str, kind: str) -> str:
        assert (media_type, kind) == ("image/jpeg", "rectified")
        self.files[f"added-{len(self.files)}"] = content
        return f"added-{len(self.files) - 1}"


def run(*arguments: str):
    return CliRunner().invoke(cli.read_document, arguments)


def test_each_file_is_one_json_line_and_unreadable_ones_have_an_error(tmp_path, rng):
    person = make_person(rng)
    front, back, broken = tmp_path / "正面.jpg", tmp_path / "back.jpg", tmp_path / "broken.jpg"
    front.write_bytes(photograph(draw_front(person), EASY, rng).jpeg)
    back.write_bytes(photograph(draw_back(person), EASY, rng).jpeg)
    broken.write_bytes(b"%PDF-1.7 no, it is not")

    result = run("--kind", "auto", str(front), str(broken), str(back), str(tmp_path / "missing.jpg"), "--json")

    assert result.exit_code == 0
    first, second, third, fourth = (json.loads(line) for line in result.output.splitlines())
    assert first.keys() >= {"file", "fields", "warnings", "seconds"}
    assert first["file"] == str(front)
    assert first["fields"]["id_number"]["value"] == person.id_number
    assert first["fields"]["birth"]["value"] == person.birth.isoformat()
    assert first["fields"]["name"].keys() == {"value", "confidence", "box"}
    assert len(first["fields"]["name"]["box"]) == 4
    assert second == {"file": str(broken), "error": "document.unreadable_file", "message": second["message"]}
    assert third["fields"]["validity"]["value"] == person.validity
    assert fourth["error"] == "document.unreadable_file"


def test_without_json_people_read_sentences(tmp_path, rng):
    back = tmp_path / "back.jpg"
    back.write_bytes(photograph(draw_back(make_person(rng)), EASY, rng).jpeg)

    result = run("--kind", "resident_id_front", str(back))

    assert result.exit_code == 0
    assert "证件的正反面放反了" in result.output


def test_a_resident_id_is_one_result_of_two_pages(rng):
    person = make_person(rng)
    case = CaseWithFiles(
        {
            "a": photograph(draw_front(person), EASY, rng).jpeg,
            "b": photograph(draw_back(person), EASY, rng).jpeg,
        }
    )

    result = call_service_task(
        find_service_task("document.read"), {"document_type": "resident_id", "pages": ["a", "b"]}, case
    )

    assert result["fields"] == {
        "name": person.name,
        "sex": person.sex,
        "ethnicity": person.ethnicity,
        "birth": person.birth.isoformat(),
        "address": person.address,
        "id_number": person.id_number,
        "authority": person.authority,
        "validity": person.validity,
    }
    assert result["confidences"].keys() == result["fields"].keys()
    assert [page["kind"] for page in result["pages"]] == ["resident_id_front", "resident_id_back"]
    assert result["warnings"] == []
    assert [len(digest) for digest in result["models"].values()] == [64, 64]
    assert "PP-OCRv6_small_rec" in result["models"]
    rectified = decode_photo(case.files[result["pages"][0]["rectified"]])
    assert rectified.shape == (640, 1016, 3)


def test_validity_counts_by_the_day_in_china(rng):
    person = with_expired_card(make_person(rng))
    last_day = person.valid_until
    case = CaseWithFiles(
        {"b": photograph(draw_back(person), EASY, rng).jpeg},
        now=datetime(last_day.year, last_day.month, last_day.day, 17, tzinfo=UTC),  # 01:00 of the next day in Shanghai
    )

    result = find_service_task("document.read").run(
        service_tasks.DocumentReadParameters(document_type="resident_id", pages=["b"]), case
    )

    assert "expired" in result.warnings
    assert "wrong_side" in result.warnings


def test_a_page_that_is_no_picture_is_a_business_error_and_adds_nothing(rng):
    case = CaseWithFiles({"a": photograph(draw_front(make_person(rng)), EASY, rng).jpeg, "b": b"\xff\xd8\xff\xe0 cut"})

    with pytest.raises(BusinessError) as refused:
        call_service_task(
            find_service_task("document.read"), {"document_type": "resident_id", "pages": ["a", "b"]}, case
        )

    assert refused.value.code == "document.unreadable_file"
    assert case.files.keys() == {"a", "b"}


def test_pages_beyond_the_known_ones_may_show_anything():
    from domain.documents.documents import DocumentType

    kinds = expected_kinds(DocumentType.RESIDENT_ID, 3)

    assert kinds == ("resident_id_front", "resident_id_back", "auto")
