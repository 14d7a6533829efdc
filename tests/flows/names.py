"""Who points into a flow's diagrams by name, file by file: flow.toml, the flow's Python, its scenarios, the demonstration."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from lxml import etree

from config import ROOT
from engine.flow.flow import Flow, load_flow

# What the demonstration waits for, completes or decides is an element of one of the flows it plays.
_DEMO = ROOT / "tools" / "demo"
_DEMO_CALLS = {"complete", "wait_for"}


@dataclass(frozen=True)
class Pointing:
    """file says `name`; kind: what it must be in the diagram (`element`, `lane`, `message`)."""

    file: str
    kind: str
    name: str


def names_of(files: dict[str, bytes]) -> dict[str, set[str]]:
    """By kind, what the diagrams among a flow's files hold."""
    found: dict[str, set[str]] = {"element": set(), "lane": set(), "message": set()}
    for path, content in files.items():
        if not path.endswith(".bpmn"):
            continue
        for node in etree.fromstring(content).iter("{*}*"):
            tag = etree.QName(node).localname
            if tag == "message":
                found["message"].add(node.get("name"))
            elif node.get("id"):
                found["lane" if tag == "lane" else "element"].add(node.get("id"))
    return found


def pointings(folder: Path) -> list[Pointing]:
    flow = load_flow(folder)
    return [*_of_config(folder, flow), *_of_python(folder), *_of_scenarios(folder)]


def demo_pointings() -> list[Pointing]:
    return [
        Pointing(path.relative_to(ROOT).as_posix(), "element", name)
        for path in sorted(_DEMO.glob("*.py"))
        for name in _told_elements(ast.parse(path.read_text()))
    ]


def _of_config(folder: Path, flow: Flow) -> Iterator[Pointing]:
    config = flow.config
    file = f"{folder.name}/flow.toml"
    for kind, names in (("element", config.progress), ("element", config.changes), ("lane", config.lanes)):
        yield from (Pointing(file, kind, name) for name in names)
    yield from (Pointing(file, "message", name) for name in config.messages)


def _of_python(folder: Path) -> Iterator[Pointing]:
    """StrEnums of names.py: `…Message` are messages, `…Element` elements."""
    if not (folder / "names.py").exists():
        return
    module = importlib.import_module(f"bpmn.{folder.name}.names")
    for enum in vars(module).values():
        if isinstance(enum, type) and issubclass(enum, StrEnum) and enum is not StrEnum:
            kind = "message" if enum.__name__.endswith("Message") else "element"
            yield from (Pointing(f"{folder.name}/names.py", kind, member.value) for member in enum)


def _of_scenarios(folder: Path) -> Iterator[Pointing]:
    for path in sorted(folder.glob("scenarios/*.toml")):
        file = path.relative_to(folder.parent).as_posix()
        told = tomllib.loads(path.read_text())
        waits = " ".join(str(given.get("wait", "")) for given in told.get("inputs", []))
        inside = re.findall(r"([a-z]\w*):\d", waits)
        names = {*told.get("path", []), *told.get("standing", []), *inside}
        yield from (Pointing(file, "element", name) for name in sorted(names))


def _told_elements(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        told: list[Any] = [keyword.value for keyword in node.keywords if keyword.arg == "element"]
        if isinstance(node.func, ast.Attribute) and node.func.attr in _DEMO_CALLS:
            told += node.args[:1]
        yield from (each.value for each in told if isinstance(each, ast.Constant) and isinstance(each.value, str))
