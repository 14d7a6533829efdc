"""What operators do: suspend and resume, edit, skip, move, retry; with a second person where the flow wants one; 退回."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from engine.actors import Actor
from engine.case import WAITING
from engine.delivery import deliver_outbox
from engine.errors import BusinessError, Conflict, EngineError, Forbidden, NotFound
from engine.hindsight.replay import read_inputs, verify_case
from engine.incidents import IncidentFilter, list_incidents, rest_of
from engine.inputs import CaseCancelled, CaseResumed, CaseSuspended, TimerFired
from engine.interventions import cancel_case, erase_case
from engine.jobs import execute as execute_job
from engine.jobs import give_up_job, lease_job, ready_jobs, succeed_job
from engine.messages import send_message
from engine.operations import (
    OperatorAct,
    OperatorVerb,
    confirm_proposal,
    lift_second_person,
    open_proposals,
    operate,
    reject_proposal,
    require_second_person,
    second_person_rules,
)
from engine.outbox import send_to_case
from engine.queries import case_page
from engine.returning import return_targets, return_work_item
from engine.timers import due_cases, fire_due_timers
from engine.why import watchdog_finds, why
from engine.work_item_events import events_of_item
from tests.engine.conftest import ANALYST, APPLICANT, NOW, OTHER_REVIEWER, REVIEWER, STRANGER, Store
from tests.engine.flows import LEAVE_TOML, Length, a_flow, record
from tests.engine.messaging import an_order_flow

SECOND = Actor("operator-2")
DAY_LATER = NOW + timedelta(days=1, minutes=1)


def act(
    store: Store, verb: OperatorVerb, case_id: str, *, now: Any = NOW, by: Actor = ANALYST, **named: Any
) -> str | None:
    with store.writing() as session:
        asked = OperatorAct(verb=verb, case_id=case_id, **{"why": "按工单 17", **named})
        return operate(session, asked, by=by, now=now)


def refuses(store: Store, error: type[EngineError], code: str, *given: Any, **named: Any) -> None:
    with pytest.raises(error) as refused:
        act(store, *given, **named)
    assert refused.value.code == code


def page_of(store: Store, case_id: str) -> Any:
    with store.sessions() as session:
        assert verify_case(session, case_id).is_sound
        return case_page(session, case_id)


def kinds(store: Store, case_id: str) -> list[str]:
    with store.sessions() as session:
        return [type(given).__name__ for given in read_inputs(session, case_id)]


def at_review(store: Store) -> tuple[str, str]:
    store.deploy()
    case_id = store.case_at_review()
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER)
    return case_id, item


def test_nothing_moves_a_suspended_case_and_it_goes_on_where_it_was(any_store: Store) -> None:
    case_id, item = at_review(any_store)

    act(any_store, OperatorVerb.SUSPEND, case_id)

    assert page_of(any_store, case_id).summary.state == "SUSPENDED"
    with pytest.raises(Conflict, match=r"case\.suspended"):
        any_store.complete(item, REVIEWER, opinion="x")
    with any_store.writing() as session, pytest.raises(Conflict, match=r"case\.suspended"):
        send_message(session, case_id, "withdraw", by=APPLICANT, payload={}, now=NOW)
    refuses(any_store, Conflict, "case.suspended", OperatorVerb.SUSPEND, case_id)
    act(any_store, OperatorVerb.RESUME, case_id)
    refuses(any_store, Conflict, "case.not_suspended", OperatorVerb.RESUME, case_id)
    any_store.complete(item, REVIEWER, opinion="x")

    assert page_of(any_store, case_id).summary.outcome == "approved"
    with any_store.sessions() as session:
        inputs = read_inputs(session, case_id)
    [suspended] = [given for given in inputs if isinstance(given, CaseSuspended)]
    assert (suspended.by, suspended.reason) == (ANALYST.id, "按工单 17")
    assert any(isinstance(given, CaseResumed) for given in inputs)


def test_timers_fire_when_the_case_is_resumed(any_store: Store) -> None:
    case_id, _ = at_review(any_store)
    act(any_store, OperatorVerb.SUSPEND, case_id)

    with any_store.writing() as session:
        assert due_cases(session, DAY_LATER, 10) == []
        assert fire_due_timers(session, case_id, DAY_LATER) == 0
    act(any_store, OperatorVerb.RESUME, case_id, now=DAY_LATER)

    assert page_of(any_store, case_id).summary.outcome == "expired"
    with any_store.sessions() as session:
        assert isinstance(read_inputs(session, case_id)[-1], TimerFired)


def test_a_result_waits_for_the_case_to_be_resumed(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.start()
    any_store.complete(any_store.waiting(case_id, "fill").id, APPLICANT, number="1", office="wuhan")
    job = any_store.waiting(case_id, "read").id
    leased = any_store.lease(job)
    assert leased is not None
    result = execute_job(any_store.sessions, leased)
    act(any_store, OperatorVerb.SUSPEND, case_id)

    with any_store.writing() as session:
        assert not succeed_job(session, leased, result, now=NOW)
        assert lease_job(session, job, worker="w", now=NOW + timedelta(minutes=2)) is None
    assert (any_store.waiting(case_id, "read").state, any_store.waiting(case_id, "read").attempt) == ("READY", 0)
    act(any_store, OperatorVerb.RESUME, case_id, now=NOW + timedelta(minutes=3))
    with any_store.sessions() as session:
        assert [ready.id for ready in ready_jobs(session, NOW + timedelta(minutes=3), 10)] == [job]

    assert any_store.run_job(job, now=NOW + timedelta(minutes=3))
    assert any_store.waiting(case_id, "decide").state == "OPEN"


def test_a_message_to_a_suspended_case_is_delivered_when_it_goes_on(any_store: Store) -> None:
    case_id, _ = at_review(any_store)
    act(any_store, OperatorVerb.SUSPEND, case_id)
    with any_store.writing() as session:
        send_to_case(session, case_id, "withdraw", {}, dedup_key="k", now=NOW)
    late = NOW + timedelta(days=9)
    assert deliver_outbox(any_store.sessions, late) == 0  # past its time, yet not lost

    act(any_store, OperatorVerb.RESUME, case_id, now=late)
    deliver_outbox(any_store.sessions, late)

    assert page_of(any_store, case_id).summary.ended_at is not None


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
