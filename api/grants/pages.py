"""机构业务授权 as units read it: the table, one grant with its people and its course, and what ending it would touch.

Every query is held to the caller's subtree.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.errors import Rejected
from api.edge.request_session import now
from api.edge.transactions import reads
from api.evidence.links import look_at_person
from api.grants.scope import grant_in_scope
from api.grants.shapes import (
    STATE_LABELS,
    GrantList,
    GrantPageOut,
    GrantQuery,
    PeopleQuery,
    changes_json,
    facts_json,
    holders_json,
    people_of,
    person_json,
    row_json,
)
from api.registers.units import scope_of
from bpmn.business_grant.running_changes import RunningChange, open_items_of_group, running_changes
from domain.grants.business import businesses, find_business
from domain.grants.grant import GrantState, find_grant, grant_of_case, granting_unit
from domain.grants.rows import GrantRow, counts_by_state, grant_rows
from domain.grants.tenure import Impact, impact, reserved_person
from domain.units.unit import subtree
from engine.queries.pages import work_item

grant_pages_api = APIBlueprint("grant_pages", __name__, url_prefix="/api/v1", tag="业务授权（行政单位）")


class BusinessOut(BaseModel):
    key: str
    name: str
    granted_by: str = Field(description="SUPERVISOR 为各机构的主管单位，否则为授权单位的代码")
    is_open: bool
    opens_at: datetime | None
    closes_at: datetime | None
    code_lifetime_days: int
    max_auxiliaries: int


class BusinessList(BaseModel):
    items: list[BusinessOut]


class CountsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    business: str = Field(max_length=40)


class CountOut(BaseModel):
    state: GrantState
    label: str
    count: int


class CountList(BaseModel):
    items: list[CountOut]


class TouchedPerson(BaseModel):
    person_id: str
    name: str | None = Field(description="打码")


class ImpactOut(BaseModel):
    manager: TouchedPerson | None
    auxiliaries: list[TouchedPerson]
    has_open_code: bool
    open_work_items: int = Field(description="该业务待办中，解除后无人可办的件数")
    running: list[str] = Field(description="正在进行的转移、添加、接管或激活")


@grant_pages_api.get("/businesses")
@reads()
@grant_pages_api.output(BusinessList)
@grant_pages_api.doc(summary="业务")
def list_businesses(session: Session, caller: Caller) -> dict[str, Any]:
    """可授权的业务及其规则。"""
    columns = ("key", "name", "granted_by", "opens_at", "closes_at", "code_lifetime_days", "max_auxiliaries")
    found = businesses(session)
    items = [{**{n: getattr(each, n) for n in columns}, "is_open": each.is_open(now())} for each in found]
    return {"items": items}


@grant_pages_api.get("/grants")
@reads()
@grant_pages_api.input(GrantQuery, location="query")
@grant_pages_api.output(GrantList)
@grant_pages_api.doc(summary="机构业务授权表")
def list_grants(session: Session, caller: Caller, query_data: GrantQuery) -> dict[str, Any]:
    """本单位和下级单位主管的机构在一项业务上的授权状态，按机构编码排列。"""
    units = scope_of(caller)
    if query_data.unit is not None:
        if query_data.unit not in units:
            raise Rejected("unit.outside_scope")
        units &= subtree(session, query_data.unit)
    find_business(session, query_data.business)
    found = grant_rows(
        session,
        units,
        query_data.business,
        name=query_data.name,
        state=query_data.state,
        category=query_data.category,
        page=query_data.page,
        size=query_data.size,
        cursor=query_data.cursor,
    )
    items = [row_json(row) for row in found.rows]
    return {
        "items": items,
        "total": found.total,
        "page": query_data.page,
        "size": query_data.size,
        "next": found.next,
    }


@grant_pages_api.get("/grants/counts")
@reads()
@grant_pages_api.input(CountsQuery, location="query")
@grant_pages_api.output(CountList)
@grant_pages_api.doc(summary="各状态的机构数")
def count_grants(session: Session, caller: Caller, query_data: CountsQuery) -> dict[str, Any]:
    """一项业务在本单位和下级单位的概况。"""
    counted = counts_by_state(session, scope_of(caller), query_data.business)
    items = [{"state": s, "label": label, "count": counted.get(s, 0)} for s, label in STATE_LABELS.items()]
    return {"items": items}


@grant_pages_api.get("/grants/<grant_id>")
@reads()
@grant_pages_api.input(PeopleQuery, location="query")
@grant_pages_api.output(GrantPageOut)
@grant_pages_api.doc(summary="一项授权")
def show_grant(session: Session, caller: Caller, grant_id: str, query_data: PeopleQuery) -> dict[str, Any]:
    """管理人、辅助管理员、经过，和正在进行的变更。"""
    return _shown(session, caller, grant_id, reveal=query_data.reveal)


@grant_pages_api.get("/cases/<case_id>/grant")
@reads()
@grant_pages_api.input(PeopleQuery, location="query")
@grant_pages_api.output(GrantPageOut)
@grant_pages_api.doc(summary="案件所办的授权")
def show_grant_of_case(session: Session, caller: Caller, case_id: str, query_data: PeopleQuery) -> dict[str, Any]:
    """确认本人、决定接管的待办由此知道是哪家机构、什么业务、谁在办理。只对进行中的任期。"""
    grant = grant_of_case(session, case_id)
    if grant is None:
        raise Rejected("grant.unknown")
    return _shown(session, caller, grant.id, reveal=query_data.reveal)


@grant_pages_api.get("/grants/<grant_id>/impact")
@reads()
@grant_pages_api.output(ImpactOut)
@grant_pages_api.doc(summary="解除授权会影响什么")
def show_impact(session: Session, caller: Caller, grant_id: str) -> dict[str, Any]:
    """解除前先看：管理人、辅助管理员、未办待办、正在进行的变更。"""
    grant_in_scope(session, caller, grant_id)
    return _impact_json(session, impact(session, grant_id))


def _shown(session: Session, caller: Caller, grant_id: str, *, reveal: bool) -> dict[str, Any]:
    row = grant_in_scope(session, caller, grant_id)
    running = [(change, _about(session, caller, change)) for change in running_changes(session, row.case_id)]
    shown = _page_json(session, caller, row, is_masked=not reveal)
    shown["running"] = [_running_json(session, change, about, is_masked=not reveal) for change, about in running]
    if reveal:
        people = {*people_of(session, grant_id, row.manager_person_id), *(about for _, about in running if about)}
        for person in people:
            look_at_person(caller, person)
    return shown


def _page_json(session: Session, caller: Caller, row: GrantRow, *, is_masked: bool) -> dict[str, Any]:
    grant = find_grant(session, row.grant_id)
    redeemer = reserved_person(session, row.grant_id)
    return {
        **row_json(row),
        "business": grant.business_key,
        "business_name": find_business(session, grant.business_key).name,
        "tenure": row.tenure,
        "case_id": row.case_id,
        "may_change": granting_unit(session, grant) in scope_of(caller),
        "redeemer": facts_json(session, redeemer, is_masked=is_masked) if redeemer else None,
        "holders": holders_json(session, row.grant_id, is_masked=is_masked),
        "changes": changes_json(session, row.grant_id),
        "is_masked": is_masked,
    }


def _about(session: Session, caller: Caller, change: RunningChange) -> str | None:
    """Whose turn it is, or whom the unit's own item is about: the frame of the called flow says that."""
    if change.person_id is not None or change.group not in caller.groups:
        return change.person_id
    seen = work_item(session, change.work_item_id, caller.actor).variables
    about = seen.get("asker") or seen.get("person")
    return str(about) if about else None


def _running_json(session: Session, change: RunningChange, about: str | None, *, is_masked: bool) -> dict[str, Any]:
    return {
        "element": change.element,
        "title": change.title,
        "is_units_turn": change.person_id is None,
        "person": facts_json(session, about, is_masked=is_masked) if about else None,
        "since": change.since,
        "due_at": change.due_at,
        "work_item_id": change.work_item_id,
    }


def _impact_json(session: Session, touched: Impact) -> dict[str, Any]:
    def person(person_id: str) -> dict[str, Any]:
        return {"person_id": person_id, "name": person_json(session, person_id, is_masked=True)["name"]}

    return {
        "manager": person(touched.manager_person_id) if touched.manager_person_id else None,
        "auxiliaries": [person(each) for each in touched.auxiliary_person_ids],
        "has_open_code": touched.has_open_code,
        "open_work_items": open_items_of_group(session, touched.group),
        "running": [each.title for each in running_changes(session, touched.case_id)],
    }
