"""Issuing a credential: what stands in the way, and what takes whose place. The unique indexes settle every race."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, insert, literal, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from domain.accounts.account import find_account, phone_of, seat_person
from domain.credentials.credential import (
    CREDENTIAL,
    Credential,
    CredentialState,
    VerifiedBy,
    end_credential,
    tell_ended,
)
from domain.documents.documents import DocumentType
from domain.persons.person import (
    Identity,
    PersonDocument,
    add_document,
    add_person,
    document_hash,
    keep_person_phone,
    read_identity,
    register_person,
)
from domain.refused import Refused
from storage.columns import new_id
from storage.deferred_rows import NewRow, defer_insert, flush_deferred_inserts
from storage.statements import Statement


class BindingState(StrEnum):
    """NEW: nothing stands in the way. RENEWAL: this account holds it already. ELSEWHERE: another account does.

    ACCOUNT_TAKEN: this account is another person's.
    """

    NEW = "new"
    RENEWAL = "renewal"
    ELSEWHERE = "elsewhere"
    ACCOUNT_TAKEN = "account_taken"


@dataclass(frozen=True, slots=True)
class Binding:
    """in_the_way: ids of the valid credentials that issuing to this account would replace, one's own renewal aside.

    held: id of the account's own valid credential.
    """

    state: BindingState
    person_id: str | None = None
    in_the_way: tuple[str, ...] = ()
    held: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What has been verified. replaces: obstacles (`Binding.in_the_way`) that somebody saw and answered for."""

    account_id: str
    case_id: str
    who: Identity
    verified_by: VerifiedBy
    valid_until: date | None = None
    replaces: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """person_id: whose it is; made with it where the document named nobody before."""

    id: str
    person_id: str


# One row at least: who the document ever named, beside each valid credential of the number or of the account.
_HOLDERS = Statement(
    select(
        select(PersonDocument.person_id)
        .where(PersonDocument.number_hash == bindparam("number"))
        .scalar_subquery()
        .label("named"),
        *(CREDENTIAL.c[name] for name in ("id", "person_id", "account_id", "number_hash", "document_type")),
    )
    .select_from(select(literal(1).label("one")).subquery("anybody"))
    .outerjoin(
        CREDENTIAL,
        text("credential.state = 'VALID'")
        & ((CREDENTIAL.c.number_hash == bindparam("number")) | (CREDENTIAL.c.account_id == bindparam("account"))),
    )
)


_UNBOUND = Binding(BindingState.NEW)
# In session.info: (account, number hash) of which this transaction has just seen that nothing is in the way. Not asked again:
# should another transaction have been first since, the unique indexes say so, as they would right after a second look.
_FOUND_UNBOUND = "found unbound"


def find_binding(session: Session, account_id: str, who: Identity) -> Binding:
    """Who holds this document now, and whose this account is."""
    number_hash = document_hash(who.document_type, who.document_number)
    binding = _find_binding(session, account_id, number_hash, who)
    if binding == _UNBOUND:
        session.info.setdefault(_FOUND_UNBOUND, set()).add((account_id, number_hash))
    return binding


def _find_binding(session: Session, account_id: str, number_hash: str, who: Identity) -> Binding:
    rows = _HOLDERS.all(session.connection(), {"number": number_hash, "account": account_id})
    person_id = rows[0].named
    valid = [row for row in rows if row.id is not None]
    of_number = next((one for one in valid if one.number_hash == number_hash), None)
    of_account = next((one for one in valid if one.account_id == account_id), None)
    held = of_account.id if of_account is not None else None
    elsewhere = of_number if of_number is not None and of_number.account_id != account_id else None
    other = of_account if of_account is not None and not _is_renewal(session, of_account, number_hash, who) else None
    in_the_way = tuple(one.id for one in (elsewhere, other) if one is not None)
    if other is not None:
        return Binding(BindingState.ACCOUNT_TAKEN, person_id, in_the_way, held)
    if elsewhere is not None:
        return Binding(BindingState.ELSEWHERE, person_id, in_the_way, held)
    if of_account is not None:
        return Binding(BindingState.RENEWAL, of_account.person_id, held=held)
    return Binding(BindingState.NEW, person_id)


