"""Why a case stands where it stands, in one sentence; and what the watchdog finds that nobody would notice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from engine.errors import NotFound
from engine.model.tables import WAITING
from engine.operators.interventions import cancel_case
from engine.operators.operations import OperatorVerb
from engine.queries.why import watchdog_finds, why
from tests.engine.conftest import ANALYST, APPLICANT, NOW, REVIEWER, Store
from tests.engine.flows import LEAVE_TOML, a_flow
from tests.engine.messaging import an_order_flow
from tests.engine.operating import act, at_review


def test_one_sentence_says_what_a_case_waits_for(any_store: Store) -> None:
    case_id, item = at_review(any_store)

    def sentence() -> str:
        with any_store.sessions() as session:
            return why(session, case_id, NOW).sentence

    claimed = sentence()
    act(any_store, OperatorVerb.SUSPEND, case_id)
    suspended = sentence()
    act(any_store, OperatorVerb.RESUME, case_id)
    any_store.complete(item, REVIEWER, opinion="x")
    ended = sentence()

    assert claimed == "“审核”正由{holder}办理。"
    assert suspended == "案件已由管理员暂停，恢复之后才会继续。"
    assert ended == "案件已办结：已批准。"
    with any_store.sessions() as session, pytest.raises(NotFound, match=r"case\.unknown"):
        why(session, "nothing", NOW)


def test_what_somebody_has_to_send_is_waited_for_and_not_what_may_come_at_any_time(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    case_id = any_store.start(flow="order")
    any_store.complete(any_store.waiting(case_id, "fill").id, APPLICANT, number="A-1")

    with any_store.sessions() as session:
        found = why(session, case_id, NOW)

    assert (found.sentence, found.is_stuck) == ("等待消息“paid”。", False)


def test_the_watchdog_finds_what_nobody_would_notice(any_store: Store) -> None:
    any_store.deploy(a_flow(toml=LEAVE_TOML.format(exclusive="false").replace("{office}", "{nothing}")))
    nobodys, lost, sleeping = any_store.case_at_review(), any_store.case_at_review(), any_store.start()
    with any_store.writing() as session:
        session.execute(update(WAITING).where(WAITING.c.case_id == lost).values(closed_at=NOW))
    any_store.complete(any_store.waiting(sleeping, "fill").id, APPLICANT, number="1")

    with any_store.sessions() as session:
        calm = watchdog_finds(session, NOW)
        found = watchdog_finds(session, NOW + timedelta(days=2))
        stuck = why(session, lost, NOW)
        unseen = why(session, nobodys, NOW)

    assert {(find.code, find.case_id) for find in calm} == {("item.nobodys", nobodys)}
    assert {(find.code, find.case_id) for find in found} == {
        ("item.nobodys", nobodys),
        ("case.waits_for_nothing", lost),
        ("timer.late", nobodys),
        ("job.late", sleeping),
    }
    assert stuck.is_stuck
    assert "无法确定由谁办理" in unseen.sentence


def test_the_watchdog_says_nothing_of_ended_and_suspended_cases(any_store: Store) -> None:
    case_id, _ = at_review(any_store)
    other = any_store.case_at_review()
    act(any_store, OperatorVerb.SUSPEND, case_id)
    with any_store.writing() as session:
        cancel_case(session, other, by=ANALYST, reason="test", now=NOW)

    with any_store.sessions() as session:
        assert watchdog_finds(session, NOW + timedelta(days=9)) == []
