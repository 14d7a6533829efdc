"""Photographed passports: what the data page says, read from its MRZ and checked against its print."""

from __future__ import annotations

import json
import random
from datetime import date

import numpy as np
import pytest
from click.testing import CliRunner

from tasks.vision.cli import read_document as read_document_command
from tasks.vision.documents.reader import document_reader
from tasks.vision.pictures.images import decode_photo_or_page
from tools.cards.passport import MRZ_LEFT, MRZ_PITCH, MRZ_ROWS, draw_passport, make_passport
from tools.cards.people import TODAY, make_person
from tools.cards.resident_id import draw_front
from tools.cards.scene import EASY, MEDIUM, photograph

ALWAYS_READ = ("document_number", "birth", "sex", "nationality", "expiry")


@pytest.fixture(scope="module", autouse=True)
def own_folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VAR_DIR", str(tmp_path_factory.mktemp("var")))
        environment.delenv("OCR_MODEL_DIR", raising=False)
        document_reader.cache_clear()
        yield
        document_reader.cache_clear()


def read(jpeg: bytes, kind: str = "auto", today: date = TODAY):
    return document_reader().read(decode_photo_or_page(jpeg), kind, today=today)


def values(page) -> dict[str, str]:
    return {name: field.value for name, field in page.fields.items()}


@pytest.mark.parametrize("quarter_turns", [0, 1, 2])
@pytest.mark.parametrize("level", [EASY, MEDIUM], ids=lambda level: level.name)
def test_a_photographed_passport_is_read(level, quarter_turns, request):
    rng = random.Random(request.node.name)
    passport = make_passport(rng)

    page = read(photograph(draw_passport(passport), level, rng, quarter_turns=quarter_turns).jpeg)

    truth = {
        "document_number": passport.number,
        "name": passport.latin_name,
        "birth": passport.birth.isoformat(),
        "sex": passport.sex,
        "nationality": passport.nationality,
        "expiry": passport.valid_until.isoformat(),
    }
    assert page.kind == "passport"
    assert {name: values(page).get(name) for name in ALWAYS_READ} == {name: truth[name] for name in ALWAYS_READ}
    assert values(page).get("name", truth["name"]) == truth["name"], "a name is right or left out"
    assert "mrz_check_failed" not in page.warnings
    assert ("turned" in page.warnings) == (quarter_turns != 0)


def test_a_passport_whose_check_digit_is_wrong_gives_no_number():
    rng = random.Random(1)
    passport = make_passport(rng)
    page = draw_passport(passport).copy()
    place, other = 9, str((int(passport.mrz[1][9]) + 1) % 10)
    donor = draw_passport(passport)
    source = passport.mrz[1].index(other)
    top, bottom = MRZ_ROWS[1] - 25, MRZ_ROWS[1] + 25
    left, from_left = (round(MRZ_LEFT + (i - 0.5) * MRZ_PITCH) for i in (place, source))
    page[top:bottom, left : left + 25] = donor[top:bottom, from_left : from_left + 25]

    reading = read(photograph(page, EASY, rng).jpeg)

    assert reading.kind == "passport"
    assert "document_number" not in reading.fields
    assert {"mrz_check_failed", "field_missing.document_number"} <= set(reading.warnings)


def test_an_expired_passport_says_so():
    rng = random.Random(2)
    passport = make_passport(rng)

    reading = read(photograph(draw_passport(passport), EASY, rng).jpeg, today=date(2040, 1, 1))

    assert values(reading)["expiry"] == passport.valid_until.isoformat()
    assert "expired" in reading.warnings


def test_a_page_without_its_mrz_gives_no_number():
    rng = random.Random(3)
    page = draw_passport(make_passport(rng)).copy()
    page[690:850] = np.array([230, 236, 238], np.uint8)

    reading = read(photograph(page, EASY, rng).jpeg)

    assert reading.kind == "passport"
    assert dict(reading.fields) == {}
    assert "field_missing.document_number" in reading.warnings


def test_a_resident_id_in_place_of_a_passport_is_the_wrong_document():
    rng = random.Random(4)

    reading = read(photograph(draw_front(make_person(rng)), EASY, rng).jpeg, kind="passport")

    assert reading.kind == "resident_id_front"
    assert "wrong_document" in reading.warnings


def test_the_command_reads_a_passport_of_its_own_accord(tmp_path):
    rng = random.Random(5)
    passport = make_passport(rng)
    photo = tmp_path / "passport.jpg"
    photo.write_bytes(photograph(draw_passport(passport), EASY, rng).jpeg)

    answer = CliRunner().invoke(read_document_command, ["--kind", "auto", "--json", str(photo)])

    told = json.loads(answer.output.strip().splitlines()[-1])
    assert told["kind"] == "passport"
    assert told["fields"]["document_number"]["value"] == passport.number
    assert told["seconds"] > 0
