"""Persons: verified people. What names them is encrypted with their own data key and found by keyed hash."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ForeignKey, Index, String, Table, UniqueConstraint, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.documents.documents import DocumentType, lookup_forms, normalise_number
from domain.documents.names import normalise_name
from domain.persons.privacy import mask_document_number
from domain.phones import normalise_phone
from domain.refused import Refused
from storage import vault
from storage.columns import Base, Bytes, Id, UtcTime, new_id
from storage.deferred_rows import NewRow, defer_insert, flush_deferred_inserts


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a document says somebody is. Normalise with `identity()`."""

    name: str
    document_type: DocumentType
    document_number: str


class Person(Base):
    """identity_sealed: JSON of the latest Identity. phone: proved by SMS or WeChat, for proving it again (换绑).

    name_hash: keyed hash of the name as compared; namesakes share it.
    """

    __tablename__ = "person"
    __table_args__ = (Index("ix_person_phone_hash", "phone_hash"), Index("ix_person_name_hash", "name_hash", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    identity_sealed: Mapped[bytes] = mapped_column(Bytes)
    name_hash: Mapped[str | None] = mapped_column(String(64))
    phone_sealed: Mapped[bytes | None] = mapped_column(Bytes)
    phone_hash: Mapped[str | None] = mapped_column(String(64))
    portrait_sealed: Mapped[bytes | None] = mapped_column(Bytes)
    portrait_consent_id: Mapped[str | None] = mapped_column(Id)  # no foreign key: consent → account → person
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class PersonDocument(Base):
    """A document number that ever named this person. The hash is unique: one number, one person.

    masked_hash: keyed hash of the number as lists show it, so that staff find what they were shown; several share it.
    """

    __tablename__ = "person_document"
    __table_args__ = (
        UniqueConstraint("number_hash"),
        Index("ix_person_document_masked_hash", "masked_hash", "person_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id"), index=True)
    document_type: Mapped[DocumentType] = mapped_column(String(40))
    number_hash: Mapped[str] = mapped_column(String(64))
    masked_hash: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcTime)


PERSON = cast(Table, Person.__table__)
PERSON_DOCUMENT = cast(Table, PersonDocument.__table__)


def identity(name: str, document_type: str, document_number: str) -> Identity:
    """The normalised identity of what a form or a reading says."""
    return Identity(normalise_name(name), DocumentType(document_type), normalise_number(document_number))


def document_hash(document_type: DocumentType, document_number: str) -> str:
    """The keyed hash under which a document is registered; the 15- and 18-digit form of one number give one hash."""
    form = lookup_forms(document_type, document_number)[0]
    return vault.current().master_key.keyed_hash("document_number", f"{document_type}:{form}")


def masked_number_hash(masked: str) -> str:
    """The keyed hash of a number as `mask_document_number` shows it; blanks and letter case do not matter."""
    return vault.current().master_key.keyed_hash("masked document number", "".join(masked.split()).upper())


def name_hash(name: str) -> str:
    """The keyed hash under which persons of this name are found."""
    return vault.current().master_key.keyed_hash("person name", normalise_name(name).upper())


def data_owner(person_id: str) -> str:
    """Owner of the person's data key in the vault."""
    return f"person:{person_id}"


def find_person_by_document(session: Session, document_type: DocumentType, document_number: str) -> Person | None:
    """The person this document ever named, None for a new face."""
    person_id = person_of_document(session, document_type, document_number)
    return session.get(Person, person_id) if person_id else None


def person_of_document(session: Session, document_type: DocumentType, document_number: str) -> str | None:
    """As find_person_by_document(), the id alone."""
    known = document_hash(document_type, document_number)
    return session.scalar(select(PersonDocument.person_id).where(PersonDocument.number_hash == known))


def register_person(session: Session, who: Identity, now: datetime) -> Person:
    """The person of this document: found, or made with a data key of their own; the name is brought up to date.

    Raises IntegrityError when another transaction registers the same number first: the caller's savepoint settles it.
    """
    person = find_person_by_document(session, who.document_type, who.document_number)
    if person is not None:
        person.identity_sealed = _seal(session, person.id, who)
        person.name_hash = name_hash(who.name)
        session.flush()
        return person
    person_id = add_person(session, who, now)
    flush_deferred_inserts(session)
    return find_person(session, person_id)


def add_person(session: Session, who: Identity, now: datetime) -> str:
    """Id of a person whom no document named before, with a data key of their own; deferred (storage/deferred_rows.py)."""
    person_id = new_id()
    sealed = _sealed(vault.current().add_data_key(session, data_owner(person_id), now), who)
    row = {"id": person_id, "identity_sealed": sealed, "name_hash": name_hash(who.name), "created_at": now}
    defer_insert(session, PERSON, row)
    defer_insert(session, PERSON_DOCUMENT, _number_row(person_id, who, now))
    return person_id


def add_document(session: Session, person_id: str, who: Identity, now: datetime) -> None:
    """A renewed document's number is this person's from now on; nothing changes for a number that is known."""
    if find_person_by_document(session, who.document_type, who.document_number) is not None:
        return
    _add_number(session, person_id, who, now)


def read_identity(session: Session, person_id: str) -> Identity:
    """Raises Refused("person.unknown"), vault.KeyDestroyed after erasure."""
    person = find_person(session, person_id)
    plain = vault.current().cipher(session, data_owner(person.id)).decrypt(person.identity_sealed, b"identity")
    facts = json.loads(plain)
    return Identity(facts["name"], DocumentType(facts["document_type"]), facts["document_number"])


def find_person(session: Session, person_id: str) -> Person:
    """Raises Refused("person.unknown")."""
    person = session.get(Person, person_id)
    if person is None:
        raise Refused("person.unknown", person=person_id)
    return person


def keep_person_phone(session: Session, person_id: str, phone: str) -> None:
    """Keep a phone the person has just proved. Raises Refused("phone.form")."""
    person = find_person(session, person_id)
    number = normalise_phone(phone)
    person.phone_sealed = vault.current().cipher(session, data_owner(person.id)).encrypt(number.encode(), b"phone")
    person.phone_hash = vault.current().master_key.keyed_hash("phone", number)
    session.flush()


def person_phone(session: Session, person_id: str) -> str | None:
    person = find_person(session, person_id)
    if person.phone_sealed is None:
        return None
    return vault.current().cipher(session, data_owner(person.id)).decrypt(person.phone_sealed, b"phone").decode()


def keep_portrait(session: Session, person_id: str, portrait: bytes, consent_id: str) -> None:
    """Keep the face of the document with the person, under a consent of its own (a consented class of data)."""
    person = find_person(session, person_id)
    person.portrait_sealed = vault.current().cipher(session, data_owner(person.id)).encrypt(portrait, b"portrait")
    person.portrait_consent_id = consent_id
    session.flush()


def read_portrait(session: Session, person_id: str) -> bytes | None:
    person = find_person(session, person_id)
    if person.portrait_sealed is None:
        return None
    return vault.current().cipher(session, data_owner(person.id)).decrypt(person.portrait_sealed, b"portrait")


def forget_portrait(session: Session, person_id: str) -> None:
    """What withdrawing the consent to it does; the statutory record of the verification stays."""
    person = find_person(session, person_id)
    person.portrait_sealed = None
    person.portrait_consent_id = None
    session.flush()


def _add_number(session: Session, person_id: str, who: Identity, now: datetime) -> None:
    session.execute(insert(PERSON_DOCUMENT).values(_number_row(person_id, who, now)))


def _number_row(person_id: str, who: Identity, now: datetime) -> NewRow:
    return {
        "id": new_id(),
        "person_id": person_id,
        "document_type": who.document_type,
        "number_hash": document_hash(who.document_type, who.document_number),
        "masked_hash": masked_number_hash(mask_document_number(who.document_number)),
        "created_at": now,
    }


def _seal(session: Session, person_id: str, who: Identity) -> bytes:
    return _sealed(vault.current().cipher(session, data_owner(person_id)), who)


def _sealed(cipher: vault.DataCipher, who: Identity) -> bytes:
    plain = json.dumps(asdict(who), ensure_ascii=False, separators=(",", ":")).encode()
    return cipher.encrypt(plain, b"identity")
