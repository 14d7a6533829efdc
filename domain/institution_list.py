"""Institutions as the staff of a unit look them up: those supervised within its scope, by code, in numbered or keyset pages."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from domain.institution import Institution, InstitutionState
from domain.institution_category import Category
from domain.institution_name import name_key
from domain.refused import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class InstitutionFilter:
    """units: codes of supervising units, never wider than the asker's scope. name: a part of it. code: its beginning."""

    units: frozenset[str]
    name: str = ""
    category: Category | None = None
    state: InstitutionState | None = None


@dataclass(frozen=True, slots=True)
class InstitutionPage:
    """total: of all pages. next: cursor of the following page, None at the end."""

    items: tuple[Institution, ...]
    total: int
    next: str | None


def list_institutions(
    session: Session, wanted: InstitutionFilter, *, page: int = 1, size: int = 20, cursor: str | None = None
) -> InstitutionPage:
    """One page, in the order of institution codes. cursor: the `next` of the page before; it goes before `page`.

    Removed institutions are listed only where the filter asks for that state.
    """
    condition = _condition(wanted)
    total = session.scalar(select(func.count()).select_from(Institution).where(condition)) or 0
    rows = select(Institution).where(condition).order_by(Institution.code).limit(size + 1)
    rows = rows.where(Institution.code > cursor) if cursor is not None else rows.offset((page - 1) * size)
    found = tuple(session.scalars(rows))
    return InstitutionPage(found[:size], total, found[size - 1].code if len(found) > size else None)


def find_in_scope(
    session: Session, institution_id: str, scope: frozenset[str], *, for_update: bool = False
) -> Institution:
    """The institution, if a unit of this scope supervises it. Raises Refused("institution.unknown") for any other."""
    wanted = select(Institution).where(
        Institution.id == institution_id, Institution.supervising_unit.in_(sorted(scope))
    )
    found = session.scalar(wanted.with_for_update() if for_update else wanted)
    if found is None:
        raise Refused("institution.unknown", institution=institution_id)
    return found


def _condition(wanted: InstitutionFilter) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = Institution.supervising_unit.in_(sorted(wanted.units))
    if wanted.state is None:
        condition &= Institution.state != InstitutionState.REMOVED
    else:
        condition &= Institution.state == wanted.state
    if wanted.category is not None:
        condition &= Institution.category == wanted.category
    key = name_key(wanted.name)
    if key:
        condition &= Institution.name_key.contains(key, autoescape=True)
    return condition
