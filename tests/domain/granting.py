"""Units, institutions, verified people and grants, with defaults, for tests of the register; and what a verb refuses with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from domain.accounts.account import find_or_create_wechat_account
from domain.credentials.credential import VerifiedBy
from domain.credentials.issuing import Verification, issue_credential
from domain.documents.documents import resident_check_digit
from domain.grants.business import seed_businesses
from domain.grants.code import data_owner, issue_code, live_code, open_code
from domain.grants.grant import BusinessGrant, begin_tenure, ensure_grant
from domain.grants.tenure import activate
from domain.institutions.institution import Institution, NewInstitution, admit_institution
from domain.persons.person import identity
from domain.refused import Refused
from domain.units.unit import Unit, UnitLevel
from storage import vault
from storage.columns import new_id

BUSINESS = "nurse_exam_review"
UNIT = {"by": "unit", "why": "unit"}
PROVINCE, SUIZHOU, ZENGDU, WUHAN = "420000", "421300", "421303", "420100"
UNITS = (
    (PROVINCE, "湖北省卫生健康委员会", UnitLevel.PROVINCE, None),
    (SUIZHOU, "随州市卫生健康委员会", UnitLevel.CITY, PROVINCE),
    (ZENGDU, "曾都区卫生健康局", UnitLevel.COUNTY, SUIZHOU),
    (WUHAN, "武汉市卫生健康委员会", UnitLevel.CITY, PROVINCE),
)


def a_province(session: Session, now: datetime) -> None:
    """Four units and the businesses."""
    for code, name, level, parent in UNITS:
        session.add(Unit(code=code, name=name, level=level, parent_code=parent))
        session.flush()
    seed_businesses(session, now)


def an_institution(
    session: Session, now: datetime, name: str = "随州仁爱医院", *, unit: str = ZENGDU, **values: str
) -> Institution:
    new = NewInstitution(name=name, supervising_unit=unit, **{"category": "hospital", **values})
    return admit_institution(session, new, case_id=None, by=None, now=now)


def a_person(session: Session, now: datetime, number: int = 1, *, document_type: str = "resident_id") -> str:
    """The id of a person with a valid credential; each number is another person."""
    first_17 = f"11010519491231{number:03d}"
    document = first_17 + resident_check_digit(first_17) if document_type == "resident_id" else f"C{number:08d}"
    verification = Verification(
        account_id=find_or_create_wechat_account(session, f"openid-{number}", now).id,
        case_id=new_id(),
        who=identity("张三", document_type, document),
        verified_by=VerifiedBy.READING,
    )
    return issue_credential(session, verification, now).person_id


def a_grant(session: Session, now: datetime, business: str = BUSINESS, **institution: str) -> BusinessGrant:
    """A grant with a running tenure, in state NONE."""
    grant = ensure_grant(session, an_institution(session, now, **institution).id, business, now)
    return begin_tenure(session, grant.id, new_id(), now)


def an_issued_grant(session: Session, now: datetime, **institution: str) -> tuple[BusinessGrant, str]:
    """With the code's text."""
    grant = a_grant(session, now, **institution)
    return grant, issue_code(session, grant.id, by="unit", now=now)


def an_active_grant(session: Session, now: datetime, manager: str, **institution: str) -> BusinessGrant:
    grant = a_grant(session, now, **institution)
    return activate(session, grant.id, manager, by="unit", why="direct", now=now)


def refusal(verb: Callable[..., object], *arguments: object, **options: object) -> str:
    """The code a verb refuses with."""
    with pytest.raises(Refused) as refused:
        verb(*arguments, **options)
    return refused.value.code


def shown_code(session: Session, grant_id: str) -> str | None:
    """The live code's text; None once it is used, expired, replaced or void."""
    live = live_code(session, grant_id)
    if live is None or live.sealed is None:
        return None
    return open_code(vault.current().cipher(session, data_owner(grant_id)), live.id, live.sealed)
