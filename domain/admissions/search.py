"""What somebody finds who looks for an institution before applying: the library, and applications that are pending or rejected.

Only what stands in the open is read; who applied, phones and opinions are not among it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, func, literal, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from domain.accounts.account import Account
from domain.admissions.record import STATE_LABELS, ApplicationRecord, ApplicationState
from domain.institutions.category import Category
from domain.institutions.institution import Institution, InstitutionState
from domain.institutions.name import name_key
from domain.refused import Refused
from domain.units.unit import Unit, parent_of, subtree

SHORTEST_NAME = 2
LIBRARY, APPLICATION = "library", "application"
LIBRARY_LABELS: dict[InstitutionState, str] = {
    InstitutionState.ADMITTED: "已收录",
    InstitutionState.SUSPENDED: "已停用",
    InstitutionState.REMOVED: "已移除",
}
_SHOWN = (ApplicationState.PENDING, ApplicationState.RETURNED, ApplicationState.REJECTED)


@dataclass(frozen=True, slots=True)
class FoundInstitution:
    """One line: an institution of the library, or an application. id: the institution's or the case's."""

    id: str
    kind: str
    name: str
    unit: str
    category: Category
    state: str
    since: datetime

    @property
    def state_label(self) -> str:
        if self.kind == LIBRARY:
            return LIBRARY_LABELS[InstitutionState(self.state)]
        return STATE_LABELS[ApplicationState(self.state)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after the line of this id, or so many lines into the list."""

    after: str | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class FoundPage:
    """total: lines in all. next: id to go on after, None at the end."""

    items: tuple[FoundInstitution, ...] = field(default=())
    total: int = 0
    next: str | None = None


def search_admissions(session: Session, *, unit: str | None, name: str, place: Place, size: int) -> FoundPage:
    """Newest first. unit: supervised by it or by a unit below it. name: a part of it, as it may be written.

    Raises Refused("admission.nothing_sought") without a unit and with fewer than two characters of a name,
    Refused("unit.unknown").
    """
    key = name_key(name)
    if unit is None and len(key) < SHORTEST_NAME:
        raise Refused("admission.nothing_sought")
    units = _supervisors(session, unit) if unit is not None else None
    library, applications = _library(units, key), _applications(units, key)
    total = sum(
        session.scalar(select(func.count()).select_from(lines.subquery())) or 0 for lines in (library, applications)
    )
    found = union_all(*(_head(lines, place, size) for lines in (library, applications))).subquery()
    wanted = select(found, Unit.name.label("unit_name")).join(Unit, Unit.code == found.c.unit)
    rows = session.execute(wanted.order_by(found.c.id.desc()).offset(place.offset).limit(size + 1)).all()
    items = tuple(
        FoundInstitution(row.id, row.kind, row.name, row.unit_name, Category(row.category), row.state, row.since)
        for row in rows[:size]
    )
    return FoundPage(items, total, items[-1].id if len(rows) > size else None)


@dataclass(frozen=True, slots=True)
class OwnPage:
    """total: applications in all. next: case id to go on after, None at the end."""

    items: tuple[ApplicationRecord, ...]
    total: int
    next: str | None


def applications_of(session: Session, accounts: Collection[str], *, place: Place, size: int) -> OwnPage:
    """Every application these accounts handed in, the newest first."""
    own = ApplicationRecord.account_id.in_(list(accounts))
    total = session.scalar(select(func.count()).where(own).select_from(ApplicationRecord)) or 0
    wanted = select(ApplicationRecord).where(own)
    if place.after is not None:
        wanted = wanted.where(ApplicationRecord.case_id < place.after)
    newest = wanted.order_by(ApplicationRecord.case_id.desc()).offset(place.offset).limit(size + 1)
    records = tuple(session.scalars(newest))
    return OwnPage(records[:size], total, records[size - 1].case_id if len(records) > size else None)


def applications_among(
    session: Session, case_ids: Collection[str], accounts: Collection[str]
) -> list[ApplicationRecord]:
    """Those of the cases that one of the accounts handed in."""
    if not case_ids or not accounts:
        return []
    own = ApplicationRecord.account_id.in_(list(accounts))
    return list(session.scalars(select(ApplicationRecord).where(ApplicationRecord.case_id.in_(list(case_ids)), own)))


def accounts_of_same_phone(session: Session, account_id: str) -> frozenset[str]:
    """The account, and every other one that proved the same phone (WeChat and portal)."""
    phone_hash = session.scalar(select(Account.phone_hash).where(Account.id == account_id))
    if phone_hash is None:
        return frozenset({account_id})
    return frozenset(session.scalars(select(Account.id).where(Account.phone_hash == phone_hash))) | {account_id}


def _supervisors(session: Session, unit: str) -> frozenset[str] | None:
    """The unit and those below it; None for the province, below which is everything."""
    return subtree(session, unit) if parent_of(session, unit) is not None else None


def _library(units: frozenset[str] | None, key: str) -> Select[*tuple[Any, ...]]:
    lines: Select[*tuple[Any, ...]] = select(
        literal(LIBRARY, String).label("kind"),
        Institution.id.label("id"),
        Institution.name.label("name"),
        Institution.supervising_unit.label("unit"),
        Institution.category.label("category"),
        Institution.state.label("state"),
        Institution.admitted_at.label("since"),
    )
    return lines.where(*_sought(Institution.supervising_unit, Institution.name_key, units, key))


def _applications(units: frozenset[str] | None, key: str) -> Select[*tuple[Any, ...]]:
    record = ApplicationRecord
    lines: Select[*tuple[Any, ...]] = select(
        literal(APPLICATION, String).label("kind"),
        record.case_id.label("id"),
        record.name.label("name"),
        record.supervising_unit.label("unit"),
        record.category.label("category"),
        record.state.label("state"),
        record.changed_at.label("since"),
    )
    return lines.where(record.state.in_(_SHOWN), *_sought(record.supervising_unit, record.name_key, units, key))


def _head(lines: Select[*tuple[Any, ...]], place: Place, size: int) -> Select[*tuple[Any, ...]]:
    """As many of the newest lines as the page can need, read backwards along the primary key: the rest is never sorted."""
    own = lines.subquery()
    head: Select[*tuple[Any, ...]] = select(own).order_by(own.c.id.desc()).limit(place.offset + size + 1)
    head = head if place.after is None else head.where(own.c.id < place.after)
    return select(head.subquery())


def _sought(
    unit: InstrumentedAttribute[str], name: InstrumentedAttribute[str], units: frozenset[str] | None, key: str
) -> list[ColumnElement[bool]]:
    sought: list[ColumnElement[bool]] = []
    if units is not None:
        sought.append(unit.in_(sorted(units)))
    if key:
        sought.append(name.contains(key, autoescape=True))
    return sought
