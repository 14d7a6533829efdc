"""The console as a reviewer feels it: the inbox with 100,000 open items, what a browser loads, how long a case takes to open.

Lists are asked through the whole WSGI application, signed in, each a fresh request: identification, query, JSON. Baseline of
the list, on the same database in the same run: the same page by OFFSET and LIMIT over the same rows.
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

from flask.testing import FlaskClient
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from benchmarks.console.bundles import bundle_rows
from benchmarks.console.pages import page_rows
from benchmarks.fixtures import real_name as flow
from benchmarks.fixtures.inbox import REVIEWERS, SUPERVISORS, fill_inbox, refresh_statistics
from composition import declare_service_tasks
from config import load_settings
from domain.accounts.account import create_console_account
from engine.actors import SYSTEM, Actor
from engine.attachments import store as attachments
from engine.deployment.deploy import deploy_flow
from engine.flow.flow import load_flow
from engine.inbox.claims import claim_next_item
from engine.inbox.order import BY_PRIORITY
from engine.inbox.page import InboxFilter
from engine.model.tables import WAITING
from migrations.tables import every_table
from storage import vault
from storage.columns import Base
from storage.engines import make_engine
from storage.transactions import session_factory, transaction
from tests.servers import start_postgres

ITEMS = 100_000
REQUESTS = 60  # of each kind
MUST_MS = 100
PASSWORD = "correct-horse-9"
NOW = datetime(2026, 3, 6, 2, 0, tzinfo=UTC)

QUERIES = {
    "first page": "",
    "unclaimed": "view=groups",
    "claimed": "view=claimed",
    "mine": "view=mine",
    "done": "view=done",
    "a rare document type": "view=groups&facet=passport",
    "a type nobody has": "facet=none",
    "overdue": "due=overdue",
    "an hour old, one step": "element=review&older_than_s=3600",
}


@dataclass
class Found:
    """Milliseconds of every request, by what was asked."""

    ms: dict[str, list[float]] = field(default_factory=dict)
    offset_ms: list[float] = field(default_factory=list)

    def worst(self) -> tuple[str, float]:
        return max(((name, p95(ms)) for name, ms in self.ms.items()), key=lambda each: each[1])

    def median(self) -> float:
        return statistics.median(one for ms in self.ms.values() for one in ms)


def p95(ms: list[float]) -> float:
    return statistics.quantiles(ms, n=20)[-1]


@contextmanager
def desk(url: str, folder: Path) -> Iterator[tuple[sessionmaker[Session], Actor, FlaskClient]]:
    """A full inbox and a supervisor signed in to it."""
    settings = load_settings({"VAR_DIR": str(folder)})
    settings.broker_dir.mkdir(parents=True, exist_ok=True)
    vault.use(vault.Vault(settings.master_key))
    attachments.use_directory(settings.files_dir)
    every_table()
    engine = make_engine(url)
    Base.metadata.create_all(engine)
    sessions = session_factory(engine)
    groups = frozenset({REVIEWERS, SUPERVISORS})
    with transaction(sessions) as session:
        deploy_flow(session, load_flow(flow.FOLDER), by=SYSTEM, reason="benchmark", now=NOW)
        reviewer = create_console_account(session, "supervisor", PASSWORD, NOW, display_name="主管", groups=groups).id
    fill_inbox(sessions, ITEMS, ITEMS, reviewer, NOW)
    refresh_statistics(engine)
    app = create_app(settings, sessions, clock=lambda: NOW)
    yield sessions, Actor(reviewer, groups), signed_in(app.test_client())
    engine.dispose()


def signed_in(client: FlaskClient) -> FlaskClient:
    header = {"X-Requested-With": "benchmark"}
    answer = client.post(
        "/api/v1/session/password", json={"username": "supervisor", "password": PASSWORD}, headers=header
    )
    assert answer.status_code == 201, answer.text
    return client


def measured(url: str, folder: Path) -> Found:
    found = Found()
    with desk(url, folder) as (sessions, reviewer, client):
        # Kinds take turns, so that a busy minute of the machine meets all of them; the first round only warms up.
        found.ms = {name: [] for name in QUERIES}
        for name, query in [*QUERIES.items()] * (REQUESTS + 1):
            found.ms[name].append(timed(lambda q=query: page(client, q)))  # type: ignore[misc]
        found.ms = {name: ms[1:] for name, ms in found.ms.items()}
        found.ms["deep pages"] = deep_pages(client, sessions)
        found.ms["counts"] = [timed(lambda: answer(client, "/api/v1/inbox/counts")) for _ in range(REQUESTS)]
        found.ms["claim next"] = claims(sessions, reviewer)
        found.offset_ms = by_offset(sessions)
    return found


def page(client: FlaskClient, query: str) -> Any:  # Any: JSON
    return answer(client, f"/api/v1/inbox?limit=50&{query}")


def answer(client: FlaskClient, path: str) -> Any:  # Any: JSON
    got = client.get(path)
    assert got.status_code == 200, got.text
    return got.json


def claims(sessions: sessionmaker[Session], by: Actor) -> list[float]:
    """The engine's part alone: these cases hold nothing that could be shown afterwards."""

    def claim() -> None:
        with transaction(sessions) as session:
            assert claim_next_item(session, by, InboxFilter(facet="passport"), now=NOW) is not None

    return [timed(claim) for _ in range(REQUESTS)]


