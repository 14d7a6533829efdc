"""docs/architecture.md draws the house as it stands: its arrows are the imports, its paths are there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import ROOT

PAGE = ROOT / "docs" / "architecture.md"
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
ARROW = re.compile(r"^ +(\w+) --> (\w+)$", re.MULTILINE)
ROOM = re.compile(r"^ +(\w+)\[", re.MULTILINE)
FOLDERS = "api bpmn engine domain storage tasks web tests tools benchmarks migrations docs"
PATH = re.compile(rf"`((?:{FOLDERS.replace(' ', '|')})/[\w./-]*)`")
MADE = {"web/dist", "web/node_modules"}  # by a command


def is_of_its_day(text: str) -> bool:
    """A decision keeps its words; where they are out of date, it says what they are today."""
    return "\nToday: " in text


def test_the_arrows_of_the_picture_are_the_imports_between_its_rooms() -> None:
    picture = PAGE.read_text()
    rooms = set(ROOM.findall(picture))

    drawn = set(ARROW.findall(picture))

    assert {"api", "bpmn", "engine", "domain", "storage", "tasks"} <= rooms
    assert drawn == {(room, known) for room in rooms for known in _known_by(room) & rooms - {room}}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_path_that_a_document_names_is_there(document: Path) -> None:
    text = document.read_text()

    missing = sorted(path for path in set(PATH.findall(text)) - MADE if not (ROOT / path).exists())

    assert missing == [] or is_of_its_day(text)


def _known_by(room: str) -> set[str]:
    files = [ROOT / f"{room}.py"] if (ROOT / f"{room}.py").exists() else (ROOT / room).rglob("*.py")
    return {name.split(".")[0] for file in files for name in _imported(ast.parse(file.read_text()))}


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
