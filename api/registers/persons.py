"""Registers: persons and credentials, masked unless a reader of the registers asks for more, which is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller
from api.edge.model import EvidenceLook
from api.edge.paging import PageQuery
from api.edge.roles import REVEAL, places_of, require_registers
from api.edge.transactions import reads
from api.evidence.links import look_at_person
from domain.accounts.account import display_names
from domain.credentials.credential import Credential, CredentialState
from domain.credentials.register import (
    CredentialEntry,
    PersonEntry,
    PersonRecord,
    find_credentials,
    find_persons,
    number_of,
    read_credential,
    read_person,
)
from domain.credentials.register_story import (
    STATE_LABELS,
    VERIFIED_BY_LABELS,
    RegisterLine,
    credential_story,
    person_story,
)
from domain.documents.documents import DOCUMENT_LABELS
from domain.persons.person import Identity
from domain.persons.privacy import mask_document_number, mask_name, mask_phone

registers_api = APIBlueprint("registers", __name__, url_prefix="/api/v1", tag="登记簿")

LOOKS_SHOWN = 50


class SearchQuery(PageQuery):
    q: str | None = Field(
        default=None, max_length=80, description="完整姓名、完整证件号码，或列表中打码的号码（如 1101**********0021）"
    )


class CredentialQuery(SearchQuery):
    state: CredentialState | None = Field(default=None, description="只看这一状态")


class RevealQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reveal: bool = Field(default=False, description="不打码；须有 registers.reader 岗位，每次都有记录")


class PersonOut(BaseModel):
    id: str
    name: str | None = Field(description="打码；已删除的为 null")
    document_type: str | None
    document_label: str | None
    document_number: str | None = Field(description="打码")
    is_verified: bool
    is_erased: bool
    created_at: datetime


class PersonList(BaseModel):
    items: list[PersonOut]
    next: str | None


class CredentialOut(BaseModel):
    id: str
    person_id: str
    name: str | None
    document_type: str
    document_label: str
    document_number: str | None = Field(description="换过证件的，旧号码不再保留，为 null")
    state: CredentialState
    state_label: str
    verified_by: str
    verified_by_label: str
    valid_until: date | None = Field(description="证件最后有效日；长期为 null")
    issued_at: datetime
    ended_at: datetime | None
    case_id: str
    account_id: str
    replaced_by: str | None
    reason: str | None


class CredentialList(BaseModel):
    items: list[CredentialOut]
    next: str | None


class RegisterLineOut(BaseModel):
    at: datetime
    sentence: str
    case_id: str | None
    credential_id: str | None


class LookOut(BaseModel):
    at: datetime
    who: str


class AccountOut(BaseModel):
    id: str
    created_at: datetime
    is_current: bool = Field(description="持有有效凭证的微信账号")


class PersonPageOut(PersonOut):
    is_masked: bool
    may_reveal: bool
    phone: str | None
    has_portrait: bool = Field(description="经同意保留了证件照")
    credentials: list[CredentialOut]
    accounts: list[AccountOut]
    history: list[RegisterLineOut] = Field(description="先发生的在前")
    looks: list[LookOut] = Field(description="谁看过未打码的内容，新的在前")


class CredentialPageOut(CredentialOut):
    is_masked: bool
    may_reveal: bool
    history: list[RegisterLineOut]


@registers_api.get("/persons")
@reads(Audience.CONSOLE)
@registers_api.input(SearchQuery, location="query")
@registers_api.output(PersonList)
@registers_api.doc(summary="人员")
def list_persons(session: Session, caller: Caller, query_data: SearchQuery) -> dict[str, Any]:
    """新登记的在前；一律打码。姓名和号码须完整，只输入一部分找不到人。"""
    require_registers(caller)
    page = find_persons(session, query_data.q or "", cursor=query_data.cursor, limit=query_data.limit)
    return {"items": [_person_json(entry, is_masked=True) for entry in page.items], "next": page.next}


@registers_api.get("/persons/<person_id>")
@reads(Audience.CONSOLE)
@registers_api.input(RevealQuery, location="query")
@registers_api.output(PersonPageOut)
@registers_api.doc(summary="一位人员")
def show_person(session: Session, caller: Caller, person_id: str, query_data: RevealQuery) -> dict[str, Any]:
    """证件、凭证、账号、同意和经过。"""
    require_registers(caller, reveal=query_data.reveal)
    record = read_person(session, person_id)
    shown = _record_json(session, caller, record, is_masked=not query_data.reveal)
    if query_data.reveal:
        look_at_person(caller, person_id)
    return shown


@registers_api.get("/credentials")
@reads(Audience.CONSOLE)
@registers_api.input(CredentialQuery, location="query")
@registers_api.output(CredentialList)
@registers_api.doc(summary="实名凭证")
def list_credentials(session: Session, caller: Caller, query_data: CredentialQuery) -> dict[str, Any]:
    """新核发的在前；一律打码。"""
    require_registers(caller)
    page = find_credentials(
        session, query_data.q or "", state=query_data.state, cursor=query_data.cursor, limit=query_data.limit
    )
    items = [_credential_json(each.credential, each.who, is_masked=True) for each in page.items]
    return {"items": items, "next": page.next}


@registers_api.get("/credentials/<credential_id>")
@reads(Audience.CONSOLE)
@registers_api.input(RevealQuery, location="query")
@registers_api.output(CredentialPageOut)
@registers_api.doc(summary="一份实名凭证")
def show_credential(session: Session, caller: Caller, credential_id: str, query_data: RevealQuery) -> dict[str, Any]:
    """凭证的内容和经过。"""
    require_registers(caller, reveal=query_data.reveal)
    found: CredentialEntry = read_credential(session, credential_id)
    shown = {
        **_credential_json(found.credential, found.who, is_masked=not query_data.reveal),
        "is_masked": not query_data.reveal,
        "may_reveal": _may_reveal(caller),
        "history": _lines_json(credential_story(found.credential)),
    }
    if query_data.reveal:
        look_at_person(caller, found.credential.person_id)
    return shown


def _record_json(session: Session, caller: Caller, record: PersonRecord, *, is_masked: bool) -> dict[str, Any]:
    who, phone = record.entry.who, record.phone
    current = {each.account_id for each in record.credentials if each.state == CredentialState.VALID}
    return {
        **_person_json(record.entry, is_masked=is_masked),
        "is_masked": is_masked,
        "may_reveal": _may_reveal(caller),
        "phone": mask_phone(phone) if phone and is_masked else phone,
        "has_portrait": record.has_portrait,
        "credentials": [_credential_json(each, who, is_masked=is_masked) for each in record.credentials],
        "accounts": [
            {"id": each.id, "created_at": each.created_at, "is_current": each.id in current} for each in record.accounts
        ],
        "history": _lines_json(person_story(record)),
        "looks": _looks_json(session, record.entry.id),
    }


def _looks_json(session: Session, person_id: str) -> list[dict[str, Any]]:
    latest = (
        select(EvidenceLook.at, EvidenceLook.account_id)
        .where(EvidenceLook.person_id == person_id)
        .order_by(EvidenceLook.at.desc())
        .limit(LOOKS_SHOWN)
    )
    looks = session.execute(latest).all()
    names = display_names(session, {look.account_id for look in looks})
    return [{"at": look.at, "who": names.get(look.account_id, "工作人员")} for look in looks]


def _person_json(entry: PersonEntry, *, is_masked: bool) -> dict[str, Any]:
    who = entry.who
    return {
        "id": entry.id,
        **_identity_json(who, is_masked=is_masked),
        "document_type": who.document_type if who else None,
        "document_label": DOCUMENT_LABELS[who.document_type] if who else None,
        "is_verified": entry.is_verified,
        "is_erased": who is None,
        "created_at": entry.created_at,
    }


def _credential_json(credential: Credential, who: Identity | None, *, is_masked: bool) -> dict[str, Any]:
    number = number_of(credential, who)
    plain = ("id", "person_id", "document_type", "state", "verified_by", "valid_until", "issued_at", "ended_at")
    more = ("case_id", "account_id", "replaced_by", "reason")
    return {
        **{name: getattr(credential, name) for name in (*plain, *more)},
        **_identity_json(who, is_masked=is_masked),
        "document_number": mask_document_number(number) if number and is_masked else number,
        "document_label": DOCUMENT_LABELS[credential.document_type],
        "state_label": STATE_LABELS[credential.state],
        "verified_by_label": VERIFIED_BY_LABELS[credential.verified_by],
    }


def _identity_json(who: Identity | None, *, is_masked: bool) -> dict[str, str | None]:
    if who is None:
        return {"name": None, "document_number": None}
    if is_masked:
        return {"name": mask_name(who.name), "document_number": mask_document_number(who.document_number)}
    return {"name": who.name, "document_number": who.document_number}


def _lines_json(lines: Iterable[RegisterLine]) -> list[dict[str, Any]]:
    return [{name: getattr(line, name) for name in RegisterLineOut.model_fields} for line in lines]


def _may_reveal(caller: Caller) -> bool:
    return REVEAL in places_of(caller)
