"""Editing an admitted institution: who reaches it, what it is called, what its certificates say. Always with a reason.

A new name or credit code is checked like a new institution's: what is taken is refused, what is near or contradictory is
shown first and taken only once somebody has accepted it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from domain.institutions.category import Category
from domain.institutions.checks import CheckFindings, check_institution
from domain.institutions.clues import write_clues
from domain.institutions.credit_code import normalise_credit_code
from domain.institutions.history import Change, InstitutionChangeKind, data_owner, note_change
from domain.institutions.institution import (
    Contact,
    Institution,
    InstitutionState,
    checked_name,
    find_institution,
    read_contact,
    refuse_taken,
    seal_contact,
)
from domain.institutions.name import name_key
from domain.institutions.practice_licence import normalise_licence_number
from domain.institutions.search import NearName, near_duplicates
from domain.phones import normalise_phone
from domain.refused import Refused
from domain.units.unit import find_unit
from storage import vault

Fields = dict[str, tuple[str | None, str | None]]
NEAR_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class InstitutionEdit:
    """What is to be different, as typed. None: stays as it is. "": no longer known (codes, numbers, address only)."""

    name: str | None = None
    credit_code: str | None = None
    licence_number: str | None = None
    filing_number: str | None = None
    address: str | None = None
    category: Category | None = None
    supervising_unit: str | None = None
    confirmation_code: str | None = None
    contact: Contact | None = None

    @property
    def is_checked(self) -> bool:
        """Whether institution.check runs again: for a new name or credit code."""
        return self.name is not None or bool(self.credit_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """by: account id. reason: for the history, a sentence. revision: the one that was seen, None for whatever there is.

    accepts_check: near names and contradictions were shown to somebody who goes on in spite of them.
    """

    by: str
    reason: str
    revision: int | None = None
    accepts_check: bool = False


@dataclass(frozen=True, slots=True)
class EditCheck:
    """What an edit would meet: near names, and what the certificates say about each other."""

    near: tuple[NearName, ...]
    findings: CheckFindings

    @property
    def is_plain(self) -> bool:
        return not self.near and not self.findings.has_contradiction


def check_edit(session: Session, institution: Institution, edit: InstitutionEdit) -> EditCheck:
    """institution.check for an edit, nothing changed.

    Raises Refused where the name or credit code is malformed or taken, as admit_institution() does.
    """
    name = checked_name(edit.name) if edit.name is not None else institution.name
    credit_code = _credit_code(edit.credit_code) if edit.credit_code is not None else institution.credit_code
    proposed = Institution(id=institution.id, name_key=name_key(name), credit_code=credit_code, unit_code=None)
    refuse_taken(session, proposed)
    near = near_duplicates(session, name, NEAR_SHOWN, besides=institution.id) if name != institution.name else []
    licence = institution.licence_number if edit.licence_number is None else edit.licence_number
    findings = check_institution(
        supervising_unit=edit.supervising_unit or institution.supervising_unit,
        category=edit.category or institution.category,
        credit_code=credit_code,
        licence_number=licence,
    )
    return EditCheck(tuple(near), findings)


def edit_institution(
    session: Session, institution_id: str, edit: InstitutionEdit, editor: Editor, now: datetime
) -> Institution:
    """The institution as it is from now on; one line of history says what was and who changed it why.

    Raises Refused: "institution.reason_required", "institution.removed", "institution.changed_meanwhile",
    "institution.unchanged", "institution.is_unit" (category or superior of a unit's own), "institution.check_first" (facts
    `near`, `contradictions`: how many; look at check_edit() and accept it), and what admit_institution() raises of values.
    """
    institution = locked_for_change(session, institution_id, editor)
    if edit.is_checked and not editor.accepts_check:
        check = check_edit(session, institution, edit)
        if not check.is_plain:
            raise refused_by(check)
    fields = _changed_columns(session, institution, edit) | _changed_contact(session, institution, edit.contact)
    if not fields:
        raise Refused("institution.unchanged", institution=institution.id)
    _refuse_taken_values(session, institution, fields)
    cipher = vault.current().cipher(session, data_owner(institution.id))
    _write(session, institution, fields, now)
    if edit.contact is not None:
        seal_contact(institution, edit.contact, cipher)
    change = Change(editor.by, editor.reason.strip(), fields)
    note_change(session, institution.id, InstitutionChangeKind.EDITED, change, cipher, now)
    return institution


def refused_by(check: EditCheck) -> Refused:
    """What stands in the way of an edit until somebody accepts it."""
    return Refused("institution.check_first", near=len(check.near), contradictions=len(check.findings.contradictions))


def locked_for_change(session: Session, institution_id: str, editor: Editor) -> Institution:
    """The locked institution, if it may be changed now by somebody who saw this revision and says why."""
    if not editor.reason.strip():
        raise Refused("institution.reason_required")
    institution = find_institution(session, institution_id, for_update=True)
    if institution.state == InstitutionState.REMOVED:
        raise Refused("institution.removed", institution=institution.id)
    if editor.revision is not None and editor.revision != institution.revision:
        raise Refused("institution.changed_meanwhile", institution=institution.id)
    return institution


def _changed_columns(session: Session, institution: Institution, edit: InstitutionEdit) -> Fields:
    wanted: dict[str, str | None] = {}
    if edit.name is not None:
        wanted["name"] = checked_name(edit.name)
    if edit.credit_code is not None:
        wanted["credit_code"] = _credit_code(edit.credit_code)
    if edit.licence_number is not None:
        wanted["licence_number"] = normalise_licence_number(edit.licence_number) if edit.licence_number else None
    if edit.category is not None:
        wanted["category"] = Category(edit.category)
    if edit.supervising_unit is not None:
        wanted["supervising_unit"] = find_unit(session, edit.supervising_unit).code
    for column in ("filing_number", "address", "confirmation_code"):
        typed: str | None = getattr(edit, column)
        if typed is not None:
            wanted[column] = typed.strip() or None
    fields = {
        column: (before, after)
        for column, after in wanted.items()
        if (before := getattr(institution, column) or None) != after
    }
    if institution.unit_code is not None and fields.keys() & {"category", "supervising_unit"}:
        raise Refused("institution.is_unit", institution=institution.id)
    return fields


def _changed_contact(session: Session, institution: Institution, contact: Contact | None) -> Fields:
    if contact is None:
        return {}
    before = read_contact(session, institution)
    after = Contact(contact.name.strip(), normalise_phone(contact.phone))
    return {
        f"contact_{part}": (was, getattr(after, part))
        for part in ("name", "phone")
        if (was := getattr(before, part, None)) != getattr(after, part)
    }


def _refuse_taken_values(session: Session, institution: Institution, fields: Fields) -> None:
    """Before anything is changed: a refusal leaves the session as it was."""
    name, credit_code = fields.get("name"), fields.get("credit_code")
    proposed = Institution(
        id=institution.id,
        name_key=name_key(name[1] or "") if name else institution.name_key,
        credit_code=credit_code[1] if credit_code else institution.credit_code,
        unit_code=None,
    )
    refuse_taken(session, proposed)


def _write(session: Session, institution: Institution, fields: Fields, now: datetime) -> None:
    try:
        with session.begin_nested():
            for column, (_, after) in fields.items():
                if not column.startswith("contact_"):
                    setattr(institution, column, (after or "") if column == "address" else after)
            institution.name_key = name_key(institution.name)
            institution.revision += 1
            institution.changed_at = now
            session.flush()
    except IntegrityError as error:  # another transaction took the name or the code meanwhile
        raise Refused("institution.name_taken", institution=institution.id) from error
    if "name" in fields:
        write_clues(session, institution.id, institution.name)
        if institution.unit_code is not None:
            find_unit(session, institution.unit_code).name = institution.name


def _credit_code(text: str) -> str | None:
    return normalise_credit_code(text) if text.strip() else None
