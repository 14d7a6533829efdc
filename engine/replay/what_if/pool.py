"""A what-if run shared by several processes: each reads its part of the cases and sends back what became of them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from engine.replay.what_if.comparison import CaseOutcome, WhatIf

PART = 250  # cases: some 0.3 s of work


@dataclass(frozen=True, slots=True)
class _Work:
    what_if: WhatIf
    sessions: sessionmaker[Session]
    now: datetime


_work: _Work | None = None  # of a forked process: the candidate is compiled once and shared, not sent


def outcomes_in_parallel(
    what_if: WhatIf,
    sessions: sessionmaker[Session],
    ids: Sequence[str],
    *,
    now: datetime,
    processes: int,
    progress: Callable[[int], None] = lambda done: None,
) -> list[CaseOutcome]:
    """Outcomes by case id. Forks: for command lines, where no other thread runs. progress: called with cases done."""
    parts = [ids[start : start + PART] for start in range(0, len(ids), PART)]
    found: list[CaseOutcome] = []
    work = _Work(what_if, sessions, now)
    if processes <= 1 or len(parts) <= 1:
        for part in parts:
            found.extend(_outcomes(work, part))
            progress(len(found))
    else:
        # A forked process must not share a connection with this one.
        fork = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(processes, mp_context=fork, initializer=_begin, initargs=(work,)) as pool:
            for outcomes in pool.map(_part, parts):
                found.extend(outcomes)
                progress(len(found))
    return sorted(found, key=lambda one: one.case_id)


def _begin(work: _Work) -> None:
    global _work  # noqa: PLW0603 - one a process
    _work = work
    engine = work.sessions.kw["bind"]
    assert isinstance(engine, Engine), "sessions are made by database.session_factory"
    engine.dispose(close=False)


def _part(ids: Sequence[str]) -> list[CaseOutcome]:
    assert _work is not None, "the process was begun by _begin"
    return _outcomes(_work, ids)


def _outcomes(work: _Work, ids: Sequence[str]) -> list[CaseOutcome]:
    with work.sessions() as session:
        return list(work.what_if.outcomes_of(session, ids, work.now))
