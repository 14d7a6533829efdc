"""The units of 湖北省: a health commission for every county-level division, each with an institution of its own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.institutions.category import Category
from domain.institutions.institution import Institution, NewInstitution, admit_institution
from domain.units.divisions import PROVINCE, divisions, superior_division
from domain.units.unit import Unit, UnitLevel


def seed_units(session: Session, now: datetime) -> int:
    """Make the units that are missing, and the institution of every unit that has none; returns how many units it made.

    Units that exist are left as they are: names and contacts are edited by people.
    """
    known = set(session.scalars(select(Unit.code)))
    missing = [code for code in divisions() if code not in known]
    for code in sorted(missing, key=_depth):  # a unit's superior first
        session.add(Unit(code=code, name=_unit_name(code), level=_level(code), parent_code=superior_division(code)))
        session.flush()
    have_institution = select(Institution.unit_code).where(Institution.unit_code.is_not(None))
    for unit in session.scalars(select(Unit).where(Unit.code.not_in(have_institution)).order_by(Unit.code)).all():
        admit_unit(session, unit, now)
    return len(missing)


def admit_unit(session: Session, unit: Unit, now: datetime) -> Institution:
    """The institution a unit is: supervised by its superior (the province by itself), code division + 000000."""
    new = NewInstitution(
        name=unit.name,
        supervising_unit=unit.parent_code or unit.code,
        category=Category.HEALTH_COMMISSION,
        unit_code=unit.code,
    )
    return admit_institution(session, new, case_id=None, by=None, now=now)


def _level(code: str) -> UnitLevel:
    if code == PROVINCE:
        return UnitLevel.PROVINCE
    return UnitLevel.CITY if code.endswith("00") else UnitLevel.COUNTY


def _depth(code: str) -> tuple[int, str]:
    return list(UnitLevel).index(_level(code)), code


def _unit_name(code: str) -> str:
    """Province, cities and the counties directly below the province have a 委员会, other counties a 局."""
    is_local = _level(code) is UnitLevel.COUNTY and superior_division(code) != PROVINCE
    return divisions()[code] + ("卫生健康局" if is_local else "卫生健康委员会")
