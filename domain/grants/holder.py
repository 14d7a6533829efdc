"""Who holds a grant: its manager and auxiliaries, from when to when, by whom and why. Rows end, they are never deleted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVarTuple

from sqlalchemy import ForeignKey, Index, Select, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.credentials.credential import valid_resident_credential
from domain.grants.business import UNIT_ADMINISTRATION, business_group, find_business
from domain.grants.grant import BusinessGrant, GrantState, lock_grant, refuse_inactive
from domain.institutions.institution import Institution, InstitutionState
from domain.persons.person import Person
from domain.refused import Refused
from storage.columns import Base, Id, UtcTime, new_id


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
    grant = lock_grant(session, grant_id)
    refuse_inactive(grant)
    if grant.manager_person_id == person_id:
        raise Refused("grant.is_manager", grant=grant_id, person=person_id)
    auxiliaries = auxiliaries_of(session, grant_id)
    if person_id in auxiliaries:
        raise Refused("grant.is_auxiliary", grant=grant_id, person=person_id)
    limit = find_business(session, grant.business_key).max_auxiliaries
    if len(auxiliaries) >= limit:
        raise Refused("grant.too_many_auxiliaries", grant=grant_id, limit=limit)
    refuse_unverified(session, person_id)
    return give(session, grant, person_id, HolderRole.AUXILIARY, by=by, why=why, now=now)


def remove_auxiliary(
    session: Session, grant_id: str, person_id: str, *, by: str, why: str, now: datetime
) -> GrantHolder:
    """The person is no auxiliary any more; ACTIVE or SUSPENDED. Raises Refused("grant.not_auxiliary")."""
    lock_grant(session, grant_id)
    ended = take(session, held_now(grant_id, HolderRole.AUXILIARY, person_id), by=by, why=why, now=now)
    if not ended:
        raise Refused("grant.not_auxiliary", grant=grant_id, person=person_id)
    return ended[0]


def refuse_unverified(session: Session, person_id: str) -> None:
    """Raises Refused("grant.person_not_verified") unless the person holds a valid credential by resident ID."""
    if valid_resident_credential(session, person_id) is None:
        raise Refused("grant.person_not_verified", person=person_id)


def give(
    session: Session, grant: BusinessGrant, person_id: str, role: HolderRole, *, by: str, why: str, now: datetime
) -> GrantHolder:
    """Note that the person holds a locked grant from now on. For the modules of the register."""
    holder = GrantHolder(
        id=new_id(),
        grant_id=grant.id,
        tenure=grant.tenure,
        person_id=person_id,
        role=role,
        from_at=now,
        given_by=by,
        given_why=why,
    )
    session.add(holder)
    session.flush()
    return holder


def take(session: Session, held: Select[GrantHolder], *, by: str, why: str, now: datetime) -> list[GrantHolder]:
    """End these rows (`held_now`) of a locked grant; returns them. For the modules of the register."""
    ended = list(session.scalars(held))
    for holder in ended:
        holder.until_at, holder.ended_by, holder.ended_why = now, by, why
    session.flush()
    return ended


def held_now(grant_id: str, role: HolderRole | None = None, person_id: str | None = None) -> Select[GrantHolder]:
    """The rows of a grant that have not ended, longest serving first."""
    wanted = select(GrantHolder).where(GrantHolder.grant_id == grant_id, GrantHolder.until_at.is_(None))
    if role is not None:
        wanted = wanted.where(GrantHolder.role == role)
    if person_id is not None:
        wanted = wanted.where(GrantHolder.person_id == person_id)
    return wanted.order_by(GrantHolder.from_at, GrantHolder.id)


def auxiliaries_of(session: Session, grant_id: str) -> tuple[str, ...]:
    """Person ids, longest serving first. The manager's is on the grant."""
    return tuple(holder.person_id for holder in session.scalars(held_now(grant_id, HolderRole.AUXILIARY)))


def holders_of(session: Session, grant_id: str) -> list[GrantHolder]:
    """Everybody who ever held the grant, newest first."""
    wanted = select(GrantHolder).where(GrantHolder.grant_id == grant_id)
    return list(session.scalars(wanted.order_by(GrantHolder.from_at.desc(), GrantHolder.id.desc())))


def grants_held(session: Session, person_id: str) -> list[HeldGrant]:
    """Every grant the person holds now, ACTIVE or SUSPENDED, oldest first: 本人业务账号管理."""
    wanted = (
        select(BusinessGrant, GrantHolder.role)
        .join(GrantHolder, GrantHolder.grant_id == BusinessGrant.id)
        .where(GrantHolder.person_id == person_id, GrantHolder.until_at.is_(None))
        .order_by(GrantHolder.from_at, GrantHolder.id)
    )
    return [HeldGrant(grant, HolderRole(role)) for grant, role in session.execute(wanted)]


def business_groups(session: Session, person_id: str) -> frozenset[str]:
    """`business:<business>:<institution id>` of every ACTIVE grant the person holds, as manager or auxiliary.

    One indexed query, asked anew at every request: who is suspended or removed has lost the group at once. Grants of a
    removed institution give nothing. The business's open period is `check_grant`'s to mind: work left over is finished.
    """
    wanted = _in_force(select(BusinessGrant.business_key, BusinessGrant.institution_id))
    rows = session.execute(wanted.where(GrantHolder.person_id == person_id))
    return frozenset(business_group(business, institution) for business, institution in rows)


def administered_units(session: Session, person_id: str) -> frozenset[str]:
    """Codes of the units whose own institution's ACTIVE grant of `unit_administration` the person holds; not those below."""
    wanted = _in_force(select(Institution.unit_code)).where(
        GrantHolder.person_id == person_id,
        BusinessGrant.business_key == UNIT_ADMINISTRATION,
        Institution.unit_code.is_not(None),
    )
    return frozenset(code for code in session.scalars(wanted) if code is not None)


def persons_of_group(session: Session, group_key: str) -> list[str]:
    """Ids of the persons who are in `business:<business>:<institution id>` now; [] for any other group."""
    parts = group_key.split(":")
    if len(parts) != 3 or parts[0] != "business":
        return []
    wanted = _in_force(select(GrantHolder.person_id)).where(
        BusinessGrant.business_key == parts[1], BusinessGrant.institution_id == parts[2]
    )
    return list(session.scalars(wanted.order_by(GrantHolder.from_at, GrantHolder.id)))


def clerks_of_units(session: Session, unit_codes: Iterable[str]) -> list[str]:
    """Ids of the persons who administer exactly one of these units by grant."""
    wanted = _in_force(select(GrantHolder.person_id)).where(
        BusinessGrant.business_key == UNIT_ADMINISTRATION, Institution.unit_code.in_(sorted(set(unit_codes)))
    )
    return list(dict.fromkeys(session.scalars(wanted.order_by(GrantHolder.from_at, GrantHolder.id))))


_Columns = TypeVarTuple("_Columns")


def _in_force(wanted: Select[*_Columns]) -> Select[*_Columns]:
    """Held now, of an ACTIVE grant of an institution that was not removed."""
    return (
        wanted.select_from(GrantHolder)
        .join(BusinessGrant, BusinessGrant.id == GrantHolder.grant_id)
        .join(Institution, Institution.id == BusinessGrant.institution_id)
        .where(
            GrantHolder.until_at.is_(None),
            BusinessGrant.state == GrantState.ACTIVE,
            Institution.state != InstitutionState.REMOVED,
        )
    )
