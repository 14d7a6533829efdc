"""Grants: an institution's right to a business. The register holds the state; one case is one tenure of a manager.

未生成 NONE → 已生成未激活 ISSUED → 已授权 ACTIVE ⇄ 已暂停 SUSPENDED; 已停用 STOPPED until enabled.
Every verb locks the grant's row first, so two verbs on one grant run one after the other; the second meets the state the
first left.
Codes: `grant_code`; who holds it: `grant_holder`; verbs that end or hand over a tenure: `grant_tenure`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Select, String, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.grants.business import SUPERVISOR, Business, find_business
from domain.institutions.institution import Institution, InstitutionState
from domain.persons.person import Person
from domain.refused import Refused
from storage.columns import Base, Id, UtcTime, new_id


class GrantState(StrEnum):
    """STOPPED: no code, no manager, until the unit enables it again."""

    NONE = "NONE"
    ISSUED = "ISSUED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    STOPPED = "STOPPED"


class BusinessGrant(Base):
    """One a pair of institution and business. tenure: its number, 0 before the first. case_id: the case of the running one.

    institution_code, name_key, supervising_unit and category repeat the institution's, so that a unit's table of grants is
    read from one index (`domain/grants/overview.py` keeps them); supervising_unit is None once the institution was removed.
    """

    __tablename__ = "business_grant"
    __table_args__ = (
        UniqueConstraint("institution_id", "business_key"),
        CheckConstraint("(manager_person_id IS NOT NULL) = (state IN ('ACTIVE', 'SUSPENDED'))", name="manager"),
        Index(
            "ix_business_grant_roll",
            "business_key",
            "institution_code",
            "supervising_unit",
            "name_key",
            "state",
            "category",
        ),
        Index(
            "ix_business_grant_roll_state",
            "business_key",
            "state",
            "institution_code",
            "supervising_unit",
            "name_key",
            "category",
        ),
        Index(
            "ix_business_grant_roll_unit",
            "business_key",
            "supervising_unit",
            "state",
            "institution_code",
            "name_key",
            "category",
        ),
        Index("ix_business_grant_roll_count", "business_key", "supervising_unit", "state"),
        Index("ix_business_grant_case_id", "case_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    institution_id: Mapped[str] = mapped_column(ForeignKey(Institution.id))
    business_key: Mapped[str] = mapped_column(ForeignKey(Business.key))
    state: Mapped[GrantState] = mapped_column(String(10), default=GrantState.NONE)
    manager_person_id: Mapped[str | None] = mapped_column(ForeignKey(Person.id), index=True)
    tenure: Mapped[int] = mapped_column(default=0)
    case_id: Mapped[str | None] = mapped_column(Id)
    institution_code: Mapped[str] = mapped_column(String(12))
    name_key: Mapped[str] = mapped_column(String(200))
    supervising_unit: Mapped[str | None] = mapped_column(String(6))
    category: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    changed_at: Mapped[datetime] = mapped_column(UtcTime)


class GrantChange(Base):
    """One change of a grant's state. by: an account's id, or `system`. why: a code; reasons in words are in the case."""

    __tablename__ = "grant_change"
    __table_args__ = (Index("ix_grant_change_grant_id_at", "grant_id", "at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    grant_id: Mapped[str] = mapped_column(ForeignKey(BusinessGrant.id))
    tenure: Mapped[int]
    was: Mapped[GrantState] = mapped_column(String(10))
    became: Mapped[GrantState] = mapped_column(String(10))
    by: Mapped[str] = mapped_column(String(64))
    why: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcTime)


def find_grant(session: Session, grant_id: str) -> BusinessGrant:
    """The grant as it stands. Raises Refused("grant.unknown")."""
    grant = session.get(BusinessGrant, grant_id, populate_existing=True)
    if grant is None:
        raise Refused("grant.unknown", grant=grant_id)
    return grant


def lock_grant(session: Session, grant_id: str) -> BusinessGrant:
    """The grant, locked until the transaction ends; what every verb does first. Raises Refused("grant.unknown")."""
    grant = session.get(BusinessGrant, grant_id, with_for_update=True, populate_existing=True)
    if grant is None:
        raise Refused("grant.unknown", grant=grant_id)
    return grant


def grant_of(session: Session, institution_id: str, business_key: str) -> BusinessGrant | None:
    """The grant of this pair, None where the pair has no row yet."""
    return session.scalar(_of_pair(institution_id, business_key))


def grant_of_case(session: Session, case_id: str) -> BusinessGrant | None:
    """The grant whose running tenure this case carries."""
    return session.scalar(select(BusinessGrant).where(BusinessGrant.case_id == case_id))


def granting_unit(session: Session, grant: BusinessGrant) -> str | None:
    """Code of the unit that grants this business to this institution today; None once the institution was removed."""
    granted_by = find_business(session, grant.business_key).granted_by
    return grant.supervising_unit if granted_by == SUPERVISOR else granted_by


def ensure_grant(session: Session, institution_id: str, business_key: str, now: datetime) -> BusinessGrant:
    """The grant of this pair, made in state NONE where it is missing.

    Raises Refused("business.unknown" | "institution.unknown").
    """
    known = grant_of(session, institution_id, business_key)
    if known is not None:
        return known
    business = find_business(session, business_key)
    institution = session.get(Institution, institution_id)
    if institution is None:
        raise Refused("institution.unknown", institution=institution_id)
    try:
        with session.begin_nested():
            session.add(new_grant(institution, business.key, now))
            session.flush()
    except IntegrityError:  # another transaction made it meanwhile
        session.expire_all()
    return session.scalars(_of_pair(institution_id, business_key)).one()


def new_grant(institution: Institution, business_key: str, now: datetime) -> BusinessGrant:
    """The row of a pair that nothing has happened to yet; not added to a session."""
    return BusinessGrant(
        id=new_id(),
        institution_id=institution.id,
        business_key=business_key,
        state=GrantState.NONE,
        tenure=0,
        created_at=now,
        changed_at=now,
        **repeated_facts(institution),
    )


def repeated_facts(institution: Institution) -> dict[str, str | None]:
    """The columns of a grant that repeat its institution's."""
    is_listed = institution.state != InstitutionState.REMOVED
    return {
        "institution_code": institution.code,
        "name_key": institution.name_key,
        "supervising_unit": institution.supervising_unit if is_listed else None,
        "category": institution.category,
    }


