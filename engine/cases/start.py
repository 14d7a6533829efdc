"""Starting a case."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from engine.actors import SYSTEM, Actor
from engine.cases import journal
from engine.cases.case import begin_case
from engine.cases.form_values import checked_values
from engine.deployment.deploy import Definition, current_definition, current_definitions
from engine.errors import Conflict, Forbidden
from engine.flow.flow import ANYONE
from engine.inputs import Json, Started, Variables
from engine.machine import MESSAGE, StartEvent
from engine.model.instance import CaseState
from storage import vault
from storage.columns import new_id
from storage.deferred_rows import NewRow

# As PostgreSQL names it in its message; SQLite names the columns.
ONE_RUNNING = "uq_process_instance_running"


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
    """As start_case(), where it was decided before that this account has the case. started_by: account id.

    Raises Conflict("start.unknown") where messages and timers alone start the flow.
    """
    return _start(session, current_definition(session, flow_key), started_by, values, now)


def start_case_by_message(
    session: Session, message: str, *, correlation: str, payload: Variables, sent_by: str, now: datetime
) -> str:
    """A case of the first flow, by key, that this message starts, the sender's. Raises Conflict("message.not_awaited"),
    InvalidForm for a payload that does not fit the form of the start event, and what start_case() does.
    """
    for definition in current_definitions(session):
        for start in definition.process.starts:
            if start.trigger == MESSAGE and start.message == message:
                variables = _brought(definition, start, correlation, payload)
                return begin_case_at(session, definition, start.id, started_by=sent_by, variables=variables, now=now)
        if definition.config.start.message == message:
            return _start(session, definition, sent_by, payload, now)
    raise Conflict("message.not_awaited", message=message)


def begin_case_at(
    session: Session, definition: Definition, start: str, *, started_by: str, variables: Variables, now: datetime
) -> str:
    """A case of this version from its start event `start`, "" for the one without a trigger. variables: checked before."""
    case_id = new_id()
    cipher = vault.current().add_data_key(session, f"case:{case_id}", now)
    given = Started(at=now, by=started_by, start=start, variables=variables, settings=definition.config.settings)
    try:
        begin_case(session, _row(case_id, definition, started_by, now), definition, cipher, given)
    except IntegrityError as error:
        if ONE_RUNNING not in str(error.orig) and "started_by" not in str(error.orig):
            raise
        # The partial unique index on (flow, starter) is the only judge of that race.
        raise Conflict("case.already_running", flow=definition.flow_key) from error
    return case_id


def _start(session: Session, definition: Definition, started_by: str, values: Variables, now: datetime) -> str:
    variables = checked_values(definition, definition.config.start.form, values)
    return begin_case_at(session, definition, "", started_by=started_by, variables=variables, now=now)


def _brought(definition: Definition, start: StartEvent, correlation: str, payload: Variables) -> dict[str, Json]:
    """The variables a message brings to the case it starts."""
    found = checked_values(definition, start.form, payload) if start.form else {}
    if start.result:
        found[start.result] = dict(payload)
    if start.correlation_result:
        found[start.correlation_result] = correlation
    return found


def startable_flows(session: Session, by: Actor) -> list[Definition]:
    """Current versions of the flows that this actor may start, by key."""
    return [definition for definition in current_definitions(session) if may_start(definition, by)]


def may_start(definition: Definition, by: Actor) -> bool:
    if definition.process.start_event("") is None:
        return False  # messages and timers alone start it
    who = set(definition.config.start.who)
    return by == SYSTEM or ANYONE in who or bool(who & by.groups)


def _row(case_id: str, definition: Definition, started_by: str, now: datetime) -> NewRow:
    return {
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
