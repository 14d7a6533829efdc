"""Starting a case."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import vault
from database import new_id
from engine import journal
from engine.actors import SYSTEM, Actor
from engine.case import CASE, begin_case
from engine.deploy import Definition, current_definition, current_definitions
from engine.errors import Conflict, Forbidden
from engine.flows import ANYONE
from engine.form_values import checked_values
from engine.inputs import Started, Variables
from engine.model.instance import CaseState

_INSERT = insert(CASE)


def start_case(session: Session, flow_key: str, *, by: Actor, values: Variables, now: datetime) -> str:
    """Begin a case on the flow's current version; returns its id.

    values: of the start form. Raises NotFound("flow.unknown"), Forbidden("flow.may_not_start"), InvalidForm,
    Conflict("case.already_running") where the flow allows one running case a starter.
    """
    definition = current_definition(session, flow_key)
    if not may_start(definition, by):
        raise Forbidden("flow.may_not_start", flow=flow_key)
    return _start(session, definition, by.id, values, now)


def start_case_for(session: Session, flow_key: str, *, started_by: str, values: Variables, now: datetime) -> str:
    """As start_case(), where it was decided before that this account has the case. started_by: account id."""
    return _start(session, current_definition(session, flow_key), started_by, values, now)


def _start(session: Session, definition: Definition, started_by: str, values: Variables, now: datetime) -> str:
    variables = checked_values(definition, definition.config.start.form, values)
    case_id = new_id()
    cipher = vault.current().create_data_key(session, f"case:{case_id}", now)
    _insert_case(session, case_id, definition, started_by, now)
    settings = definition.config.settings
    begin_case(
        session, case_id, definition, cipher, Started(at=now, by=started_by, variables=variables, settings=settings)
    )
    return case_id


def startable_flows(session: Session, by: Actor) -> list[Definition]:
    """Current versions of the flows that this actor may start, by key."""
    return [definition for definition in current_definitions(session) if may_start(definition, by)]


def may_start(definition: Definition, by: Actor) -> bool:
    who = set(definition.config.start.who)
    return by == SYSTEM or ANYONE in who or bool(who & by.groups)


def _insert_case(session: Session, case_id: str, definition: Definition, started_by: str, now: datetime) -> None:
    """The row comes first: in-transaction service tasks may refer to it."""
    row = {
        "id": case_id,
        "flow_key": definition.flow_key,
        "definition_id": definition.id,
        "state": CaseState.RUNNING,
        "outcome": None,
        "revision": 0,
        "started_by": started_by,
        "is_exclusive": definition.config.start.one_running_per_starter,
        "snapshot": b"",
        "head": journal.GENESIS,
        "last_at": now,
        "created_at": now,
        "ended_at": None,
        "erased_at": None,
    }
    try:
        session.connection().execute(_INSERT, row)
    except IntegrityError as error:
        # Ids are random: what can clash is the partial unique index on (flow, starter), the only judge of that race.
        raise Conflict("case.already_running", flow=definition.flow_key) from error
