"""The contract of `flask read-document --json`: one object a line, whatever the file holds."""

from __future__ import annotations

import json
import random

from click.testing import CliRunner

from tasks.vision.cli import read_document
from tools.cards.people import make_person
from tools.cards.resident_id import draw_back, draw_front
from tools.cards.scene import EASY, photograph


def test_both_sides_and_a_broken_file_are_three_lines_of_the_contract(tmp_path):
    rng = random.Random(11)
    person = make_person(rng)
    front, back, broken = (tmp_path / name for name in ("front.jpg", "back.jpg", "broken.jpg"))
    front.write_bytes(photograph(draw_front(person), EASY, rng).jpeg)
    back.write_bytes(photograph(draw_back(person), EASY, rng).jpeg)
    broken.write_bytes(front.read_bytes()[:2000])

    answer = CliRunner().invoke(read_document, ["--json", *(str(path) for path in (front, back, broken))])

    assert answer.exit_code == 0
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [line["file"] for line in lines] == [str(front), str(back), str(broken)]
    fields = {name: field for line in lines[:2] for name, field in line["fields"].items()}
    assert {name: field["value"] for name, field in fields.items()} == {
        "name": person.name,
        "sex": person.sex,
        "ethnicity": person.ethnicity,
        "birth": person.birth.isoformat(),
        "address": person.address,
        "id_number": person.id_number,
        "authority": person.authority,
        "validity": f"{person.valid_from:%Y.%m.%d}-{f'{person.valid_until:%Y.%m.%d}' if person.valid_until else '长期'}",
    }
    assert all(0 < field["confidence"] <= 1 and len(field["box"]) == 4 for field in fields.values())
    assert all(line["warnings"] == [] and line["seconds"] > 0 for line in lines[:2])
    assert lines[2]["error"] == "document.unreadable_file"
