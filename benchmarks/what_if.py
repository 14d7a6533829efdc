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
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session, sessionmaker

import vault
from benchmarks import _real_name as real_name
from composition import declare_service_tasks
from database import Base, make_engine, new_id, session_factory, transaction
from engine import attachments, journal
from engine.actors import SYSTEM
from engine.case import CASE, KEY, WAITING
from engine.deploy import current_definition, deploy_flow
from engine.flows import Flow, flow_of_files, load_flow
from engine.inputs import Input
from engine.recorded_cases import cases_of
from engine.what_if import WhatIf
from engine.what_if_pool import outcomes_in_parallel
from migrations.tables import every_table
from tests.flows.readings import a_reading
from tests.flows.story import Story, Town

CASES = 10_000
MOST_SECONDS, MOST_MB, PROCESSES = 30.0, 1_000, 2
BEGAN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
NOW = BEGAN + timedelta(days=21)
DAY = timedelta(days=1)
ZHANG = {"name": "张三", "document_number": "11010519491231002X"}
PLAYED_AGAIN = 3  # times each story, for the baseline

Row = dict[str, Any]  # Any: column values


# ---- the stories


def begun(town: Town, method: str = "automatic") -> Story:
    story = town.start("real_name", town.somebody(new_id()))
    story.completes("consent", read_consent="read_document/2026-01")
    information: Row = {"document_type": "resident_id", "method": method, **ZHANG}
    return story.completes("information", **information)


def scanned(story: Story, **reading: Any) -> Story:
    story.completes("scan", front=story.photo(), back=story.photo())
    story.job("document.read").returns(a_reading(**reading))
    return story


def verified(town: Town) -> Story:
    return scanned(begun(town))


def scanned_twice(town: Town) -> Story:
    return scanned(scanned(begun(town), front_warnings=["blurred"]))


def verified_late(town: Town) -> Story:
    story = begun(town)
    story.passes(15 * DAY)
    return scanned(story)


def approved(town: Town) -> Story:
    return scanned(begun(town, "manual")).completes("review", review_decision="approve")


def rejected(town: Town) -> Story:
    review: Row = {"review_decision": "reject", "reject_reasons": ["altered"], "opinion": "照片为翻拍"}
    return scanned(begun(town, "manual")).completes("review", **review)


def withdrawn(town: Town) -> Story:
    return begun(town).message("withdraw")


def expired(town: Town) -> Story:
    return begun(town).passes(30 * DAY)


def before_scan(town: Town) -> Story:
    return begun(town)


def in_review(town: Town) -> Story:
    return scanned(begun(town, "manual"))


# How often in 20 cases.
STORIES: dict[Callable[[Town], Story], int] = {
    verified: 7,
    scanned_twice: 3,
    verified_late: 1,
    approved: 3,
    rejected: 2,
    withdrawn: 1,
    expired: 1,
    before_scan: 1,
    in_review: 1,
}


# ---- the cases


@dataclass(frozen=True, slots=True)
class Pattern:
    """One story as it stands in the database."""

    name: str
    case: Row
    inputs: list[Input]
    waits: list[Row]


def pattern_of(sessions: sessionmaker[Session], name: str, case_id: str) -> Pattern:
    with sessions() as session:
        case = dict(session.execute(select(CASE).where(CASE.c.id == case_id)).one()._mapping)
        waits = [dict(row._mapping) for row in session.execute(select(WAITING).where(WAITING.c.case_id == case_id))]
        wrapped = session.execute(select(KEY.c.wrapped).where(KEY.c.owner == f"case:{case_id}")).scalar_one()
        cipher = vault.current().unwrap(f"case:{case_id}", wrapped)
        inputs = list(journal.open_inputs(cipher, journal.read_entries(session, case_id)))
    return Pattern(name, case, inputs, waits)


def multiply(sessions: sessionmaker[Session], patterns: list[Pattern], cases: int) -> dict[str, str]:
    """Name of the story by case id."""
    told: dict[str, str] = {}
    weighted = [pattern for pattern in patterns for _ in range(STORIES[globals()[pattern.name]])]
    chosen = list(islice(cycle(weighted), cases))
    for start in range(0, len(chosen), 200):
        with transaction(sessions) as session:
            for pattern in chosen[start : start + 200]:
                told[copy(session, pattern)] = pattern.name
    return told