def begin_tenure(session: Session, grant_id: str, case_id: str, now: datetime) -> BusinessGrant:
    """Number and note a new tenure, carried by this case; a repeat by the same case changes nothing.

    Raises Refused("grant.tenure_running", case=…) while another case carries one, Refused("grant.stopped").
    """
    grant = lock_grant(session, grant_id)
    if grant.case_id == case_id:
        return grant
    if grant.case_id is not None:
        raise Refused("grant.tenure_running", grant=grant_id, case=grant.case_id)
    if grant.state == GrantState.STOPPED:
        raise Refused("grant.stopped", grant=grant_id)
    grant.case_id, grant.tenure, grant.changed_at = case_id, grant.tenure + 1, now
    session.flush()
    return grant


def hand_on_tenure(session: Session, grant_id: str, case_id: str, now: datetime) -> BusinessGrant:
    """The case that carried the tenure has ended and the grant stays in use: the successor's case is about to begin.

    Nothing changes where another case carries it.
    """
    grant = lock_grant(session, grant_id)
    if grant.case_id == case_id:
        grant.case_id, grant.changed_at = None, now
        session.flush()
    return grant


def suspend(session: Session, grant_id: str, *, by: str, why: str, now: datetime) -> BusinessGrant:
    """ACTIVE → SUSPENDED: holders stay, what they may use is gone at once. Raises Refused("grant.not_active")."""
    grant = lock_grant(session, grant_id)
    refuse_inactive(grant)
    change_state(session, grant, GrantState.SUSPENDED, by=by, why=why, now=now)
    return grant


def resume(session: Session, grant_id: str, *, by: str, why: str, now: datetime) -> BusinessGrant:
    """SUSPENDED → ACTIVE. Raises Refused("grant.not_suspended")."""
    grant = lock_grant(session, grant_id)
    if grant.state != GrantState.SUSPENDED:
        raise Refused("grant.not_suspended", grant=grant_id, state=grant.state)
    change_state(session, grant, GrantState.ACTIVE, by=by, why=why, now=now)
    return grant


def enable(session: Session, grant_id: str, *, by: str, why: str, now: datetime) -> BusinessGrant:
    """STOPPED → NONE: codes may be issued again. Raises Refused("grant.not_stopped")."""
    grant = lock_grant(session, grant_id)
    if grant.state != GrantState.STOPPED:
        raise Refused("grant.not_stopped", grant=grant_id, state=grant.state)
    change_state(session, grant, GrantState.NONE, by=by, why=why, now=now)
    return grant


def changes_of(session: Session, grant_id: str) -> list[GrantChange]:
    """Every change of state, oldest first."""
    return list(
        session.scalars(
            select(GrantChange).where(GrantChange.grant_id == grant_id).order_by(GrantChange.at, GrantChange.id)
        )
    )


def refuse_inactive(grant: BusinessGrant) -> None:
    """Raises Refused("grant.not_active") unless the grant is ACTIVE."""
    if grant.state != GrantState.ACTIVE:
        raise Refused("grant.not_active", grant=grant.id, state=grant.state)


def refuse_ungrantable(session: Session, grant: BusinessGrant) -> None:
    """Raises Refused where nobody may become manager now: "grant.stopped", "grant.already_active", "grant.no_tenure",
    "grant.institution_not_admitted".
    """
    if grant.state == GrantState.STOPPED:
        raise Refused("grant.stopped", grant=grant.id)
    if grant.state in (GrantState.ACTIVE, GrantState.SUSPENDED):
        raise Refused("grant.already_active", grant=grant.id, state=grant.state)
    if grant.case_id is None:
        raise Refused("grant.no_tenure", grant=grant.id)
    if not is_admitted(session, grant.institution_id):
        raise Refused("grant.institution_not_admitted", grant=grant.id, institution=grant.institution_id)


def is_admitted(session: Session, institution_id: str) -> bool:
    state = session.scalar(select(Institution.state).where(Institution.id == institution_id))
    return state == InstitutionState.ADMITTED


def change_state(
    session: Session, grant: BusinessGrant, became: GrantState, *, by: str, why: str, now: datetime
) -> None:
    """Move a locked grant and note who, when and why. For the modules of the register; they check what may follow what."""
    was = GrantState(grant.state)
    grant.state, grant.changed_at = became, now
    session.add(
        GrantChange(id=new_id(), grant_id=grant.id, tenure=grant.tenure, was=was, became=became, by=by, why=why, at=now)
    )
    session.flush()


def _of_pair(institution_id: str, business_key: str) -> Select[BusinessGrant]:
    return select(BusinessGrant).where(
        BusinessGrant.institution_id == institution_id, BusinessGrant.business_key == business_key
    )
