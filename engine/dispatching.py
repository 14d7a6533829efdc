"""After the commit: telling whoever runs jobs that there are new ones. The job rows are the truth; this is only speed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from database import after_commit

Dispatcher = Callable[[str, str], None]
"""Called with (job id, queue name)."""

_log = logging.getLogger(__name__)


def _nobody(job_id: str, queue: str) -> None:
    """Without a dispatcher jobs wait for whoever asks for ready_jobs()."""


_dispatcher: Dispatcher = _nobody


def set_dispatcher(dispatcher: Dispatcher | None) -> None:
    """The process's dispatcher, set by a composition root; None for none."""
    global _dispatcher  # noqa: PLW0603 - one broker per process
    _dispatcher = dispatcher or _nobody


def dispatch_after_commit(session: Session, jobs: Sequence[tuple[str, str]]) -> None:
    """jobs: (job id, queue). Sent once the transaction has committed, never when it rolls back."""
    if jobs:
        after_commit(session, lambda: _send(jobs))


def _send(jobs: Sequence[tuple[str, str]]) -> None:
    for job_id, queue in jobs:
        try:
            _dispatcher(job_id, queue)
        except Exception:
            # The commit stands and must not look failed: the periodic task sends READY jobs again.
            _log.exception("job %s could not be sent to queue %s", job_id, queue)
