"""Whose grants a caller may see and change, and whom a document number names. The scope is a condition of the query."""

from __future__ import annotations

from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.errors import Rejected
from api.edge.request_session import now
from api.registers.units import scope_of
from domain.credentials.attempts import local_day
from domain.credentials.credential import valid_resident_credential
from domain.documents.documents import NUMBER_PROBLEM_TEXTS, DocumentType, number_problems
from domain.grants.grant import BusinessGrant, find_grant, granting_unit
from domain.grants.rows import GrantRow, read_grant_row
from domain.persons.person import find_person_by_document
from domain.refused import Refused


def grant_in_scope(session: Session, caller: Caller, grant_id: str) -> GrantRow:
    """The row, if its institution is supervised within the caller's subtree.

    Raises Rejected("unit.not_staff"), Rejected("grant.unknown") for one elsewhere as for one that never was.
    """
    row = read_grant_row(session, scope_of(caller), grant_id)
    if row is None:
        raise Rejected("grant.unknown")
    return row


def changeable_grant(session: Session, caller: Caller, grant_id: str) -> BusinessGrant:
    """The grant, if the caller acts for the unit that grants it.

    Raises as grant_in_scope(), and Rejected("grant.other_unit_grants") where another unit grants this business.
    """
    grant_in_scope(session, caller, grant_id)
    grant = find_grant(session, grant_id)
    if granting_unit(session, grant) not in scope_of(caller):
        raise Rejected("grant.other_unit_grants")
    return grant


def person_by_number(session: Session, document_number: str) -> str:
    """Id of the person verified by this resident ID.

    Raises Rejected("grant.document_number") for a number that cannot be one, Refused("grant.person_not_verified") for one
    nobody is verified by: unknown, by another document, or not any more, all alike.
    """
    found = number_problems(DocumentType.RESIDENT_ID, document_number, local_day(now()))
    if found:
        texts = [{"field": "document_number", "code": code, "message": NUMBER_PROBLEM_TEXTS[code]} for code in found]
        raise Rejected("grant.document_number", problems=texts)
    person = find_person_by_document(session, DocumentType.RESIDENT_ID, document_number)
    if person is None or valid_resident_credential(session, person.id) is None:
        raise Refused("grant.person_not_verified")
    return person.id
