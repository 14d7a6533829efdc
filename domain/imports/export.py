"""The registers of a subtree as an import takes them: read batch by batch, people masked.

What comes out goes in again: a row that nobody changed changes nothing, and what is masked stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import IO, Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from domain.grants.business import Business
from domain.grants.grant import BusinessGrant, GrantState
from domain.imports.workbook import INSTITUTIONS, MANAGERS, SHEETS, UNITS, Sheet, WorkbookWriter
from domain.institutions import history as institution_history
from domain.institutions.category import CATEGORY_LABELS
from domain.institutions.institution import Institution, InstitutionState
from domain.persons import person
from domain.persons.person import Person
from domain.persons.privacy import mask_document_number, mask_name, mask_phone
from domain.units.unit import Unit
from storage import vault

BATCH = 1_000
Cells = dict[str, str | None]
_KEY = vault.DataKey


def write_register(session: Session, units: frozenset[str], file: IO[bytes]) -> int:
    """Write the workbook of these units, what they supervise and who manages it; returns how many rows it has."""
    writer = WorkbookWriter()
    for sheet in SHEETS:
        writer.open(sheet)
    rows = 0
    for sheet, cells in register_rows(session, units):
        writer.add(sheet, cells)
        rows += 1
    writer.save(file)
    return rows


def register_rows(session: Session, units: frozenset[str]) -> Iterator[tuple[Sheet, Cells]]:
    """Units, then institutions by code (a unit's own are with the units; removed ones are left out), then managers."""
    for unit in session.scalars(select(Unit).where(Unit.code.in_(sorted(units))).order_by(Unit.code)):
        yield UNITS, _unit(unit)
    for row in _by_code(session, _institutions(units), Institution.code):
        yield INSTITUTIONS, _institution(row)
    for row in _by_code(session, _managers(units), BusinessGrant.id):
        yield MANAGERS, _manager(row)


def _by_code(session: Session, wanted: Select[*tuple[Any, ...]], key: Any) -> Iterator[Any]:  # Any: rows, a column
    """Keyset batches: memory stays flat, and a slow reader holds no cursor open."""
    after = ""
    while found := session.execute(wanted.where(key > after).order_by(key).limit(BATCH)).all():
        yield from found
        after = found[-1].cursor


def _institutions(units: frozenset[str]) -> Select[*tuple[Any, ...]]:
    columns: Sequence[Any] = (Institution, Institution.code.label("cursor"), _KEY.wrapped)
    wanted: Select[*tuple[Any, ...]] = select(*columns)
    return wanted.outerjoin(_KEY, _KEY.owner == "institution:" + Institution.id).where(
        Institution.supervising_unit.in_(sorted(units)),
        Institution.state != InstitutionState.REMOVED,
        Institution.unit_code.is_(None),
    )


def _managers(units: frozenset[str]) -> Select[*tuple[Any, ...]]:
    columns: Sequence[Any] = (
        BusinessGrant.institution_code,
        BusinessGrant.id.label("cursor"),
        Business.name.label("business"),
        Person.id.label("person_id"),
        Person.identity_sealed,
        _KEY.wrapped,
    )
    wanted: Select[*tuple[Any, ...]] = select(*columns).select_from(BusinessGrant)
    return (
        wanted.join(Business, Business.key == BusinessGrant.business_key)
        .join(Person, Person.id == BusinessGrant.manager_person_id)
        .outerjoin(_KEY, _KEY.owner == "person:" + Person.id)
        .where(
            BusinessGrant.supervising_unit.in_(sorted(units)),
            BusinessGrant.state.in_([GrantState.ACTIVE, GrantState.SUSPENDED]),
        )
    )


def _unit(unit: Unit) -> Cells:
    return {
        "code": unit.code,
        "name": unit.name,
        "parent": unit.parent_code or unit.code,
        "contact_name": unit.contact_name,
        "contact_phone": unit.contact_phone,
    }


def _institution(row: Any) -> Cells:
    institution: Institution = row.Institution
    name, phone = _contact(institution, row.wrapped)
    return {
        "code": institution.code,
        "name": institution.name,
        "category": CATEGORY_LABELS[institution.category],
        "unit": institution.supervising_unit,
        "credit_code": institution.credit_code,
        "licence_number": institution.licence_number,
        "filing_number": institution.filing_number,
        "address": institution.address,
        "confirmation_code": institution.confirmation_code,
        "contact_name": name,
        "contact_phone": phone,
    }


def _contact(institution: Institution, wrapped: bytes | None) -> tuple[str | None, str | None]:
    if institution.contact_sealed is None or wrapped is None:
        return None, None
    cipher = vault.current().unwrap(institution_history.data_owner(institution.id), wrapped)
    facts = json.loads(cipher.decrypt(institution.contact_sealed, b"contact"))
    return mask_name(facts["name"]), mask_phone(facts["phone"])


def _manager(row: Any) -> Cells:
    name = number = None
    if row.wrapped is not None:
        cipher = vault.current().unwrap(person.data_owner(row.person_id), row.wrapped)
        facts = json.loads(cipher.decrypt(row.identity_sealed, b"identity"))
        name, number = mask_name(facts["name"]), mask_document_number(facts["document_number"])
    return {"institution": row.institution_code, "business": row.business, "name": name, "number": number}
