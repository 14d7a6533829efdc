"""What comes first, a decision or its deadline; messages a person sends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.actors import Actor
from engine.errors import Conflict, Forbidden, NotFound
from engine.inputs import TimerFired, WorkItemCompleted
from engine.messages.send import send_message
from engine.periodic.timers import due_cases, fire_due_timers
from engine.queries.pages import case_page, my_case
from engine.replay.rebuild import read_inputs, verify_case
from tests.engine.conftest import APPLICANT, NOW, REVIEWER, STRANGER, Store
from tests.engine.flows import HEAD, LEAVE_TOML, a_flow

DEADLINE = NOW + timedelta(days=1)

# remind every hour for as long as the item is open: an interrupting timer that leads back to the task
SNOOZE = (
    HEAD
    + """<bpmn:process id="snooze" isExecutable="true">
  <bpmn:laneSet id="lanes"><bpmn:lane id="applicant"><bpmn:flowNodeRef>start</bpmn:flowNodeRef>
    <bpmn:flowNodeRef>fill</bpmn:flowNodeRef><bpmn:flowNodeRef>end</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>
  <bpmn:startEvent id="start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
  <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="fill" />
  <bpmn:userTask id="fill"><bpmn:extensionElements><spiffworkflow:properties>
      <spiffworkflow:property name="form" value="fill" /></spiffworkflow:properties></bpmn:extensionElements>
    <bpmn:incoming>f1</bpmn:incoming><bpmn:incoming>f3</bpmn:incoming>
    <bpmn:outgoing>f2</bpmn:outgoing></bpmn:userTask>
  <bpmn:sequenceFlow id="f2" sourceRef="fill" targetRef="end" />
  <bpmn:endEvent id="end"><bpmn:incoming>f2</bpmn:incoming></bpmn:endEvent>
  <bpmn:boundaryEvent id="hour" attachedToRef="fill"><bpmn:outgoing>f3</bpmn:outgoing>
    <bpmn:timerEventDefinition id="timer"><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>
  </bpmn:boundaryEvent>
  <bpmn:sequenceFlow id="f3" sourceRef="hour" targetRef="fill" />
