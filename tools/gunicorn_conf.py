"""How gunicorn serves the platform: threads wait for the database together, processes share the cores."""

from __future__ import annotations

from config import load_settings

_settings = load_settings()
bind = f"{_settings.public_host}:{_settings.port}"
workers = 2
threads = 4
timeout = 60
graceful_timeout = 10
accesslog = None
loglevel = "warning"
forwarded_allow_ips = "127.0.0.1"
