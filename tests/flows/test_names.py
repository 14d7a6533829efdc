"""Whatever points into a shipped diagram by name finds it, and says where it stands when an element is renamed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from composition import declare_service_tasks
from config import ROOT
from engine.checks.check import check_files
from engine.flow.flow import flow_folders, load_flow
from tests.flows.names import Pointing, demo_pointings, names_of, pointings

FOLDERS = flow_folders(ROOT / "bpmn")
DANGLING = {"progress.unknown", "lane.unused", "message.not_caught"}


def dangling(pointing: Iterable[Pointing], files: dict[str, bytes]) -> set[str]:
    """`file: name` of what points at nothing."""
    there = names_of(files)
    return {f"{each.file}: {each.name}" for each in pointing if each.name not in there[each.kind]}


def renamed(files: dict[str, bytes], name: str) -> dict[str, bytes]:
    """The diagrams with one element, lane or message under another name, wherever they say it."""
    old, new = f'"{name}"'.encode(), f'"{name}_renamed"'.encode()
    inside = f">{name}<".encode(), f">{name}_renamed<".encode()
    return {
        path: content.replace(old, new).replace(*inside) if path.endswith(".bpmn") else content
        for path, content in files.items()
    }


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    declare_service_tasks(ROOT / "bpmn")
    return Path(request.param)


def test_every_name_that_points_into_a_diagram_is_there(folder: Path) -> None:
    assert dangling(pointings(folder), dict(load_flow(folder).files)) == set()


def test_every_element_the_demonstration_waits_for_is_there() -> None:
    there = set[str]().union(*(names_of(dict(load_flow(folder).files))["element"] for folder in FOLDERS))

    assert {f"{each.file}: {each.name}" for each in demo_pointings() if each.name not in there} == set()
    assert demo_pointings()


def test_renaming_what_somebody_points_at_names_every_file_that_says_the_old_name(folder: Path) -> None:
    files, pointing = dict(load_flow(folder).files), pointings(folder)

    for kind, name in sorted({(each.kind, each.name) for each in pointing}):
        wanted = {f"{each.file}: {name}" for each in pointing if (each.kind, each.name) == (kind, name)}
        assert wanted <= dangling(pointing, renamed(files, name)), name


def test_the_check_finds_what_flow_toml_says_of_elements_that_were_renamed(folder: Path) -> None:
    files = dict(load_flow(folder).files)
    said = {each.name for each in pointings(folder) if each.file.endswith("/flow.toml")}
    everything = files
    for name in said:
        everything = renamed(everything, name)

    found = {problem.element for problem in check_files(everything) if problem.code in DANGLING}

    assert found == said
