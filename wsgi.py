"""Composition root of the web process, of gunicorn (`wsgi:app`) and of the command line (`FLASK_APP=wsgi flask …`)."""

from __future__ import annotations

import importlib
import importlib.util

from api.app import create_app
from api.cli import register_commands
from composition import compose
from engine import dispatching
from tasks.dispatch import send_job

platform = compose()
dispatching.set_dispatcher(send_job)
app = create_app(platform.settings, platform.sessions)
register_commands(app, platform.sessions, platform.settings)
if importlib.util.find_spec("tasks.vision.cli") is not None:
    vision = importlib.import_module("tasks.vision.cli")
    for command in vision.COMMANDS:
        app.cli.add_command(command)
