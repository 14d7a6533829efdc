"""Deadlines with 100,000 timers waiting, on PostgreSQL: how soon the due ones fire after a cold start, and how late they run.

The cases are real ones of bpmn/real_name that wait for their applicant (30 days, then they expire); the other timers are rows
of cases that are due in years. The clock is tasks/periodic's own round, every second, in a process that has just started.
Baseline, in the same run: reading every timer that waits, as an engine must that keeps due times in its serialised state.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session, sessionmaker

from benchmarks.fixtures import million
from benchmarks.fixtures import real_name as flow
from benchmarks.throughput import prepare
from domain.accounts.account import APPLICANT_GROUP, find_or_create_wechat_account
from engine.actors import SYSTEM, Actor
from engine.cases.start import start_case
from engine.deployment.deploy import deploy_flow
from engine.flow.flow import load_flow
from engine.model.tables import WAITING
from engine.periodic import timers
from storage.columns import Base
from storage.engines import make_engine
from storage.transactions import session_factory, transaction
from tests.servers import start_postgres

TIMERS = int(os.environ.get("TIMERS", "100000"))
A_SECOND = 100
SECONDS = int(os.environ.get("SECONDS", "15"))
OVERDUE = 200  # due while everything was down
IDLE = timedelta(days=30)  # settings.applicant_idle of bpmn/real_name
EVERY_S = 1.0  # as tasks/periodic.py is scheduled
BATCH = 200
MUST_BEGIN_S, MUST_LATE_S = 10, 2

_AS_TIMERS = text(
    "UPDATE waiting SET kind = 'TIMER', group_name = NULL, due_at = now() + interval '3 years' WHERE kind = 'WORK_ITEM'"
)


def start_cases(sessions: sessionmaker[Session], due: list[datetime]) -> None:
    for number, at in enumerate(due):
        with transaction(sessions) as session:
            account = find_or_create_wechat_account(session, f"openid-{number}", at - IDLE)
            by = Actor(account.id, frozenset({APPLICANT_GROUP}))
            start_case(session, "real_name", by=by, values={}, now=at - IDLE)


def run_clock(url: str, folder: str, until: float, results: Any) -> None:
    """A process of its own: what a worker does with fire_due_timers(), and when each case was done."""
    started = time.time()
    prepare(Path(folder))
    engine = make_engine(url)
    sessions = session_factory(engine)
    late: list[tuple[float, float]] = []  # (seconds since the start of this process, seconds after it was due)
    following = time.time()
    while time.time() < until:
        with sessions() as session:
            cases = timers.due_cases(session, datetime.now(UTC), BATCH)
            due = dict(session.execute(_due_of(cases)).all()) if cases else {}
        for case_id in cases:
            with transaction(sessions) as session:
                timers.fire_due_timers(session, case_id, datetime.now(UTC))
            late.append((time.time() - started, time.time() - due[case_id].timestamp()))
        following += EVERY_S
        time.sleep(max(0.0, following - time.time()))
    results.put(late)


def _due_of(cases: list[str]) -> Any:  # Any: Select
    timer = (WAITING.c.kind == "TIMER") & WAITING.c.closed_at.is_(None)
    return select(WAITING.c.case_id, WAITING.c.due_at).where(WAITING.c.case_id.in_(cases), timer)


def measure_scan(sessions: sessionmaker[Session]) -> float:
    """Seconds to read what every waiting timer is due."""
    began = time.perf_counter()
    with sessions() as session:
        session.execute(select(WAITING.c.id, WAITING.c.due_at).where(WAITING.c.kind == "TIMER")).all()
    return time.perf_counter() - began


def fill(engine: Engine, sessions: sessionmaker[Session]) -> None:
    """The flow deployed, and timers that are due in years."""
    now = datetime.now(UTC)
    with transaction(sessions) as session:
        deploy_flow(session, load_flow(flow.FOLDER), by=SYSTEM, reason="benchmark", now=now)
    million.fill(engine, TIMERS, now)
    with transaction(sessions) as session:
        session.execute(_AS_TIMERS)


def due_times() -> list[datetime]:
    """OVERDUE of one moment, then A_SECOND for SECONDS: far enough ahead to make their cases before, 60 ms each."""
    first = datetime.now(UTC) + timedelta(seconds=10 + (OVERDUE + A_SECOND * SECONDS) * 0.06)
    steady = (first + timedelta(seconds=6 + n / A_SECOND) for n in range(A_SECOND * SECONDS))
    return [*[first - timedelta(seconds=1)] * OVERDUE, *steady]


def clocked(url: str, folder: str, until: float) -> list[tuple[float, float]]:
    """What run_clock() saw in a process that starts now."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    clock = context.Process(target=run_clock, args=(url, folder, until, results))
    clock.start()
    fired: list[tuple[float, float]] = results.get(timeout=600)
    clock.join()
    return fired


def main() -> None:
    folder = tempfile.mkdtemp(prefix="bench-")
    prepare(Path(folder))
    with start_postgres(fsync=True) as url:
        engine = make_engine(url)
        Base.metadata.create_all(engine)
        sessions = session_factory(engine)
        fill(engine, sessions)
        due = due_times()
        start_cases(sessions, due)
        scan_s = measure_scan(sessions)
        time.sleep(max(0.0, (due[0] + timedelta(seconds=1) - datetime.now(UTC)).total_seconds()))
        fired = clocked(url, folder, until=due[-1].timestamp() + 10)
        engine.dispose()
    assert len(fired) == len(due), (len(fired), len(due))
    print(json.dumps({"title": "Deadlines", "rows": rows_of(fired, scan_s)}, ensure_ascii=False))


def rows_of(fired: list[tuple[float, float]], scan_s: float) -> list[dict[str, Any]]:
    cold, late = [since for since, _ in fired[:OVERDUE]], sorted(late for _, late in fired[OVERDUE:])
    p99 = late[int(len(late) * 0.99)]
    return [
        {
            "figure": f"{TIMERS:,} timers waiting: the first and the last of {OVERDUE} due ones after a cold start",
            "ours": f"{cold[0]:.1f} s, {cold[-1]:.1f} s",
            "baseline": f"{scan_s:.1f} s (only reading when each is due)",
            "must": f"begin ≤ {MUST_BEGIN_S} s",
            "holds": cold[0] <= MUST_BEGIN_S,
        },
        {
            "figure": f"lateness at {A_SECOND} due a second, p50 / p99",
            "ours": f"{statistics.median(late):.2f} / {p99:.2f} s",
            "baseline": "-",
            "must": f"p99 ≤ {MUST_LATE_S} s",
            "holds": p99 <= MUST_LATE_S,
        },
    ]


if __name__ == "__main__":
    main()
