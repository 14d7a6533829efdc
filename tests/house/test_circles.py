"""No two sources need each other, an import for types alone included. import-linter sees the packages, and only those."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NO_SOURCES = {"tests", "web", "var", "node_modules"}
LINT = Path(sys.executable).with_name("lint-imports")


def test_no_source_needs_itself():
    modules = {_name(path): path for path in _sources()}

    try:
        list(
            TopologicalSorter({name: _needed(path, modules) - {name} for name, path in modules.items()}).static_order()
        )
    except CycleError as found:
        pytest.fail("a circle: " + " -> ".join(found.args[1]))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("engine/one.py", "from engine.other import that"),
        ("engine/one.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from engine.other import that"),
        ("engine/one.py", "def this():\n    from engine.other import that"),
        ("engine/inner/one.py", "from engine.inner.other import that"),
        ("engine/inner/one.py", "from engine.across.one import that"),
    ],
)
def test_import_linter_refuses_a_circle(tmp_path, module, source):
    _pretend(tmp_path)
    (tmp_path / "engine/other.py").write_text("from engine import one")
    (tmp_path / "engine/inner/other.py").write_text("from engine.inner import one")
    (tmp_path / "engine/across/other.py").write_text("from engine.inner import two")
    assert _lint(tmp_path).returncode == 0

    (tmp_path / module).write_text(source)

    refused = _lint(tmp_path)
    assert refused.returncode == 1
    assert "No cycles are allowed in engine" in refused.stdout


def _pretend(folder):
    """A house with the packages and the contract of this one, and nothing in it."""
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    for package in (*packages, "engine/inner", "engine/across"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").touch()
    for module in ("engine/one", "engine/inner/one", "engine/inner/two", "engine/across/one"):
        (folder / f"{module}.py").touch()


def _lint(folder):
    command = [LINT, "--config", "pyproject.toml", "--contract", "circles", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _sources():
    for path in ROOT.rglob("*.py"):
        first = path.relative_to(ROOT).parts[0]
        if first not in NO_SOURCES and not first.startswith("."):
            yield path


def _name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _needed(path, modules):
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: an import that is relative"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found & modules.keys()
