"""How gunicorn serves the platform: threads wait for the database together, processes share the cores."""

from __future__ import annotations

import os
from typing import Any

from config import load_settings

_settings = load_settings()
bind = f"{_settings.public_host}:{_settings.port}"
workers = max(2, os.cpu_count() or 2)  # more of them push each other out of the caches (benchmarks/throughput.py)
threads = 4
timeout = 60
graceful_timeout = 10
accesslog = None
loglevel = "warning"
forwarded_allow_ips = "127.0.0.1"
preload_app = True  # imported once for both workers: 1.5 s of cpu less at the start, and their memory is shared


def post_fork(server: Any, worker: Any) -> None:  # Any: gunicorn ships no types
    """A connection must not be used by two processes; the pool of the parent is left to the parent."""
    from wsgi import platform

    platform.engine.dispose(close=False)
