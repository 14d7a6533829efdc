"""Messages between cases: delivered once, one transaction a receiver, kept while nobody waits, then reported."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from engine.actors import Actor
from engine.cases import dispatching
from engine.cases.outbox import (
    OUTBOX,
    keep_messages_for,
    message_with,
    send_message_to,
    send_thrown,
    send_to_case,
    start_later,
)
from engine.errors import Conflict, NotFound
from engine.inputs import MessageReceived
from engine.machine import SentMessage
from engine.messages.delivery import deliver_message, deliver_outbox
from engine.messages.undelivered import dismiss_message, send_again, undelivered_messages
from engine.operators.interventions import cancel_case, erase_case
from engine.queries.pages import case_page, my_cases
from engine.replay.rebuild import read_inputs, verify_case
from storage import vault
from tests.engine.conftest import ANALYST, APPLICANT, NOW, STRANGER, Store
from tests.engine.messaging import a_paid_flow, a_payer_flow, an_order_flow

LATER = NOW + timedelta(minutes=10)


def an_order(store: Store, number: str = "A-1", by: Actor = APPLICANT) -> str:
    """An order that waits for its payment."""
    case_id = store.start(by=by, flow="order")
    store.complete(store.waiting(case_id, "fill").id, by, number=number)
    return case_id


def outcome(store: Store, case_id: str) -> str | None:
    with store.sessions() as session:
        assert verify_case(session, case_id).is_sound
        return case_page(session, case_id).summary.outcome


def pay(store: Store, number: str = "A-1", key: str = "payment-1", **payload: Any) -> str | None:
    with store.writing() as session:
        return send_message_to(session, "paid", number, payload, dedup_key=key, now=NOW)


def the_row(store: Store, key: str = "payment-1") -> Any:
    with store.sessions() as session:
        return session.execute(select(OUTBOX).where(OUTBOX.c.dedup_key == key)).one()


def test_a_correlated_message_reaches_the_case_that_waits_for_it(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    mine, other = an_order(any_store, "A-1"), an_order(any_store, "B-2")

    pay(any_store, "A-1", amount=12)
    assert deliver_outbox(any_store.sessions, NOW) == 1

    assert (outcome(any_store, mine), outcome(any_store, other)) == ("paid", None)
    with any_store.sessions() as session:
        assert case_page(session, mine).variables["payment"] == {"amount": 12}
    row = the_row(any_store)
    assert (row.state, row.receiver, row.payload) == ("DELIVERED", mine, None)


def test_the_correlation_is_nowhere_in_plain_text(store: Store) -> None:
    store.deploy(an_order_flow())
    case_id = an_order(store, "SECRET-7")
    pay(store, "SECRET-7", key="k", name="张三丰")

    everything = repr(the_row(store, "k")) + repr(store.waiting(case_id, "pay"))

    assert "SECRET-7" not in everything
    assert "张三丰" not in everything
    assert store.waiting(case_id, "pay").correlation == the_row(store, "k").correlation != ""


def test_the_same_key_is_sent_once_and_takes_effect_once(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    case_id = an_order(any_store)

    first = pay(any_store)
    again = pay(any_store)
    deliver_outbox(any_store.sessions, NOW)
    after = pay(any_store)
    deliver_outbox(any_store.sessions, NOW)

    assert first is not None
    assert (again, after) == (None, None)
    with any_store.sessions() as session:
        assert message_with(session, "payment-1") == first
        received = [given for given in read_inputs(session, case_id) if isinstance(given, MessageReceived)]
    assert len(received) == 1


def test_a_message_to_a_case_needs_no_correlation(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    case_id = an_order(any_store)

    with any_store.writing() as session:
        send_to_case(session, case_id, "stop", {}, dedup_key="stop-1", now=NOW, by=ANALYST)
    deliver_outbox(any_store.sessions, NOW)

    assert outcome(any_store, case_id) == "stopped"
    with any_store.sessions() as session:
        last = read_inputs(session, case_id)[-1]
    assert isinstance(last, MessageReceived)
    assert last.by == ANALYST.id


def test_a_message_that_came_too_early_is_delivered_as_soon_as_the_case_waits_for_it(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    pay(any_store)
    assert deliver_outbox(any_store.sessions, NOW) == 0
    assert (the_row(any_store).state, the_row(any_store).note) == ("PENDING", "message.not_awaited")
    assert the_row(any_store).next_at > NOW

    case_id = an_order(any_store)
    assert deliver_outbox(any_store.sessions, NOW) == 1

    assert outcome(any_store, case_id) == "paid"


def test_what_nobody_waits_for_is_kept_for_its_time_and_then_reported(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    keep_messages_for(timedelta(hours=2))
    pay(any_store)

    at, tries = NOW, 0
    while the_row(any_store).state == "PENDING":
        deliver_outbox(any_store.sessions, at)
        at, tries = max(the_row(any_store).next_at, at), tries + 1

    assert at == NOW + timedelta(hours=2)
    assert tries < 2 * 12 + 10  # after the first ones every five minutes
    with any_store.sessions() as session:
        [told] = undelivered_messages(session).items
    assert (told.message, told.note, told.closed_at) == ("paid", "message.not_awaited", at)


def test_an_undelivered_message_is_sent_again_or_dismissed(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    one, other = pay(any_store, "A-1", "one"), pay(any_store, "B-2", "other")
    late = NOW + timedelta(days=8)
    deliver_outbox(any_store.sessions, late)
    case_id = an_order(any_store, "A-1")

    with any_store.writing() as session:
        send_again(session, one or "", now=late)
        dismiss_message(session, other or "", now=late)
    deliver_outbox(any_store.sessions, late)

    assert outcome(any_store, case_id) == "paid"
    assert (the_row(any_store, "other").state, the_row(any_store, "other").payload) == ("DISMISSED", None)
    with any_store.writing() as session, pytest.raises(Conflict, match=r"outbox\.gone"):
        send_again(session, other or "", now=late)
    with any_store.writing() as session, pytest.raises(NotFound, match=r"outbox\.unknown"):
        dismiss_message(session, "nothing", now=late)


def test_a_message_to_a_case_that_has_ended_is_reported_at_once(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    case_id = an_order(any_store)
    with any_store.writing() as session:
        cancel_case(session, case_id, by=ANALYST, reason="test", now=NOW)
        send_to_case(session, case_id, "stop", {}, dedup_key="late", now=NOW)

    deliver_outbox(any_store.sessions, NOW)

    with any_store.sessions() as session:
        [told] = undelivered_messages(session).items
    assert (told.receiver, told.note) == (case_id, "case.ended")


def test_a_case_is_started_later_for_its_account(any_store: Store) -> None:
    any_store.deploy(an_order_flow())

    with any_store.writing() as session:
        for _ in range(2):
            start_later(session, "order", {}, by=STRANGER, dedup_key="start-1", now=NOW)
        start_later(session, "nothing", {}, by=STRANGER, dedup_key="start-2", now=NOW)
    deliver_outbox(any_store.sessions, NOW)

    with any_store.sessions() as session:
        [own] = my_cases(session, STRANGER).items
        assert own.summary.flow_key == "order"
        [told] = undelivered_messages(session).items
    assert (told.flow_key, told.note) == ("nothing", "flow.unknown")


def test_what_a_case_throws_reaches_the_case_that_waits_for_it(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    any_store.deploy(a_payer_flow())
    order = an_order(any_store, "A-1")
    payer = any_store.start(by=STRANGER, flow="payer")

    any_store.complete(any_store.waiting(payer, "fill").id, STRANGER, number="A-1", office="wuhan")
    assert outcome(any_store, payer) == "sent"
    assert outcome(any_store, order) is None
    deliver_outbox(any_store.sessions, NOW)

    assert outcome(any_store, order) == "paid"
    with any_store.sessions() as session:
        assert case_page(session, order).variables["payment"] == {"office": "wuhan"}
    assert the_row(any_store, f"{payer}:2:0").sender == payer


def test_a_signal_reaches_every_case_that_waits_for_it_and_none_that_comes_later(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    sender, other = an_order(any_store, "A-1"), an_order(any_store, "B-2")
    signal = SentMessage("signal", "stop", "", {"why": "closing"})

    for _ in range(2):
        with any_store.writing() as session:
            send_thrown(session, sender, signal, dedup_key=f"{sender}:9:0", now=NOW)
    deliver_outbox(any_store.sessions, NOW)
    later = an_order(any_store, "C-3")
    deliver_outbox(any_store.sessions, LATER)

    assert [outcome(any_store, case_id) for case_id in (sender, other, later)] == ["stopped", "stopped", None]
    assert the_row(any_store, f"{sender}:9:0").state == "DELIVERED"


def test_a_message_starts_a_case_where_none_waits_for_it(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    any_store.deploy(a_paid_flow(form="decide"))
    order = an_order(any_store, "A-1")

    pay(any_store, "A-1", "awaited")
    pay(any_store, "B-2", "starts", opinion="先付款")
    pay(any_store, "C-3", "does not fit", nonsense=1)
    deliver_outbox(any_store.sessions, NOW)

    assert outcome(any_store, order) == "paid"
    started = the_row(any_store, "starts").receiver
    with any_store.sessions() as session:
        page = case_page(session, started)
        [refused] = undelivered_messages(session).items
    assert (page.summary.flow_key, page.variables["opinion"]) == ("receipt", "先付款")
    assert refused.note == "form.invalid"


def test_a_rolled_back_step_sends_nothing_and_wakes_nobody(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    woken: list[int] = []
    dispatching.set_outbox_waker(lambda: woken.append(1))

    def sends_and_breaks() -> None:
        with any_store.writing() as session:
            send_message_to(session, "paid", "A-1", {}, dedup_key="lost", now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        sends_and_breaks()
    pay(any_store)
    dispatching.set_outbox_waker(None)

    assert woken == [1]
    with any_store.sessions() as session:
        assert message_with(session, "lost") is None


def test_what_a_message_carried_is_erased_with_the_case_it_belongs_to(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    sender = an_order(any_store, "S-1")
    with any_store.writing() as session:
        send_message_to(session, "paid", "A-1", {"name": "x"}, dedup_key="k", now=NOW, sender=sender)
        cancel_case(session, sender, by=ANALYST, reason="test", now=NOW)
        erase_case(session, sender, now=NOW)

    deliver_outbox(any_store.sessions, NOW)

    assert the_row(any_store, "k").note == "message.sender_erased"
    with any_store.sessions() as session, pytest.raises(vault.KeyDestroyed):
        vault.current().cipher(session, the_row(any_store, "k").key_owner)


def test_a_message_without_a_sender_is_erased_once_it_was_delivered(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    an_order(any_store)
    message_id = pay(any_store)

    deliver_outbox(any_store.sessions, NOW)

    with any_store.sessions() as session, pytest.raises(vault.KeyDestroyed):
        vault.current().cipher(session, f"outbox:{message_id}")


def test_a_delivery_that_breaks_is_tried_again_and_takes_nothing_with_it(any_store: Store) -> None:
    any_store.deploy(an_order_flow())
    case_id = an_order(any_store)
    broken = pay(any_store, key="broken")
    with any_store.writing() as session:  # a payload that does not open
        session.execute(update(OUTBOX).where(OUTBOX.c.id == broken).values(payload=b"damaged"))
    pay(any_store, key="sound")

    delivered = deliver_outbox(any_store.sessions, NOW)

    assert delivered == 1
    assert outcome(any_store, case_id) == "paid"
    assert (the_row(any_store, "broken").state, the_row(any_store, "broken").note) == ("PENDING", "Tampered")


def test_two_deliverers_at_once_deliver_each_message_once(postgres_store: Store) -> None:
    postgres_store.deploy(an_order_flow())
    cases = [an_order(postgres_store, f"N-{n}") for n in range(12)]
    for n in range(12):
        pay(postgres_store, f"N-{n}", f"payment {n}")
        pay(postgres_store, f"N-{n}", f"payment {n} again")  # another key: nobody waits for it any more
    ready = threading.Barrier(3)
    delivered: list[int] = []

    def deliver() -> None:
        ready.wait(10)
        delivered.append(deliver_outbox(postgres_store.sessions, NOW))

    threads = [threading.Thread(target=deliver) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sum(delivered) == 12
    assert {outcome(postgres_store, case_id) for case_id in cases} == {"paid"}
    with postgres_store.sessions() as session:
        for case_id in cases:
            kinds = [type(given).__name__ for given in read_inputs(session, case_id)]
            assert kinds.count("MessageReceived") == 1


def test_a_row_in_another_deliverers_hands_is_left_alone(postgres_store: Store) -> None:
    postgres_store.deploy(an_order_flow())
    an_order(postgres_store)
    message_id = pay(postgres_store) or ""

    with postgres_store.writing() as session:
        session.execute(select(OUTBOX).where(OUTBOX.c.id == message_id).with_for_update())
        taken = deliver_message(postgres_store.sessions, message_id, NOW)

    assert not taken
    assert deliver_message(postgres_store.sessions, message_id, NOW)
    assert not deliver_message(postgres_store.sessions, message_id, LATER)
