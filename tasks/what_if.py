"""Works off what-if runs that a page asked for. One at a time, and it yields the queue: a run takes minutes at most."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from sqlalchemy.orm import Session, sessionmaker

from engine.replay.what_if import runs
from engine.replay.what_if.comparison import CaseOutcome
from storage.transactions import transaction
from tasks.app import app
from tasks.process import platform

log = logging.getLogger(__name__)


@app.task(name="run_what_ifs")
def run_what_ifs() -> None:
    """The oldest run that waits. Beat sends this again: the table is what is asked for, the message a hint."""
    run_next(platform().sessions)


def run_next(sessions: sessionmaker[Session]) -> bool:
    """Work one run off; False when none waits."""
    with transaction(sessions) as session:
        run = runs.take_run(session, datetime.now(UTC))
    if run is None:
        return False
    try:
        outcomes = _outcomes(sessions, run)
    except Exception as error:
        # A defect in a candidate must not be taken up again and again; the message may quote what a person typed.
        log.error("what-if %s failed: %s", run.id, type(error).__name__)
        with transaction(sessions) as session:
            runs.fail_run(session, run, type(error).__name__, datetime.now(UTC))
        return True
    with transaction(sessions) as session:
        runs.finish_run(session, run, outcomes, datetime.now(UTC))
    return True


def _outcomes(sessions: sessionmaker[Session], run: runs.TakenRun) -> list[CaseOutcome]:
    began = datetime.now(UTC)
    with sessions() as session:
        ids = runs.cases_of_run(session, run)
    outcomes: list[CaseOutcome] = []
    for start in range(0, len(ids), runs.PART):
        with sessions() as session:
            part = ids[start : start + runs.PART]
            outcomes.extend(run.what_if.outcomes_of(session, part, began))
        with transaction(sessions) as session:
            runs.note_progress(session, run, len(outcomes), len(ids), datetime.now(UTC))
    return outcomes


app.conf.beat_schedule = (app.conf.beat_schedule or {}) | {
    "run_what_ifs": {"task": "run_what_ifs", "schedule": 2.0, "options": {"expires": 4}},
}
