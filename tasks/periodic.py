"""What the clock starts: beat sends these, any worker of the default queue runs them. Each is safe to run twice."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from domain import notice, retention
from domain.credentials import credential
from domain.credentials.attempts import local_day
from domain.grants import attempts as grant_attempts
from domain.grants import overview
from engine.attachments import store as attachments
from engine.errors import Conflict
from engine.jobs import leases
from engine.messages import delivery
from engine.periodic import clock_starts, set_back, timers
from engine.periodic.retention import drop_what_is_over
from engine.queries.why import watchdog_finds
from engine.work_items import acts as work_items
from storage.transactions import transaction
from tasks.app import app
from tasks.dispatch import send_job
from tasks.process import platform

log = logging.getLogger(__name__)
BATCH = 200
MOST_BATCHES = 50  # of a run; what is left goes with the next one


@app.task(name="announce_ready_jobs")
def announce_ready_jobs() -> None:
    """READY jobs whose announcement was lost, and those whose back-off is over."""
    with platform().sessions() as session:
        waiting = leases.ready_jobs(session, datetime.now(UTC), BATCH)
    for job in waiting:
        send_job(job.id, job.queue)


@app.task(name="free_expired_leases")
def free_expired_leases() -> None:
    """Jobs of workers that died or hang go back to READY, or to a person after their last attempt."""
    with transaction(platform().sessions) as session:
        freed = leases.free_expired_leases(session, datetime.now(UTC))
    if freed:
        log.warning("%d leases ran out; their jobs run again", freed)


@app.task(name="mend_future_times")
def mend_future_times() -> None:
    """What waits for a time that only a clock since set back could give: jobs, messages, notices."""
    now = datetime.now(UTC)
    with transaction(platform().sessions) as session:
        mended = set_back.mend_jobs(session, now), set_back.mend_outbox(session, now)
        notices = notice.mend_future_times(session, now)
    if any(mended) or notices:
        log.warning("the clock was set back: %d jobs, %d messages, %d notices go on now", *mended, notices)


@app.task(name="fire_due_timers")
def fire_due_timers() -> None:
    """One transaction a case: a case that fails holds up no other."""
    sessions = platform().sessions
    with sessions() as session:
        due = timers.due_cases(session, datetime.now(UTC), BATCH)
    for case_id in due:
        try:
            with transaction(sessions) as session:
                timers.fire_due_timers(session, case_id, datetime.now(UTC))
        except Conflict:
            log.info("case %s: another process was first", case_id)
        except Exception as error:
            # One broken case must not hold up the others' deadlines; the message may quote what a person typed.
            log.error("timers of case %s failed: %s", case_id, type(error).__name__)


@app.task(name="start_due_cases")
def start_due_cases() -> None:
    """Cases that the clock begins: one transaction each, so that a flow that fails holds up no other."""
    sessions = platform().sessions
    with sessions() as session:
        due = clock_starts.due_start_timers(session, datetime.now(UTC), BATCH)
    for flow_key, element in due:
        try:
            with transaction(sessions) as session:
                clock_starts.fire_start_timer(session, flow_key, element, datetime.now(UTC))
        except Exception as error:
            log.error("timer %s of flow %s could not begin a case: %s", element, flow_key, type(error).__name__)


@app.task(name="deliver_outbox")
def deliver_outbox() -> None:
    """Messages between cases and cases to be started: after every commit that wrote some, and by the clock."""
    delivery.deliver_outbox(platform().sessions, datetime.now(UTC), limit=BATCH)


@app.task(name="watch_cases")
def watch_cases() -> None:
    """Cases that wait for nothing and items nobody can see: said aloud, listed by `flask watchdog` and GET /watchdog."""
    with platform().sessions() as session:
        found = watchdog_finds(session, datetime.now(UTC))
    for find in found:
        log.error("%s: case %s of %s %s, since %s", find.code, find.case_id, find.flow_key, find.element, find.since)


@app.task(name="return_idle_claims")
def return_idle_claims() -> None:
    """What somebody claimed and left alone for half an hour is anybody's again."""
    with transaction(platform().sessions) as session:
        returned = work_items.return_idle_claims(session, datetime.now(UTC), BATCH)
    if returned:
        log.info("%d idle claims returned", returned)


@app.task(name="delete_expired_attachments")
def delete_expired_attachments() -> None:
    """Photos past their retention date (flow.toml), and files a worker wrote that no row ever came to own."""
    sessions = platform().sessions
    with transaction(sessions) as session:
        deleted = attachments.delete_expired(session, datetime.now(UTC), BATCH)
    with sessions() as session:
        swept = attachments.sweep_files(session, datetime.now(UTC))
    log.info("%d attachments expired, %d orphaned files removed", deleted, swept)


@app.task(name="expire_credentials")
def expire_credentials() -> None:
    """Credentials whose document ran out yesterday or before, by the calendar of the people who hold them."""
    now = datetime.now(UTC)
    with transaction(platform().sessions) as session:
        ended = credential.expire_credentials(session, local_day(now), now)
    if ended:
        log.info("%d credentials expired", ended)


@app.task(name="drop_expired_rows")
def drop_expired_rows() -> None:
    """What has had its time: SMS codes, attempts, notices (domain), messages, copies, what-if runs (engine)."""
    with transaction(platform().sessions) as session:
        dropped = retention.drop_expired(session, datetime.now(UTC), BATCH)
        grant_attempts.drop_idle_counters(session, datetime.now(UTC) - timedelta(days=2))
    log.info("expired rows: %s", dropped)
    for _ in range(MOST_BATCHES):
        with transaction(platform().sessions) as session:
            over = drop_what_is_over(session, datetime.now(UTC), BATCH)
        log.info("rows that are over: %s", over)
        if max(over.values()) < BATCH:
            break


@app.task(name="keep_overview")
def keep_overview() -> None:
    """Rows of the overview that are missing or differ from their institutions: none, unless somebody wrote past the session."""
    with transaction(platform().sessions) as session:
        made, mended = overview.enrol(session, datetime.now(UTC)), overview.mend_overview(session)
    if made or mended:
        log.warning("overview: %d rows were missing, %d differed from their institutions", made, mended)


SCHEDULE = {  # seconds
    "announce_ready_jobs": 5.0,
    "free_expired_leases": 5.0,
    "mend_future_times": 60.0,
    "fire_due_timers": 1.0,
    "start_due_cases": 1.0,
    "deliver_outbox": 2.0,
    "return_idle_claims": 60.0,
    "watch_cases": 600.0,
    "send_notices": 5.0,
    "delete_expired_attachments": 600.0,
    "drop_expired_rows": 600.0,
    "keep_overview": 3600.0,
    "expire_credentials": 3600.0,  # a date decides; hourly, so that no restart skips a day
}

app.conf.beat_schedule = (app.conf.beat_schedule or {}) | {
    name: {"task": name, "schedule": every_s, "options": {"expires": 2 * every_s}} for name, every_s in SCHEDULE.items()
}
