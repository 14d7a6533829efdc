"""People with an account, and what verifying them found, for tests of the registers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from domain.accounts import account
from domain.credentials import credential, issuing
from domain.persons import person
from storage.columns import new_id

ZHANG = person.identity("张三", "resident_id", "11010519491231002x")
LI = person.identity("李四", "resident_id", "440524188001010014")


def verified(account_id: str, who: person.Identity = ZHANG, **values: object) -> issuing.Verification:
    facts = {"account_id": account_id, "case_id": new_id(), "who": who, "verified_by": credential.VerifiedBy.READING}
    return issuing.Verification(**(facts | values))


def somebody(session: Session, now: datetime, openid: str = "openid-1") -> str:
    return account.find_or_create_wechat_account(session, openid, now).id
