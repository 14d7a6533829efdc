"""Cases of the first release load in this one: its journals and the snapshots it wrote after each input, kept as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.cases.journal import decode_input
from engine.machine import Machine, compile_process, replay

FILES = sorted((Path(__file__).parent / "first").glob("*.json"))


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def kept(request) -> dict[str, Any]:
    return json.loads(request.param.read_text("utf-8"))


def compiled(kept):
    return compile_process(kept["bpmn"].encode(), {name: dmn.encode() for name, dmn in kept["decisions"].items()})


def test_files_of_the_first_release_are_there():
    assert len(FILES) >= 15


def test_a_diagram_of_the_first_release_has_the_digest_it_had(kept):
    assert compiled(kept).digest == kept["digest"]


def test_a_journal_of_the_first_release_gives_what_its_snapshots_say(kept):
    process = compiled(kept)
    inputs = [decode_input(step["kind"], orjson.dumps(step["input"])) for step in kept["steps"]]

    for number, step in enumerate(kept["steps"], 1):
        loaded = Machine.load(process, step["snapshot"].encode())
        assert sorted(loaded.waits) == step["waits"]
        assert loaded.canonical() == replay(process, inputs[:number]).canonical()


def test_a_snapshot_of_the_first_release_takes_the_inputs_that_followed(kept):
    process = compiled(kept)

    for step, following in zip(kept["steps"], kept["steps"][1:], strict=False):
        machine = Machine.load(process, step["snapshot"].encode())
        machine.apply(decode_input(following["kind"], orjson.dumps(following["input"])))
        assert machine.canonical() == Machine.load(process, following["snapshot"].encode()).canonical()
