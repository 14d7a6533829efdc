"""What is neither a case's nor a person's is kept as long as it is of use, and no longer."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bpmn.notices import wording_of
from domain.accounts.account import find_or_create_wechat_account
from domain.accounts.sms_code import SmsCode, check_code, make_code
from domain.credentials.attempts import Attempt, AttemptKind, count_attempt
from domain.grants.attempts import FailedAttempt, FailureKind, count_failure
from domain.notice import Notice, mark_sent, queue_notice
from domain.retention import drop_expired
from storage import vault
from storage.deferred_rows import flush_deferred_inserts

PHONE = "13800000000"
VERIFIED = "real_name.verified"


def a_notice(session: Session, account_id: str, queued: datetime) -> str:
    notice_id = queue_notice(
        session, case_id="case-1", template=VERIFIED, wording=wording_of(VERIFIED), now=queued, account_id=account_id
    )
    flush_deferred_inserts(session)
    return notice_id


def test_old_codes_attempts_and_sent_notices_go(session: Session, now: datetime) -> None:
    account = find_or_create_wechat_account(session, "openid", now)
    vault.current().create_data_key(session, "case:case-1", now)
    year_ago = now - timedelta(days=365)
    make_code(session, "case-1", PHONE, year_ago)
    count_attempt(session, account.id, "hash", "case-1", AttemptKind.DOCUMENT, year_ago)
    mark_sent(session, a_notice(session, account.id, year_ago), "sms", year_ago)
    count_failure(session, "0" * 26, None, FailureKind.WRONG_CODE, year_ago)

    dropped = drop_expired(session, now, 100)

    assert dropped == {"sms_code": 1, "attempt": 1, "failed_attempt": 1, "notice": 1}
    left = [session.scalars(select(table)).all() for table in (SmsCode, Attempt, FailedAttempt, Notice)]
    assert left == [[], [], [], []]


def test_what_still_counts_stays(session: Session, now: datetime) -> None:
    account = find_or_create_wechat_account(session, "openid", now)
    vault.current().create_data_key(session, "case:case-1", now)
    minutes_ago, year_ago = now - timedelta(minutes=4), now - timedelta(days=365)
    code = make_code(session, "case-1", PHONE, minutes_ago)
    count_attempt(session, account.id, "hash", "case-1", AttemptKind.FACE, now - timedelta(days=2))
    a_notice(session, account.id, year_ago)  # never sent: still an outbox row

    dropped = drop_expired(session, now, 100)

    assert dropped == {"sms_code": 0, "attempt": 0, "failed_attempt": 0, "notice": 0}
    assert check_code(session, "case-1", code, now).is_right


def test_a_backlog_goes_in_pieces(session: Session, now: datetime) -> None:
    account = find_or_create_wechat_account(session, "openid", now)
    for days in (100, 200, 300):
        count_attempt(session, account.id, "hash", "case-1", AttemptKind.DOCUMENT, now - timedelta(days=days))
    flush_deferred_inserts(session)

    assert drop_expired(session, now, 2)["attempt"] == 2
    assert drop_expired(session, now, 2)["attempt"] == 1
