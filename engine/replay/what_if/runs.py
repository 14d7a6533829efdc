"""What-if runs that a page asked for: kept as rows, worked off in the background, part by part.

A worker takes a run for LEASE at a time and takes it anew after each part; the run of a worker that died is begun again.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import orjson
from sqlalchemy import Table, and_, insert, or_, select, update
from sqlalchemy.orm import Session

from engine.actors import Actor
from engine.deployment.deploy import current_definition
from engine.errors import Conflict, NotFound
from engine.flow.flow import Flow, flow_of_files
from engine.model.what_if import WhatIfRun, WhatIfState
from engine.replay.what_if.comparison import CaseOutcome, WhatIf
from engine.replay.what_if.recorded_cases import cases_of
from engine.replay.what_if.report import paces, report_of
from storage.columns import new_id

RUN = cast(Table, WhatIfRun.__table__)

LEASE = timedelta(minutes=5)
PART = 250  # cases between two reports of progress: under a second
MOST_CASES = 100_000
MOST_DIFFERENCES = 1_000  # listed one by one; the totals count all


@dataclass(frozen=True, slots=True)
class TakenRun:
    """A run this worker works on, until `lease_until`."""

    id: str
    flow_key: str
    since: datetime | None
    limit: int
    what_if: WhatIf
    elements: Mapping[str, str]


def ask_what_if(
    session: Session,
    flow_key: str,
    changed: Mapping[str, str | None],
    *,
    by: Actor,
    now: datetime,
    since: datetime | None = None,
    limit: int = 10_000,
    elements: Mapping[str, str] | None = None,
) -> str:
    """Id of a new run of the current version with some files changed.

    changed: text by path; None takes a file away. Raises NotFound("flow.unknown"), InvalidDiagram for a version that could
    not be deployed, Conflict("what_if.other_flow") where flow.toml names another key.
    """
    flow = candidate_flow(
        session, flow_key, {path: None if text is None else text.encode() for path, text in changed.items()}
    )
    files = flow.files
    WhatIf(flow, elements)
    run_id = new_id()
    kept = {"files": {path: content.decode() for path, content in files.items()}, "elements": dict(elements or {})}
    row = {
        "id": run_id,
        "flow_key": flow_key,
        "asked_by": by.id,
        "asked_at": now,
        "since": since,
        "case_limit": min(limit, MOST_CASES),
        "files": zlib.compress(orjson.dumps(kept)),
        "state": WhatIfState.ASKED,
        "done": 0,
        "total": 0,
    }
    session.execute(insert(RUN).values(row))
    return run_id


def candidate_flow(session: Session, flow_key: str, changed: Mapping[str, bytes | None]) -> Flow:
    """The current version with some files changed; None takes one away.

    Raises NotFound("flow.unknown"), InvalidDiagram, Conflict("what_if.other_flow").
    """
    files = {**current_definition(session, flow_key).flow.files, **changed}
    flow = flow_of_files({path: content for path, content in files.items() if content is not None})
    if flow.key != flow_key:
        raise Conflict("what_if.other_flow", flow=flow_key, found=flow.key)
    return flow


def take_run(session: Session, now: datetime) -> TakenRun | None:
    """The oldest run that nobody works on, taken; None when there is none."""
    is_over = or_(RUN.c.lease_until < now, RUN.c.lease_until > now + LEASE)  # the latter: the clock was set back
    is_left = and_(RUN.c.state == WhatIfState.RUNNING, is_over)
    wanted = select(RUN).where(or_(RUN.c.state == WhatIfState.ASKED, is_left)).order_by(RUN.c.id).limit(1)
    row = session.execute(wanted.with_for_update(skip_locked=True)).one_or_none()
    if row is None:
        return None
    taken = {"state": WhatIfState.RUNNING, "lease_until": now + LEASE, "done": 0}
    session.execute(update(RUN).where(RUN.c.id == row.id).values(taken))
    kept = orjson.loads(zlib.decompress(row.files))
    flow = flow_of_files({path: text.encode() for path, text in kept["files"].items()})
    what_if = WhatIf(flow, kept["elements"])
    return TakenRun(row.id, row.flow_key, row.since, row.case_limit, what_if, kept["elements"])


def cases_of_run(session: Session, run: TakenRun) -> list[str]:
    return cases_of(session, run.flow_key, run.since, run.limit)


def note_progress(session: Session, run: TakenRun, done: int, total: int, now: datetime) -> None:
    session.execute(update(RUN).where(RUN.c.id == run.id).values(done=done, total=total, lease_until=now + LEASE))


def finish_run(session: Session, run: TakenRun, outcomes: list[CaseOutcome], now: datetime) -> None:
    report = report_of(outcomes, paces(session, run.flow_key), run.elements)
    report["differences_left_off"] = max(0, len(report["differences"]) - MOST_DIFFERENCES)
    report["differences"] = report["differences"][:MOST_DIFFERENCES]
    done = {"state": WhatIfState.DONE, "finished_at": now, "report": orjson.dumps(report), "lease_until": None}
    session.execute(update(RUN).where(RUN.c.id == run.id).values(done))


def fail_run(session: Session, run: TakenRun, note: str, now: datetime) -> None:
    """note: a code or the name of an exception, nothing personal."""
    failed = {"state": WhatIfState.FAILED, "finished_at": now, "note": note, "lease_until": None}
    session.execute(update(RUN).where(RUN.c.id == run.id).values(failed))


def what_if_run(session: Session, run_id: str) -> WhatIfRun:
    """Raises NotFound("what_if.unknown")."""
    found = session.get(WhatIfRun, run_id)
    if found is None:
        raise NotFound("what_if.unknown", run=run_id)
    return found


def what_if_runs(session: Session, flow_key: str, limit: int = 20) -> list[WhatIfRun]:
    """Newest first."""
    wanted = select(WhatIfRun).where(RUN.c.flow_key == flow_key).order_by(RUN.c.id.desc()).limit(limit)
    return list(session.execute(wanted).scalars())


def report_json(run: WhatIfRun) -> dict[str, Any] | None:  # Any: a JSON object
    return None if run.report is None else cast(dict[str, Any], orjson.loads(run.report))
