"""Three units and what is admitted to them, with defaults, for tests of the register of institutions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from domain.institutions.category import Category
from domain.institutions.editing import Editor
from domain.institutions.institution import Institution, NewInstitution, admit_institution
from domain.units.unit import Unit, UnitLevel

WUHAN, WUCHANG = "420100", "420106"
EDITOR = Editor(by="0" * 26, reason="来电更正", accepts_check=True)


def seed_units(session: Session) -> None:
    session.add(Unit(code="420000", name="湖北省卫生健康委员会", level=UnitLevel.PROVINCE))
    session.flush()
    session.add(Unit(code=WUHAN, name="武汉市卫生健康委员会", level=UnitLevel.CITY, parent_code="420000"))
    session.flush()
    session.add(Unit(code=WUCHANG, name="武昌区卫生健康局", level=UnitLevel.COUNTY, parent_code=WUHAN))
    session.flush()


def new(name: str = "武汉仁爱医院", unit: str = WUCHANG, **facts: object) -> NewInstitution:
    return NewInstitution(name=name, supervising_unit=unit, **{"category": Category.HOSPITAL, **facts})


def admit(session: Session, now: datetime, name: str = "武汉仁爱医院", **facts: object) -> Institution:
    return admit_institution(session, new(name, **facts), case_id=None, by=None, now=now)
