"""Every night: the day's root, then a sample of the cases replayed and compared with what is kept."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from celery.schedules import crontab

from engine.replay.evidence.journal_root import make_root, newest_root
from engine.replay.evidence.self_check import check_cases, check_roots, record_findings
from storage.transactions import transaction
from tasks.app import app
from tasks.process import platform

log = logging.getLogger(__name__)
SAMPLE = 2_000  # cases a night; some 10 s


@app.task(name="sign_journal_heads")
def sign_journal_heads() -> None:
    """The root goes to the log, too: a log kept elsewhere is the copy that covers the database's own."""
    with transaction(platform().sessions) as session:
        made = make_root(session, datetime.now(UTC))
        newest = newest_root(session)
    if made is not None and newest is not None:
        log.warning("journal root of %s: %s", newest[0].isoformat(), newest[1].hex())


@app.task(name="verify_journal_sample")
def verify_journal_sample() -> None:
    """Roots first, so that journals are compared with what they were before tonight."""
    sessions = platform().sessions
    with sessions() as session:
        checks = list(check_cases(session, SAMPLE))
        found = [*check_roots(session), *(finding for check in checks for finding in check.findings)]
    with transaction(sessions) as session:
        record_findings(session, (check.verdict.case_id for check in checks), found, datetime.now(UTC))
    for one in found:
        log.error("journal of case %s: %s differs at entry %s", one.case_id, one.kind, one.seq)


app.conf.beat_schedule = (app.conf.beat_schedule or {}) | {
    # Hourly, though only the first of a day makes a root: no restart skips a day.
    "sign_journal_heads": {"task": "sign_journal_heads", "schedule": 3600.0, "options": {"expires": 7200}},
    # UTC: 01:30 in Shanghai.
    "verify_journal_sample": {"task": "verify_journal_sample", "schedule": crontab(hour="17", minute="30")},
}
