"""Giving work to others: assign, hand over, delegate, copy; who leads; idle claims."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine.errors import Conflict, EngineError, Forbidden, NotFound
from engine.inbox.page import InboxFilter, InboxView, inbox_page
from engine.operators.interventions import cancel_case, erase_case
from engine.queries.pages import is_case_visible
from engine.work_items.acts import load_draft, release_work_item, return_idle_claims, save_draft
from engine.work_items.assignment import (
    assign_work_item,
    copies_for,
    copy_to,
    delegate_work_item,
    follow_up,
    give_back,
    hand_over,
    mark_copy_read,
    set_due,
    set_priority,
)
from engine.work_items.events import events_of_case, events_of_item
from tests.engine.assigning import EXPERT, LEAD, THIRD, a_claimed_item, case_of, does, holder, refuses, verbs_told
from tests.engine.conftest import ANALYST, NOW, OTHER_REVIEWER, REVIEWER, STRANGER, Store


@pytest.fixture
def item(any_store: Store) -> str:
    return a_claimed_item(any_store)


def test_a_member_gives_a_free_item_to_a_colleague_and_who_leads_takes_it_from_anybody(any_store: Store) -> None:
    any_store.deploy()
    item = any_store.waiting(any_store.case_at_review(), "decide").id

    refuses(any_store, Conflict, "work_item.not_of_group", assign_work_item, item, to=EXPERT, by=REVIEWER)
    does(any_store, assign_work_item, item, to=OTHER_REVIEWER, by=REVIEWER, why="你更熟悉")
    refuses(any_store, Forbidden, "work_item.may_not_assign", assign_work_item, item, to=THIRD, by=REVIEWER)
    does(any_store, assign_work_item, item, to=THIRD, by=LEAD)
    refuses(any_store, NotFound, "work_item.unknown", assign_work_item, item, to=THIRD, by=STRANGER)

    assert holder(any_store, item) == ("CLAIMED", THIRD.id)
    with any_store.sessions() as session:
        told = events_of_item(session, case_of(any_store, item), item)
    assert [(event.actor, event.target, event.why) for event in told] == [
        (REVIEWER.id, OTHER_REVIEWER.id, "你更熟悉"),
        (LEAD.id, THIRD.id, ""),
    ]


def test_a_handed_over_item_takes_its_draft_along(any_store: Store, item: str) -> None:
    does(any_store, save_draft, item, by=REVIEWER, values={"opinion": "half"})

    refuses(any_store, Conflict, "work_item.not_of_group", hand_over, item, to=EXPERT, by=REVIEWER)
    does(any_store, hand_over, item, to=OTHER_REVIEWER, by=REVIEWER)

    refuses(any_store, Forbidden, "work_item.not_yours", hand_over, item, to=THIRD, by=REVIEWER)
    with any_store.sessions() as session:
        assert load_draft(session, item, by=OTHER_REVIEWER) == {"opinion": "half"}
    any_store.complete(item, OTHER_REVIEWER, opinion="x")


def test_a_delegated_item_comes_back_before_it_is_decided(any_store: Store, item: str) -> None:
    does(any_store, delegate_work_item, item, to=EXPERT, by=REVIEWER, why="合法吗")

    does(any_store, save_draft, item, by=EXPERT, values={"opinion": "合法"})
    with pytest.raises(Conflict, match=r"work_item\.delegated"):
        any_store.complete(item, EXPERT, opinion="x")
    refuses(any_store, Conflict, "work_item.delegated", release_work_item, item, by=EXPERT)
    refuses(any_store, Conflict, "work_item.delegated", delegate_work_item, item, to=THIRD, by=EXPERT)
    refuses(any_store, Conflict, "work_item.delegated", hand_over, item, to=THIRD, by=EXPERT)
    does(any_store, give_back, item, by=EXPERT, why="合法")

    assert holder(any_store, item) == ("CLAIMED", REVIEWER.id)
    refuses(any_store, Conflict, "work_item.not_delegated", give_back, item, by=REVIEWER)
    any_store.complete(item, REVIEWER, opinion="x")
    assert verbs_told(any_store, item) == ["claimed", "delegated", "given_back"]


def test_who_delegated_takes_it_back_and_nobody_else(any_store: Store, item: str) -> None:
    does(any_store, delegate_work_item, item, to=EXPERT, by=REVIEWER)

    refuses(any_store, Forbidden, "work_item.not_yours", give_back, item, by=OTHER_REVIEWER)
    refuses(any_store, NotFound, "work_item.unknown", give_back, item, by=STRANGER)
    does(any_store, give_back, item, by=REVIEWER)

    assert holder(any_store, item) == ("CLAIMED", REVIEWER.id)
    with pytest.raises(NotFound):
        any_store.complete(item, EXPERT, opinion="x")


def test_a_copy_lets_somebody_look_and_not_act(any_store: Store, item: str) -> None:
    case_id = case_of(any_store, item)
    with any_store.sessions() as session:
        assert not is_case_visible(session, case_id, EXPERT)

    for _ in range(2):
        does(any_store, copy_to, item, to=[EXPERT, ANALYST], by=REVIEWER, why="知会")

    with any_store.sessions() as session:
        assert is_case_visible(session, case_id, EXPERT)
        [copy] = copies_for(session, EXPERT.id)
    assert (copy.item_id, copy.by, copy.read_at) == (item, REVIEWER.id, None)
    does(any_store, mark_copy_read, item, EXPERT.id)
    refuses(any_store, NotFound, "work_item.unknown", mark_copy_read, item, STRANGER.id)
    refuses(any_store, NotFound, "work_item.unknown", copy_to, item, to=[STRANGER], by=EXPERT)
    with pytest.raises(NotFound):
        any_store.complete(item, EXPERT, opinion="x")
    assert verbs_told(any_store, item).count("copied") == 2


def test_only_who_leads_sets_priority_and_due_date(any_store: Store, item: str) -> None:
    due = NOW + timedelta(days=3)

    refuses(any_store, Forbidden, "work_item.may_not_assign", set_priority, item, priority=90, by=REVIEWER)
    does(any_store, set_priority, item, priority=90, by=LEAD)
    does(any_store, set_due, item, due=due, by=LEAD)
    does(any_store, follow_up, item, at=due, by=REVIEWER)
    refuses(any_store, Forbidden, "work_item.not_yours", follow_up, item, at=due, by=OTHER_REVIEWER)

    row = any_store.waiting(case_of(any_store, item), "decide")
    assert (row.priority, row.due_at, row.follow_up_at) == (90, due, due)
    with any_store.sessions() as session:
        wanted = InboxFilter(view=InboxView.MINE, follow_up_before=due + timedelta(seconds=1))
        assert [view.id for view in inbox_page(session, REVIEWER, wanted).items] == [item]
        none = InboxFilter(view=InboxView.MINE, follow_up_before=due)
        assert inbox_page(session, REVIEWER, none).items == ()


def test_an_idle_claim_is_the_groups_again_with_its_draft(any_store: Store, item: str) -> None:
    half_an_hour = timedelta(minutes=30)
    does(any_store, save_draft, item, by=REVIEWER, values={"opinion": "half"}, now=NOW + timedelta(minutes=20))

    early = does(any_store, return_idle_claims, now=NOW + half_an_hour + timedelta(seconds=1))
    late = does(any_store, return_idle_claims, now=NOW + timedelta(minutes=20) + half_an_hour + timedelta(seconds=1))

    assert (early, late) == (0, 1)
    assert holder(any_store, item) == ("OPEN", None)
    any_store.claim(item, OTHER_REVIEWER)
    with any_store.sessions() as session:
        assert load_draft(session, item, by=OTHER_REVIEWER) == {"opinion": "half"}
    assert verbs_told(any_store, item) == ["claimed", "returned_idle", "claimed"]


def test_what_was_given_to_somebody_stays_theirs_however_long(any_store: Store, item: str) -> None:
    does(any_store, hand_over, item, to=OTHER_REVIEWER, by=REVIEWER)
    own = any_store.start(by=STRANGER)  # a starter's own item was never claimed

    assert does(any_store, return_idle_claims, now=NOW + timedelta(days=9)) == 0
    assert holder(any_store, item) == ("CLAIMED", OTHER_REVIEWER.id)
    assert any_store.waiting(own, "fill").assignee == STRANGER.id


def test_reasons_are_erased_with_the_case(any_store: Store, item: str) -> None:
    case_id = case_of(any_store, item)
    does(any_store, hand_over, item, to=OTHER_REVIEWER, by=REVIEWER, why="张三丰的亲戚")
    does(any_store, cancel_case, case_id, by=ANALYST, reason="test")
    does(any_store, erase_case, case_id)

    with any_store.sessions() as session:
        told = events_of_case(session, case_id)
    assert [event.why for event in told] == ["", ""]


def test_events_and_steps_at_once_never_deadlock(postgres_store: Store) -> None:
    """An event's row refers to the case: a step that holds the case must not keep it from being written."""
    postgres_store.deploy()
    items = [postgres_store.waiting(postgres_store.case_at_review(), "decide").id for _ in range(6)]
    for each in items:
        postgres_store.claim(each, REVIEWER)
    results: list[object] = []

    def attempt(run: Callable[[], Any]) -> None:
        try:
            results.append(run())
        except Exception as error:
            results.append(error)

    def together(each: str) -> list[Callable[[], Any]]:
        return [
            lambda: postgres_store.complete(each, REVIEWER, opinion="x"),
            lambda: does(postgres_store, hand_over, each, to=OTHER_REVIEWER, by=REVIEWER),
            lambda: does(postgres_store, release_work_item, each, by=REVIEWER),
        ]

    for each in items:
        threads = [threading.Thread(target=attempt, args=(run,)) for run in together(each)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    assert len(results) == 18
    assert [found for found in results if found is not None and not isinstance(found, EngineError)] == []
