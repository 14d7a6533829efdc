"""The sheet 管理人 of an import: verified persons made managers of grants that have none, as 直接授权 does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.credentials.credential import valid_resident_credential
from domain.documents.documents import DocumentType, parse_resident_number
from domain.documents.names import normalise_name
from domain.grants.business import SUPERVISOR, Business, businesses
from domain.grants.grant import BusinessGrant, GrantState, ensure_grant, grant_of, is_admitted
from domain.imports.rows import ImportRun, RowOutcome, looked_over
from domain.imports.workbook import SheetRow
from domain.institutions.institution import Institution
from domain.institutions.name import name_key
from domain.persons.person import PersonDocument, document_hash, read_identity
from domain.persons.privacy import mask_document_number


@dataclass(frozen=True, slots=True)
class _Sought:
    """What this batch's rows name: institutions by code and by name key, businesses by key and name, persons by number."""

    institutions: Mapping[str, Institution]
    businesses: Mapping[str, Business]
    persons: Mapping[str, str]


def import_managers(session: Session, rows: Sequence[SheetRow], run: ImportRun) -> list[RowOutcome]:
    """Each row starts a tenure of its own after this transaction; a manager who is one already is taken as he is."""
    outcomes = [looked_over(row) for row in rows]
    sought = _sought(session, [outcome.row for outcome in outcomes if not outcome.reasons])
    for outcome in outcomes:
        if not outcome.reasons:
            _import_manager(session, outcome, sought, run)
    return outcomes


def _sought(session: Session, rows: Sequence[SheetRow]) -> _Sought:
    named = {row.cells["institution"] for row in rows}
    found = session.scalars(
        select(Institution).where(
            Institution.code.in_(named) | Institution.name_key.in_({name_key(each) for each in named})
        )
    ).all()
    hashes = {document_hash(DocumentType.RESIDENT_ID, row.cells["number"]) for row in rows}
    persons = session.execute(
        select(PersonDocument.number_hash, PersonDocument.person_id).where(PersonDocument.number_hash.in_(hashes))
    )
    every = businesses(session)
    return _Sought(
        {each.name_key: each for each in found} | {each.code: each for each in found},
        {each.key: each for each in every} | {name_key(each.name): each for each in every},
        {number_hash: person_id for number_hash, person_id in persons},
    )


def _import_manager(session: Session, outcome: RowOutcome, sought: _Sought, run: ImportRun) -> None:
    cells = outcome.row.cells
    typed = cells["institution"]
    institution = sought.institutions.get(typed) or sought.institutions.get(name_key(typed))
    business = sought.businesses.get(cells["business"]) or sought.businesses.get(name_key(cells["business"]))
    unit = institution.supervising_unit if institution else run.planned_institutions.get(name_key(typed))
    if unit is None or unit not in run.units:  # the same answer for one that is another's: its name tells nothing
        outcome.refuse("import.institution_unknown", institution=typed)
    if business is None:
        outcome.refuse("import.business_unknown", business=cells["business"])
    elif business.granted_by != SUPERVISOR and business.granted_by not in run.units:
        outcome.refuse("import.not_grantable", unit=business.granted_by)
    elif not business.is_open(run.now):
        outcome.refuse("grant.business_closed")
    if (
        institution is not None
        and business is not None
        and _is_exported_manager(session, outcome, institution, business)
    ):
        return
    person_id = _person(session, outcome, sought)
    if outcome.reasons or business is None or person_id is None:
        return
    _refuse_repeated(outcome, institution.id if institution else name_key(typed), business.key, run)
    if institution is None:  # admitted by this dry run, taken back already
        outcome.is_written = not outcome.reasons
    elif not outcome.reasons:
        _bind(session, outcome, ensure_grant(session, institution.id, business.key, run.now), person_id, run)


def _is_exported_manager(session: Session, outcome: RowOutcome, institution: Institution, business: Business) -> bool:
    """Whether the row is the manager there is, masked as exports mask numbers: it stays as it is."""
    typed = outcome.row.cells["number"]
    if outcome.reasons or "*" not in typed:
        return False
    grant = grant_of(session, institution.id, business.key)
    if grant is None or grant.manager_person_id is None:
        return False
    return mask_document_number(read_identity(session, grant.manager_person_id).document_number) == typed


def _refuse_repeated(outcome: RowOutcome, institution: str, business_key: str, run: ImportRun) -> None:
    number = outcome.row.number
    if run.bound.setdefault((institution, business_key), number) != number:
        outcome.refuse("import.repeated", row=run.bound[institution, business_key])


def _person(session: Session, outcome: RowOutcome, sought: _Sought) -> str | None:
    """Name and number must both be a verified person's; what exactly is wrong is not told to who may be guessing."""
    cells = outcome.row.cells
    if re.search(r"[*＊]", cells["number"]):
        outcome.refuse("import.masked", column="身份证号")
        return None
    if parse_resident_number(cells["number"]) is None:
        outcome.refuse("import.number_form")
        return None
    person_id = sought.persons.get(document_hash(DocumentType.RESIDENT_ID, cells["number"]))
    is_verified = person_id is not None and valid_resident_credential(session, person_id) is not None
    if not is_verified or person_id is None or not _has_name(session, person_id, cells["name"]):
        outcome.refuse("import.person_not_verified")
        return None
    return person_id


def _has_name(session: Session, person_id: str, name: str) -> bool:
    return read_identity(session, person_id).name == normalise_name(name)


def _bind(session: Session, outcome: RowOutcome, grant: BusinessGrant, person_id: str, run: ImportRun) -> None:
    if grant.state in (GrantState.ACTIVE, GrantState.SUSPENDED):
        if grant.manager_person_id != person_id:
            outcome.refuse("import.already_managed")
    elif grant.state == GrantState.STOPPED:
        outcome.refuse("import.grant_stopped")
    elif grant.case_id is not None:
        outcome.refuse("import.tenure_running")
    elif not is_admitted(session, grant.institution_id):
        outcome.refuse("grant.institution_not_admitted")
    else:
        if not run.is_dry_run:
            run.bind(session, grant, person_id)
        outcome.is_written = True
