"""The machine against the reference on random processes (what is compared: `play.py`; what is left out: `generator.py`).

Beside it: laws that ask no reference (`laws.py`), the untouched library where it is right (`second_opinion.py`), operators' moves
over the block tree (`moving.py`; elements that only the drawing has, merges and unnamed ends, are no targets here).
What fails is made smaller and kept as a test (`kept_processes.py`).

make test                                          300 processes, 20 paths each, the same ones every time
RANDOM_SEED=7 pytest tests/engine/random           others; the first process is the one of seed 7
pytest -m full tests/engine/random                 10,000 processes nobody has seen before, 20 paths each
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from engine.machine import Machine, compile_process, replay
from tests.engine.graph_digest import spec_digest
from tests.engine.random.laws import LAWS
from tests.engine.random.play import Play, drawn
from tests.engine.random.trial import FIRST_SEED, fresh_seed, play_processes

CHUNK = 25
INPUTS = {
    "WorkItemCompleted",
    "JobSucceeded",
    "JobFailed",
    "JobGivenUp",
    "TimerFired",
    "MessageReceived",
    "IncidentRetried",
    "CaseCancelled",
    "CaseSuspended",
    "CaseResumed",
    "VariableEdited",
    "ElementSkipped",
    "TokenMoved",
    "WorkItemReturned",
    "stale",
    *("move.not_a_token", "move.unknown_target", "move.bad_target", "move.out_of_reach"),  # moves that were refused
    *("move.into_parallel", "move.out_of_handler", "return.not_earlier"),
}
ELEMENTS = {
    *(
        "User",
        "Job",
        "Rule",
        "Xor",
        "Par",
        "Catch",
        "Race",
        "Loop",
        "Sub",
        "End",
        "Call",
        "Send",
        "Many",
        "Or",
        "Escalate",
    ),
    *(f"Boundary {event} interrupting" for event in ("Timer", "Message", "Error", "Escalation")),
    *(f"Boundary {event} beside" for event in ("Timer", "Message", "Escalation")),
    *(f"EventSub {event} interrupting" for event in ("Timer", "Message", "Error", "Escalation")),
    *(f"EventSub {event} beside" for event in ("Timer", "Message", "Escalation")),
}


@pytest.mark.parametrize("chunk", range(300 // CHUNK))
def test_random_processes_run_as_the_reference_says(chunk):
    tally = play_processes(FIRST_SEED + chunk * CHUNK, CHUNK, paths=20)

    assert tally["stale"] > 1000
    assert tally["WorkItemCompleted"] > 100
    assert all(tally[law.__name__] > 20 for law in LAWS)


def test_the_random_paths_come_through_every_kind_of_element_and_input():
    missing, first = INPUTS | ELEMENTS, FIRST_SEED

    while missing and first < FIRST_SEED + 4 * CHUNK:  # no longer than until the last kind was seen
        missing = missing - set(+play_processes(first, CHUNK // 4, paths=3))
        first += CHUNK // 4

    assert missing == set()


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(20))
def test_ten_thousand_random_processes_run_as_the_reference_says(part):
    first = fresh_seed() + part * 500

    tally = play_processes(first, 500, paths=20)

    assert {name for name in INPUTS | ELEMENTS if not tally[name]} == set()


def test_a_failing_path_is_written_down_with_its_seed_and_inputs(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with pytest.raises(pytest.fail.Exception) as failed:
        play_processes(FIRST_SEED, CHUNK, paths=1, machine_class=EveryCaseHasAnOutcome, folder=tmp_path)

    folder = Path(str(failed.value).splitlines()[-1])
    assert f"RANDOM_SEED={folder.name.partition('-')[0]}" in str(failed.value)
    called = {f.name: f.read_bytes() for f in folder.glob("*.bpmn") if f.name != "process.bpmn"}
    decisions = {f.name: f.read_bytes() for f in folder.glob("*.dmn")}
    assert compile_process((folder / "process.bpmn").read_bytes(), decisions, called)
    assert "Started(" in (folder / "inputs.txt").read_text("utf-8")


class EveryCaseHasAnOutcome(Machine):
    @property
    def outcome(self) -> str | None:
        return super().outcome or "some"


def test_the_digest_of_the_shared_definition_notices_a_change():
    _, process = drawn(FIRST_SEED)
    spec = process.specs[process.top]
    before = spec_digest(process)

    spec.start.connect(spec.end)  # as the library does when an event subprocess is triggered

    assert spec_digest(process) != before


def snapshots_digest(seeds: range) -> str:
    """One digest over the last snapshots of a path through each process."""
    digest = hashlib.sha256()
    for seed in seeds:
        play = Play(*drawn(seed), Random(seed))
        play.run()
        digest.update(play.machine.dump() + play.machine.canonical() + play.process.digest.encode())
    return digest.hexdigest()


def test_snapshots_are_the_same_bytes_whatever_the_hash_seed():
    code = (
        "from tests.engine.random.test_random_processes import snapshots_digest\n"
        f"print(snapshots_digest(range({FIRST_SEED}, {FIRST_SEED + 10})))"
    )
    root = Path(__file__).parents[3]

    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(root)},
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in (0, 1, 4711)
    }

    assert len(digests) == 1


def test_a_replay_takes_the_instants_that_were_recorded_and_computes_none_again():
    play = next(play for play in map(started, range(FIRST_SEED, FIRST_SEED + 100)) if play.inputs[0].computed)
    recorded = {address: at + timedelta(hours=5) for address, at in play.inputs[0].computed.items()}

    again = replay(play.process, [replace(play.inputs[0], computed=recorded)])

    found = {address: wait.due for address, wait in again.waits.items() if address in recorded}
    assert found == {address: recorded[address] for address in found} != {}


def started(seed: int) -> Play:
    play = Play(*drawn(seed), Random(seed))
    play.start()
    return play


def test_four_threads_share_one_definition():
    shared = [drawn(seed) for seed in range(FIRST_SEED, FIRST_SEED + 6)]

    def play_all(path: int) -> Counter[str]:
        tally: Counter[str] = Counter()
        for tree, process in shared:
            Play(tree, process, Random(f"{process.process_id}/{path}"), tally=tally).run()
        return tally

    with ThreadPoolExecutor(4) as threads:
        tallies = list(threads.map(play_all, range(8)))

    assert len(tallies) == 8
    assert all(tally["stale"] for tally in tallies)
