"""How much stands in one place: what exceeds a limit is split by what it is about, never listed here."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import pytest

from tests.house.sources import console_sources, python_sources

LINES_OF_FILE = 300
LINES_OF_FUNCTION = 40  # decorators aside
PUBLIC_METHODS = 12
FILES_OF_FOLDER = 16  # __init__.py aside


A_MODULE = """\
@route
@reads
def long():
    a()
    b()

class Wide:
    def a(self): ...
    @property
    def b(self): ...
    def _c(self): ...
"""


def test_no_file_is_too_long() -> None:
    refuse(files_beyond(python_sources() | console_sources(), LINES_OF_FILE))


def test_no_function_is_too_long() -> None:
    refuse(functions_beyond(python_sources(), LINES_OF_FUNCTION))


def test_no_class_has_too_many_public_methods() -> None:
    refuse(classes_beyond(python_sources(), PUBLIC_METHODS))


def test_no_folder_holds_too_many_files() -> None:
    refuse(folders_beyond(python_sources() | console_sources(), FILES_OF_FOLDER))


def test_what_is_one_beyond_a_limit_is_found() -> None:
    sources = {"api/__init__.py": "", "api/wide.py": A_MODULE, "api/more.py": "", "web/src/App.vue": "\n\n"}

    assert list(files_beyond(sources, 10)) == ["api/wide.py: 11 lines, at most 10"]
    assert list(functions_beyond({"api/wide.py": A_MODULE}, 2)) == ["api/wide.py:3 long: 3 lines, at most 2"]
    assert list(classes_beyond({"api/wide.py": A_MODULE}, 1)) == ["api/wide.py:7 Wide: 2 public methods, at most 1"]
    assert list(folders_beyond(sources, 1)) == ["api: 2 files, at most 1"]


def test_what_reaches_a_limit_is_let_be() -> None:
    sources = {"api/__init__.py": "", "api/wide.py": A_MODULE, "api/more.py": ""}

    assert list(files_beyond(sources, 11)) == []
    assert list(functions_beyond(sources, 3)) == []
    assert list(classes_beyond(sources, 2)) == []
    assert list(folders_beyond(sources, 2)) == []


def refuse(beyond: Iterator[str]) -> None:
    if found := list(beyond):
        pytest.fail("\n".join(["to be split by what it is about:", *found]), pytrace=False)


def files_beyond(sources: Mapping[str, str], limit: int) -> Iterator[str]:
    for path, text in sources.items():
        if (lines := len(text.splitlines())) > limit:
            yield f"{path}: {lines} lines, at most {limit}"


def functions_beyond(sources: Mapping[str, str], limit: int) -> Iterator[str]:
    for path, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > limit:
                    yield f"{path}:{node.lineno} {node.name}: {lines} lines, at most {limit}"


def classes_beyond(sources: Mapping[str, str], limit: int) -> Iterator[str]:
    for path, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                methods = [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
                public = sum(not each.name.startswith("_") for each in methods)
                if public > limit:
                    yield f"{path}:{node.lineno} {node.name}: {public} public methods, at most {limit}"


def folders_beyond(sources: Mapping[str, str], limit: int) -> Iterator[str]:
    paths = [PurePosixPath(path) for path in sources]
    counted = Counter(path.parent for path in paths if path.name != "__init__.py")
    for folder, count in sorted(counted.items()):
        if count > limit:
            yield f"{folder}: {count} files, at most {limit}"
