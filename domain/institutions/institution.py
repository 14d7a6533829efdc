"""Institutions: bodies admitted to the platform. Name and credit code are unique, and the unique indexes settle every race.

Who applied (name and phone) is encrypted with the institution's own data key and found by keyed hash.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.institutions.category import Category
from domain.institutions.clues import write_clues
from domain.institutions.credit_code import normalise_credit_code
from domain.institutions.history import Change, InstitutionChangeKind, data_owner, note_change
from domain.institutions.name import MAX_NAME, name_key, tidy_name
from domain.institutions.practice_licence import normalise_licence_number
from domain.phones import normalise_phone
from domain.refused import Refused
from domain.units.unit import Unit
from storage import vault
from storage.columns import Base, Bytes, Id, UtcTime, new_id


class InstitutionState(StrEnum):
    """SUSPENDED: nothing new may be granted. REMOVED: closed, or merged into another; its name stays taken."""

    ADMITTED = "ADMITTED"
    SUSPENDED = "SUSPENDED"
    REMOVED = "REMOVED"


class Institution(Base):
    """name_key: the name as compared (domain/institutions/name.py). code: 机构编码, division + running number, fixed.

    unit_code: the unit this institution is, None for any other body. confirmation_code: 机构确认码, free text.
    revision counts changes, so that two people editing at once notice. merged_into: where it went, if REMOVED by a merger.
    """

    __tablename__ = "institution"
    __table_args__ = (
        Index("uq_institution_name_key", "name_key", unique=True),
        Index("uq_institution_credit_code", "credit_code", unique=True),
        Index("uq_institution_code", "code", unique=True),
        Index("uq_institution_unit_code", "unit_code", unique=True),
        # A unit's list and its total are read from these alone, whatever it is narrowed to (domain/institutions/list.py).
        Index("ix_institution_list", "code", "supervising_unit", "state", "category", "name_key"),
        Index("ix_institution_list_unit", "supervising_unit", "code", "state", "category", "name_key"),
        Index("ix_institution_contact_phone_hash", "contact_phone_hash"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200))
    credit_code: Mapped[str | None] = mapped_column(String(18))
    licence_number: Mapped[str | None] = mapped_column(String(22))
    filing_number: Mapped[str | None] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(300), default="")
    supervising_unit: Mapped[str] = mapped_column(ForeignKey(Unit.code))
    category: Mapped[Category] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(12))
    confirmation_code: Mapped[str | None] = mapped_column(String(60))
    state: Mapped[InstitutionState] = mapped_column(String(10), default=InstitutionState.ADMITTED)
    unit_code: Mapped[str | None] = mapped_column(ForeignKey(Unit.code))
    contact_sealed: Mapped[bytes | None] = mapped_column(Bytes)
    contact_phone_hash: Mapped[str | None] = mapped_column(String(64))
    case_id: Mapped[str | None] = mapped_column(Id)
    merged_into: Mapped[str | None] = mapped_column(ForeignKey("institution.id"))
    revision: Mapped[int] = mapped_column(default=1)
    admitted_at: Mapped[datetime] = mapped_column(UtcTime)
    changed_at: Mapped[datetime] = mapped_column(UtcTime)


class InstitutionNumber(Base):
    """The last running number given in a division; its row is locked until the admission commits."""

    __tablename__ = "institution_number"

    division: Mapped[str] = mapped_column(String(6), primary_key=True)
    last: Mapped[int]


@dataclass(frozen=True, slots=True)
class Contact:
    """Who applied for the institution: a name and a mainland mobile number."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInstitution:
    """What is admitted, as typed: admit_institution() normalises it. unit_code: only for the institution of a unit."""

    name: str
    supervising_unit: str
    category: Category
    address: str = ""
    credit_code: str | None = None
    licence_number: str | None = None
    filing_number: str | None = None
    confirmation_code: str | None = None
    contact: Contact | None = None
    unit_code: str | None = None


def find_institution(session: Session, institution_id: str, *, for_update: bool = False) -> Institution:
    """Raises Refused("institution.unknown")."""
    institution = session.get(Institution, institution_id, with_for_update=for_update or None)
    if institution is None:
        raise Refused("institution.unknown", institution=institution_id)
    return institution


