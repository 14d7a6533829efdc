"""`document.read_stamped_form` as a diagram gets it: from a photo or PDF to agreements, findings and places."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pytest

from engine.errors import BusinessError
from engine.services.calls import call_service_task
from engine.services.registry import StoredFile, find_service_task
from tasks.vision import service_tasks  # noqa: F401  declares the tasks
from tasks.vision.documents.reader import document_reader
from tools.cards import forms
from tools.cards.scene import to_jpeg

NAME, OTHER = "仙桃市第一人民医院", "仙桃市第二人民医院"
EASY, MEDIUM, _ = forms.LEVELS


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
        raise AssertionError("reading a form adds nothing")


def reading_of(content: bytes, **typed: str):
    task = find_service_task("document.read_stamped_form")
    parameters = {"attachment": "form", "expected_name": NAME, **typed}
    return call_service_task(task, parameters, CaseWithFiles({"form": content}))


def a_photo(kind: forms.Kind, rng: random.Random, *, level=EASY, turns: int = 0, **names: str) -> bytes:
    form = forms.make_form(kind, rng, **{"name": NAME, **names})
    return forms.photograph_form(form, level, rng, quarter_turns=turns).jpeg


def test_a_good_form_agrees_and_shows_where(rng):
    read = reading_of(a_photo(forms.RIGHT, rng, level=MEDIUM))

    assert (read["has_red_seal"], read["seal_agreement"], read["text_agreement"]) == (True, "same", "same")
    assert (read["seal_text"], read["form_name"]) == (NAME, NAME)
    assert read["findings"] == read["warnings"] == []
    assert "单位用户注册申请表" in read["text_lines"]
    seal, name = read["seal_place"], read["name_place"]
    assert seal["page"] == name["page"] == 1
    assert name["bottom"] < seal["top"]
    assert seal["left"] > 0.4
    assert all(0 <= place[side] <= 1 for place in (seal, name) for side in ("left", "top", "right", "bottom"))


def test_a_name_that_differs_in_one_character_is_never_the_same(rng):
    read = reading_of(a_photo(forms.RIGHT, rng, seal_name=OTHER))

    assert (read["seal_agreement"], read["text_agreement"]) == ("different", "same")
    assert read["warnings"] == ["seal_differs"]
    assert read["findings"] == [f"公章文字“{OTHER}”与机构名称“{NAME}”不一致。"]


def test_a_form_of_another_institution_is_said_so(rng):
    read = reading_of(
        a_photo(forms.RIGHT, rng, name=OTHER), credit_code="12429004MB1A2B3C4D", applicant_name="不在表上"
    )

    assert (read["seal_agreement"], read["text_agreement"]) == ("different", "different")
    assert {"form_name_differs", "form_code_differs", "form_applicant_differs"} <= set(read["warnings"])
    assert f"申请表上的机构名称“{OTHER}”与填写的“{NAME}”不一致。" in read["findings"]


def test_a_form_without_a_seal_and_a_copied_one(rng):
    unstamped = reading_of(a_photo(forms.NONE, rng))
    copied = reading_of(a_photo(forms.COPIED, rng))

    assert (unstamped["has_red_seal"], unstamped["seal_agreement"], unstamped["seal_text"]) == (False, "none", None)
    assert unstamped["findings"] == ["没有发现红色圆形公章。"]
    assert copied["warnings"] == ["seal_missing", "seal_copied"]


def test_a_finance_seal_is_told_from_the_institutions_own(rng):
    read = reading_of(a_photo(forms.SPECIAL, rng))

    assert read["seal_agreement"] == "same"
    assert read["warnings"] == ["seal_special"]
    assert read["findings"][0].endswith("专用章”，不是单位公章。")


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_page_photographed_any_way_up_is_read_and_its_places_stay_where_they_were_sent(turns, rng):
    read = reading_of(a_photo(forms.RIGHT, rng, turns=turns))

    assert (read["seal_agreement"], read["text_agreement"]) == ("same", "same")
    seal, name = read["seal_place"], read["name_place"]
    # counter-clockwise: what was above is to the left, then below, then to the right
    assert {1: name["right"] < seal["left"], 2: name["top"] > seal["bottom"], 3: name["left"] > seal["right"]}[turns]


def test_a_scanned_pdf_is_read_as_its_pages(rng):
    read = reading_of(forms.as_pdf(forms.make_form(forms.RIGHT, rng, name=NAME)))

    assert (read["has_red_seal"], read["seal_agreement"], read["text_agreement"]) == (True, "same", "same")


def test_a_picture_of_something_else_is_no_form(rng):
    noise = np.random.default_rng(5).integers(90, 160, (900, 700, 3)).astype(np.uint8)

    read = reading_of(to_jpeg(noise))

    assert (read["has_red_seal"], read["text_agreement"]) == (False, "unread")
    assert read["warnings"] == ["seal_missing", "form_unreadable"]


@pytest.mark.parametrize("content", [b"%PDF-1.7 no, it is not", b"\xff\xd8\xff\xe0 cut", b"PK\x03\x04 a workbook"])
def test_a_file_that_is_not_what_it_says_is_a_business_error(content):
    with pytest.raises(BusinessError) as refused:
        reading_of(content)

    assert refused.value.code == "document.unreadable_file"
