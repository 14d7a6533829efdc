"""A unit's table of grants: the institutions of its subtree with the state of one business, searched, counted, paged.

All conditions and the order are columns of `business_grant` and of one index each, so a page and its total read the index
alone, whatever the tree node; institution, unit and code are then looked up for the rows of the page only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from domain.grants.code import LIVE, GrantCode, data_owner, open_code
from domain.grants.grant import BusinessGrant, GrantState
from domain.institutions.institution import Institution, InstitutionState
from domain.institutions.name import name_key
from domain.units.unit import Unit
from storage import vault

MAX_SIZE = 100
MANY_UNITS = 40


@dataclass(frozen=True, slots=True)
class GrantRow:
    """code, code_expires_at: of a live code, ISSUED only. is_reserved: somebody is redeeming it right now."""

    grant_id: str
    institution_id: str
    institution_name: str
    institution_code: str
    confirmation_code: str | None
    institution_state: InstitutionState
    category: str
    supervising_unit: str
    supervising_unit_name: str
    state: GrantState
    tenure: int
    case_id: str | None
    manager_person_id: str | None
    code: str | None
    code_expires_at: datetime | None
    is_reserved: bool


@dataclass(frozen=True, slots=True)
class GrantRows:
    """One page. total: of all pages. next: cursor of the following page, None at the end."""

    rows: tuple[GrantRow, ...]
    total: int
    next: str | None


def grant_rows(
    session: Session,
    units: frozenset[str],
    business_key: str,
    *,
    name: str = "",
    state: GrantState | None = None,
    category: str | None = None,
    page: int = 1,
    size: int = 20,
    cursor: str | None = None,
) -> GrantRows:
    """The page of institutions supervised by one of `units`, by institution code; removed ones are in no unit's table.

    units: codes, those below included (`unit.subtree` of a tree node, within `unit_scope`). name: contained in the
    institution's name, compared as names are (width, brackets, 繁简, case); digits alone are the beginning of its code too.
    page: from 1; a cursor (`GrantRows.next`) takes its place. size: 1 to 100.
    """
    if not units:
        return GrantRows((), 0, None)
    wanted = [_within(session, units), *_conditions(business_key, name, state, category)]
    size = max(1, min(size, MAX_SIZE))
    skipped = 0 if cursor is not None else (max(1, page) - 1) * size
    if cursor is None and name_key(name):
        codes, total = _codes_and_total(session, wanted, skipped, size + 1)
    else:
        after = [BusinessGrant.institution_code > cursor] if cursor is not None else []
        codes, total = _codes(session, [*wanted, *after], skipped, size + 1), _total(session, wanted)
    rows = _rows(session, BusinessGrant.institution_code.in_(codes[:size]), BusinessGrant.business_key == business_key)
    return GrantRows(rows, total, codes[size - 1] if len(codes) > size else None)


def read_grant_row(session: Session, units: frozenset[str], grant_id: str) -> GrantRow | None:
    """One row as the table shows it; None where the grant is not these units' (or does not exist)."""
    found = _rows(session, BusinessGrant.id == grant_id, BusinessGrant.supervising_unit.in_(sorted(units)))
    return found[0] if found else None


def counts_by_state(session: Session, units: frozenset[str], business_key: str) -> dict[GrantState, int]:
    """How many institutions of these units stand in each state."""
    wanted = [_within(session, units), *_conditions(business_key, "", None, None)]
    rows = session.execute(select(BusinessGrant.state, func.count()).where(*wanted).group_by(BusinessGrant.state))
    return {GrantState(state): count for state, count in rows}


def _within(session: Session, units: frozenset[str]) -> ColumnElement[bool]:
    """Supervised by one of these units. For the whole province that is every listed row: no row is held against 120 codes."""
    if len(units) >= MANY_UNITS and units.issuperset(session.scalars(select(Unit.code))):
        return BusinessGrant.supervising_unit.is_not(None)
    return BusinessGrant.supervising_unit.in_(sorted(units))


