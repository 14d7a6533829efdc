"""Notices on a real database: when they are due, leased to one sender, tried again and given up."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session, sessionmaker

from bpmn.notices import wording_of
from domain import notice
from storage import vault
from storage.columns import new_id
from storage.deferred_rows import flush_deferred_inserts
from storage.transactions import transaction
from tests.domain.people import somebody

VERIFIED = "real_name.verified"


def a_notice(session: Session, now: datetime) -> str:
    case_id = new_id()
    vault.current().create_data_key(session, f"case:{case_id}", now)
    notice_id = notice.queue_notice(
        session,
        case_id=case_id,
        template=VERIFIED,
        wording=wording_of(VERIFIED),
        now=now,
        account_id=somebody(session, now),
    )
    flush_deferred_inserts(session)
    return notice_id


def test_a_notice_of_a_time_to_come_is_due_when_the_clock_was_set_back(
    sessions: sessionmaker[Session], now: datetime
) -> None:
    with transaction(sessions) as session:
        a_notice(session, now + timedelta(hours=1))
        waiting = a_notice(session, now)
        notice.lease_notices(session, now, 10)

    with transaction(sessions) as session:
        assert notice.lease_notices(session, now, 10) == []
        assert notice.mend_future_times(session, now) == 1
        [due] = notice.lease_notices(session, now, 10)

    assert due.id != waiting


def test_a_leased_notice_is_not_sent_twice_at_once(sessions: sessionmaker[Session], now: datetime) -> None:
    with transaction(sessions) as session:
        a_notice(session, now)

    with transaction(sessions) as session:
        leased = notice.lease_notices(session, now, 10)
        assert notice.read_notice(session, leased[0]).title == "认证成功"
    with transaction(sessions) as session:
        assert notice.lease_notices(session, now, 10) == []
        again = notice.lease_notices(session, now + notice.LEASE, 10)
        notice.mark_sent(session, again[0].id, "sandbox", now)

    with transaction(sessions) as session:
        assert notice.lease_notices(session, now + timedelta(days=1), 10) == []


def test_a_notice_that_fails_is_tried_later_and_given_up_at_last(session: Session, now: datetime) -> None:
    notice_id = a_notice(session, now)
    tried = 0
    while leased := notice.lease_notices(session, now, 10):
        tried += 1
        notice.mark_failed(session, leased[0].id, "no answer", now)
        session.expire_all()
        now += timedelta(hours=3)

    found = session.get(notice.Notice, notice_id)
    assert found is not None
    assert (tried, found.state, found.error) == (8, "FAILED", "no answer")
