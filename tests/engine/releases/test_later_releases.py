"""Cases of the releases after the first load in this one: journals, migrations and all, and the snapshots after each input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.cases.journal import decode_input
from engine.inputs import KINDS, CaseMigrated
from engine.machine import Machine, Process, compile_process
from engine.replay.carry_over import Walk
from tests.engine.releases.keep import kept_form, told_stories

FILES = sorted(file for name in ("second", "third") for file in (Path(__file__).parent / name).glob("*.json"))


@pytest.fixture(params=FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def kept(request) -> dict[str, Any]:
    return json.loads(request.param.read_text("utf-8"))


def compiled(kept) -> dict[str, Process]:
    return {name: _compiled(version) for name, version in kept["versions"].items()}


def _compiled(version) -> Process:
    decisions, called = (
        {name: content.encode() for name, content in version[kind].items()} for kind in ("decisions", "called")
    )
    return compile_process(version["bpmn"].encode(), decisions, called)


def inputs_of(kept):
    return [decode_input(step["kind"], orjson.dumps(step["input"])) for step in kept["steps"]]


def test_every_kind_of_input_is_in_a_file():
    kinds = {step["kind"] for file in FILES for step in json.loads(file.read_text("utf-8"))["steps"]}

    assert kinds >= {
        "Started", "WorkItemCompleted", "WorkItemSigned", "SignatureRefused", "JobSucceeded", "JobFailed", "JobGivenUp",
        "TimerFired", "MessageReceived", "IncidentRetried", "CaseCancelled", "CaseMigrated", "CaseSuspended", "CaseResumed",
        "VariableEdited", "ElementSkipped", "TokenMoved", "WorkItemReturned",
    }  # fmt: skip
    assert kinds <= set(KINDS)


def test_a_diagram_of_a_release_has_the_digest_it_had(kept):
    assert {name: process.digest for name, process in compiled(kept).items()} == {
        name: version["digest"] for name, version in kept["versions"].items()
    }


def test_a_journal_of_a_release_gives_what_its_snapshots_say(kept):
    processes = compiled(kept)
    walk = Walk(processes.__getitem__, next(iter(processes)))

    for seq, (step, given) in enumerate(zip(kept["steps"], inputs_of(kept), strict=True), 1):
        walk.apply(seq, given)
        loaded = Machine.load(processes[step["version"]], step["snapshot"].encode())
        assert walk.course.definition_id == step["version"]
        assert sorted(loaded.waits) == step["waits"]
        assert loaded.canonical() == walk.course.machine.canonical()


def test_a_snapshot_of_a_release_takes_the_inputs_that_followed(kept):
    processes = compiled(kept)

    for step, following, given in zip(kept["steps"], kept["steps"][1:], inputs_of(kept)[1:], strict=False):
        if isinstance(given, CaseMigrated):  # needs the whole journal
            continue
        process = processes[step["version"]]
        machine = Machine.load(process, step["snapshot"].encode())
        machine.apply(given)
        assert machine.canonical() == Machine.load(process, following["snapshot"].encode()).canonical()


def test_the_stories_can_still_be_told():
    """What writes the files of the next release works."""
    for story in told_stories():
        form = kept_form(story)
        assert form["steps"][-1]["waits"] == [], story.name
