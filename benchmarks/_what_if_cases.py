"""The cases of benchmarks/what_if.py: stories of bpmn/real_name played through the write path, then multiplied."""

from __future__ import annotations

import time
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
from database import Base, make_engine, new_id, session_factory, transaction
from engine import attachments, journal
from engine.actors import SYSTEM
from engine.case import CASE, KEY, WAITING
from engine.deploy import current_definition, deploy_flow
from engine.flows import load_flow
from engine.inputs import Input
from tests.flows.readings import a_reading
from tests.flows.story import Story, Town

BEGAN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
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


def prepared(url: str, folder: Path, cases: int) -> tuple[sessionmaker[Session], dict[str, str], float]:
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
    return sessions, multiply(sessions, patterns, cases), sum(took) / len(took)


def fresh(folder: Path, name: str) -> sessionmaker[Session]:
    """A platform of its own for one story: nobody else's credential is in its way."""
    engine = make_engine(f"sqlite:///{folder / name}.db")
    Base.metadata.create_all(engine)
    with transaction(session_factory(engine)) as session:
        deploy_flow(session, load_flow(real_name.FOLDER), by=SYSTEM, reason="benchmark", now=BEGAN)
    return session_factory(engine)
