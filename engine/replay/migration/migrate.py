"""Moving running cases to another version: planned first, carried out as an input, taken back exactly.

Rows of waits that go on keep their id, claim and draft. What a migration changed or closed in rows is kept, encrypted with
the case's data key, so that taking it back gives it back.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import orjson
from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.orm import Session

from engine.actors import Actor
from engine.cases import sync
from engine.cases.case import OpenCase, open_case
from engine.cases.journal import BrokenChain
from engine.deployment.deploy import DEFINITION, Definition, find_definition
from engine.errors import Conflict, NotFound
from engine.inputs import CaseMigrated
from engine.model.definition import DefinitionId
from engine.model.instance import Activity, CaseState
from engine.model.migration import CaseMigration
from engine.model.tables import CASE, WAITING
from engine.model.waiting_row import WorkItemState
from engine.replay.carry_over import Walk, renamed
from engine.replay.migration.plan import MigrationPlan, Misfit, is_same_wait, plan_of
from engine.replay.rebuild import case_row, read_inputs, walked
from storage import vault

MIGRATION = cast(Table, CaseMigration.__table__)
ACTIVITY = cast(Table, Activity.__table__)

Row = dict[str, Any]  # Any: column values
# What the diagram says of a wait that goes on; the rest of its row is people's and workers' own.
_DRAWN = ("address", "element", "due_at", "group_name", "is_shared", "priority", "form", "facet", "not_by")
_DRAWN_TOO = ("message", "correlation", "code", "note")
_HELD = ("state", "assignee", "claimed_at")


def find_version(session: Session, flow_key: str, version: int) -> DefinitionId:
    """Raises NotFound("definition.unknown")."""
    wanted = select(DEFINITION.c.id).where(DEFINITION.c.flow_key == flow_key, DEFINITION.c.version == version)
    found = session.execute(wanted).scalar()
    if found is None:
        raise NotFound("definition.unknown", flow=flow_key, version=version)
    return DefinitionId(found)


def cases_to_migrate(
    session: Session,
    flow_key: str,
    to: DefinitionId,
    *,
    from_version: int | None = None,
    standing_at: str | None = None,
    limit: int = 10_000,
) -> list[str]:
    """Running cases of the flow that are not on `to`, oldest first: of one version, or at one element."""
    wanted = select(CASE.c.id).where(
        CASE.c.flow_key == flow_key, CASE.c.state == CaseState.RUNNING, CASE.c.definition_id != to
    )
    if from_version is not None:
        wanted = wanted.where(CASE.c.definition_id == find_version(session, flow_key, from_version))
    if standing_at is not None:
        here = (WAITING.c.case_id == CASE.c.id) & (WAITING.c.element == standing_at) & WAITING.c.closed_at.is_(None)
        wanted = wanted.where(select(WAITING.c.id).where(here).exists())
    return list(session.execute(wanted.order_by(CASE.c.id).limit(limit)).scalars())


def plan_migration(
    session: Session, case_id: str, to: DefinitionId, *, by: Actor, now: datetime, elements: Mapping[str, str]
) -> MigrationPlan:
    """What moving the case would do. elements: renamed elements, old id → new id. Writes nothing.

    Raises NotFound("case.unknown" | "definition.unknown"), Conflict("migration.other_flow" | "migration.same_version" |
    "migration.unknown_element").
    """
    row = case_row(session, case_id)
    old, new = find_definition(session, DefinitionId(row.definition_id)), find_definition(session, to)
    _refuse_impossible(old, new, elements)
    given = CaseMigrated(
        at=now,
        by=by.id,
        from_definition=old.id,
        to_definition=new.id,
        elements=dict(elements),
        settings=dict(new.config.settings),
    )
    return _planned(session, row, given, old, new)


def migrate_case(
    session: Session,
    case_id: str,
    to: DefinitionId,
    *,
    by: Actor,
    reason: str,
    now: datetime,
    elements: Mapping[str, str] | None = None,
) -> MigrationPlan:
    """Move the case. Raises Conflict("case.does_not_fit") and what plan_migration() raises."""
    with open_case(session, case_id, now=now) as case:
        plan = plan_migration(session, case_id, to, by=by, now=case.instant, elements=elements or {})
        _carry_out(case, plan, reason)
    return plan


def revert_migration(session: Session, case_id: str, *, by: Actor, reason: str, now: datetime) -> MigrationPlan:
    """Take the case's last migration back: where nothing came in since, it is exactly what it was.

    What came in since is given to the old version. Raises NotFound("migration.none"), Conflict("case.does_not_fit").
    """
    with open_case(session, case_id, now=now) as case:
        done = session.execute(
            select(MIGRATION)
            .where(MIGRATION.c.case_id == case_id, MIGRATION.c.reverted_by_seq.is_(None))
            .order_by(MIGRATION.c.seq.desc())
        ).first()
        if done is None:
            raise NotFound("migration.none", case=case_id)
        old, new = case.definition, find_definition(session, DefinitionId(done.from_definition_id))
        given = CaseMigrated(
            at=case.instant,
            by=by.id,
            from_definition=old.id,
            to_definition=new.id,
            elements={after: before for before, after in json.loads(done.elements).items()},
            settings=dict(new.config.settings),
            reverts=done.seq,
        )
        plan = _planned(session, case_row(session, case_id), given, old, new)
        _carry_out(case, plan, reason, _opened_rows(case.cipher.decrypt(done.kept, _context(done.seq))))
        mark = update(MIGRATION).where(
            MIGRATION.c.case_id == case_id, MIGRATION.c.seq.in_((done.seq, case.revision + 1))
        )
        session.execute(mark.values(reverted_by_seq=case.revision + 1))
    return plan


def _refuse_impossible(old: Definition, new: Definition, elements: Mapping[str, str]) -> None:
    if old.flow_key != new.flow_key:
        raise Conflict("migration.other_flow", flow=old.flow_key, found=new.flow_key)
    if old.id == new.id:
        raise Conflict("migration.same_version", version=new.version)
    unknown = [name for name in elements if name not in old.process.elements]
    unknown += [name for name in elements.values() if name not in new.process.elements]
    if unknown or len(set(elements.values())) < len(elements):
        raise Conflict("migration.unknown_element", elements=", ".join(unknown or elements.values()))


def _planned(session: Session, row: Any, given: CaseMigrated, old: Definition, new: Definition) -> MigrationPlan:
    def no(code: str) -> MigrationPlan:
        return MigrationPlan(row.case_id, old.version, new.version, (Misfit(code),))

    if row.wrapped is None:
        return no("case.erased")
    if row.case_state == CaseState.SUSPENDED:
        return no("case.suspended")
    if row.case_state != CaseState.RUNNING:
        return no("case.ended")
    try:
        walk: Walk = walked(session, row.definition_id, read_inputs(session, row.case_id))
    except (BrokenChain, vault.Tampered):
        return no("case.broken")
    return plan_of(row.case_id, walk, given, old, new)


def _carry_out(case: OpenCase, plan: MigrationPlan, reason: str, given_back: Sequence[Row] = ()) -> None:
    """given_back: rows as they were before the migration that is taken back."""
    if plan.course is None or plan.given is None:
        first = plan.misfits[0]
        raise Conflict("case.does_not_fit", case=case.id, why=first.code, element=first.element, seq=first.seq)
    given = replace(plan.given, reason=reason)
    old = case.live.waits
    case.machine = plan.course.machine
    case.definition = find_definition(case.session, DefinitionId(given.to_definition))
    case.inputs.append(given)
    case.activities.extend(event for _, event in plan.course.activities)
    case.variables_before = {}
    kept = _move_rows(case, given, old)
    _give_back(case, given_back)
    case.session.execute(delete(ACTIVITY).where(ACTIVITY.c.case_id == case.id))
    case.session.execute(update(CASE).where(CASE.c.id == case.id).values(definition_id=given.to_definition))
    _keep(case, given, kept)


def _move_rows(case: OpenCase, given: CaseMigrated, old: Mapping[str, Any]) -> list[Row]:
    """Rows that go on are brought up to date; those the step will close stay. Returns what they were before."""
    new = case.live.waits
    step = sync.Step(
        case_id=case.id,
        definition=case.definition,
        started_by=case.started_by,
        now=case.now,
        before={},
        after=new,
        inputs=case.inputs,
        variables=case.live.variables,
        view_of=case.live.view_of,
    )
    drawn = {row["address"]: row for row in sync.changed_waits(step)[1]}
    is_open = (WAITING.c.case_id == case.id) & WAITING.c.closed_at.is_(None)
    rows = {row.address: dict(row._mapping) for row in case.session.execute(select(WAITING).where(is_open))}
    kept: list[Row] = []
    changes: list[tuple[str, Row]] = []
    case.waits_before = {}
    for address, wait in old.items():
        place = renamed(address, given.elements)
        after = new.get(place)
        row = rows.get(address)
        if row is None or after is None or not is_same_wait(wait, after):
            case.waits_before[address] = wait
            kept += [row] if row is not None else []
            continue
        case.waits_before[place] = after
        changed = _changed(row, drawn[place])
        if changed:
            kept.append({"id": row["id"], **{name: row[name] for name in changed}})
            changes.append((row["id"], changed))
    _change_rows(case.session, changes)
    return kept


def _changed(row: Row, drawn: Row) -> Row:
    """Columns to set in the row of a wait that goes on. A claim does not go along to another group."""
    found = {name: drawn[name] for name in (*_DRAWN, *_DRAWN_TOO) if drawn[name] != row[name]}
    if "group_name" in found:
        found |= {"state": WorkItemState.OPEN, "assignee": drawn["assignee"], "claimed_at": None}
    return found


def _change_rows(session: Session, changes: Sequence[tuple[str, Row]]) -> None:
    """Addresses may change places: each row leaves its own before any takes a new one."""
    for row_id, changed in changes:
        if "address" in changed:
            session.execute(update(WAITING).where(WAITING.c.id == row_id).values(address=f"~{row_id}"))
    for row_id, changed in changes:
        session.execute(update(WAITING).where(WAITING.c.id == row_id).values(changed))


def _give_back(case: OpenCase, kept: Sequence[Row]) -> None:
    """Rows the migration closed open again where the case waits there again; claims it ended are claims again."""
    waits = case.live.waits
    for row in kept:
        here = update(WAITING).where(WAITING.c.id == row["id"])
        if "case_id" not in row:  # it went on, with changes; _move_rows has set back what is drawn
            held = {name: row[name] for name in _HELD if name in row}
            if held:
                case.session.execute(here.where(WAITING.c.closed_at.is_(None)).values(held))
        elif row["address"] in waits and row["address"] not in case.waits_before:
            case.session.execute(here.values({name: value for name, value in row.items() if name != "id"}))
            case.waits_before[row["address"]] = waits[row["address"]]


def _keep(case: OpenCase, given: CaseMigrated, kept: list[Row]) -> None:
    seq = case.revision + 1
    values = {
        "case_id": case.id,
        "seq": seq,
        "from_definition_id": given.from_definition,
        "to_definition_id": given.to_definition,
        "elements": json.dumps(dict(given.elements)),
        "at": given.at,
        "by": given.by,
        "reason": given.reason,
        "kept": case.cipher.encrypt(_sealed_rows(kept), _context(seq)),
        "reverted_by_seq": None,
    }
    case.session.execute(insert(MIGRATION).values(values))


def _sealed_rows(rows: list[Row]) -> bytes:
    def plain(value: Any) -> Any:
        return {"base64": b64encode(value).decode()} if isinstance(value, bytes) else value

    return orjson.dumps([{name: plain(value) for name, value in row.items()} for row in rows])


def _opened_rows(content: bytes) -> list[Row]:
    def read(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return b64decode(value["base64"])
        if isinstance(value, str) and (name.endswith("_at") or name == "lease_until"):
            return datetime.fromisoformat(value)
        return value

    return [{name: read(name, value) for name, value in row.items()} for row in orjson.loads(content)]


def _context(seq: int) -> bytes:
    return b"migration:%d" % seq
