"""The leaves of the house know nobody above them. import-linter checks the packages; these are single modules."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {
    "api",
    "tasks",
    "bpmn",
    "engine",
    "domain",
    "composition",
    "wsgi",
    "migrations",
    "tools",
    "vault",
    "database",
    "dialect",
    "flights",
    "statements",
    "rows",
    "config",
}


@pytest.mark.parametrize(
    ("module", "may_know"),
    [
        ("config.py", set()),
        ("flights.py", set()),
        ("dialect.py", {"flights"}),
        ("statements.py", {"flights"}),
        ("database.py", {"config", "dialect"}),
        ("rows.py", {"database", "statements"}),
        ("vault.py", {"config", "database", "rows"}),
    ],
)
def test_a_leaf_knows_only_what_is_below_it(module, may_know):
    tree = ast.parse((ROOT / module).read_text())

    known = {name.split(".")[0] for name in _imported(tree)} & OURS

    assert known <= may_know


def test_only_config_reads_the_environment():
    readers = [
        path.relative_to(ROOT).as_posix()
        for folder in ("api", "bpmn", "domain", "engine", "tasks", "migrations")
        for path in (ROOT / folder).rglob("*.py")
        if {"environ", "getenv"} & _names(ast.parse(path.read_text()))
    ]

    assert readers == []


def _imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _names(tree):
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} | {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name)
    }