def _conditions(
    business_key: str, name: str, state: GrantState | None, category: str | None
) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [BusinessGrant.business_key == business_key]
    sought = name_key(name)
    if sought.isascii() and sought.isdecimal():
        by_name = BusinessGrant.name_key.contains(sought, autoescape=True)
        wanted.append(by_name | BusinessGrant.institution_code.startswith(sought, autoescape=True))
    elif sought:
        wanted.append(BusinessGrant.name_key.contains(sought, autoescape=True))
    if state is not None:
        wanted.append(BusinessGrant.state == state)
    if category is not None:
        wanted.append(BusinessGrant.category == category)
    return wanted


def _codes(session: Session, wanted: list[ColumnElement[bool]], skipped: int, limit: int) -> list[str]:
    codes = select(BusinessGrant.institution_code).where(*wanted).order_by(BusinessGrant.institution_code)
    return list(session.scalars(codes.offset(skipped).limit(limit)))


def _total(session: Session, wanted: list[ColumnElement[bool]]) -> int:
    return session.scalar(select(func.count()).select_from(BusinessGrant).where(*wanted)) or 0


def _codes_and_total(
    session: Session, wanted: list[ColumnElement[bool]], skipped: int, limit: int
) -> tuple[list[str], int]:
    """Both from one pass: looking into 40,000 names costs more than anything else here, and the total looks into all."""
    codes = select(BusinessGrant.institution_code, func.count().over()).where(*wanted)
    found = session.execute(codes.order_by(BusinessGrant.institution_code).offset(skipped).limit(limit)).all()
    if not found and skipped:
        return [], _total(session, wanted)
    return [code for code, _ in found], found[0][1] if found else 0


def _rows(session: Session, *wanted: ColumnElement[bool]) -> tuple[GrantRow, ...]:
    found = session.execute(_shown().where(*wanted).order_by(BusinessGrant.institution_code))
    return tuple(_row(row) for row in found)


def _shown() -> Select[*tuple[Any, ...]]:  # Any: columns of five tables
    """Columns by the names GrantRow gives them, and what a code's text is made from."""
    key = vault.DataKey
    columns: Sequence[Any] = (
        BusinessGrant.id.label("grant_id"),
        Institution.id.label("institution_id"),
        Institution.name.label("institution_name"),
        Institution.code.label("institution_code"),
        Institution.confirmation_code,
        Institution.state.label("institution_state"),
        Institution.category,
        Institution.supervising_unit,
        Unit.name.label("supervising_unit_name"),
        BusinessGrant.state,
        BusinessGrant.tenure,
        BusinessGrant.case_id,
        BusinessGrant.manager_person_id,
        GrantCode.expires_at.label("code_expires_at"),
        GrantCode.reserved_by.is_not(None).label("is_reserved"),
        GrantCode.id.label("code_id"),
        GrantCode.sealed,
        key.wrapped,
    )
    wanted: Select[*tuple[Any, ...]] = select(*columns).select_from(BusinessGrant)
    return (
        wanted.join(Institution, Institution.id == BusinessGrant.institution_id)
        .join(Unit, Unit.code == Institution.supervising_unit)
        .outerjoin(GrantCode, (GrantCode.grant_id == BusinessGrant.id) & GrantCode.state.in_(LIVE))
        .outerjoin(key, (key.owner == "grant:" + BusinessGrant.id) & GrantCode.id.is_not(None))
    )


def _row(found: Any) -> GrantRow:  # Any: a row of `_shown`
    facts = found._asdict()
    code_id, sealed, wrapped = (facts.pop(name) for name in ("code_id", "sealed", "wrapped"))
    facts |= {"state": GrantState(found.state), "institution_state": InstitutionState(found.institution_state)}
    cipher = vault.current().unwrap(data_owner(found.grant_id), wrapped) if sealed is not None else None
    return GrantRow(**facts, code=open_code(cipher, code_id, sealed) if cipher is not None else None)
