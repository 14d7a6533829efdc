"""The leaves of the house know nobody above them. import-linter checks the packages; this is a single module."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = {"api", "tasks", "bpmn", "engine", "domain", "composition", "wsgi", "migrations", "tools", "storage", "config"}


def test_a_leaf_knows_only_what_is_below_it():
    tree = ast.parse((ROOT / "config.py").read_text())

    known = {name.split(".")[0] for name in _imported(tree)} & OURS

    assert known == set()


def test_only_config_reads_the_environment():
    readers = [
        path.relative_to(ROOT).as_posix()
        for folder in ("api", "bpmn", "domain", "engine", "storage", "tasks", "migrations")
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
