"""Giving work to others: assign, hand over, delegate, sign after one another, copy; four eyes; idle claims."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update

from engine.actors import Actor, know_persons_by
from engine.assignment import (
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
from engine.case import WAITING
from engine.case_story import case_story
from engine.errors import Conflict, EngineError, Forbidden, InvalidForm, NotFound
from engine.flows import Flow
from engine.hindsight.evidence_check import check_evidence
from engine.hindsight.evidence_file import Export, evidence_file
from engine.hindsight.replay import read_inputs, verify_case
from engine.inbox import InboxFilter, InboxView, inbox_page
from engine.inputs import SignatureRefused, WorkItemCompleted, WorkItemSigned
from engine.interventions import cancel_case, erase_case, suspend_case
from engine.queries import case_page, history, is_case_visible
from engine.signing import add_signer
from engine.work_item_events import events_of_case, events_of_item
from engine.work_items import load_draft, refuse_signature, release_work_item, return_idle_claims, save_draft
from tests.engine.conftest import ANALYST, NOW, OTHER_REVIEWER, REVIEWER, STRANGER, Store
from tests.engine.flows import LEAVE, a_flow

LEAD = Actor("lead", frozenset({"leave.reviewer:wuhan", "leave.reviewer:wuhan.lead"}))
EXPERT = Actor("expert", frozenset({"lawyers"}))
THIRD = Actor("reviewer-3", REVIEWER.groups)
APPLICANT_TWICE = Actor("applicant-1", frozenset({"applicant"}) | REVIEWER.groups)


SECOND_ACCOUNT = Actor("phone-of-applicant-1", REVIEWER.groups)
ONE_HUMAN = frozenset({APPLICANT_TWICE.id, SECOND_ACCOUNT.id})


def four_eyes_flow() -> Flow:
    """Who filled it in may not decide it."""
    form = '<spiffworkflow:property name="form" value="decide" />'
    rule = '<spiffworkflow:property name="not_same_person_as" value="fill" />'
    return a_flow(LEAVE.replace(form, form + rule))


@pytest.fixture
def item(any_store: Store) -> str:
    """An item to decide, claimed by the reviewer."""
    any_store.deploy()
    found = any_store.waiting(any_store.case_at_review(), "decide").id
    any_store.claim(found, REVIEWER)
    return found


def does(store: Store, verb: Callable[..., Any], *given: Any, **named: Any) -> Any:
    with store.writing() as session:
        return verb(session, *given, **{"now": NOW, **named})


def refuses(
    store: Store, error: type[EngineError], code: str, verb: Callable[..., Any], *given: Any, **named: Any
) -> None:
    with store.writing() as session, pytest.raises(error) as refused:
        verb(session, *given, **{"now": NOW, **named})
    assert refused.value.code == code


def holder(store: Store, item: str) -> tuple[str, str | None]:
    with store.sessions() as session:
        views = [v for v in case_page(session, case_of(store, item)).waits if v.id == item]
    return views[0].state, views[0].assignee


def case_of(store: Store, item: str) -> str:
    with store.sessions() as session:
        found: str = session.execute(select(WAITING.c.case_id).where(WAITING.c.id == item)).scalar_one()
        return found


def verbs_told(store: Store, item: str) -> list[str]:
    with store.sessions() as session:
        return [event.verb for event in events_of_item(session, case_of(store, item), item)]


def said_at(store: Store, case_id: str, element: str) -> list[tuple[str, str, Any]]:
    """What people said at this work item, as the journal has it."""
    with store.sessions() as session:
        inputs = read_inputs(session, case_id)
    return [
        (type(given).__name__, given.by, getattr(given, "values", getattr(given, "reason", None)))
        for given in inputs
        if isinstance(given, WorkItemCompleted | WorkItemSigned | SignatureRefused) and element in given.wait
    ]


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


def test_the_case_moves_with_the_last_signature(any_store: Store, item: str) -> None:
    case_id = case_of(any_store, item)
    does(any_store, add_signer, item, to=EXPERT, by=REVIEWER, why="请会签")
    does(any_store, add_signer, item, to=LEAD, by=REVIEWER)
    refuses(any_store, Conflict, "work_item.signs_already", add_signer, item, to=EXPERT, by=REVIEWER)

    with pytest.raises(InvalidForm):
        any_store.complete(item, REVIEWER, nonsense="x")
    any_store.complete(item, REVIEWER, opinion="first")
    assert holder(any_store, item) == ("CLAIMED", EXPERT.id)
    with any_store.sessions() as session:
        assert load_draft(session, item, by=EXPERT) == {"opinion": "first"}
        assert case_page(session, case_id).summary.ended_at is None
    refuses(any_store, Conflict, "work_item.being_signed", release_work_item, item, by=EXPERT)
    any_store.complete(item, EXPERT, opinion="second")
    any_store.complete(item, LEAD, opinion="third")

    with any_store.sessions() as session:
        page = case_page(session, case_id)
        assert verify_case(session, case_id).is_sound
    assert page.variables["opinion"] == "third"
    assert said_at(any_store, case_id, "decide") == [
        ("WorkItemSigned", REVIEWER.id, {"opinion": "first"}),
        ("WorkItemSigned", EXPERT.id, {"opinion": "second"}),
        ("WorkItemCompleted", LEAD.id, {"opinion": "third"}),
    ]
    assert verbs_told(any_store, item) == ["claimed", "signer_added", "signer_added", "signed", "signed"]


def test_a_refused_signature_goes_back_to_who_signed_before(any_store: Store, item: str) -> None:
    does(any_store, add_signer, item, to=EXPERT, by=REVIEWER)
    refuses(any_store, Conflict, "work_item.nobody_signed", refuse_signature, item, by=REVIEWER, why="x")
    any_store.complete(item, REVIEWER, opinion="first")

    does(any_store, refuse_signature, item, by=EXPERT, why="理由不充分")
    assert holder(any_store, item) == ("CLAIMED", REVIEWER.id)
    any_store.complete(item, REVIEWER, opinion="better")
    assert holder(any_store, item) == ("CLAIMED", EXPERT.id)
    any_store.complete(item, EXPERT, opinion="better")

    assert holder(any_store, item)[0] == "COMPLETED"
    assert said_at(any_store, case_of(any_store, item), "decide") == [
        ("WorkItemSigned", REVIEWER.id, {"opinion": "first"}),
        ("SignatureRefused", EXPERT.id, "理由不充分"),
        ("WorkItemSigned", REVIEWER.id, {"opinion": "better"}),
        ("WorkItemCompleted", EXPERT.id, {"opinion": "better"}),
    ]


def test_a_signature_is_told_with_what_it_said_in_the_history_and_in_the_evidence(any_store: Store, item: str) -> None:
    case_id = case_of(any_store, item)
    does(any_store, add_signer, item, to=EXPERT, by=REVIEWER)
    any_store.complete(item, REVIEWER, opinion="同意，但须补材料")
    does(any_store, refuse_signature, item, by=EXPERT, why="先补材料")

    with any_store.sessions() as session:
        told = case_story(session, case_page(session, case_id), history(session, case_id))
        file = evidence_file(session, case_id, Export("auditor", NOW, None, {}))

    signed, refused = told[-2:]
    assert (signed.actor, signed.sentence) == (REVIEWER.id, "签署“审核”")
    assert [detail.value for detail in signed.details] == ["同意，但须补材料"]
    assert (refused.actor, refused.sentence) == (EXPERT.id, "不同意签署“审核”，退回上一签署人：先补材料")
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        lines = [orjson.loads(line) for line in archive.read("journal.jsonl").splitlines()]
    assert [(line["kind"], line["actor"]) for line in lines[-2:]] == [
        ("WorkItemSigned", REVIEWER.id),
        ("SignatureRefused", EXPERT.id),
    ]
    assert lines[-2]["input"]["values"] == {"opinion": "同意，但须补材料"}
    assert check_evidence(file).holds


def test_signatures_stay_in_the_journal_of_a_case_that_is_decided_otherwise(any_store: Store, item: str) -> None:
    case_id = case_of(any_store, item)
    does(any_store, add_signer, item, to=EXPERT, by=REVIEWER)
    any_store.complete(item, REVIEWER, opinion="first")

    does(any_store, cancel_case, case_id, by=ANALYST, reason="撤销")
    with pytest.raises(Conflict, match=r"work_item\.gone"):
        any_store.complete(item, EXPERT, opinion="late")

    assert said_at(any_store, case_id, "decide") == [("WorkItemSigned", REVIEWER.id, {"opinion": "first"})]
    with any_store.sessions() as session:
        assert verify_case(session, case_id).is_sound


def test_a_suspended_case_takes_no_signature(any_store: Store, item: str) -> None:
    case_id = case_of(any_store, item)
    does(any_store, add_signer, item, to=EXPERT, by=REVIEWER)
    does(any_store, suspend_case, case_id, by=ANALYST, reason="核查")

    with pytest.raises(Conflict, match=r"case\.suspended"):
        any_store.complete(item, REVIEWER, opinion="first")

    assert said_at(any_store, case_id, "decide") == []
    assert holder(any_store, item) == ("CLAIMED", REVIEWER.id)


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


def test_who_filled_it_in_may_neither_claim_nor_decide_nor_sign(any_store: Store) -> None:
    any_store.deploy(four_eyes_flow())
    item = any_store.waiting(any_store.case_at_review(), "decide").id

    with pytest.raises(Forbidden, match=r"work_item\.four_eyes"):
        any_store.claim(item, APPLICANT_TWICE)
    refuses(any_store, Forbidden, "work_item.four_eyes", assign_work_item, item, to=APPLICANT_TWICE, by=REVIEWER)
    any_store.claim(item, REVIEWER)
    refuses(any_store, Forbidden, "work_item.four_eyes", hand_over, item, to=APPLICANT_TWICE, by=REVIEWER)
    refuses(any_store, Forbidden, "work_item.four_eyes", add_signer, item, to=APPLICANT_TWICE, by=REVIEWER)
    any_store.complete(item, REVIEWER, opinion="x")


def test_with_another_account_of_theirs_it_is_still_the_same_person(any_store: Store) -> None:
    any_store.deploy(four_eyes_flow())
    item = any_store.waiting(any_store.case_at_review(), "decide").id
    any_store.claim(item, REVIEWER)
    with any_store.writing() as session:  # as if the second account had been proved only after the claim
        session.execute(update(WAITING).where(WAITING.c.id == item).values(assignee=SECOND_ACCOUNT.id))

    know_persons_by(lambda session, account: ONE_HUMAN if account in ONE_HUMAN else frozenset({account}))

    with pytest.raises(Forbidden, match=r"work_item\.four_eyes"):
        any_store.complete(item, SECOND_ACCOUNT, opinion="x")
    refuses(any_store, Forbidden, "work_item.four_eyes", assign_work_item, item, to=SECOND_ACCOUNT, by=LEAD)
    does(any_store, assign_work_item, item, to=REVIEWER, by=LEAD)
    any_store.complete(item, REVIEWER, opinion="x")


def test_a_claim_made_before_the_other_step_was_completed_does_not_help(any_store: Store) -> None:
    any_store.deploy(four_eyes_flow())
    item = any_store.waiting(any_store.case_at_review(), "decide").id
    with any_store.writing() as session:  # as if it had been claimed in time
        claimed = {"state": "CLAIMED", "assignee": APPLICANT_TWICE.id}
        session.execute(update(WAITING).where(WAITING.c.id == item).values(claimed))

    with pytest.raises(Forbidden, match=r"work_item\.four_eyes"):
        any_store.complete(item, APPLICANT_TWICE, opinion="x")


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
