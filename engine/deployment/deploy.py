"""Bringing a flow into the database, and finding what was deployed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

from sqlalchemy import Table, bindparam, func, insert, literal_column, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engine.actors import SYSTEM, Actor
from engine.checks.check import check_files
from engine.deployment.start_timers import plan_start_timers
from engine.errors import Conflict, InvalidDiagram, NotFound
from engine.flow.flow import Flow, FlowConfig, flow_folders, flow_of_files, load_flow
from engine.forms.form import Field, Form, load_form
from engine.machine import Process, compile_deployed, compile_process
from engine.model.definition import DefinitionFile, DefinitionId, ProcessDefinition
from engine.services.notice_texts import NoticeTexts, notice_texts
from storage.columns import new_id
from storage.statements import Statement

DEFINITION = cast(Table, ProcessDefinition.__table__)
FILE = cast(Table, DefinitionFile.__table__)
KEPT_DEFINITIONS = 256


@dataclass(frozen=True, slots=True)
class Definition:
    """A deployed version, compiled; shared by every case of this OS process and never changed. forms: by stem."""

    id: DefinitionId
    version: int
    config: FlowConfig
    process: Process
    flow: Flow = field(repr=False)
    forms: Mapping[str, Form]

    @property
    def flow_key(self) -> str:
        return self.config.key

    @property
    def notice_texts(self) -> NoticeTexts:
        return notice_texts(self.config, self.forms.values())

    @property
    def facet_title(self) -> str:
        """What the facet is called: the title of the form field of that name, "" without a facet."""
        field = self._facet_field
        return field.title if field else self.config.inbox.facet

    @property
    def facet_labels(self) -> Mapping[str, str]:
        """Value → label of every value the facet's form field offers."""
        field = self._facet_field
        return field.choices if field else {}

    @property
    def _facet_field(self) -> Field | None:
        name = self.config.inbox.facet
        return next((form.fields[name] for form in self.forms.values() if name in form.fields), None)


_NEWEST = Statement(
    select(DEFINITION.c.id)
    .where(DEFINITION.c.flow_key == bindparam("flow"))
    .order_by(DEFINITION.c.version.desc())
    .limit(literal_column("1"))
)
_compiled: OrderedDict[DefinitionId, Definition] = OrderedDict()
_lock = threading.Lock()


def deploy_flow(session: Session, flow: Flow, *, by: Actor, reason: str, now: datetime) -> DefinitionId:
    """The flow's next version, current from now on; files that were deployed before keep the version they had.

    Raises InvalidDiagram when the check finds an error, Conflict("flow.deployed_meanwhile") when another deployment of
    the flow committed first.
    """
    known = _version_with(session, flow)
    if known is not None:
        return known
    problems = check_files(flow.files)
    if any(problem.severity == "error" for problem in problems):
        raise InvalidDiagram(problems)
    process = compile_process(flow.bpmn, flow.decisions, flow.called)
    latest = session.execute(select(func.max(DEFINITION.c.version)).where(DEFINITION.c.flow_key == flow.key)).scalar()
    definition_id = DefinitionId(new_id())
    row = {
        "id": definition_id,
        "flow_key": flow.key,
        "version": (latest or 0) + 1,
        "title": flow.config.title,
        "digest": flow.digest,
        "diagram_digest": process.digest,
        "deployed_at": now,
        "deployed_by": by.id,
        "reason": reason,
    }
    try:
        session.execute(insert(DEFINITION).values(row))
    except IntegrityError as error:
        raise Conflict("flow.deployed_meanwhile", flow=flow.key) from error
    files = [{"definition_id": definition_id, "path": path, "content": flow.files[path]} for path in sorted(flow.files)]
    session.execute(insert(FILE), files)
    plan_start_timers(session, flow.key, definition_id, process, flow.config.settings, now)
    return definition_id


def deploy_folder(session: Session, flows_dir: Path, now: datetime) -> list[DefinitionId]:
    """Deploy what was never deployed of the flows in `flows_dir`, and return that; an analyst's newer version stays current."""
    flows = [load_flow(folder) for folder in flow_folders(flows_dir)]
    return [
        deploy_flow(session, flow, by=SYSTEM, reason="随程序部署", now=now)
        for flow in flows
        if _version_with(session, flow) is None
    ]


def current_definition(session: Session, flow_key: str) -> Definition:
    """The version new cases start on. Raises NotFound("flow.unknown")."""
    newest = _NEWEST.one_or_none(session.connection(), {"flow": flow_key})
    if newest is None:
        raise NotFound("flow.unknown", flow=flow_key)
    return find_definition(session, DefinitionId(newest.id))


def current_definitions(session: Session) -> list[Definition]:
    """The current version of every flow, by key."""
    versions = (
        select(DEFINITION.c.flow_key, func.max(DEFINITION.c.version).label("version"))
        .group_by(DEFINITION.c.flow_key)
        .subquery()
    )
    newest = select(DEFINITION.c.id).join(
        versions, (DEFINITION.c.flow_key == versions.c.flow_key) & (DEFINITION.c.version == versions.c.version)
    )
    ids = session.execute(newest.order_by(DEFINITION.c.flow_key)).scalars()
    return [find_definition(session, DefinitionId(found)) for found in ids]


def find_definition(session: Session, definition_id: DefinitionId) -> Definition:
    """Compiled once per OS process. Raises NotFound("definition.unknown")."""
    with _lock:
        kept = _compiled.get(definition_id)
        if kept is not None:
            _compiled.move_to_end(definition_id)
            return kept
    compiled = _compile(session, definition_id)
    with _lock:
        _compiled[definition_id] = compiled
        while len(_compiled) > KEPT_DEFINITIONS:
            _compiled.popitem(last=False)
    return compiled


def _compile(session: Session, definition_id: DefinitionId) -> Definition:
    rows = session.execute(
        select(DEFINITION.c.version, FILE.c.path, FILE.c.content)
        .join(FILE, FILE.c.definition_id == DEFINITION.c.id)
        .where(DEFINITION.c.id == definition_id)
    ).all()
    if not rows:
        raise NotFound("definition.unknown", definition=definition_id)
    flow = flow_of_files({row.path: row.content for row in rows})
    process = compile_deployed(flow.bpmn, flow.decisions, flow.called)
    forms = {stem: load_form(content) for stem, content in flow.forms.items()}
    return Definition(definition_id, rows[0].version, flow.config, process, flow, forms)


def _version_with(session: Session, flow: Flow) -> DefinitionId | None:
    same = (DEFINITION.c.flow_key == flow.key) & (DEFINITION.c.digest == flow.digest)
    found = session.execute(select(DEFINITION.c.id).where(same)).scalar()
    return None if found is None else DefinitionId(found)
