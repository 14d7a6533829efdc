"""Who holds a grant: its manager and auxiliaries, from when to when, by whom and why. Rows end, they are never deleted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from database import Base, Id, UtcTime, new_id
from domain.grant import BusinessGrant
from domain.person import Person


class HolderRole(StrEnum):
    """AUXILIARY: uses the business, hands nothing on."""

    MANAGER = "MANAGER"
    AUXILIARY = "AUXILIARY"


_HELD = text("until_at IS NULL")
_MANAGES = text("until_at IS NULL AND role = 'MANAGER'")


class GrantHolder(Base):
    """One stretch of time a person held a grant in one role; until_at None: still. Persons by id only.

    given_by, ended_by: an account's id, `person:<id>` where the flow knows the person only, or `system`.
    given_why, ended_why: codes (`redeemed`, `direct`, `transfer`, …); reasons in words are in the tenure's case.
    """

    __tablename__ = "grant_holder"
    __table_args__ = (
        Index("uq_grant_holder_manager", "grant_id", unique=True, sqlite_where=_MANAGES, postgresql_where=_MANAGES),
        Index(
            "uq_grant_holder_person", "grant_id", "person_id", unique=True, sqlite_where=_HELD, postgresql_where=_HELD
        ),
        Index("ix_grant_holder_person_id", "person_id", "until_at"),
        Index("ix_grant_holder_grant_id", "grant_id", "from_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    grant_id: Mapped[str] = mapped_column(ForeignKey(BusinessGrant.id))
    tenure: Mapped[int]
    person_id: Mapped[str] = mapped_column(ForeignKey(Person.id))
    role: Mapped[HolderRole] = mapped_column(String(10))
    from_at: Mapped[datetime] = mapped_column(UtcTime)
    given_by: Mapped[str] = mapped_column(String(64))
    given_why: Mapped[str] = mapped_column(String(40))
    until_at: Mapped[datetime | None] = mapped_column(UtcTime)
    ended_by: Mapped[str | None] = mapped_column(String(64))
    ended_why: Mapped[str | None] = mapped_column(String(40))


@dataclass(frozen=True, slots=True)
class HeldGrant:
    """A grant somebody holds now."""

    grant: BusinessGrant
    role: HolderRole


def add_auxiliary(session: Session, grant_id: str, person_id: str, *, by: str, why: str, now: datetime) -> GrantHolder:
    """One more auxiliary of an ACTIVE grant.

    Raises Refused("grant.not_active" | "grant.is_manager" | "grant.is_auxiliary" | "grant.too_many_auxiliaries" |
    "grant.person_not_verified").
    """
    raise NotImplementedError


def remove_auxiliary(
    session: Session, grant_id: str, person_id: str, *, by: str, why: str, now: datetime
) -> GrantHolder:
    """The person is no auxiliary any more; ACTIVE or SUSPENDED. Raises Refused("grant.not_auxiliary")."""
    raise NotImplementedError


def manager_of(session: Session, grant_id: str) -> str | None:
    """The manager's person id."""
    raise NotImplementedError


def auxiliaries_of(session: Session, grant_id: str) -> tuple[str, ...]:
    """Person ids, longest serving first."""
    raise NotImplementedError


def holders_of(session: Session, grant_id: str) -> list[GrantHolder]:
    """Everybody who ever held the grant, newest first."""
    raise NotImplementedError


def grants_held(session: Session, person_id: str) -> list[HeldGrant]:
    """Every grant the person holds now, ACTIVE or SUSPENDED, oldest first: 本人业务账号管理."""
    raise NotImplementedError


def business_groups(session: Session, person_id: str) -> frozenset[str]:
    """`business:<business>:<institution id>` of every ACTIVE grant the person holds, as manager or auxiliary.

    One indexed query, asked anew at every request: who is suspended or removed has lost the group at once.
    """
    raise NotImplementedError


def administered_units(session: Session, person_id: str) -> frozenset[str]:
    """Codes of the units whose own institution's ACTIVE grant of `unit_administration` the person holds; not those below."""
    raise NotImplementedError


def persons_of_group(session: Session, group_key: str) -> list[str]:
    """Ids of the persons who are in `business:<business>:<institution id>` now; [] for any other group."""
    raise NotImplementedError


def clerks_of_units(session: Session, unit_codes: Iterable[str]) -> list[str]:
    """Ids of the persons who administer exactly one of these units by grant."""
    raise NotImplementedError
