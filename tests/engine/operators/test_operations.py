"""What operators do to a step: edit, skip, move, retry; with a second person where the flow wants one; and 退回."""

from __future__ import annotations

from typing import Any

import pytest

from engine.actors import Actor
from engine.errors import BusinessError, Conflict, Forbidden, NotFound
from engine.inputs import CaseCancelled
from engine.jobs.leases import give_up_job
from engine.operators.incidents import IncidentFilter, list_incidents, rest_of
from engine.operators.interventions import erase_case
from engine.operators.operations import (
    OperatorVerb,
    confirm_proposal,
    lift_second_person,
    open_proposals,
    reject_proposal,
    require_second_person,
    second_person_rules,
)
from engine.replay.rebuild import read_inputs
from engine.work_items.events import events_of_item
from engine.work_items.returning import return_targets, return_work_item
from tests.engine.conftest import ANALYST, APPLICANT, NOW, OTHER_REVIEWER, REVIEWER, STRANGER, Store
from tests.engine.flows import Length, record
from tests.engine.operating import act, at_review, page_of, refuses

SECOND = Actor("operator-2")


def kinds(store: Store, case_id: str) -> list[str]:
    with store.sessions() as session:
        return [type(given).__name__ for given in read_inputs(session, case_id)]


def test_a_variable_is_edited_with_who_and_why(any_store: Store) -> None:
    case_id, item = at_review(any_store)

    act(any_store, OperatorVerb.EDIT, case_id, values={"number": "43-2"})

    page = page_of(any_store, case_id)
    assert page.variables["number"] == "43-2"
    assert page.waits[-1].id or item
    assert kinds(any_store, case_id)[-1] == "VariableEdited"


def test_a_skipped_step_counts_as_done(any_store: Store) -> None:
    case_id, item = at_review(any_store)

    refuses(any_store, NotFound, "wait.unknown", OperatorVerb.SKIP, case_id, wait="nothing")
    act(any_store, OperatorVerb.SKIP, case_id, wait=item, values={"opinion": "主管口头同意"})

    page = page_of(any_store, case_id)
    assert page.summary.outcome == "approved"
    assert page.variables["opinion"] == "主管口头同意"
    refuses(any_store, Conflict, "case.ended", OperatorVerb.SKIP, case_id, wait=item)


def test_a_moved_token_opens_the_earlier_step_again(any_store: Store) -> None:
    case_id, item = at_review(any_store)

    refuses(any_store, Conflict, "move.unknown_target", OperatorVerb.MOVE, case_id, wait=item, to="nowhere")
    act(any_store, OperatorVerb.MOVE, case_id, wait=item, to="fill")

    assert any_store.waiting(case_id, "fill").state == "OPEN"
    assert any_store.waiting(case_id, "decide").closed_at is not None
    refuses(any_store, Conflict, "wait.gone", OperatorVerb.MOVE, case_id, wait=item, to="fill")


def test_nothing_is_done_without_a_reason(any_store: Store) -> None:
    case_id, _ = at_review(any_store)

    refuses(any_store, Conflict, "operation.no_reason", OperatorVerb.CANCEL, case_id, why=" ")
    refuses(any_store, NotFound, "case.unknown", OperatorVerb.CANCEL, "nothing")
    act(any_store, OperatorVerb.CANCEL, case_id)

    with any_store.sessions() as session:
        assert isinstance(read_inputs(session, case_id)[-1], CaseCancelled)


def test_a_second_person_confirms_where_the_flow_wants_it(any_store: Store) -> None:
    case_id, _ = at_review(any_store)
    with any_store.writing() as session:
        require_second_person(session, "leave", "cancel", by=ANALYST, now=NOW)
        require_second_person(session, "leave", "cancel", by=SECOND, now=NOW)

    proposal = act(any_store, OperatorVerb.CANCEL, case_id)

    assert proposal is not None
    assert page_of(any_store, case_id).summary.state == "RUNNING"
    with any_store.writing() as session, pytest.raises(Forbidden, match=r"proposal\.same_person"):
        confirm_proposal(session, proposal, by=ANALYST, now=NOW)
    with any_store.sessions() as session:
        [open_one] = open_proposals(session)
    assert open_one.act is not None
    assert (open_one.act.why, open_one.proposed_by) == ("按工单 17", ANALYST.id)
    with any_store.writing() as session:
        confirm_proposal(session, proposal, by=SECOND, now=NOW)

    assert page_of(any_store, case_id).summary.state == "CANCELLED"
    with any_store.sessions() as session:
        last = read_inputs(session, case_id)[-1]
        assert open_proposals(session) == []
    assert isinstance(last, CaseCancelled)
    assert (last.by, last.reason) == (ANALYST.id, f"按工单 17（复核：{SECOND.id}）")
    with any_store.writing() as session, pytest.raises(Conflict, match=r"proposal\.gone"):
        confirm_proposal(session, proposal, by=SECOND, now=NOW)


