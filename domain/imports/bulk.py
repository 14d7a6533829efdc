"""Admitting many institutions at once, as an import does: what admit_institution() writes, with few statements for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from domain.grants.overview import enrol_new
from domain.institutions.clues import NameClue, clue_rows
from domain.institutions.history import Change, InstitutionChangeKind, data_owner, note_change
from domain.institutions.institution import (
    Institution,
    InstitutionNumber,
    NewInstitution,
    prepared_institution,
    seal_contact,
)
from storage import vault

INSTITUTION = cast(Table, Institution.__table__)


def admit_institutions(
    session: Session, new: Sequence[NewInstitution], *, by: str, reason: str, now: datetime
) -> list[str]:
    """Their ids, in order. None of them a unit's own; names and credit codes all different and, as far as seen, free.

    Raises what admit_institution() raises of values, and IntegrityError where another transaction was first: the caller's
    savepoint takes everything back, and it admits them one by one.
    """
    institutions = [prepared_institution(each, None, now) for each in new]
    if not institutions:
        return []
    codes = _codes(session, Counter(each.supervising_unit for each in new))
    ciphers = vault.current().create_data_keys(session, [data_owner(each.id) for each in institutions], now)
    for institution, typed in zip(institutions, new, strict=True):
        institution.code = codes[typed.supervising_unit].pop(0)
        if typed.contact is not None:
            seal_contact(institution, typed.contact, ciphers[data_owner(institution.id)])
    session.execute(insert(INSTITUTION), [_row(each) for each in institutions])
    session.execute(insert(NameClue), [row for each in institutions for row in clue_rows(each.id, each.name)])
    enrol_new(session.connection(), institutions)
    for institution in institutions:
        cipher = ciphers[data_owner(institution.id)]
        note_change(session, institution.id, InstitutionChangeKind.ADMITTED, Change(by, reason), cipher, now)
    return [each.id for each in institutions]


def _codes(session: Session, wanted: Counter[str]) -> dict[str, list[str]]:
    """The next running numbers of each division; rows are locked in the order of their codes, so nobody waits in a circle."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    codes = {}
    for division in sorted(wanted):
        first = dialect.insert(InstitutionNumber).values(division=division, last=wanted[division])
        counted = first.on_conflict_do_update(
            index_elements=[InstitutionNumber.division], set_={"last": InstitutionNumber.last + wanted[division]}
        ).returning(InstitutionNumber.last)
        last = session.execute(counted).scalar_one()
        codes[division] = [f"{division}{number:06d}" for number in range(last - wanted[division] + 1, last + 1)]
    return codes


def _row(institution: Institution) -> dict[str, Any]:  # Any: column values
    return {column.name: getattr(institution, column.name) for column in INSTITUTION.columns}
