"""One job: lease it, run its service task with no transaction open, then one transaction that moves the case."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from traceback import format_tb

from engine.errors import BusinessError, RetryLater
from engine.jobs import leases, runs
from engine.services.calls import CallRefused
from storage.failures import is_out_of_space
from storage.transactions import transaction
from tasks.app import app
from tasks.process import platform, worker_name

log = logging.getLogger(__name__)


@app.task(name="run_job")
def run_job(job_id: str) -> None:
    """A message for a job that is done, leased by another or unknown does nothing."""
    sessions = platform().sessions
    with transaction(sessions) as session:
        leased = leases.lease_job(session, job_id, worker=worker_name(), now=datetime.now(UTC))
    if leased is None:
        return
    try:
        _run(leased)
    except Exception as error:
        if not is_out_of_space(error):
            raise
        log.error("job %s: no room on a disk, it will be tried again", job_id)
        with transaction(sessions) as session:
            leases.postpone_job(session, leased, "no room on a disk", now=datetime.now(UTC))


def _run(leased: runs.LeasedJob) -> None:
    sessions = platform().sessions
    try:
        result = runs.execute(sessions, leased)
    except BusinessError as error:
        with transaction(sessions) as session:
            leases.fail_job(session, leased, error, now=datetime.now(UTC))
    except CallRefused as refused:
        # Parameters that do not fit will not fit the next time either: a person has to look.
        with transaction(sessions) as session:
            leases.give_up_job(session, leased, str(refused), now=datetime.now(UTC))
    except RetryLater as later:
        with transaction(sessions) as session:
            leases.retry_job_later(session, leased, str(later), after_s=later.after_s, now=datetime.now(UTC))
    except Exception as error:
        if is_out_of_space(error):
            raise
        # Whatever a model or a provider throws is the machine's fault first: try again, then a person looks at it.
        # The message stays out of the log: validation errors quote what a person typed.
        log.error(
            "job %s (%s) failed: %s\n%s",
            leased.id,
            leased.service,
            type(error).__name__,
            "".join(format_tb(error.__traceback__)),
        )
        with transaction(sessions) as session:
            leases.retry_job_later(session, leased, f"{type(error).__name__}", after_s=None, now=datetime.now(UTC))
    else:
        with transaction(sessions) as session:
            leases.succeed_job(session, leased, result, now=datetime.now(UTC))
