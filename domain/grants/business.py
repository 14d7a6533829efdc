"""Businesses: what institutions are granted, for example 护士执业资格考试报名审核."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.refused import Refused
from domain.units.unit import find_unit
from storage.columns import Base, UtcTime

SUPERVISOR = "SUPERVISOR"  # granted by each institution's own supervising unit and the units above it
UNIT_ADMINISTRATION = "unit_administration"


class Business(Base):
    """granted_by: `SUPERVISOR` or the 6-digit code of the one unit that grants it. opens_at, closes_at: when codes are
    issued and redeemed and `check_grant` says yes; None: not limited on that side. code_notice_days: how long before a
    code expires its unit is told.
    """

    __tablename__ = "business"
    __table_args__ = (
        CheckConstraint("code_lifetime_days BETWEEN 1 AND 366", name="code_lifetime"),
        CheckConstraint("max_auxiliaries BETWEEN 0 AND 50", name="auxiliaries"),
    )

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    granted_by: Mapped[str] = mapped_column(String(10), default=SUPERVISOR)
    opens_at: Mapped[datetime | None] = mapped_column(UtcTime)
    closes_at: Mapped[datetime | None] = mapped_column(UtcTime)
    code_lifetime_days: Mapped[int] = mapped_column(default=30)
    code_notice_days: Mapped[int] = mapped_column(default=3)
    max_auxiliaries: Mapped[int] = mapped_column(default=5)
    created_at: Mapped[datetime] = mapped_column(UtcTime)

    def is_open(self, now: datetime) -> bool:
        return (self.opens_at is None or self.opens_at <= now) and (self.closes_at is None or now < self.closes_at)

    @property
    def code_lifetime(self) -> timedelta:
        return timedelta(days=self.code_lifetime_days)


@dataclass(frozen=True, slots=True)
class SeededBusiness:
    key: str
    name: str


SEEDED = (
    SeededBusiness(UNIT_ADMINISTRATION, "机构管理"),
    SeededBusiness("nurse_exam_review", "护士执业资格考试报名审核"),
    SeededBusiness("title_exam_review", "卫生专业技术资格考试报名审核"),
)


def find_business(session: Session, key: str) -> Business:
    """Raises Refused("business.unknown")."""
    business = session.get(Business, key)
    if business is None:
        raise Refused("business.unknown", business=key)
    return business


def businesses(session: Session) -> list[Business]:
    """All of them, by name."""
    return list(session.scalars(select(Business).order_by(Business.name)))


def business_group(business_key: str, institution_id: str) -> str:
    """The group of those who work in this business for this institution: `business:<business>:<institution id>`."""
    return f"business:{business_key}:{institution_id}"


def refuse_closed_business(business: Business, now: datetime) -> None:
    """Raises Refused("grant.business_closed") outside the open period."""
    if not business.is_open(now):
        raise Refused("grant.business_closed", business=business.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessTerms:
    """What is to be different of a business; None: stays as it is. is_unlimited: open without beginning or end."""

    name: str | None = None
    granted_by: str | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    is_unlimited: bool = False
    code_lifetime_days: int | None = None
    code_notice_days: int | None = None
    max_auxiliaries: int | None = None


_LIMITS = {"code_lifetime_days": (1, 366), "code_notice_days": (0, 366), "max_auxiliaries": (0, 50)}


def set_business(session: Session, key: str, terms: BusinessTerms, now: datetime) -> Business:
    """The business under these terms, made where there is none (then `grant_roll.enrol` gives institutions its rows).

    Raises Refused: "business.key_form" (lower-case letters, digits, _), "business.name_required" for a new one,
    "business.out_of_range" (facts `what`, `least`, `most`), "business.period" (closes before it opens), "unit.unknown".
    Codes that are out keep the lifetime they were issued with.
    """
    business = session.get(Business, key)
    if business is None:
        if not re.fullmatch("[a-z][a-z0-9_]{1,39}", key):
            raise Refused("business.key_form")
        if not terms.name:
            raise Refused("business.name_required")
        business = Business(key=key, name=terms.name, created_at=now)
        session.add(business)
    if terms.granted_by not in (None, SUPERVISOR):
        find_unit(session, terms.granted_by)
    _refuse_out_of_range(terms)
    for column in ("name", "granted_by", *_LIMITS):
        value = getattr(terms, column)
        if value is not None:
            setattr(business, column, value)
    _set_period(business, terms)
    session.flush()
    return business


def _refuse_out_of_range(terms: BusinessTerms) -> None:
    for what, (least, most) in _LIMITS.items():
        value = getattr(terms, what)
        if value is not None and not least <= value <= most:
            raise Refused("business.out_of_range", what=what, least=least, most=most)


def _set_period(business: Business, terms: BusinessTerms) -> None:
    opens_at = None if terms.is_unlimited else terms.opens_at or business.opens_at
    closes_at = None if terms.is_unlimited else terms.closes_at or business.closes_at
    if opens_at is not None and closes_at is not None and closes_at <= opens_at:
        raise Refused("business.period")
    business.opens_at, business.closes_at = opens_at, closes_at


def seed_businesses(session: Session, now: datetime) -> list[str]:
    """Make the businesses the platform comes with; keys of those that were missing. Existing ones stay as they are."""
    known = set(session.scalars(select(Business.key)))
    missing = [seeded for seeded in SEEDED if seeded.key not in known]
    session.add_all(Business(key=seeded.key, name=seeded.name, created_at=now) for seeded in missing)
    session.flush()
    return [seeded.key for seeded in missing]
