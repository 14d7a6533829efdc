"""The overview 授权名册: every institution has a row for every business, with the facts units list and search them by.

The facts repeat the institution's (ADR 0008 says why), so they change with it: in the flush that writes an institution
through the session, its grants are written too. Whoever writes institutions past the session calls `enrol` afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Table, and_, bindparam, event, exists, insert, inspect, or_, select, update
from sqlalchemy.orm import Mapper, Session

from domain.grants.business import Business
from domain.grants.grant import BusinessGrant, new_grant, repeated_facts
from domain.institutions.institution import Institution, InstitutionState

GRANT = cast(Table, BusinessGrant.__table__)
BATCH = 2_000
_SOURCES = ("code", "name_key", "supervising_unit", "category", "state")


def enrol(session: Session, now: datetime, *, batch: int = BATCH) -> int:
    """Make the rows that are missing, for whatever institution and business; returns how many. Safe to repeat."""
    made = 0
    while pairs := _missing_pairs(session, batch):
        session.execute(insert(GRANT), [_row(institution, key, now) for institution, key in pairs])
        made += len(pairs)
    return made


def mend_overview(session: Session, *, batch: int = BATCH) -> int:
    """Write the repeated facts again where they differ from the institution's; returns how many rows did. 0 is the rule."""
    mended = 0
    while rows := session.execute(_differing().limit(batch)).all():
        session.execute(
            update(GRANT).where(GRANT.c.id == bindparam("grant")),
            [{"grant": grant_id, **repeated_facts(institution)} for grant_id, institution in rows],
        )
        mended += len(rows)
    return mended


def _missing_pairs(session: Session, batch: int) -> Sequence[tuple[Institution, str]]:
    has_row = exists().where(BusinessGrant.institution_id == Institution.id, BusinessGrant.business_key == Business.key)
    wanted = select(Institution, Business.key).join(Business, ~has_row).limit(batch)
    return [(institution, key) for institution, key in session.execute(wanted)]


def _differing() -> Any:  # Any: a row of an id and an institution
    unit = BusinessGrant.supervising_unit
    is_listed = Institution.state != InstitutionState.REMOVED
    return (
        select(BusinessGrant.id, Institution)
        .join(Institution, Institution.id == BusinessGrant.institution_id)
        .where(
            or_(
                BusinessGrant.institution_code != Institution.code,
                BusinessGrant.name_key != Institution.name_key,
                BusinessGrant.category != Institution.category,
                and_(is_listed, or_(unit.is_(None), unit != Institution.supervising_unit)),
                and_(~is_listed, unit.is_not(None)),
            )
        )
    )


def _row(institution: Institution, business_key: str, now: datetime) -> dict[str, Any]:  # Any: column values
    grant = new_grant(institution, business_key, now)
    return {column.name: getattr(grant, column.name) for column in GRANT.columns}


def enrol_new(connection: Connection, institutions: Sequence[Institution]) -> None:
    """The rows of institutions that were written just now past the session; the session's own are enrolled by themselves."""
    keys = connection.scalars(select(Business.key)).all()
    rows = [_row(institution, key, institution.admitted_at) for institution in institutions for key in keys]
    if rows:
        connection.execute(insert(GRANT), rows)


@event.listens_for(Institution, "after_insert")
def _enrol_new(mapper: Mapper[Institution], connection: Connection, institution: Institution) -> None:
    enrol_new(connection, [institution])


@event.listens_for(Institution, "after_update")
def _follow(mapper: Mapper[Institution], connection: Connection, institution: Institution) -> None:
    attributes = inspect(institution).attrs
    if any(attributes[name].history.has_changes() for name in _SOURCES):
        connection.execute(
            update(GRANT).where(GRANT.c.institution_id == institution.id).values(**repeated_facts(institution))
        )
