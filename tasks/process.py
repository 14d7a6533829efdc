"""A worker's process: its composition root, its name, and how it begins and ends."""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

from celery.signals import worker_process_init

from composition import Platform, compose
from engine.cases import dispatching
from tasks.dispatch import send_job, wake_outbox

_platform: Platform | None = None


def platform() -> Platform:
    """This process's platform; made at its first use, which is after the fork."""
    if _platform is None:
        dispatching.set_dispatcher(send_job)
        dispatching.set_outbox_waker(wake_outbox)
        use_platform(compose())
    assert _platform is not None
    return _platform


def use_platform(made: Platform | None) -> None:
    """Work on this platform from now on; None: make one when it is needed."""
    global _platform  # noqa: PLW0603  # one a process, like the engine below it
    _platform = made


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


@worker_process_init.connect
def _finish_the_job(**_: Any) -> None:  # Any: Celery's signal arguments
    # The supervisor's SIGTERM reaches this process beside the one that hands out jobs: that one stops handing out, waits
    # for what runs here, then ends this process.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@worker_process_init.connect
def _start_fresh(**_: Any) -> None:  # Any: Celery's signal arguments
    use_platform(None)
