"""Institutions as the staff of a unit look them up: those supervised within its scope, by code, in numbered or keyset pages."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from domain.institutions.category import Category
from domain.institutions.institution import Institution, InstitutionState
from domain.institutions.name import name_key
from domain.refused import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class InstitutionFilter:
    """units: codes of supervising units, never wider than the asker's scope.

    name: a part of it, compared as names are (width, brackets, 繁简, case); digits alone are the beginning of a code, too.
    """

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
    if cursor is None and name_key(wanted.name):
        found, total = _codes_and_total(session, condition, (page - 1) * size, size + 1)
    else:
        codes = select(Institution.code).where(condition).order_by(Institution.code).limit(size + 1)
        codes = codes.where(Institution.code > cursor) if cursor is not None else codes.offset((page - 1) * size)
        found, total = list(session.scalars(codes)), _total(session, condition)
    rows = session.scalars(select(Institution).where(Institution.code.in_(found[:size])).order_by(Institution.code))
    return InstitutionPage(tuple(rows), total, found[size - 1] if len(found) > size else None)


def count_by_unit(session: Session, units: frozenset[str]) -> dict[str, int]:
    """How many institutions each of these units supervises itself, removed ones aside; units without any are left out."""
    counted = (
        select(Institution.supervising_unit, func.count())
        .where(_condition(InstitutionFilter(units=units)))
        .group_by(Institution.supervising_unit)
    )
    return {code: count for code, count in session.execute(counted)}


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


def _total(session: Session, condition: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Institution).where(condition)) or 0


def _codes_and_total(
    session: Session, condition: ColumnElement[bool], skipped: int, limit: int
) -> tuple[list[str], int]:
    """Both from one pass: looking into 100,000 names costs more than anything else here, and the total looks into all."""
    codes = select(Institution.code, func.count().over()).where(condition).order_by(Institution.code)
    found = session.execute(codes.offset(skipped).limit(limit)).all()
    if not found and skipped:
        return [], _total(session, condition)
    return [code for code, _ in found], found[0][1] if found else 0


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
        is_sought: ColumnElement[bool] = Institution.name_key.contains(key, autoescape=True)
        if key.isascii() and key.isdecimal():
            is_sought |= Institution.code.startswith(key, autoescape=True)
        condition &= is_sought
    return condition
