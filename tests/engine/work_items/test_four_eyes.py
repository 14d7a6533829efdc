"""Four eyes: who did the one step may not do the other, whichever account they use."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from engine.actors import Actor, know_persons_by
from engine.errors import Forbidden
from engine.flow.flow import Flow
from engine.model.tables import WAITING
from engine.work_items.assignment import assign_work_item, hand_over
from engine.work_items.signing import add_signer
from tests.engine.assigning import LEAD, does, refuses
from tests.engine.conftest import REVIEWER, Store
from tests.engine.flows import LEAVE, a_flow

APPLICANT_TWICE = Actor("applicant-1", frozenset({"applicant"}) | REVIEWER.groups)
SECOND_ACCOUNT = Actor("phone-of-applicant-1", REVIEWER.groups)
ONE_HUMAN = frozenset({APPLICANT_TWICE.id, SECOND_ACCOUNT.id})


def four_eyes_flow() -> Flow:
    """Who filled it in may not decide it."""
    form = '<spiffworkflow:property name="form" value="decide" />'
    rule = '<spiffworkflow:property name="not_same_person_as" value="fill" />'
    return a_flow(LEAVE.replace(form, form + rule))


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