def admit_institution(
    session: Session, new: NewInstitution, *, case_id: str | None, by: str | None, now: datetime
) -> Institution:
    """The institution, with its code and its first line of history. by: account id, None for the platform itself.

    Raises Refused: "institution.name_taken", "institution.credit_code_taken", "institution.unit_taken" (fact `institution`:
    who has it), seen beforehand or found by a unique index when another transaction was first; "institution.name_form",
    "unit.unknown", "phone.form", and what normalise_credit_code() and normalise_licence_number() raise.
    """
    institution = prepared_institution(new, case_id, now)
    if session.get(Unit, institution.supervising_unit) is None:
        raise Refused("unit.unknown", unit=institution.supervising_unit)
    refuse_taken(session, institution)
    cipher = vault.current().create_data_key(session, data_owner(institution.id), now)
    if new.contact is not None:
        seal_contact(institution, new.contact, cipher)
    try:
        with session.begin_nested():
            institution.code = _next_code(session, new)
            session.add(institution)
            session.flush()
    except IntegrityError as error:
        refuse_taken(session, institution)
        raise Refused("institution.name_taken") from error
    write_clues(session, institution.id, institution.name)
    note_change(session, institution.id, InstitutionChangeKind.ADMITTED, Change(by=by), cipher, now)
    return institution


def prepared_institution(new: NewInstitution, case_id: str | None, now: datetime) -> Institution:
    """The row of what is to be admitted, normalised, without a code; raises of values what admit_institution() raises."""
    return Institution(
        id=new_id(),
        name=checked_name(new.name),
        name_key=name_key(new.name),
        credit_code=normalise_credit_code(new.credit_code) if new.credit_code else None,
        licence_number=normalise_licence_number(new.licence_number) if new.licence_number else None,
        filing_number=new.filing_number or None,
        address=new.address.strip(),
        supervising_unit=new.supervising_unit,
        category=Category(new.category),
        confirmation_code=new.confirmation_code or None,
        unit_code=new.unit_code,
        case_id=case_id,
        state=InstitutionState.ADMITTED,
        revision=1,
        admitted_at=now,
        changed_at=now,
    )


def checked_name(name: str) -> str:
    """The name as stored and shown. Raises Refused("institution.name_form"): 2 to 100 characters, one of them a letter."""
    tidy = tidy_name(name)
    if not 2 <= len(tidy) <= MAX_NAME or len(name_key(tidy)) < 2 or not any(letter.isalpha() for letter in tidy):
        raise Refused("institution.name_form", longest=MAX_NAME)
    return tidy


def refuse_taken(session: Session, institution: Institution) -> None:
    """Raises Refused where another institution has this name, credit code or unit (fact `institution`: its id)."""
    taken = (
        ("institution.name_taken", Institution.name_key, institution.name_key),
        ("institution.credit_code_taken", Institution.credit_code, institution.credit_code),
        ("institution.unit_taken", Institution.unit_code, institution.unit_code),
    )
    wanted = select(Institution.id, *(column for _, column, _ in taken)).where(
        or_(*(column == value for _, column, value in taken if value is not None)), Institution.id != institution.id
    )
    for row in session.execute(wanted):
        for (code, _, value), theirs in zip(taken, row[1:], strict=True):
            if value is not None and theirs == value:
                raise Refused(code, institution=row.id)


def _next_code(session: Session, new: NewInstitution) -> str:
    """Division and running number; a unit's own institution has 000000. The counter's row is locked until the commit."""
    if new.unit_code is not None:
        return new.unit_code + "000000"
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    first = dialect.insert(InstitutionNumber).values(division=new.supervising_unit, last=1)
    counted = first.on_conflict_do_update(
        index_elements=[InstitutionNumber.division], set_={"last": InstitutionNumber.last + 1}
    ).returning(InstitutionNumber.last)
    return f"{new.supervising_unit}{session.execute(counted).scalar_one():06d}"


def seal_contact(institution: Institution, contact: Contact, cipher: vault.DataCipher) -> None:
    """Keep who applied, with the institution's own cipher. Raises Refused("phone.form")."""
    phone = normalise_phone(contact.phone)
    plain = json.dumps({"name": contact.name.strip(), "phone": phone}, ensure_ascii=False).encode()
    institution.contact_sealed = cipher.encrypt(plain, b"contact")
    institution.contact_phone_hash = vault.current().master_key.keyed_hash("phone", phone)


def read_contact(session: Session, institution: Institution) -> Contact | None:
    """None where nobody is known. Raises vault.KeyDestroyed after erasure."""
    if institution.contact_sealed is None:
        return None
    cipher = vault.current().cipher(session, data_owner(institution.id))
    facts = json.loads(cipher.decrypt(institution.contact_sealed, b"contact"))
    return Contact(facts["name"], facts["phone"])
