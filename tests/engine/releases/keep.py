"""What this release makes of cases, in files that later releases must read: `python -m tests.engine.releases.keep NAME`.

A file holds the versions of a diagram, the journal, and after each input the snapshot and the open waits. Stories told by hand
are kept, and random paths, each of which has a kind of input or element that no file before had. Run it once, when a release
is made; files of a release are never written again.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import orjson

from engine.cases.journal import encode_input
from engine.inputs import CaseMigrated, Input
from engine.machine import Process, compile_process
from engine.replay.carry_over import Walk
from tests.engine.random.drawing import draw
from tests.engine.random.play import Play, drawn
from tests.engine.releases.stories import STORIES

HERE = Path(__file__).parent
SEEDS = range(20260401, 20260701)
MOST_RANDOM = 60


@dataclass(frozen=True)
class Version:
    """decisions, called: by file name."""

    bpmn: bytes
    decisions: Mapping[str, bytes]
    called: Mapping[str, bytes]

    def compiled(self) -> Process:
        return compile_process(self.bpmn, self.decisions, self.called)


@dataclass(frozen=True)
class Story:
    """versions: by definition id, the case's first one first."""

    name: str
    versions: Mapping[str, Version]
    inputs: list[Input]


def kept_form(story: Story) -> dict[str, Any]:
    """What the file says."""
    compiled = {name: version.compiled() for name, version in story.versions.items()}
    walk = Walk(compiled.__getitem__, next(iter(compiled)))
    steps = []
    for seq, given in enumerate(story.inputs, 1):
        if isinstance(given, CaseMigrated):
            given = replace(given, computed=walk.migrated(given).computed)
        walk.apply(seq, given)
        course = walk.course
        journalled = given if isinstance(given, CaseMigrated) else course.taken[-1][1]
        steps.append(
            {
                "kind": type(given).__name__,
                "input": orjson.loads(encode_input(journalled)),
                "version": course.definition_id,
                "snapshot": course.machine.dump().decode(),
                "waits": sorted(course.machine.waits),
            }
        )
    versions = {
        name: {
            "bpmn": version.bpmn.decode(),
            "decisions": {file: content.decode() for file, content in version.decisions.items()},
            "called": {file: content.decode() for file, content in version.called.items()},
            "digest": compiled[name].digest,
        }
        for name, version in story.versions.items()
    }
    return {"versions": versions, "steps": steps}


def told_stories() -> Iterator[Story]:
    for name, tell in STORIES.items():
        versions, inputs = tell()
        drawn_versions = {
            version: Version(diagram.xml(), {}, {f"{each.process_id}.bpmn": each.xml() for each in called})
            for version, (diagram, *called) in versions.items()
        }
        yield Story(name, drawn_versions, inputs)


def random_stories() -> Iterator[Story]:
    """Each has something new."""
    seen: Counter[str] = Counter()
    found = 0
    for seed in SEEDS:
        tree, process = drawn(seed)
        play = Play(tree, process, Random(f"{seed}/0"))
        play.run()
        if found < MOST_RANDOM and play.tally.keys() - seen.keys():
            found += 1
            seen.update(play.tally)
            bpmn, decisions, called = draw(tree, seed)
            files = {f"{name}.bpmn": xml for name, xml in called.items()}
            yield Story(f"random_{seed}", {"only": Version(bpmn, decisions, files)}, list(play.inputs))


def main(release: str) -> None:
    folder = HERE / release
    folder.mkdir()
    for story in (*told_stories(), *random_stories()):
        content = json.dumps(kept_form(story), ensure_ascii=False, indent=0)
        (folder / f"{story.name}.json").write_text(content, "utf-8")
        print(story.name, len(story.inputs), "inputs")


if __name__ == "__main__":
    main(sys.argv[1])