</bpmn:process></bpmn:definitions>"""
)
SNOOZE_TOML = """key = "leave"
title = "提醒"
[start]
who = ["applicant"]
[lanes]
applicant = "starter"
"""


def test_a_due_timer_fires_once_and_its_row_closes(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()

    with any_store.writing() as session:
        assert due_cases(session, DEADLINE - timedelta(seconds=1), 10) == []
        assert due_cases(session, DEADLINE, 10) == [case_id]
        assert fire_due_timers(session, case_id, DEADLINE + timedelta(minutes=3)) == 1
    with any_store.writing() as session:
        assert due_cases(session, DEADLINE + timedelta(days=9), 10) == []
        assert fire_due_timers(session, case_id, DEADLINE + timedelta(days=9)) == 0

    with any_store.sessions() as session:
        fired = read_inputs(session, case_id)[-1]
        assert case_page(session, case_id).summary.outcome_label == "已过期"
        assert verify_case(session, case_id).is_sound
    assert isinstance(fired, TimerFired)
    assert fired.at == DEADLINE
    assert any_store.waiting(case_id, "decide").state == "CANCELLED"


def test_a_decision_after_the_deadline_is_a_conflict_even_if_nobody_fired_the_timer(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    item = any_store.waiting(case_id, "decide").id
    any_store.claim(item, REVIEWER)

    with pytest.raises(Conflict, match=r"work_item\.gone"):
        any_store.complete(item, REVIEWER, now=DEADLINE, opinion="too late")

    with any_store.sessions() as session:
        assert len(read_inputs(session, case_id)) == 3
    with any_store.writing() as session:
        fire_due_timers(session, case_id, DEADLINE)
    with any_store.sessions() as session:
        assert case_page(session, case_id).summary.outcome == "expired"


def test_a_decision_before_the_deadline_counts_when_the_timer_task_comes_late(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    item = any_store.waiting(case_id, "decide").id
    any_store.claim(item, REVIEWER)

    any_store.complete(item, REVIEWER, now=DEADLINE - timedelta(seconds=1), opinion="in time")
    with any_store.writing() as session:
        assert fire_due_timers(session, case_id, DEADLINE + timedelta(days=1)) == 0

    with any_store.sessions() as session:
        assert case_page(session, case_id).summary.outcome == "approved"


def test_timers_that_came_first_are_journalled_before_the_decision(any_store: Store) -> None:
    any_store.deploy(a_flow(SNOOZE, SNOOZE_TOML))
    case_id = any_store.start()
    with any_store.writing() as session:
        fire_due_timers(session, case_id, NOW + timedelta(hours=3, minutes=30))

    item = any_store.waiting(case_id, "fill").id
    any_store.complete(item, APPLICANT, now=NOW + timedelta(hours=3, minutes=45))

    with any_store.sessions() as session:
        inputs = read_inputs(session, case_id)
        assert verify_case(session, case_id).is_sound
    assert [given.at - NOW for given in inputs[1:4]] == [timedelta(hours=h) for h in (1, 2, 3)]
    assert isinstance(inputs[-1], WorkItemCompleted)


def test_a_burst_of_old_timers_is_worked_off_in_several_transactions(store: Store) -> None:
    store.deploy(a_flow(SNOOZE, SNOOZE_TOML))
    case_id = store.start()
    late = NOW + timedelta(hours=450, minutes=30)

    rounds = []
    while True:
        with store.writing() as session:
            if not due_cases(session, late, 10):
                break
            rounds.append(fire_due_timers(session, case_id, late))

    assert sum(rounds) == 450
    assert max(rounds) <= 200
    store.complete(store.waiting(case_id, "fill").id, APPLICANT, now=late)
    with store.sessions() as session:
        assert verify_case(session, case_id).is_sound


def test_time_never_runs_backwards_where_two_clocks_differ(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    item = any_store.waiting(case_id, "decide").id
    any_store.claim(item, REVIEWER)

    any_store.complete(item, REVIEWER, now=NOW - timedelta(seconds=5), opinion="slow clock")

    with any_store.sessions() as session:
        assert read_inputs(session, case_id)[-1].at == NOW


def test_the_starter_may_withdraw_while_the_case_runs(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    with any_store.sessions() as session:
        sendable = my_case(session, case_id, APPLICANT).messages
    assert {name: rules.label for name, rules in sendable.items()} == {"withdraw": "撤回"}

    with any_store.writing() as session:
        send_message(session, case_id, "withdraw", by=APPLICANT, payload={}, now=NOW)

    with any_store.sessions() as session:
        assert case_page(session, case_id).summary.outcome == "withdrawn"
        assert my_case(session, case_id, APPLICANT).messages == {}
        assert verify_case(session, case_id).is_sound
    with any_store.writing() as session, pytest.raises(Conflict, match=r"message\.not_awaited"):
        send_message(session, case_id, "withdraw", by=APPLICANT, payload={}, now=NOW)


def test_nobody_else_may_withdraw(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()

    for by, message in ((STRANGER, "withdraw"), (APPLICANT, "nothing")):
        with any_store.writing() as session, pytest.raises(NotFound):
            send_message(session, case_id, message, by=by, payload={}, now=NOW)

    assert any_store.waiting(case_id, "decide").state == "OPEN"


def test_a_message_of_a_group_is_not_the_starters_to_send(store: Store) -> None:
    boss = Actor("boss", frozenset({"bosses"}))
    store.deploy(a_flow(toml=LEAVE_TOML.format(exclusive="false").replace('who = "starter"', 'who = "bosses"')))
    case_id = store.case_at_review()

    with store.writing() as session, pytest.raises(Forbidden, match=r"message\.not_yours"):
        send_message(session, case_id, "withdraw", by=APPLICANT, payload={}, now=NOW)
    with store.writing() as session:
        send_message(session, case_id, "withdraw", by=boss, payload={}, now=NOW)

    with store.sessions() as session:
        assert case_page(session, case_id).summary.outcome == "withdrawn"
