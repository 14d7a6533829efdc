"""From a code or a direct grant to the end of a manager's time: the verbs that touch state, code and holders together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from domain.grant import BusinessGrant


@dataclass(frozen=True, slots=True)
class Impact:
    """What ending a tenure touches. group: whose open work items nobody could do any more (the caller counts them).

    case_id: the tenure's case, whose open transfers and invitations end with it.
    """

    manager_person_id: str | None
    auxiliary_person_ids: tuple[str, ...]
    has_open_code: bool
    group: str
    case_id: str | None


def activate(session: Session, grant_id: str, person_id: str, *, by: str, why: str, now: datetime) -> BusinessGrant:
    """The person is manager, NONE or ISSUED → ACTIVE. A code reserved by this very person is used, any other live one void.

    why: `redeemed`, `confirmed` (by the unit), `direct`, `takeover`, `imported`. Raises Refused("grant.no_tenure" |
    "grant.already_active" | "grant.stopped" | "grant.person_not_verified" | "grant.institution_not_admitted").
    """
    raise NotImplementedError


def transfer(
    session: Session, grant_id: str, to_person_id: str, *, keep_auxiliaries: bool, by: str, why: str, now: datetime
) -> BusinessGrant:
    """Another person is manager of the ACTIVE grant; an auxiliary who becomes manager is no auxiliary any more.

    Raises Refused("grant.not_active" | "grant.own_number" | "grant.person_not_verified").
    """
    raise NotImplementedError


def end_tenure(
    session: Session, grant_id: str, *, why: str, by: str, now: datetime, stop: bool = False
) -> BusinessGrant:
    """解除授权: holders' times end, a live code is void, no case carries the grant; → NONE, or with `stop` → STOPPED.

    why: `replaced`, `stopped`, `resigned`, `credential_ended`, `expired`, …. A grant with nothing running can be stopped too.
    Raises Refused("grant.no_tenure") where there is nothing to end, Refused("grant.stopped") for a stopped one.
    """
    raise NotImplementedError


def impact(session: Session, grant_id: str) -> Impact:
    """What `end_tenure` would touch, for the question before it. Raises Refused("grant.unknown")."""
    raise NotImplementedError


def check_grant(session: Session, business_key: str, institution_id: str, person_id: str, now: datetime) -> bool:
    """Whether this person may work in this business for this institution now; unknown ids are a plain no.

    Yes: the grant is ACTIVE, the person its manager or auxiliary, the business open, the institution not removed.
    """
    raise NotImplementedError


def reserved_person(session: Session, grant_id: str) -> str | None:
    """Who is redeeming the grant's code right now."""
    raise NotImplementedError
