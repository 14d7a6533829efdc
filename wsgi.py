"""Composition root of the web process, of gunicorn (`wsgi:app`) and of the command line (`FLASK_APP=wsgi flask …`)."""

from __future__ import annotations

import logging

from api.app import create_app
from api.commands.cli import register_commands
from composition import compose
from engine.cases import dispatching
from tasks.dispatch import send_job, wake_outbox
from tasks.vision.cli import COMMANDS

logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
platform = compose()
if not platform.settings.sandbox:
    logging.getLogger("api.requests").setLevel(logging.INFO)  # one line a request: ids and times only
dispatching.set_dispatcher(send_job)
dispatching.set_outbox_waker(wake_outbox)
app = create_app(platform.settings, platform.sessions)
register_commands(app, platform.sessions, platform.settings)
for command in COMMANDS:
    app.cli.add_command(command)
