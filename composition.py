"""What every process puts together once: settings, database, vault, files, and the service tasks the diagrams may name."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

import bpmn
from config import Settings, load_settings
from domain.acting import accounts_of_same_person
from engine import actors
from engine.attachments import store as attachments
from engine.cases import outbox
from storage import vault
from storage.engines import make_engine
from storage.transactions import session_factory

# Declarations that belong to no single flow; light to import (models load when a task runs).
SHARED_SERVICE_TASKS = ("bpmn.notices", "tasks.vision.service_tasks")


@dataclass(frozen=True, slots=True)
class Platform:
    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]


def compose(settings: Settings | None = None) -> Platform:
    """The platform's parts for this process. Call it after a fork, or dispose of `engine` in the child."""
    settings = settings or load_settings()
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    vault.use(vault.Vault(settings.master_key))
    attachments.use_directory(settings.files_dir)
    actors.know_persons_by(accounts_of_same_person)
    outbox.keep_messages_for(timedelta(days=settings.message_days))
    declare_service_tasks(settings.flows_dir)
    engine = make_engine(settings.database_url, hide_parameters=True)  # errors must not quote what people typed
    return Platform(settings, engine, session_factory(engine))


def declare_service_tasks(flows_dir: Path) -> None:
    """Import every flow's `handlers.py` and the shared declarations: importing them fills the registry."""
    for module in SHARED_SERVICE_TASKS:
        importlib.import_module(module)
    own = {Path(path).resolve() for path in bpmn.__path__}
    for handlers in sorted(flows_dir.glob("*/handlers.py")):
        name = f"bpmn.{handlers.parent.name}.handlers"
        if flows_dir in own:
            importlib.import_module(name)
        elif name not in sys.modules:
            _import_file(name, handlers)


def _import_file(name: str, path: Path) -> None:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, path
    assert spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