def copy(session: Session, pattern: Pattern) -> str:
    case_id = new_id()
    cipher = vault.current().create_data_key(session, f"case:{case_id}", BEGAN)
    entries = journal.seal_inputs(cipher, case_id, pattern.inputs, after=0, head=journal.GENESIS)
    same = {"id": case_id, "is_exclusive": False, "head": entries[-1].digest, "snapshot": b""}
    session.execute(insert(CASE).values({**pattern.case, **same}))
    session.execute(insert(WAITING), [{**wait, "id": new_id(), "case_id": case_id} for wait in pattern.waits])
    session.execute(insert(journal.JOURNAL), journal.entry_rows(case_id, entries))
    return case_id


def prepared(url: str, folder: Path) -> tuple[sessionmaker[Session], dict[str, str], float]:
    """Sessions, the story of every case, and seconds a story takes through the write path (the baseline)."""
    Base.metadata.create_all(make_engine(url))
    sessions = session_factory(make_engine(url))
    attachments.use_directory(folder / "files")
    with transaction(sessions) as session:
        deploy_flow(session, load_flow(real_name.FOLDER), by=SYSTEM, reason="benchmark", now=BEGAN)
    took: list[float] = []
    patterns = []
    for number in range(PLAYED_AGAIN):
        for story, weight in STORIES.items():
            own = fresh(folder, f"{number}-{story.__name__}")
            began = time.perf_counter()
            case_id = story(Town(own, BEGAN)).case_id
            took += [time.perf_counter() - began] * weight
            if not number:
                patterns.append(pattern_of(own, story.__name__, case_id))
    with sessions() as session:
        definition = current_definition(session, "real_name").id
    for pattern in patterns:
        pattern.case["definition_id"] = definition
    return sessions, multiply(sessions, patterns, CASES), sum(took) / len(took)


def fresh(folder: Path, name: str) -> sessionmaker[Session]:
    """A platform of its own for one story: nobody else's credential is in its way."""
    engine = make_engine(f"sqlite:///{folder / name}.db")
    Base.metadata.create_all(engine)
    with transaction(session_factory(engine)) as session:
        deploy_flow(session, load_flow(real_name.FOLDER), by=SYSTEM, reason="benchmark", now=BEGAN)
    return session_factory(engine)


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
    found = {one.case_id: one.kind for one in outcomes if one.kind != "same_end"}
    return {"seconds": seconds, "mb": (own + PROCESSES * workers) / 1024, "cases": len(outcomes), "found": found}


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
        _, told, story_s = prepared(url, folder)
        results = [run(url, number) for number in range(len(CANDIDATES))]
    print(json.dumps(summary(results, told, story_s), ensure_ascii=False))


def run(url: str, number: int) -> Row:
    words = [sys.executable, "-m", "benchmarks.what_if", url, str(number)]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True)
    found: Row = json.loads(done.stdout.decode().strip().splitlines()[-1])
    return found


def summary(results: list[Row], told: dict[str, str], story_s: float) -> Row:
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
        expected = {case: candidate.found[name] for case, name in told.items() if name in candidate.found}
        found = result["found"]
        missed = sum(found.get(case) != kind for case, kind in expected.items())
        too_many = sum(case not in expected for case in found)
        ours = f"{len(found)} found, {missed} missed, {too_many} too many"
        holds = missed == too_many == 0 and result["cases"] == CASES
        rows.append(row(f"what-if, {candidate.name}", ours, f"{len(expected)} planted", "all, no other", holds))
    return {
        "title": "What-if on recorded cases",
        "rows": rows,
        "measured": [
            {"candidate": c.name, "seconds": round(r["seconds"], 2), "mb": round(r["mb"]), "found": Counter(r["found"].values())}
            for c, r in zip(CANDIDATES, results, strict=True)
        ],
        "story_ms": round(story_s * 1000, 1),
    }  # fmt: skip


def row(figure: str, ours: str, baseline: str, must: str, holds: bool) -> Row:
    return {"figure": figure, "ours": ours, "baseline": baseline, "must": must, "holds": holds}


if __name__ == "__main__":
    main()
