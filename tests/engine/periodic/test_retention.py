"""What is over goes after a while: messages, copies, what-if runs; a late duplicate of a message is still none."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from engine.cases.outbox import KEY, OUTBOX, message_with, send_message_to
from engine.messages.delivery import deliver_outbox
from engine.messages.undelivered import dismiss_message, undelivered_messages
from engine.operators.interventions import cancel_case
from engine.periodic.retention import KEPT_COPIES, KEPT_KEYS, KEPT_MESSAGES, KEPT_RUNS, drop_what_is_over
from engine.queries.pages import is_case_visible
from engine.replay.what_if.runs import RUN, ask_what_if, fail_run, take_run
from engine.work_items.assignment import copies_for, copy_to
from storage import vault
from tests.engine.conftest import ANALYST, APPLICANT, NOW, REVIEWER, STRANGER, Store
from tests.engine.messaging import an_order_flow

SECOND = timedelta(seconds=1)


def dropped(store: Store, now: datetime, limit: int = 100) -> dict[str, int]:
    with store.writing() as session:
        return {table: count for table, count in drop_what_is_over(session, now, limit).items() if count}


def pay(store: Store, key: str = "payment-1", number: str = "A-1") -> str | None:
    with store.writing() as session:
        return send_message_to(session, "paid", number, {"amount": 12}, dedup_key=key, now=NOW)


def a_paid_order(store: Store) -> tuple[str, str]:
    """The case, and the message that paid it."""
    store.deploy(an_order_flow())
    case_id = store.start(flow="order")
    store.complete(store.waiting(case_id, "fill").id, APPLICANT, number="A-1")
    sent = pay(store)
    assert sent is not None
    assert deliver_outbox(store.sessions, NOW) == 1
    return case_id, sent


def rows(store: Store, table: Any) -> int:
    with store.sessions() as session:
        return session.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_delivered_message_goes_and_its_duplicate_is_still_none(any_store: Store) -> None:
    _, sent = a_paid_order(any_store)

    assert dropped(any_store, NOW + KEPT_MESSAGES - SECOND) == {}
    assert dropped(any_store, NOW + KEPT_MESSAGES) == {"outbox": 1}

    assert rows(any_store, OUTBOX) == 0
    assert pay(any_store) is None
    assert deliver_outbox(any_store.sessions, NOW) == 0
    with any_store.sessions() as session:
        assert message_with(session, "payment-1") == sent


def test_a_key_is_remembered_for_more_than_a_year_and_then_goes(any_store: Store) -> None:
    a_paid_order(any_store)
    dropped(any_store, NOW + KEPT_MESSAGES)
    end = NOW + KEPT_MESSAGES + KEPT_KEYS

    assert timedelta(days=366) < KEPT_KEYS
    assert dropped(any_store, end - SECOND) == {}
    assert dropped(any_store, end) == {"outbox_key": 1}

    assert pay(any_store) is not None


def test_neither_the_key_itself_nor_the_data_key_of_the_message_is_left(any_store: Store) -> None:
    _, sent = a_paid_order(any_store)
    owner = vault.DataKey.owner == f"outbox:{sent}"
    with any_store.sessions() as session:
        assert session.execute(select(vault.DataKey.wrapped).where(owner)).one().wrapped is None

    dropped(any_store, NOW + KEPT_MESSAGES)

    with any_store.sessions() as session:
        assert session.execute(select(vault.DataKey.owner).where(owner)).one_or_none() is None
        assert "payment-1" not in str(session.execute(select(KEY)).one())


def test_what_nobody_took_stays_until_an_operator_has_seen_to_it(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    pay(any_store)
    late = NOW + timedelta(days=8)
    deliver_outbox(any_store.sessions, late)

    assert dropped(any_store, late + 10 * KEPT_MESSAGES) == {}
    with any_store.writing() as session:
        [lost] = undelivered_messages(session).items
        dismiss_message(session, lost.id, now=late)

    assert dropped(any_store, late + KEPT_MESSAGES) == {"outbox": 1}
    assert pay(any_store) is None


def test_what_is_still_to_be_delivered_stays(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    pay(any_store)

    assert dropped(any_store, NOW + timedelta(days=1_000)) == {}
    assert rows(any_store, OUTBOX) == 1


def test_a_backlog_goes_in_pieces(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    for number in range(3):
        case_id = any_store.start(flow="order")
        any_store.complete(any_store.waiting(case_id, "fill").id, APPLICANT, number=f"A-{number}")
        pay(any_store, f"payment-{number}", f"A-{number}")
    deliver_outbox(any_store.sessions, NOW)

    assert [dropped(any_store, NOW + KEPT_MESSAGES, limit=2) for _ in range(3)] == [{"outbox": 2}, {"outbox": 1}, {}]
    assert [pay(any_store, f"payment-{number}") for number in range(3)] == [None, None, None]


@pytest.mark.server
def test_a_duplicate_that_comes_while_the_row_goes_is_still_none(postgres_store: Store) -> None:
    """Many duplicates on one side, the retention on the other: none of them is sent."""
    postgres_store.deploy(an_order_flow())
    keys = [f"payment-{number}" for number in range(40)]
    for number, key in enumerate(keys):
        case_id = postgres_store.start(flow="order")
        postgres_store.complete(postgres_store.waiting(case_id, "fill").id, APPLICANT, number=f"A-{number}")
        pay(postgres_store, key, f"A-{number}")
    deliver_outbox(postgres_store.sessions, NOW)
    sent: list[str | None] = []

    def repeat() -> None:
        sent.extend(pay(postgres_store, key) for key in keys)

    def purge() -> None:
        while dropped(postgres_store, NOW + KEPT_MESSAGES, limit=1):
            pass

    threads = [threading.Thread(target=run) for run in (repeat, purge, repeat)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sent == [None] * 80
    assert (rows(postgres_store, OUTBOX), rows(postgres_store, KEY)) == (0, 40)


def test_a_copy_ends_some_time_after_its_case(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    with any_store.writing() as session:
        copy_to(session, any_store.waiting(case_id, "decide").id, to=[STRANGER], by=REVIEWER, now=NOW)
    assert dropped(any_store, NOW + 3 * KEPT_COPIES) == {}

    with any_store.writing() as session:
        cancel_case(session, case_id, by=ANALYST, reason="test", now=NOW + SECOND)

    assert dropped(any_store, NOW + KEPT_COPIES) == {}
    assert dropped(any_store, NOW + SECOND + KEPT_COPIES) == {"work_item_copy": 1}
    with any_store.sessions() as session:
        assert copies_for(session, STRANGER.id) == []
        assert not is_case_visible(session, case_id, STRANGER)


def test_a_what_if_run_goes_when_its_report_is_old(store: Store) -> None:
    store.deploy()
    with store.writing() as session:
        ask_what_if(session, "leave", {}, by=ANALYST, now=NOW)
        asked = ask_what_if(session, "leave", {}, by=ANALYST, now=NOW + SECOND)
        taken = take_run(session, NOW)
        assert taken is not None
        fail_run(session, taken, "test", NOW)

    assert dropped(store, NOW + KEPT_RUNS - SECOND) == {}
    assert dropped(store, NOW + KEPT_RUNS) == {"what_if_run": 1}
    with store.sessions() as session:
        assert session.execute(select(RUN.c.id)).scalars().all() == [asked]