def deep_pages(client: FlaskClient, sessions: sessionmaker[Session]) -> list[float]:
    """Pages from the middle of the list on: the cursor of a scroll that went on all day."""
    with sessions() as session:
        middle = session.execute(in_order().offset(ITEMS // 2).limit(1)).one()
    cursor, ms = BY_PRIORITY.cursor((-middle.priority, middle.created_at, middle.id)), []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        cursor = page(client, f"cursor={cursor}")["next"]
        ms.append((time.perf_counter() - began) * 1000)
    return ms


def in_order() -> Select[Any]:
    """Every open item of the two groups, as the inbox orders them."""
    is_open = (WAITING.c.kind == "WORK_ITEM") & WAITING.c.closed_at.is_(None)
    own = WAITING.c.group_name.in_([REVIEWERS, SUPERVISORS])
    return select(WAITING).where(is_open, own).order_by(WAITING.c.priority.desc(), WAITING.c.id)


def by_offset(sessions: sessionmaker[Session]) -> list[float]:
    """The page in the middle, the usual way."""
    middle = in_order().offset(ITEMS // 2).limit(50)

    def ask() -> None:
        with sessions() as session:
            session.execute(middle).all()

    return [timed(ask) for _ in range(REQUESTS // 4)]


def timed(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def list_row(database: str, found: Found) -> dict[str, Any]:
    name, worst = found.worst()
    first = p95(found.ms["first page"])
    return {
        "figure": f"inbox with {ITEMS:,} open items, p95 of {len(found.ms)} kinds of request, {database}",
        "ours": f"first page {first:.0f} ms, slowest ({name}) {worst:.0f} ms; median of all {found.median():.0f} ms",
        "baseline": f"{p95(found.offset_ms):.0f} ms (page in the middle by OFFSET, query alone)",
        "must": f"≤ {MUST_MS} ms",
        "holds": worst <= MUST_MS,
    }


def main() -> None:
    declare_service_tasks(flow.FOLDER.parent)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sqlite = measured(f"sqlite:///{folder / 'platform.db'}", folder)
    with tempfile.TemporaryDirectory() as name, start_postgres(fsync=True) as url:
        postgres = measured(url, Path(name))
    rows = [list_row("SQLite", sqlite), list_row("PostgreSQL", postgres), *bundle_rows(), *page_rows()]
    detail = {
        database: {name: round(p95(ms), 1) for name, ms in found.ms.items()}
        for database, found in (("sqlite", sqlite), ("postgres", postgres))
    }
    print(json.dumps({"title": "Console", "rows": rows, "p95_ms": detail}, ensure_ascii=False))


if __name__ == "__main__":
    main()
