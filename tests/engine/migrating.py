"""Leave on a second version of its flow: the changed diagrams, the move and its way back, and what is kept of a case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from engine.flow.flow import Flow
from engine.model.definition import DefinitionId
from engine.model.tables import WAITING
from engine.operators.interventions import cancel_case
from engine.replay.migration.migrate import find_version, migrate_case, plan_migration, revert_migration
from engine.replay.migration.plan import MigrationPlan
from engine.replay.rebuild import verify_case
from engine.work_items.acts import save_draft
from tests.engine.conftest import ANALYST, NOW, REVIEWER, Store
from tests.engine.flows import LEAVE, a_flow
from tests.engine.rebuilding import rebuild

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def changed(*pairs: tuple[str, str]) -> Flow:
    bpmn = LEAVE
    for old, new in pairs:
        assert old in bpmn, old
        bpmn = bpmn.replace(old, new)
    return a_flow(bpmn)


RENAMED = (
    ('id="decide"', 'id="judge"'),
    ('Ref="decide"', 'Ref="judge"'),
    ("flowNodeRef>decide<", "flowNodeRef>judge<"),
)
WITH_SECOND = (
    (
        '<bpmn:sequenceFlow id="f4" sourceRef="decide" targetRef="record" />',
        """<bpmn:userTask id="second" name="复核"><bpmn:extensionElements><spiffworkflow:properties>
        <spiffworkflow:property name="form" value="decide" /></spiffworkflow:properties></bpmn:extensionElements>
        <bpmn:incoming>f4</bpmn:incoming><bpmn:outgoing>f4b</bpmn:outgoing></bpmn:userTask>
        <bpmn:sequenceFlow id="f4b" sourceRef="second" targetRef="record" />
        <bpmn:sequenceFlow id="f4" sourceRef="decide" targetRef="second" />""",
    ),
    (
        "<bpmn:incoming>f4</bpmn:incoming><bpmn:outgoing>f5</bpmn:outgoing>",
        "<bpmn:incoming>f4b</bpmn:incoming><bpmn:outgoing>f5</bpmn:outgoing>",
    ),
    ("<bpmn:flowNodeRef>decide<", "<bpmn:flowNodeRef>second</bpmn:flowNodeRef><bpmn:flowNodeRef>decide<"),
)


def version(store: Store, number: int) -> DefinitionId:
    with store.sessions() as session:
        return find_version(session, "leave", number)


def plan(store: Store, case_id: str, **elements: str) -> MigrationPlan:
    with store.sessions() as session:
        return plan_migration(session, case_id, version(store, 2), by=ANALYST, now=NOW + HOUR, elements=elements)


def migrate(store: Store, case_id: str, **elements: str) -> MigrationPlan:
    with store.writing() as session:
        return migrate_case(
            session, case_id, version(store, 2), by=ANALYST, reason="新版", now=NOW + HOUR, elements=elements
        )


def revert(store: Store, case_id: str, now: Any = NOW + 2 * HOUR) -> None:
    with store.writing() as session:
        revert_migration(session, case_id, by=ANALYST, reason="有误", now=now)


def rows(store: Store, case_id: str) -> list[dict[str, Any]]:
    """Everything of the case's open waits."""
    with store.sessions() as session:
        open_rows = select(WAITING).where(WAITING.c.case_id == case_id, WAITING.c.closed_at.is_(None))
        return [dict(row._mapping) for row in session.execute(open_rows.order_by(WAITING.c.id))]


def state(store: Store, case_id: str) -> bytes:
    with store.sessions() as session:
        return rebuild(session, case_id).canonical()


def claimed_with_draft(store: Store) -> str:
    case_id = store.case_at_review()
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER)
    with store.writing() as session:
        save_draft(session, item, by=REVIEWER, values={"opinion": "半句"}, now=NOW)
    return case_id


def is_sound(store: Store, case_id: str) -> bool:
    with store.sessions() as session:
        return verify_case(session, case_id).is_sound


def ended(store: Store, case_id: str) -> None:
    with store.writing() as session:
        cancel_case(session, case_id, by=ANALYST, reason="x", now=NOW)