def issue_credential(session: Session, verified: Verification, now: datetime) -> IssuedCredential:
    """The new valid credential; what it replaces ends in the same transaction, and the account is the person's.

    Raises Refused("credential.already_valid", credential=…) when a valid credential stands in the way that is not in
    `verified.replaces`, seen beforehand or found by the unique index when another transaction was first: then the caller's
    savepoint or transaction is to be rolled back.
    """
    number_hash = document_hash(verified.who.document_type, verified.who.document_number)
    found: set[tuple[str, str]] = session.info.pop(_FOUND_UNBOUND, set())
    is_unbound = (verified.account_id, number_hash) in found
    binding = _UNBOUND if is_unbound else _find_binding(session, verified.account_id, number_hash, verified.who)
    unforeseen = [one for one in binding.in_the_way if one not in verified.replaces]
    if unforeseen:
        raise Refused("credential.already_valid", credential=unforeseen[0])
    issue = _issue_first if binding == _UNBOUND else _issue
    try:
        return issue(session, verified, binding, now)
    except IntegrityError as error:
        raise Refused("credential.already_valid", case=verified.case_id) from error


def _is_renewal(session: Session, held: Row[Any], number_hash: str, who: Identity) -> bool:
    """The same number; or a permit or passport renewed under a new number, of the same type and name."""
    if held.number_hash == number_hash:
        return True
    if held.document_type == DocumentType.RESIDENT_ID or held.document_type != who.document_type:
        return False  # a resident number stays for life
    return read_identity(session, held.person_id).name == who.name


def _issue_first(session: Session, verified: Verification, binding: Binding, now: datetime) -> IssuedCredential:
    """Nobody holds the document, the account holds none, and no document ever named this person: nothing to look up.

    If another transaction was first, the unique indexes say so.
    """
    person_id = add_person(session, verified.who, now)
    issued = IssuedCredential(new_id(), person_id)
    defer_insert(session, CREDENTIAL, _row(issued, verified, now))
    flush_deferred_inserts(session, with_next=True)
    phone = seat_person(session, verified.account_id, person_id)
    if phone is not None:
        keep_person_phone(session, person_id, phone)
    return issued


def _row(issued: IssuedCredential, verified: Verification, now: datetime) -> NewRow:
    return {
        "id": issued.id,
        "person_id": issued.person_id,
        "account_id": verified.account_id,
        "case_id": verified.case_id,
        "document_type": verified.who.document_type,
        "number_hash": document_hash(verified.who.document_type, verified.who.document_number),
        "verified_by": verified.verified_by,
        "state": CredentialState.VALID,
        "valid_until": verified.valid_until,
        "issued_at": now,
    }


def _issue(session: Session, verified: Verification, binding: Binding, now: datetime) -> IssuedCredential:
    credential_id = new_id()
    replaced = {*binding.in_the_way, *([binding.held] if binding.held is not None else [])}
    ended = session.scalars(select(Credential).where(Credential.id.in_(replaced))).all() if replaced else []
    for old in ended:
        end_credential(old, CredentialState.REPLACED, now)
        old.replaced_by = credential_id
        if old.account_id != verified.account_id:
            find_account(session, old.account_id).person_id = None
    if replaced:
        session.flush()
    if binding.state is BindingState.RENEWAL and binding.person_id is not None:
        add_document(session, binding.person_id, verified.who, now)
    person = register_person(session, verified.who, now)
    find_account(session, verified.account_id).person_id = person.id
    phone = phone_of(session, verified.account_id)
    if phone is not None:
        keep_person_phone(session, person.id, phone)
    issued = IssuedCredential(credential_id, person.id)
    session.flush()
    session.execute(insert(CREDENTIAL).values(_row(issued, verified, now)))
    tell_ended(session, ended, now)
    return issued
