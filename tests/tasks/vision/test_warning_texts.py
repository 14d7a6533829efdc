"""docs/warnings.md shows every warning with the sentence people read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain.documents.reading_texts import FIELD_LABELS, WARNING_TEXTS, warning_text

PAGE = Path(__file__).resolve().parents[3] / "docs" / "warnings.md"


def test_the_page_lists_every_code_with_its_sentence():
    rows = re.findall(r"^\| `([a-z_]+)(?:\.<field>)?` \| ([^|]+) \|", PAGE.read_text("utf-8"), re.MULTILINE)

    shown = {code: sentence.strip().replace("〈字段〉", "{field}") for code, sentence in rows}

    assert shown == WARNING_TEXTS


@pytest.mark.parametrize("code", ["field_missing", "low_confidence", "field_conflict"])
def test_a_warning_about_a_field_names_it_in_chinese(code):
    for name, label in FIELD_LABELS.items():
        sentence = warning_text(f"{code}.{name}")

        assert label in sentence
        assert "{" not in sentence
