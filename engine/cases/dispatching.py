"""After the commit: telling whoever runs jobs or delivers messages that there are some. The rows are the truth; this is speed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from storage.transactions import after_commit

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


def _sleeps() -> None:
    """Without a waker messages wait for whoever delivers the outbox."""


_waker: Callable[[], None] = _sleeps


def set_outbox_waker(waker: Callable[[], None] | None) -> None:
    """What tells a deliverer that there are messages, set by a composition root; None for none."""
    global _waker  # noqa: PLW0603 - one broker per process
    _waker = waker or _sleeps


def wake_outbox_after_commit(session: Session) -> None:
    """Once, however many messages the transaction wrote."""
    if _wake not in session.info.get("after_commit", ()):
        after_commit(session, _wake)


def _wake() -> None:
    try:
        _waker()
    except Exception:
        # As with jobs: the periodic task delivers what nobody was told of.
        _log.exception("nobody could be told of new messages")


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
