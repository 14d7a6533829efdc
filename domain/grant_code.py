"""Grant codes 授权码: eight characters a unit hands to an institution; whoever redeems one becomes its manager.

Found by keyed hash. The text is sealed for the unit until the code is used, replaced, void or expired, then wiped. A code is
redeemed once: of all who try, the conditional update from OPEN to RESERVED lets one through.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from database import Base, Bytes, Id, UtcTime, new_id
from domain.grant import BusinessGrant
from domain.person import Person

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
    raise NotImplementedError


def shown_code(session: Session, grant_id: str) -> str | None:
    """The live code's text, for the unit; None once it is used, expired, replaced or void."""
    raise NotImplementedError


def live_code(session: Session, grant_id: str) -> GrantCode | None:
    """The grant's OPEN or RESERVED code: when it expires, who has reserved it."""
    raise NotImplementedError


def extend_code(session: Session, grant_id: str, *, now: datetime) -> datetime:
    """The live code is good for the business's whole lifetime from now on; returns when it expires.

    Raises Refused("grant.no_open_code").
    """
    raise NotImplementedError


def void_code(session: Session, grant_id: str, *, by: str, why: str, now: datetime) -> None:
    """Take the live code back, reserved or not: ISSUED → NONE. Raises Refused("grant.no_open_code")."""
    raise NotImplementedError


def expire_code(session: Session, grant_id: str, *, now: datetime) -> bool:
    """End the live code if its time is up: ISSUED → NONE. False, and nothing changed, where it was extended meanwhile.

    A reserved code expires too. Raises nothing for a grant without a live code (False).
    """
    raise NotImplementedError


def find_redeemable(session: Session, code: str, now: datetime, *, person_id: str | None = None) -> BusinessGrant:
    """The grant this code opens, locked. Typed any way: width, case, blanks and hyphens do not matter.

    person_id: a code this person has reserved already counts as open. Raises Refused("grant.code_not_valid") for an unknown,
    used, expired, void, mistyped or otherwise reserved code, a closed business and an institution that is not admitted
    alike, without facts: the answer tells nothing. The caller counts the failure (`grant_attempts.count_failure`).
    """
    raise NotImplementedError


def institution_of_code(session: Session, code: str) -> str | None:
    """The institution any code, dead ones too, was ever made for: whom a failed try is counted for. None: unknown."""
    raise NotImplementedError


def reserve_code(session: Session, grant_id: str, person_id: str, now: datetime) -> GrantCode:
    """OPEN → RESERVED for this person, who goes on to prove who they are; a repeat by the same person changes nothing.

    Raises Refused("grant.code_not_valid") for everybody who comes second.
    """
    raise NotImplementedError


def free_code(session: Session, grant_id: str, now: datetime) -> bool:
    """RESERVED → OPEN: whoever reserved it gave up or failed. False where nothing was reserved."""
    raise NotImplementedError
