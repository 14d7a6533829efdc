"""What is under way in a tenure, read from its open work items: a redemption, a transfer, an invitation, a takeover."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bpmn.business_grant.names import FLOW
from bpmn.shipped import shipped_flow
from domain.acting import PERSON_GROUP
from engine.deployment.deploy import find_definition
from engine.flow.flow import FlowConfig
from engine.model.definition import DefinitionId
from engine.model.tables import CASE, WAITING
from engine.model.waiting_row import WaitKind, spelled

UNNAMED = "办理中"


@dataclass(frozen=True, slots=True)
class RunningChange:
    """group: whose inbox. person_id: whose turn it is, None where it is the unit's."""

    work_item_id: str
    case_id: str
    element: str
    title: str
    form: str
    group: str
    person_id: str | None
    since: datetime
    due_at: datetime | None


def running_changes(session: Session, case_id: str | None) -> list[RunningChange]:
    """Oldest first; nothing for a grant without a tenure."""
    return _changes(session, WAITING.c.case_id == case_id) if case_id else []


def asked_of(session: Session, person_id: str) -> list[RunningChange]:
    """Everything of any tenure that waits for this person."""
    return _changes(session, WAITING.c.group_name == PERSON_GROUP + person_id)


def open_items_of_group(session: Session, group: str) -> int:
    """How many open work items, of whatever flow, lie in this group's inbox."""
    is_open = spelled(WAITING.c.kind, WaitKind.WORK_ITEM), WAITING.c.closed_at.is_(None)
    counted = select(func.count()).select_from(WAITING).where(WAITING.c.group_name == group, *is_open)
    return session.scalar(counted) or 0


def _changes(session: Session, wanted: object) -> list[RunningChange]:
    columns = [WAITING.c[name] for name in ("id", "case_id", "element", "form", "group_name", "created_at", "due_at")]
    is_open = spelled(WAITING.c.kind, WaitKind.WORK_ITEM), WAITING.c.closed_at.is_(None)
    of_tenures = WAITING.c.flow_key == FLOW
    items = select(*columns, CASE.c.definition_id).join(CASE, CASE.c.id == WAITING.c.case_id)
    found = items.where(wanted, *is_open, of_tenures).order_by(WAITING.c.id)  # type: ignore[arg-type]
    return [
        RunningChange(
            work_item_id=row.id,
            case_id=row.case_id,
            element=row.element,
            title=_title(find_definition(session, DefinitionId(row.definition_id)).config, row.element),
            form=row.form,
            group=row.group_name,
            person_id=row.group_name.removeprefix(PERSON_GROUP) if row.group_name.startswith(PERSON_GROUP) else None,
            since=row.created_at,
            due_at=row.due_at,
        )
        for row in session.execute(found)
    ]


def _title(config: FlowConfig, element: str) -> str:
    """As the case's own version calls it; one from before [changes] as the folder does."""
    shipped = shipped_flow(FLOW)
    told = (config.changes, shipped.config.changes if shipped else {}, config.progress)
    return next((titles[element] for titles in told if element in titles), UNNAMED)
