"""A small province for tests: 湖北省, 武汉市 with 武昌区, 黄石市; its staff and its institutions."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.accounts.account import Account
from domain.imports.unit_seed import admit_unit
from domain.institutions.category import Category
from domain.institutions.institution import Contact, NewInstitution, admit_institution
from domain.units.unit import Unit, UnitLevel
from storage.transactions import transaction
from tests.api.conftest import Person, Platform

PROVINCE, WUHAN, WUCHANG, HUANGSHI = "420000", "420100", "420106", "420200"
UNITS = (
    (PROVINCE, "湖北省卫生健康委员会", UnitLevel.PROVINCE, None),
    (WUHAN, "武汉市卫生健康委员会", UnitLevel.CITY, PROVINCE),
    (HUANGSHI, "黄石市卫生健康委员会", UnitLevel.CITY, PROVINCE),
    (WUCHANG, "武昌区卫生健康局", UnitLevel.COUNTY, WUHAN),
)


def seed_small_province(session: Session, platform: Platform) -> None:
    for code, name, level, parent in UNITS:
        unit = Unit(code=code, name=name, level=level, parent_code=parent)
        session.add(unit)
        session.flush()
        admit_unit(session, unit, platform.clock())


def a_province(platform: Platform) -> Platform:
    with transaction(platform.sessions) as session:
        seed_small_province(session, platform)
    return platform


def staff_of(platform: Platform, unit: str, name: str | None = None) -> Person:
    """Somebody who works for this unit and is in no other group."""
    name = name or f"staff{unit}"
    platform.staff(name, "nobody.else")
    with transaction(platform.sessions) as session:
        account = session.scalars(select(Account).where(Account.username == name)).one()
        account.unit_code = unit
    return platform.comes_back(name)


def an_institution(platform: Platform, name: str = "武昌仁爱医院", unit: str = WUCHANG, **facts: object) -> str:
    """The id of an institution this unit supervises."""
    values = {
        "category": Category.HOSPITAL,
        "address": "中南路 1 号",
        "contact": Contact("张三", "13800000001"),
        **facts,
    }
    with transaction(platform.sessions) as session:
        new = NewInstitution(name=name, supervising_unit=unit, **values)  # type: ignore[arg-type]
        return admit_institution(session, new, case_id=None, by=None, now=platform.clock()).id
