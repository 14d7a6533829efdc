"""Units: the tree everybody chooses a supervising unit from, with the numbers of institutions for who acts for one."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.errors import Rejected
from api.edge.transactions import reads, writes
from domain.institutions.list import count_by_unit
from domain.units.unit import Unit, UnitLevel, find_unit, keep_unit_contact, subtree, unit_scope

units_api = APIBlueprint("units", __name__, url_prefix="/api/v1", tag="行政单位")


class UnitQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    mine: bool = Field(default=False, description="只列出我所代表的单位及其下级，并给出机构数")


class UnitOut(BaseModel):
    code: str = Field(description="6 位区划代码")
    name: str
    level: UnitLevel
    parent_code: str | None
    contact_name: str | None = Field(description="授权码等事宜咨询谁")
    contact_phone: str | None
    institutions: int | None = Field(default=None, description="直接主管的机构数；仅 mine")
    institutions_below: int | None = Field(default=None, description="连同下级单位主管的机构数；仅 mine")


class UnitList(BaseModel):
    items: list[UnitOut] = Field(description="按代码排列；parent_code 构成树")


class UnitContact(BaseModel):
    model_config = ConfigDict(extra="forbid")
    contact_name: str = Field(max_length=60)
    contact_phone: str = Field(max_length=30, pattern=r"^[0-9+\-() 转]*$", description="办公电话，可带分机")


@units_api.get("/units")
@reads()
@units_api.input(UnitQuery, location="query")
@units_api.output(UnitList)
@units_api.doc(summary="行政单位树")
def list_units(session: Session, caller: Caller, query_data: UnitQuery) -> dict[str, Any]:
    """全部行政单位，或（mine）我代表的单位及其下级。"""
    if not query_data.mine:
        units = session.scalars(select(Unit).order_by(Unit.code))
        return {"items": [_unit_json(unit) for unit in units]}
    scope = scope_of(caller)
    units = session.scalars(select(Unit).where(Unit.code.in_(sorted(scope))).order_by(Unit.code))
    return {"items": _counted(session, list(units), scope)}


@units_api.get("/units/<code>")
@reads()
@units_api.output(UnitOut)
@units_api.doc(summary="一个行政单位")
def show_unit(session: Session, caller: Caller, code: str) -> dict[str, Any]:
    """联系人即可咨询授权码等事宜的人。机构数只对代表该单位的人给出。"""
    unit = find_unit(session, code)
    if code not in unit_scope(caller.groups):
        return _unit_json(unit)
    below = subtree(session, code)
    units = session.scalars(select(Unit).where(Unit.code.in_(sorted(below))))
    return next(each for each in _counted(session, list(units), below) if each["code"] == code)


@units_api.put("/units/<code>/contact")
@writes()
@units_api.input(UnitContact)
@units_api.output(UnitOut)
@units_api.doc(summary="修改单位联系人")
def change_contact(session: Session, caller: Caller, code: str, json_data: UnitContact) -> dict[str, Any]:
    """只能修改本单位和下级单位的联系人。"""
    if code not in scope_of(caller):
        raise Rejected("unit.outside_scope")
    return _unit_json(keep_unit_contact(session, code, json_data.contact_name, json_data.contact_phone))


def scope_of(caller: Caller) -> frozenset[str]:
    """Codes of the units the caller acts for, never empty. Raises Rejected("unit.not_staff")."""
    scope = unit_scope(caller.groups)
    if not scope:
        raise Rejected("unit.not_staff")
    return scope


def _counted(session: Session, units: list[Unit], scope: frozenset[str]) -> list[dict[str, Any]]:
    own = count_by_unit(session, scope)
    below = {unit.code: own.get(unit.code, 0) for unit in units}
    for unit in sorted(units, key=lambda each: list(UnitLevel).index(each.level), reverse=True):  # counties first
        if unit.parent_code in below:
            below[unit.parent_code] += below[unit.code]
    return [
        {**_unit_json(unit), "institutions": own.get(unit.code, 0), "institutions_below": below[unit.code]}
        for unit in units
    ]


def _unit_json(unit: Unit) -> dict[str, Any]:
    plain = ("code", "name", "level", "parent_code", "contact_name", "contact_phone")
    return {name: getattr(unit, name) for name in plain}
