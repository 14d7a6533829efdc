"""Grant codes 授权码: eight characters a unit hands to an institution; whoever redeems one becomes its manager.

Found by keyed hash. The text is sealed for the unit until the code is used, replaced, void or expired, then wiped. A code is
redeemed once: of all who try, the conditional update from OPEN to RESERVED lets one through.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.grants.business import find_business, refuse_closed_business
from domain.grants.grant import BusinessGrant, GrantState, change_state, is_admitted, lock_grant, refuse_ungrantable
from domain.persons.person import Person
from domain.refused import Refused
from storage import vault
from storage.columns import Base, Bytes, Id, UtcTime, new_id

# No I, L, O, 0, 1: 31 characters, 8 of them are 39.6 bits.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 8


class CodeState(StrEnum):
    """RESERVED: somebody entered it and is proving who they are; nobody else can. VOID: replaced or taken back."""

    OPEN = "OPEN"
    RESERVED = "RESERVED"
    USED = "USED"
    EXPIRED = "EXPIRED"
    VOID = "VOID"


LIVE = (CodeState.OPEN, CodeState.RESERVED)
_LIVE = text("state IN ('OPEN', 'RESERVED')")


class GrantCode(Base):
    """sealed: the text under the grant's data key, None once the code is dead. reserved_by, used_by: person ids."""

    __tablename__ = "grant_code"
    __table_args__ = (
        Index("uq_grant_code_code_hash", "code_hash", unique=True),
        Index("uq_grant_code_live", "grant_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_grant_code_grant_id", "grant_id", "issued_at"),
        CheckConstraint("(sealed IS NOT NULL) = (state IN ('OPEN', 'RESERVED'))", name="dead_codes_are_wiped"),
        CheckConstraint("(reserved_by IS NOT NULL) OR state <> 'RESERVED'", name="reserved_by_somebody"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    grant_id: Mapped[str] = mapped_column(ForeignKey(BusinessGrant.id))
    tenure: Mapped[int]
    code_hash: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes | None] = mapped_column(Bytes)
    state: Mapped[CodeState] = mapped_column(String(10), default=CodeState.OPEN)
    issued_at: Mapped[datetime] = mapped_column(UtcTime)
    issued_by: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    reserved_by: Mapped[str | None] = mapped_column(ForeignKey(Person.id))
    reserved_at: Mapped[datetime | None] = mapped_column(UtcTime)
    used_by: Mapped[str | None] = mapped_column(ForeignKey(Person.id))
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


def issue_code(session: Session, grant_id: str, *, by: str, now: datetime) -> str:
    """A fresh code's text; an earlier live one is void. NONE or ISSUED → ISSUED; expires after the business's lifetime.

    A tenure must be running (`begin_tenure`). Raises Refused("grant.no_tenure" | "grant.already_active" | "grant.stopped" |
    "grant.business_closed" | "grant.institution_not_admitted").
    """
    grant = lock_grant(session, grant_id)
    business = find_business(session, grant.business_key)
    refuse_ungrantable(session, grant)
    refuse_closed_business(business, now)
    end_live_code(session, grant_id, CodeState.VOID, now)
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    code_id = new_id()
    session.add(
        GrantCode(
            id=code_id,
            grant_id=grant_id,
            tenure=grant.tenure,
            code_hash=_hash(code),
            sealed=_cipher(session, grant_id, now).encrypt(code.encode(), _context(code_id)),
            state=CodeState.OPEN,
            issued_at=now,
            issued_by=by,
            expires_at=now + business.code_lifetime,
        )
    )
    session.flush()
    change_state(session, grant, GrantState.ISSUED, by=by, why="code_issued", now=now)
    return code


def open_code(cipher: vault.DataCipher, code_id: str, sealed: bytes) -> str:
    """The text of a live code. cipher: of the grant's data key (`data_owner`)."""
    return cipher.decrypt(sealed, _context(code_id)).decode()


def live_code(session: Session, grant_id: str) -> GrantCode | None:
    """The grant's OPEN or RESERVED code: when it expires, who has reserved it."""
    wanted = select(GrantCode).where(GrantCode.grant_id == grant_id, GrantCode.state.in_(LIVE))
    return session.scalar(wanted.execution_options(populate_existing=True))


def extend_code(session: Session, grant_id: str, *, now: datetime) -> datetime:
    """The live code is good for the business's whole lifetime from now on; returns when it expires.

    Raises Refused("grant.no_open_code") also where its time is up and the flow has not ended it yet.
    """
    grant = lock_grant(session, grant_id)
    live = live_code(session, grant_id)
    if live is None or live.expires_at <= now:
        raise Refused("grant.no_open_code", grant=grant_id)
    live.expires_at = now + find_business(session, grant.business_key).code_lifetime
    session.flush()
    return live.expires_at


def expire_code(session: Session, grant_id: str, *, now: datetime) -> bool:
    """End the live code if its time is up: ISSUED → NONE. False, and nothing changed, where it was extended meanwhile.

    A reserved code expires too. Raises nothing for a grant without a live code (False).
    """
    grant = lock_grant(session, grant_id)
    live = live_code(session, grant_id)
    if live is None or live.expires_at > now:
        return False
    end_live_code(session, grant_id, CodeState.EXPIRED, now)
    change_state(session, grant, GrantState.NONE, by="system", why="code_expired", now=now)
    return True


def find_redeemable(session: Session, code: str, now: datetime, *, person_id: str | None = None) -> BusinessGrant:
    """The grant this code opens, locked. Typed any way: width, case, blanks and hyphens do not matter.

    person_id: a code this person has reserved already counts as open. Raises Refused("grant.code_not_valid") for an unknown,
    used, expired, void, mistyped or otherwise reserved code, a closed business and an institution that is not admitted
    alike, without facts: the answer tells nothing. The caller counts the failure (`grant_attempts.count_failure`).
    """
    grant_id = session.scalar(select(GrantCode.grant_id).where(GrantCode.code_hash == _hash(normalise_code(code))))
    if grant_id is None:
        raise Refused("grant.code_not_valid")
    grant = lock_grant(session, grant_id)
    live = live_code(session, grant_id)
    if live is None or live.code_hash != _hash(normalise_code(code)) or live.expires_at <= now:
        raise Refused("grant.code_not_valid")
    if live.state == CodeState.RESERVED and (person_id is None or live.reserved_by != person_id):
        raise Refused("grant.code_not_valid")
    if not find_business(session, grant.business_key).is_open(now) or not is_admitted(session, grant.institution_id):
        raise Refused("grant.code_not_valid")
    return grant


def institution_of_code(session: Session, code: str) -> str | None:
    """The institution any code, dead ones too, was ever made for: whom a failed try is counted for. None: unknown."""
    return session.scalar(
        select(BusinessGrant.institution_id)
        .join(GrantCode, GrantCode.grant_id == BusinessGrant.id)
        .where(GrantCode.code_hash == _hash(normalise_code(code)))
    )


def reserve_code(session: Session, grant_id: str, person_id: str, now: datetime) -> GrantCode:
    """OPEN → RESERVED for this person, who goes on to prove who they are; a repeat by the same person changes nothing.

    Raises Refused("grant.code_not_valid") for everybody who comes second.
    """
    reserved = session.execute(
        update(GrantCode)
        .where(GrantCode.grant_id == grant_id, GrantCode.state == CodeState.OPEN, GrantCode.expires_at > now)
        .values(state=CodeState.RESERVED, reserved_by=person_id, reserved_at=now)
        .returning(GrantCode.id),
        execution_options={"synchronize_session": False},
    ).all()
    live = live_code(session, grant_id)
    if live is None or (not reserved and live.reserved_by != person_id):
        raise Refused("grant.code_not_valid")
    return live


def free_code(session: Session, grant_id: str, now: datetime) -> bool:
    """RESERVED → OPEN: whoever reserved it gave up or failed. False where nothing was reserved."""
    lock_grant(session, grant_id)
    live = live_code(session, grant_id)
    if live is None or live.state != CodeState.RESERVED:
        return False
    live.state, live.reserved_by, live.reserved_at = CodeState.OPEN, None, None
    session.flush()
    return True


def end_live_code(
    session: Session, grant_id: str, became: CodeState, now: datetime, *, used_by: str | None = None
) -> GrantCode | None:
    """The live code of a locked grant ends and its text is wiped; None where there is none. For the register's modules."""
    live = live_code(session, grant_id)
    if live is None:
        return None
    live.state, live.sealed, live.ended_at, live.used_by = became, None, now, used_by
    session.flush()
    return live


def normalise_code(typed: str) -> str:
    """As generated: half width, upper case, no blanks or hyphens. Nothing is guessed: O is not taken for 0."""
    return re.sub(r"[\s\-‐-―]", "", unicodedata.normalize("NFKC", typed)).upper()


def data_owner(grant_id: str) -> str:
    """Owner of the data key a grant's codes are sealed with."""
    return f"grant:{grant_id}"


def _cipher(session: Session, grant_id: str, now: datetime) -> vault.DataCipher:
    """The grant's cipher, its key made for the first code; the grant is locked, so nobody makes a second."""
    try:
        return vault.current().cipher(session, data_owner(grant_id))
    except vault.KeyMissing:
        return vault.current().create_data_key(session, data_owner(grant_id), now)


def _hash(code: str) -> str:
    return vault.current().master_key.keyed_hash("grant_code", code)


def _context(code_id: str) -> bytes:
    return f"grant_code:{code_id}".encode()
