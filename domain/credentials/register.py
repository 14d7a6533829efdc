"""The registers as staff look things up: persons and credentials, by name, by number, or by a number as lists mask it.

Identities are decrypted for the page that shows them and for nothing else. Newest first, keyset pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import Session

from domain.accounts.account import Account
from domain.credentials.consent import Consent
from domain.credentials.credential import Credential, CredentialState
from domain.documents.documents import DocumentType
from domain.persons.person import (
    Identity,
    Person,
    PersonDocument,
    data_owner,
    document_hash,
    masked_number_hash,
    name_hash,
    person_phone,
)
from domain.refused import Refused
from storage import vault

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class RegisterPage(Generic[Entry]):
    """next: cursor of the following page, None at the end."""

    items: tuple[Entry, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """who: None for a person whose data was erased. is_verified: holds a valid credential."""

    id: str
    who: Identity | None
    is_verified: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CredentialEntry:
    """who: the person as known today, None when erased."""

    credential: Credential
    who: Identity | None


def number_of(credential: Credential, who: Identity | None) -> str | None:
    """The document number the credential was issued for, None where the person has another by now: old ones are not kept."""
    if who is None or document_hash(who.document_type, who.document_number) != credential.number_hash:
        return None
    return who.document_number


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """Everything the register holds of one person; newest first within each."""

    entry: PersonEntry
    phone: str | None
    has_portrait: bool
    documents: tuple[PersonDocument, ...]
    credentials: tuple[Credential, ...]
    accounts: tuple[Account, ...]
    consents: tuple[Consent, ...]


_KEY = vault.DataKey


def find_persons(
    session: Session, sought: str = "", *, cursor: str | None = None, limit: int = 20
) -> RegisterPage[PersonEntry]:
    """sought: a whole name, a whole document number, or a masked number (`1101**********0021`); "" for everybody."""
    wanted = _persons()
    if sought.strip():
        wanted = wanted.where(_is_sought(sought))
    if cursor is not None:
        wanted = wanted.where(Person.id < cursor)
    rows = session.execute(wanted.order_by(Person.id.desc()).limit(limit + 1)).all()
    entries = tuple(_entry(row) for row in rows[:limit])
    return RegisterPage(entries, entries[-1].id if len(rows) > limit else None)


def find_credentials(
    session: Session,
    sought: str = "",
    *,
    state: CredentialState | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> RegisterPage[CredentialEntry]:
    """As find_persons(), of their credentials."""
    wanted = (
        select(Credential, Person.id, Person.identity_sealed, _KEY.wrapped)
        .join(Person, Person.id == Credential.person_id)
        .outerjoin(_KEY, _KEY.owner == "person:" + Person.id)
    )
    if sought.strip():
        wanted = wanted.where(_is_sought(sought))
    if state is not None:
        wanted = wanted.where(Credential.state == state)
    if cursor is not None:
        wanted = wanted.where(Credential.id < cursor)
    rows = session.execute(wanted.order_by(Credential.id.desc()).limit(limit + 1)).all()
    entries = tuple(CredentialEntry(row.Credential, _identity(row)) for row in rows[:limit])
    return RegisterPage(entries, entries[-1].credential.id if len(rows) > limit else None)


def read_person(session: Session, person_id: str) -> PersonRecord:
    """Raises Refused("person.unknown")."""
    row = session.execute(_persons().where(Person.id == person_id)).one_or_none()
    if row is None:
        raise Refused("person.unknown", person=person_id)
    entry = _entry(row)
    accounts = _newest(session, Account, Account.person_id == person_id)
    consents = _newest(session, Consent, Consent.account_id.in_([account.id for account in accounts]))
    return PersonRecord(
        entry,
        person_phone(session, person_id) if entry.who else None,
        row.has_portrait,
        _newest(session, PersonDocument, PersonDocument.person_id == person_id),
        _newest(session, Credential, Credential.person_id == person_id),
        accounts,
        consents,
    )


def read_credential(session: Session, credential_id: str) -> CredentialEntry:
    """Raises Refused("credential.none")."""
    credential = session.get(Credential, credential_id)
    if credential is None:
        raise Refused("credential.none", credential=credential_id)
    row = session.execute(_persons().where(Person.id == credential.person_id)).one()
    return CredentialEntry(credential, _identity(row))


def _persons() -> Select[*tuple[Any, ...]]:
    is_verified = exists().where(Credential.person_id == Person.id, Credential.state == CredentialState.VALID)
    wanted: Select[*tuple[Any, ...]] = select(
        Person.id,
        Person.identity_sealed,
        Person.created_at,
        Person.portrait_sealed.is_not(None).label("has_portrait"),
        is_verified.label("is_verified"),
        _KEY.wrapped,
    )
    return wanted.outerjoin(_KEY, _KEY.owner == "person:" + Person.id)


def _is_sought(sought: str) -> ColumnElement[bool]:
    """By keyed hash, so by the whole of it: a part of a name or number finds nobody."""
    text = sought.strip()
    if "*" in text:
        return _has_document(PersonDocument.masked_hash == masked_number_hash(text))
    if any(letter.isdigit() for letter in text):
        hashes = {document_hash(kind, text) for kind in DocumentType}
        return _has_document(PersonDocument.number_hash.in_(hashes))
    return Person.name_hash == name_hash(text)


def _has_document(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return Person.id.in_(select(PersonDocument.person_id).where(condition))


def _entry(row: Any) -> PersonEntry:
    return PersonEntry(row.id, _identity(row), row.is_verified, row.created_at)


def _identity(row: Any) -> Identity | None:
    if row.wrapped is None:
        return None
    plain = vault.current().unwrap(data_owner(row.id), row.wrapped).decrypt(row.identity_sealed, b"identity")
    facts: Mapping[str, str] = json.loads(plain)
    return Identity(facts["name"], DocumentType(facts["document_type"]), facts["document_number"])


Kept = TypeVar("Kept", Account, Consent, Credential, PersonDocument)


def _newest(session: Session, kind: type[Kept], condition: ColumnElement[bool]) -> tuple[Kept, ...]:
    return tuple(session.scalars(select(kind).where(condition).order_by(kind.id.desc())))
