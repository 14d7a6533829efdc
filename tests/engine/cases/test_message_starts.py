"""A message that starts a case: whose the case is, what it begins with, and that one message starts one."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import update

from engine.actors import Actor
from engine.cases.outbox import send_message_to, send_thrown
from engine.cases.start import start_case, startable_flows
from engine.deployment.deploy import FILE
from engine.errors import Forbidden
from engine.flow.flow import Flow
from engine.inputs import Started
from engine.machine import SentMessage
from engine.messages.delivery import deliver_message, deliver_outbox
from engine.queries.pages import case_page, history, my_cases
from engine.queries.story import case_story
from engine.replay.rebuild import read_inputs, verify_case
from engine.replay.scenarios.playing import read_scenario, write_scenario
from engine.replay.scenarios.recording import record_scenario
from tests.engine.cases.test_outbox import the_row
from tests.engine.conftest import APPLICANT, NOW, Store
from tests.engine.flows import a_flow
from tests.engine.messaging import PAYER, PAYER_TOML, a_paid_flow

TILL = Actor("till-1")


def paid(store: Store, key: str = "payment-1", number: str = "A-1", **payload: Any) -> str | None:
    with store.writing() as session:
        return send_message_to(session, "paid", number, payload, dedup_key=key, now=NOW, by=TILL)


def started_by(store: Store, key: str = "payment-1") -> str:
    """The case that the message of this key started."""
    receiver: str = the_row(store, key).receiver
    return receiver


def first_input(store: Store, case_id: str) -> Started:
    with store.sessions() as session:
        assert verify_case(session, case_id).is_sound
        first = read_inputs(session, case_id)[0]
    assert isinstance(first, Started)
    return first


def cases(store: Store) -> int:
    with store.sessions() as session:
        return len(my_cases(session, TILL, limit=100).items)


def test_a_message_starts_a_case_of_its_sender_at_its_start_event(any_store: Store) -> None:
    any_store.deploy(a_paid_flow(result="payment", correlation_result="number"))

    paid(any_store, amount=12)
    deliver_outbox(any_store.sessions, NOW)

    given = first_input(any_store, started_by(any_store))
    assert (given.start, given.by) == ("paid", "till-1")
    assert given.variables == {"payment": {"amount": 12}, "number": "A-1"}


def test_without_a_variable_for_it_a_messages_content_is_not_kept(any_store: Store) -> None:
    any_store.deploy(a_paid_flow())

    paid(any_store, amount=12)
    deliver_outbox(any_store.sessions, NOW)

    assert first_input(any_store, started_by(any_store)).variables == {}


def test_a_message_of_another_case_starts_one_that_is_nobodys(any_store: Store) -> None:
    any_store.deploy()
    any_store.deploy(a_paid_flow())
    sender = any_store.start()

    with any_store.writing() as session:
        thrown = SentMessage("message", "paid", "A-1", {})
        send_thrown(session, sender, thrown, dedup_key=f"{sender}:2:0", now=NOW)
    deliver_outbox(any_store.sessions, NOW)

    assert first_input(any_store, started_by(any_store, f"{sender}:2:0")).by == "system"


def test_the_same_message_starts_one_case_however_often_it_comes(any_store: Store) -> None:
    any_store.deploy(a_paid_flow())

    first, second = paid(any_store), paid(any_store)
    deliver_outbox(any_store.sessions, NOW)
    third = paid(any_store)
    deliver_outbox(any_store.sessions, NOW)
    again = deliver_message(any_store.sessions, first or "", NOW)

    assert (first is not None, second, third, again) == (True, None, None, False)
    assert cases(any_store) == 1


def test_messages_with_keys_of_their_own_start_a_case_each(any_store: Store) -> None:
    any_store.deploy(a_paid_flow())

    paid(any_store, "payment-1")
    paid(any_store, "payment-2")
    deliver_outbox(any_store.sessions, NOW)

    assert cases(any_store) == 2


@pytest.mark.parametrize("senders", [2, 4])
def test_of_senders_and_deliverers_in_a_race_one_case_comes(any_store: Store, senders: int) -> None:
    any_store.deploy(a_paid_flow())
    ready = threading.Barrier(senders)

    def send_and_deliver() -> None:
        ready.wait(10)
        paid(any_store)
        deliver_outbox(any_store.sessions, NOW)

    threads = [threading.Thread(target=send_and_deliver) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    deliver_outbox(any_store.sessions, NOW)

    assert cases(any_store) == 1
    assert the_row(any_store).state == "DELIVERED"


def test_a_delivery_that_dies_before_its_commit_leaves_no_case_and_is_made_again(any_store: Store) -> None:
    any_store.deploy(a_paid_flow())
    message_id = paid(any_store) or ""

    class Died(BaseException):
        pass

    class DiesAtCommit:
        def __call__(self) -> Any:
            session = any_store.sessions()
            session.commit = lambda: (_ for _ in ()).throw(Died())  # type: ignore[method-assign]
            return session

    with pytest.raises(Died):
        deliver_message(DiesAtCommit(), message_id, NOW)  # type: ignore[arg-type]
    before = cases(any_store)
    deliver_outbox(any_store.sessions, NOW)

    assert (before, cases(any_store)) == (0, 1)


def test_a_flow_that_only_messages_start_is_started_by_nobody(any_store: Store) -> None:
    any_store.deploy(a_paid_flow())

    with any_store.writing() as session:
        assert startable_flows(session, APPLICANT) == []
        with pytest.raises(Forbidden, match=r"flow\.may_not_start"):
            start_case(session, "receipt", by=APPLICANT, values={}, now=NOW)


def test_a_version_deployed_with_a_start_message_in_its_flow_toml_is_still_started_by_it(any_store: Store) -> None:
    definition_id = any_store.deploy(a_flow(PAYER, PAYER_TOML))
    old = PAYER_TOML.replace("[start]", '[start]\nmessage = "paid"\nform = "decide"')
    with any_store.writing() as session:
        its_toml = FILE.c.definition_id == definition_id, FILE.c.path == "flow.toml"
        session.execute(update(FILE).where(*its_toml).values(content=old.encode()))

    paid(any_store, opinion="先付款")
    deliver_outbox(any_store.sessions, NOW)

    given = first_input(any_store, started_by(any_store))
    assert (given.start, given.variables) == ("", {"opinion": "先付款"})


def a_started_case(store: Store, flow: Flow) -> str:
    store.deploy(flow)
    paid(store)
    deliver_outbox(store.sessions, NOW)
    return started_by(store)


def test_a_cases_story_says_what_began_it(store: Store) -> None:
    case_id = a_started_case(store, a_paid_flow())

    with store.sessions() as session:
        page = case_page(session, case_id)
        first = case_story(session, page, history(session, case_id))[0]

    assert first.sentence == "“paid”收到消息，收据开始"


def test_a_scenario_recorded_from_it_begins_at_the_same_start_event(store: Store) -> None:
    flow = a_paid_flow()
    case_id = a_started_case(store, flow)

    with store.sessions() as session:
        recorded = record_scenario(session, case_id, flow, title="x")
    again = read_scenario(write_scenario(recorded))

    assert again.inputs[0].start == "paid"  # type: ignore[union-attr]
