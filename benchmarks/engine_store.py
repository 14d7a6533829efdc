"""The same step through the write path: journal, encryption, inbox, history, search hashes; SQLite and PostgreSQL.

Diagram: bpmn/real_name with its own service tasks. A step is one transaction: the applicant completes `information`, the
in-transaction check finds the number wrong, the case waits at `information` again (two journal entries). Durable as in
production: SQLite in WAL mode as storage/engines.py sets it, PostgreSQL with fsync. Baseline, on the same databases in the
same run: stock SpiffWorkflow, its JSON in one row, SELECT … FOR UPDATE and UPDATE, nothing else kept.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Engine, MetaData, String, Table, Text, event, func, insert, select, update
from sqlalchemy.orm import Session, sessionmaker

from benchmarks.baselines import stock
from benchmarks.fixtures import real_name as flow
from composition import declare_service_tasks
from domain.accounts.account import APPLICANT_GROUP, find_or_create_wechat_account
from engine.actors import SYSTEM, Actor
from engine.attachments import store as attachments
from engine.cases.journal import JOURNAL
from engine.cases.start import start_case
from engine.deployment.deploy import deploy_flow
from engine.flow.flow import load_flow
from engine.model.tables import CASE, WAITING
from engine.work_items.acts import complete_work_item
from migrations.tables import every_table
from storage import vault
from storage.columns import Base
from storage.engines import make_engine
from storage.transactions import session_factory, transaction
from tests.servers import start_postgres

CASES = 12  # of each age
STEPS = 8  # measured of each case
LOOPS = (0, 5, 150, 500)  # a loop finishes two activities: 5 are 10 of them, 500 are 1,000
OF_STOCK = (0, 150)
MOST_STATEMENTS = 8
NOW = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
INFORMATION = {**flow.INFORMATION, "document_number": "110105194912310021"}  # its check digit is wrong

STOCK = Table("stock_state", MetaData(), Column("id", String(30), primary_key=True), Column("state", Text))


@dataclass
class Counter:
    """The engine's own statements: transaction control and what a service task runs in its savepoint are left out."""

    statements: int = 0
    commits: int = 0
    depth: int = 0

    def asked(self, connection: Any, cursor: Any, text: str, *rest: Any) -> None:
        word = text.split(" ", 1)[0]
        if word == "BEGIN" or self.depth:
            return
        self.statements += 1

    def listen(self, engine: Engine) -> None:
        event.listen(engine, "before_cursor_execute", self.asked)
        event.listen(engine, "commit", lambda _: setattr(self, "commits", self.commits + 1))
        event.listen(engine, "savepoint", lambda *_: setattr(self, "depth", self.depth + 1))
        for ended in ("release_savepoint", "rollback_savepoint"):
            event.listen(engine, ended, lambda *_: setattr(self, "depth", self.depth - 1))


@dataclass
class Measured:
    ms: list[float] = field(default_factory=list)
    statements: set[int] = field(default_factory=set)
    commits: set[int] = field(default_factory=set)
    journal_bytes: float = 0.0
    snapshot_bytes: float = 0.0
    stock_ms: list[float] = field(default_factory=list)
    stock_bytes: int = 0


@contextmanager
def platform(url: str, folder: Path) -> Iterator[tuple[Engine, sessionmaker[Session]]]:
    engine = make_engine(url)
    Base.metadata.create_all(engine)
    STOCK.metadata.create_all(engine)
    vault.use(vault.Vault(b"b" * 32))
    attachments.use_directory(folder / "files")
    with transaction(session_factory(engine)) as session:
        deploy_flow(session, load_flow(flow.FOLDER), by=SYSTEM, reason="benchmark", now=NOW)
    yield engine, session_factory(engine)
    engine.dispose()


def measured(url: str, folder: Path) -> dict[int, Measured]:
    """By loops done. Young and old cases take turns, so that a busy minute of the machine or the disk meets both."""
    found = {loops: Measured() for loops in LOOPS}
    with platform(url, folder) as (engine, sessions):
        starters = applicants(sessions)
        cases = {by: started(sessions, by) for by in starters}
        turns = [dict(zip(LOOPS, some, strict=True)) for some in zip(*by_age(starters), strict=True)]
        for by in (turn[loops] for turn in turns for loops in LOOPS for _ in range(loops)):
            complete(sessions, item_of(sessions, cases[by], "information"), by, INFORMATION)
        counter = Counter()
        counter.listen(engine)
        for _ in range(STEPS):
            for turn in turns:
                for loops, by in turn.items():
                    measure_step(sessions, cases[by], by, counter, found[loops])
        for loops, by in turns[0].items():
            measure_bytes(sessions, cases[by], found[loops])
        measure_stock(engine, found)
    return found


def by_age(starters: list[Actor]) -> list[list[Actor]]:
    return [starters[first : first + CASES] for first in range(0, len(starters), CASES)]


def applicants(sessions: sessionmaker[Session]) -> list[Actor]:
    with transaction(sessions) as session:
        accounts = [find_or_create_wechat_account(session, f"openid-{n}", NOW) for n in range(CASES * len(LOOPS))]
        return [Actor(account.id, frozenset({APPLICANT_GROUP})) for account in accounts]


def started(sessions: sessionmaker[Session], by: Actor) -> str:
    """A case that stands at `information` for the first time."""
    with transaction(sessions) as session:
        case_id = start_case(session, "real_name", by=by, values={}, now=NOW)
    complete(sessions, item_of(sessions, case_id, "consent"), by, flow.VALID_CONSENT)
    return case_id


