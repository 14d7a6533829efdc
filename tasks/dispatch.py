"""Tells the workers that a job waits. A lost message costs seconds, never a job: `periodic` sends READY jobs again."""

from __future__ import annotations

import logging

from kombu.exceptions import OperationalError

from tasks.app import app

log = logging.getLogger(__name__)


def wake_outbox() -> None:
    """Never raises for a broker that is away: `periodic` delivers the outbox by itself."""
    try:
        app.send_task("deliver_outbox", queue="default", retry=False, expires=60)
    except (OperationalError, OSError) as error:
        log.warning(
            "nobody could be told of new messages (%s); they will be delivered by the clock", type(error).__name__
        )


def send_job(job_id: str, queue: str) -> None:
    """Never raises for a broker that is away: the job stays READY in its table."""
    try:
        app.send_task("run_job", args=(job_id,), queue=queue, retry=False, expires=3600)
    except (OperationalError, OSError) as error:
        log.warning(
            "job %s could not be announced to queue %s (%s); it will be sent again", job_id, queue, type(error).__name__
        )
