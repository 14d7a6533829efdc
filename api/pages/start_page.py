"""The page at `/`: what runs here, in which mode, and where to go. Holds nothing personal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apiflask import APIBlueprint
from flask import current_app, render_template
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api.edge.auth import platform_settings
from api.edge.request_session import now, request_session
from api.pages.health import check_dependencies
from domain.accounts.demo_account import DEMO_ACCOUNTS
from engine.deployment.deploy import current_definitions
from engine.model.instance import Case, CaseState
from engine.model.waiting_row import JobState, Waiting, WaitKind

start_page = APIBlueprint("start_page", __name__, enable_openapi=False)

# A worker that is there takes a job within a second; the clock announces a lost one within a minute.
JOBS_STUCK_AFTER_S = 120


@dataclass(frozen=True, slots=True)
class Queue:
    """Jobs of the table: waiting to run now, running, failed for good (incidents), seconds the oldest has waited."""

    ready: int
    running: int
    incidents: int
    oldest_wait_s: int

    @property
    def is_stuck(self) -> bool:
        return self.oldest_wait_s > JOBS_STUCK_AFTER_S


@start_page.get("/")
def start() -> str:
    settings = platform_settings()
    session = request_session()
    checks = check_dependencies()
    try:
        flows = [(each.config.title, each.flow_key, each.version) for each in current_definitions(session)]
        queue: Queue | None = _queue(session, now())
        running = session.scalar(select(func.count()).where(Case.state == CaseState.RUNNING))
    except SQLAlchemyError:
        flows, queue, running = [], None, None
    return render_template(
        "start.html",
        sandbox=settings.sandbox,
        version=current_app.version,  # type: ignore[attr-defined]  # of APIFlask
        flows=flows,
        queue=queue,
        running=running,
        checks=checks,
        database="SQLite" if settings.is_sqlite else "PostgreSQL",
        broker="Redis" if settings.redis_url else "文件队列",
        demo_accounts=DEMO_ACCOUNTS if settings.sandbox else (),
    )


def _queue(session: Session, at: datetime) -> Queue:
    jobs = session.execute(
        select(Waiting.state, func.count(), func.min(Waiting.next_at))
        .where(Waiting.kind == WaitKind.JOB, Waiting.closed_at.is_(None))
        .group_by(Waiting.state)
    ).all()
    counts = {state: count for state, count, _ in jobs}
    oldest = next((since for state, _, since in jobs if state == JobState.READY and since is not None), at)
    incidents = session.scalar(
        select(func.count()).where(Waiting.kind == WaitKind.INCIDENT, Waiting.closed_at.is_(None))
    )
    waited_s = max(0, int((at - oldest).total_seconds()))
    return Queue(counts.get(JobState.READY, 0), counts.get(JobState.LEASED, 0), incidents or 0, waited_s)