def complete(sessions: sessionmaker[Session], item_id: str, by: Actor, values: dict[str, Any]) -> None:
    with transaction(sessions) as session:
        complete_work_item(session, item_id, by=by, values=values, now=NOW)


def item_of(sessions: sessionmaker[Session], case_id: str, element: str) -> str:
    mine = (WAITING.c.case_id == case_id) & (WAITING.c.element == element) & WAITING.c.closed_at.is_(None)
    with sessions() as session:
        return str(session.execute(select(WAITING.c.id).where(mine)).scalar_one())


def measure_step(sessions: sessionmaker[Session], case_id: str, by: Actor, counter: Counter, found: Measured) -> None:
    item = item_of(sessions, case_id, "information")
    counter.statements = counter.commits = 0
    began = time.perf_counter()
    complete(sessions, item, by, INFORMATION)
    found.ms.append((time.perf_counter() - began) * 1000)
    found.statements.add(counter.statements)
    found.commits.add(counter.commits)


def measure_bytes(sessions: sessionmaker[Session], case_id: str, found: Measured) -> None:
    """Journal of the last step (two entries) and snapshot, as stored."""
    with sessions() as session:
        row = session.execute(select(CASE.c.snapshot, CASE.c.revision).where(CASE.c.id == case_id)).one()
        last = (JOURNAL.c.case_id == case_id) & (JOURNAL.c.seq > row.revision - 2)
        size = func.length(JOURNAL.c.payload) + func.length(JOURNAL.c.digest)
        found.journal_bytes = float(session.execute(select(func.sum(size)).where(last)).scalar_one())
        found.snapshot_bytes = float(len(row.snapshot))


def measure_stock(engine: Engine, found: dict[int, Measured]) -> None:
    serializer = stock.serializer(is_spec_cached=False)
    workflow, done = stock.at_information(), 0
    for loops, one in ((loops, found[loops]) for loops in OF_STOCK):
        for _ in range(loops - done):
            stock.loop(workflow)
        done = loops
        state = serializer.serialize_json(workflow)
        one.stock_bytes = len(state)
        with engine.begin() as connection:
            connection.execute(STOCK.delete())
            connection.execute(insert(STOCK), [{"id": str(n), "state": state} for n in range(CASES)])
        for number in range(CASES):
            mine = STOCK.c.id == str(number)
            began = time.perf_counter()
            with transaction(session_factory(engine)) as session:
                kept = session.execute(select(STOCK.c.state).where(mine).with_for_update()).scalar_one()
                session.execute(update(STOCK).where(mine).values(state=stock.step(kept, serializer)))
            one.stock_ms.append((time.perf_counter() - began) * 1000)


def rows_of(name: str, found: dict[int, Measured]) -> list[dict[str, Any]]:
    rows = []
    for loops, one in ((loops, found[loops]) for loops in OF_STOCK):
        ours, base = statistics.median(one.ms), statistics.median(one.stock_ms)
        figure = f"{name}, one step, {loops} loops, against stock state in one row"
        rows.append(row(figure, f"{ours:.2f} ms ({ours / base:.2f})", f"{base:.2f} ms", "≤ 1.0", ours <= base))
    statements, commits = (max(max(getattr(one, n)) for one in found.values()) for n in ("statements", "commits"))
    holds = statements <= MOST_STATEMENTS and commits == 1
    must = f"≤ {MOST_STATEMENTS} and 1"
    rows.append(
        row(f"{name}, SQL statements and commits a step", f"{statements} and {commits}", "2 and 1", must, holds)
    )
    for what, young, old in (("150 loops, of 0 loops", 0, 150), ("1,000 finished activities, of 10", 5, 500)):
        flat = statistics.median(found[old].ms) / statistics.median(found[young].ms)
        rows.append(row(f"{name}, one step, {what}", f"{flat:.2f}", "-", "≤ 1.2", flat <= 1.2))
    return rows


def row(figure: str, ours: str, baseline: str, must: str, holds: bool) -> dict[str, Any]:
    return {"figure": figure, "ours": ours, "baseline": baseline, "must": must, "holds": holds}


def told(one: Measured) -> dict[str, Any]:
    return {
        "ms_p50": round(statistics.median(one.ms), 3),
        "statements": sorted(one.statements),
        "commits": sorted(one.commits),
        "journal_bytes": one.journal_bytes,
        "snapshot_bytes": one.snapshot_bytes,
        "stock_ms_p50": round(statistics.median(one.stock_ms), 3) if one.stock_ms else None,
        "stock_state_bytes": one.stock_bytes,
    }


def main() -> None:
    every_table()
    declare_service_tasks(flow.FOLDER.parent)
    found: dict[str, dict[int, Measured]] = {}
    runs: dict[str, Callable[[Path], dict[int, Measured]]] = {
        "SQLite": lambda folder: measured(f"sqlite:///{folder / 'bench.db'}", folder),
        "PostgreSQL": on_postgres,
    }
    for name, run in runs.items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = run(Path(folder))
    result = {
        "title": "Engine, one user task, through the write path",
        "rows": [row for name, one in found.items() for row in rows_of(name, one)],
        "measured": {name: {str(n): told(one) for n, one in by.items()} for name, by in found.items()},
    }
    print(json.dumps(result, ensure_ascii=False))


def on_postgres(folder: Path) -> dict[int, Measured]:
    with start_postgres(fsync=True) as url:
        return measured(url, folder)


if __name__ == "__main__":
    main()
