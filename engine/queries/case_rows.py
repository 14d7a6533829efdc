"""Rows of cases and their waits as the read side opens them; pages.py says who may read what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from engine.cases.case import CASE_COLUMNS, load_machine
from engine.deployment.deploy import Definition
from engine.errors import NotFound
from engine.inputs import Variables
from engine.machine import Machine
from engine.model.tables import CASE, KEY, WAITING
from engine.queries.views import CaseSummary, WaitView
from storage import vault
from storage.statements import AnyRow

CASES = select(
    *CASE_COLUMNS, CASE.c.flow_key, CASE.c.outcome, CASE.c.created_at, CASE.c.ended_at, CASE.c.erased_at
).join(KEY, KEY.c.owner == "case:" + CASE.c.id)


def case_row(session: Session, case_id: str) -> AnyRow:
    """Raises NotFound("case.unknown")."""
    row = session.execute(CASES.where(CASE.c.id == case_id)).one_or_none()
    if row is None:
        raise NotFound("case.unknown", case=case_id)
    return row


def open_waits_of(session: Session, rows: Sequence[AnyRow]) -> Sequence[AnyRow]:
    """Of several cases in one statement, oldest first."""
    cases = [row.case_id for row in rows]
    names = ("id", "case_id", "kind", "element", "assignee", "group_name", "message")
    columns = [WAITING.c[name] for name in names]
    waiting = select(*columns).where(WAITING.c.case_id.in_(cases), WAITING.c.closed_at.is_(None))
    return session.execute(waiting.order_by(WAITING.c.id)).all()


def machine_of(definition: Definition, row: AnyRow) -> Machine | None:
    """None for an erased case."""
    if row.wrapped is None:
        return None
    cipher = vault.current().unwrap(f"case:{row.case_id}", row.wrapped)
    return load_machine(definition, cipher, row.snapshot, row.revision)


def variables_of(definition: Definition, row: AnyRow) -> Variables:
    """The case's own, none when it was erased."""
    machine = machine_of(definition, row)
    return machine.variables if machine else {}


def summary_of(definition: Definition, row: AnyRow, open_elements: Iterable[str]) -> CaseSummary:
    told = definition.config.outcomes.get(row.outcome or "")
    labels = definition.config.progress
    return CaseSummary(
        id=row.case_id,
        flow_key=row.flow_key,
        flow_title=definition.config.title,
        version=definition.version,
        definition_id=row.definition_id,
        state=row.case_state,
        outcome=row.outcome,
        outcome_label=told.label if told else "",
        outcome_state=told.state if told else "",
        progress=tuple(dict.fromkeys(labels[element] for element in open_elements if element in labels)),
        revision=row.revision,
        started_by=row.started_by,
        created_at=row.created_at,
        ended_at=row.ended_at,
        is_erased=row.erased_at is not None,
    )


def wait_view(definition: Definition, row: AnyRow) -> WaitView:
    same = ("id", "case_id", "kind", "address", "element", "state", "created_at", "closed_at", "closed_by", "due_at")
    more = ("left_s", "clock", "assignee", "form", "service", "attempt", "message", "code", "note")
    values = {name: row._mapping[name] for name in (*same, *more)}
    return WaitView(title=title_of(definition, row.element), group=row.group_name, **values)


def title_of(definition: Definition, element: str) -> str:
    known = definition.process.elements.get(element)
    return known.name or element if known else element