def test_a_rule_may_hold_for_every_flow_and_be_lifted(any_store: Store) -> None:
    case_id, item = at_review(any_store)
    with any_store.writing() as session:
        require_second_person(session, "*", "skip", by=ANALYST, now=NOW)

    proposal = act(any_store, OperatorVerb.SKIP, case_id, wait=item)
    with any_store.writing() as session:
        reject_proposal(session, proposal or "", by=SECOND, now=NOW)
        [rule] = second_person_rules(session)
        lift_second_person(session, "*", "skip")
    with any_store.writing() as session, pytest.raises(NotFound, match=r"proposal\.unknown"):
        reject_proposal(session, "nothing", by=SECOND, now=NOW)

    assert (rule.flow_key, rule.verb, rule.set_by) == ("*", "skip", ANALYST.id)
    assert any_store.waiting(case_id, "decide").closed_at is None
    assert act(any_store, OperatorVerb.SKIP, case_id, wait=item) is None


def test_what_was_proposed_may_not_fit_any_more(any_store: Store) -> None:
    case_id, item = at_review(any_store)
    with any_store.writing() as session:
        require_second_person(session, "leave", "*", by=ANALYST, now=NOW)
    proposal = act(any_store, OperatorVerb.SKIP, case_id, wait=item)
    any_store.complete(item, REVIEWER, opinion="x")

    with any_store.writing() as session, pytest.raises(Conflict):
        confirm_proposal(session, proposal or "", by=SECOND, now=NOW)

    with any_store.sessions() as session:  # rolled back with the refusal
        assert len(open_proposals(session)) == 1
    with any_store.writing() as session:
        erase_case(session, case_id, now=NOW)
    with any_store.sessions() as session:
        [of_an_erased_case] = open_proposals(session)
    assert of_an_erased_case.act is None


def test_a_retry_that_fails_again_keeps_its_incident_in_the_list(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.start()
    any_store.complete(any_store.waiting(case_id, "fill").id, APPLICANT, number="1", office="wuhan")
    job = any_store.lease(any_store.waiting(case_id, "read").id)
    assert job is not None
    with any_store.writing() as session:
        give_up_job(session, job, "provider away", now=NOW)

    def listed() -> list[tuple[str, int]]:
        with any_store.sessions() as session:
            return [(one.state, one.retries) for one in list_incidents(session).items]

    first = any_store.waiting(case_id, "read")
    assert listed() == [("OPEN", 0)]
    act(any_store, OperatorVerb.RETRY, case_id, wait=first.id)
    assert listed() == [("RETRYING", 1)]
    with any_store.sessions() as session, pytest.raises(Conflict, match=r"incident\.first_running"):
        rest_of(session, first.id)
    again = any_store.lease(any_store.waiting(case_id, "read").id)
    assert again is not None
    with any_store.writing() as session:
        give_up_job(session, again, "still away", now=NOW)
    assert listed() == [("OPEN", 1)]
    with any_store.sessions() as session, pytest.raises(Conflict, match=r"incident\.first_failed"):
        rest_of(session, first.id)

    with any_store.sessions() as session:
        [incident] = list_incidents(session).items
    assert incident.id == first.id
    assert [(attempt.note, attempt.retried_by) for attempt in incident.history] == [
        ("provider away", ANALYST.id),
        ("still away", ""),
    ]
    act(any_store, OperatorVerb.RETRY, case_id, wait=first.id)
    assert any_store.run_job(any_store.waiting(case_id, "read").id)
    assert listed() == []
    with any_store.sessions() as session:
        assert rest_of(session, first.id) == IncidentFilter(flow="leave", element="read")


def test_incidents_are_narrowed_by_flow_element_and_code(any_store: Store) -> None:
    case_id, item = at_review(any_store)

    def refuses_to_record(_: Any, context: Any) -> Length:
        raise BusinessError("record.refused")

    record.append(refuses_to_record)
    any_store.complete(item, REVIEWER, opinion="x")

    with any_store.sessions() as session:
        [found] = list_incidents(session, IncidentFilter(flow="leave", element="record")).items
        none = list_incidents(session, IncidentFilter(code="job.given_up")).items
    assert (found.case_id, found.title, found.code) == (case_id, "登记", "error.not_caught")
    assert none == ()


def test_a_returned_item_opens_the_earlier_one_for_who_did_it(any_store: Store) -> None:
    case_id, item = at_review(any_store)
    with any_store.sessions() as session:
        assert [target.element for target in return_targets(session, item, by=REVIEWER)] == ["fill"]

    def give_it_back(by: Actor, to: str, why_so: str = "材料不全") -> None:
        with any_store.writing() as session:
            return_work_item(session, item, to=to, by=by, now=NOW, why=why_so)

    for by, to, error in (
        (OTHER_REVIEWER, "fill", Forbidden),
        (STRANGER, "fill", NotFound),
        (REVIEWER, "read", Conflict),
    ):
        with pytest.raises(error):
            give_it_back(by, to)
    with pytest.raises(Conflict, match=r"return\.no_reason"):
        give_it_back(REVIEWER, "fill", "")
    give_it_back(REVIEWER, "fill")

    again = any_store.waiting(case_id, "fill")
    assert (again.state, again.assignee) == ("OPEN", APPLICANT.id)
    assert page_of(any_store, case_id).variables["number"] == "42-1"
    with any_store.sessions() as session:
        told = events_of_item(session, case_id, item)[-1]
    assert (told.verb, told.target, told.why) == ("returned", "fill", "材料不全")
    with pytest.raises(Conflict, match=r"work_item\.gone"):
        give_it_back(REVIEWER, "fill")
