"""What-if over 10,000 cases of bpmn/real_name: time, memory, nothing found where nothing changed, all found where something did.

Nine stories are played through the real write path, then multiplied: every copy is a case of its own with its own data key,
its journal sealed anew. The run is a process of its own with two workers, as `flask what-if` starts it. Baseline, in the
same run: the stories played again through the write path with their handlers, the way to try a diagram without a journal;
measured on some, told for 10,000.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.fixtures import real_name
from benchmarks.fixtures.what_if_cases import BEGAN, Row, prepared
from composition import declare_service_tasks
from engine.flow.flow import Flow, flow_of_files, load_flow
from engine.replay.what_if.comparison import WhatIf
from engine.replay.what_if.pool import outcomes_in_parallel
from engine.replay.what_if.recorded_cases import cases_of
from migrations.tables import every_table
from storage import vault
from storage.engines import make_engine
from storage.transactions import session_factory

CASES = 10_000
MOST_SECONDS, MOST_MB, PROCESSES = 30.0, 1_000, 2
NOW = BEGAN + timedelta(days=21)


# ---- the candidates


@dataclass(frozen=True, slots=True)
class Planted:
    """A changed flow, and what must be found: kind of every story that is not the same."""

    name: str
    path: str
    old: bytes
    new: bytes
    found: dict[str, str]

    def flow(self) -> Flow:
        files = dict(load_flow(real_name.FOLDER).files)
        if self.path:
            assert self.old in files[self.path], f"{self.old!r} is not in {self.path}"
            files[self.path] = files[self.path].replace(self.old, self.new)
        return flow_of_files(files)


CANDIDATES = (
    Planted("the same files", "", b"", b"", {}),
    Planted(
        "decision table: a person looks at what passed",
        "decide.dmn",
        b'"pass"',
        b'"review"',
        {"verified": "lacks", "scanned_twice": "lacks", "verified_late": "lacks"},
    ),
    Planted(
        "deadline: applicants have 10 days, not 30",
        "flow.toml",
        b'applicant_idle = "P30D"',
        b'applicant_idle = "P10D"',
        {"verified_late": "lacks", "before_scan": "lacks"},  # the notice they would have got
    ),
    Planted(
        "form: an opinion has at least 20 characters",
        "forms/review.json",
        b'"opinion": {',
        b'"opinion": {"minLength": 20,',
        {"rejected": "does_not_fit"},
    ),
)


def measured(url: str, number: int) -> Row:
    """In a process of its own: seconds, the most memory all processes took, what was found."""
    prepare()
    candidate = CANDIDATES[number]
    sessions = session_factory(make_engine(url))
    began = time.perf_counter()
    what_if = WhatIf(candidate.flow())
    with sessions() as session:
        ids = cases_of(session, "real_name", None, None)
    outcomes = outcomes_in_parallel(what_if, sessions, ids, now=NOW, processes=PROCESSES)
    seconds = time.perf_counter() - began
    own, workers = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(each.ru_utime + each.ru_stime for each in spent)
    found = {one.case_id: one.kind for one in outcomes if one.kind != "same_end"}
    return {
        "seconds": seconds,
        "cpu_s": cpu,
        "mb": (own + PROCESSES * workers) / 1024,
        "cases": len(outcomes),
        "found": found,
    }


def prepare() -> None:
    every_table()
    declare_service_tasks(real_name.FOLDER.parent)
    vault.use(vault.Vault(b"b" * 32))


def main() -> None:
    if len(sys.argv) == 3:
        print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
        return
    prepare()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'cases.db'}"
        _, stories, story_s = prepared(url, folder, CASES)
        results = [run(url, number) for number in range(len(CANDIDATES))]
    print(json.dumps(summary(results, stories, story_s), ensure_ascii=False))


def run(url: str, number: int) -> Row:
    words = [sys.executable, "-m", "benchmarks.what_if", url, str(number)]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    found: Row = json.loads(done.stdout.decode().strip().splitlines()[-1])
    return found


def summary(results: list[Row], stories: dict[str, str], story_s: float) -> Row:
    same = results[0]
    again = f"{story_s * CASES:.0f} s (through the write path)"
    rows = [
        row(
            "what-if, 10,000 cases, 2 processes",
            f"{same['seconds']:.1f} s",
            again,
            "≤ 30 s",
            same["seconds"] <= MOST_SECONDS,
        ),
        row(
            "what-if, 10,000 cases, memory of all processes",
            f"{same['mb']:.0f} MB",
            "—",
            "≤ 1 GB",
            same["mb"] <= MOST_MB,
        ),
    ]
    for candidate, result in zip(CANDIDATES, results, strict=True):
        expected = {case: candidate.found[name] for case, name in stories.items() if name in candidate.found}
        found = result["found"]
        missed = sum(found.get(case) != kind for case, kind in expected.items())
        too_many = sum(case not in expected for case in found)
        ours = f"{len(found)} found, {missed} missed, {too_many} too many"
        holds = missed == too_many == 0 and result["cases"] == CASES
        rows.append(row(f"what-if, {candidate.name}", ours, f"{len(expected)} planted", "all, no other", holds))
    return {
        "title": "What-if on recorded cases",
        "rows": rows,
        "measured": [told(candidate, result) for candidate, result in zip(CANDIDATES, results, strict=True)],
        "story_ms": round(story_s * 1000, 1),
    }  # fmt: skip


def told(candidate: Planted, result: Row) -> Row:
    figures = {name: round(result[name], 2) for name in ("seconds", "cpu_s", "mb")}
    return {"candidate": candidate.name, **figures, "found": Counter(result["found"].values())}


def row(figure: str, ours: str, baseline: str, must: str, holds: bool) -> Row:
    return {"figure": figure, "ours": ours, "baseline": baseline, "must": must, "holds": holds}


if __name__ == "__main__":
    main()
