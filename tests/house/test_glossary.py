"""One concept, one word: whatever the database keeps has its line in the glossary."""

from __future__ import annotations

import re

from config import ROOT
from migrations.tables import every_table
from storage.columns import Base

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()


def test_every_class_with_a_table_is_in_the_glossary() -> None:
    every_table()
    words = set(re.findall(r"[A-Za-z]+", re.sub(r"^\| ([^|]*).*$", r"\1", GLOSSARY, flags=re.MULTILINE)))

    missing = {mapper.class_.__name__ for mapper in Base.registry.mappers} - words

    assert not missing


def test_no_word_is_explained_twice() -> None:
    words = [line.split("|")[1].strip() for line in GLOSSARY.splitlines() if line.startswith("| ")]
    explained = [word for word in words if word not in {"word", "---"}]

    assert sorted(explained) == sorted(set(explained))


def test_documents_the_glossary_points_to_exist() -> None:
    named = re.findall(r"`((?:docs|engine|bpmn)/[\w/]+(?:\.\w+)?)`", GLOSSARY)

    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
