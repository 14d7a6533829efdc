"""Units: the health commissions of province, city and county. A tree; who acts for a unit acts for everything below it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from domain.refused import Refused
from storage.columns import Base

UNIT_GROUP = "unit:"


class UnitLevel(StrEnum):
    PROVINCE = "PROVINCE"
    CITY = "CITY"
    COUNTY = "COUNTY"


class Unit(Base):
    """code: six digits of GB/T 2260. contact: of the office, shown to everybody who has to ask for a grant code."""

    __tablename__ = "unit"
    __table_args__ = (
        CheckConstraint("(parent_code IS NULL) = (level = 'PROVINCE')", name="province_is_the_root"),
        Index("ix_unit_parent_code", "parent_code"),
    )

    code: Mapped[str] = mapped_column(String(6), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    level: Mapped[UnitLevel] = mapped_column(String(10))
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("unit.code"))
    contact_name: Mapped[str | None] = mapped_column(String(60))
    contact_phone: Mapped[str | None] = mapped_column(String(30))


def find_unit(session: Session, code: str) -> Unit:
    """Raises Refused("unit.unknown")."""
    unit = session.get(Unit, code)
    if unit is None:
        raise Refused("unit.unknown", unit=code)
    return unit


def parent_of(session: Session, code: str) -> Unit | None:
    """The superior unit, None for the province. Raises Refused("unit.unknown")."""
    parent_code = find_unit(session, code).parent_code
    return session.get(Unit, parent_code) if parent_code else None


def subtree(session: Session, code: str) -> frozenset[str]:
    """The unit's code and those of every unit below it; empty for an unknown unit."""
    return subtrees(session, [code])


def subtrees(session: Session, codes: Iterable[str]) -> frozenset[str]:
    """The codes of these units and of every unit below one of them, in one statement."""
    wanted = sorted(set(codes))
    if not wanted:
        return frozenset()
    reached = select(Unit.code).where(Unit.code.in_(wanted)).cte("reached", recursive=True)
    below = aliased(Unit)
    reached = reached.union(select(below.code).join(reached, below.parent_code == reached.c.code))
    return frozenset(session.scalars(select(reached.c.code)))


def unit_scope(groups: frozenset[str]) -> frozenset[str]:
    """The codes of the units somebody with these groups acts for; empty for everybody else."""
    return frozenset(group.removeprefix(UNIT_GROUP) for group in groups if group.startswith(UNIT_GROUP))


def unit_group(code: str) -> str:
    """The group of those who act for this unit."""
    return UNIT_GROUP + code


def keep_unit_contact(session: Session, code: str, name: str, phone: str) -> Unit:
    """Whom to ask at this unit from now on; "" for nobody. Raises Refused("unit.unknown")."""
    unit = find_unit(session, code)
    unit.contact_name, unit.contact_phone = name.strip() or None, phone.strip() or None
    session.flush()
    return unit
