"""Scenarios: what is recorded is nobody's, runs as the case did, and notices when the flow no longer does."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from engine.errors import Conflict
from engine.flow.flow import Flow, flow_of_files
from engine.inputs import WorkItemCompleted
from engine.machine import compile_process
from engine.operators.interventions import cancel_case, erase_case
from engine.periodic.timers import fire_due_timers
from engine.replay.scenarios.playing import (
    Scenario,
    ScenarioResult,
    coverage_of,
    read_scenario,
    run_scenario,
    write_scenario,
)
from engine.replay.scenarios.recording import StandIns, record_scenario
from tests.engine.conftest import ANALYST, APPLICANT, NOW, REVIEWER, Store
from tests.engine.flows import LEAVE, a_flow


def recorded(store: Store, case_id: str, flow: Flow | None = None) -> Scenario:
    with store.sessions() as session:
        return record_scenario(session, case_id, flow or a_flow(), "批准的请假")


def approved(store: Store) -> str:
    case_id = store.case_at_review()
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER)
    store.complete(item, REVIEWER, opinion="同意，王主任")
    return case_id


def run(scenario: Scenario, flow: Flow | None = None) -> ScenarioResult:
    flow = flow or a_flow()
    return run_scenario(flow, compile_process(flow.bpmn, flow.decisions, flow.called), scenario)


def test_a_recorded_case_runs_again_without_a_database(store: Store) -> None:
    store.deploy()
    scenario = recorded(store, approved(store))

    again = read_scenario(write_scenario(scenario))

    assert again == scenario
    result = run(again)
    assert result.problem == ""
    assert result.path == ("start", "fill", "read", "decide", "record", "approved")
    assert result.lines == ("f1", "f2", "f3", "f4", "f5")
    assert (scenario.outcome, scenario.standing) == ("approved", ())


def test_nothing_that_somebody_typed_is_in_the_file(store: Store) -> None:
    store.deploy()
    text = write_scenario(recorded(store, approved(store)))

    for typed in ("42-1", "wuhan", "王主任", APPLICANT.id, REVIEWER.id):
        assert typed not in text
    values = [given.values for given in read_scenario(text).inputs if isinstance(given, WorkItemCompleted)]
    assert values[0].keys() == {"number", "office"}


def test_the_same_text_gets_the_same_stand_in_and_constants_stay() -> None:
    stand_ins = StandIns(frozenset({"resident_id", "通过"}))

    found = stand_ins.of(
        {"a": "张三", "b": ["张三", "李四", "通过"], "c": 7, "d": None, "e": "1990-02-03", "f": "quality.poor"}
    )

    assert found["a"] == found["b"][0] != found["b"][1]
    assert found["b"][2] == "通过"
    assert (found["c"], found["d"], found["e"], found["f"]) == (7, None, "2030-01-01", "quality.poor")
    assert "张三" not in json.dumps(found, ensure_ascii=False)


def test_instants_among_the_values_move_with_the_case() -> None:
    stand_ins = StandIns(frozenset(), timedelta(days=7))

    assert stand_ins.of({"expires_at": "2026-03-02T01:00:00+00:00"}) == {"expires_at": "2026-03-09T01:00:00+00:00"}


def test_a_running_case_is_a_scenario_that_stands_somewhere(store: Store) -> None:
    store.deploy()
    scenario = recorded(store, store.case_at_review())

    assert (scenario.outcome, scenario.standing) == ("", ("decide",))
    assert run(scenario).problem == ""


def test_deadlines_are_kept_when_the_scenario_moves_to_another_week(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review(NOW + timedelta(days=73))
    with store.writing() as session:
        fire_due_timers(session, case_id, NOW + timedelta(days=75))

    scenario = recorded(store, case_id)

    assert scenario.outcome == "expired"
    assert scenario.inputs[0].at.isocalendar()[:2] == (2026, 10)
    assert scenario.inputs[0].at.weekday() == (NOW + timedelta(days=73)).weekday()


# ---- what is noticed


def changed(old: str, new: str) -> Flow:
    assert old in LEAVE
    return a_flow(LEAVE.replace(old, new))


@pytest.mark.parametrize(
    ("flow", "said"),
    [
        (changed('value="approved"', 'value="granted"'), "应以 approved 结束，实际 granted"),
        (changed("P1D", "PT0S"), "此前定时器 late 已到时"),
    ],
    ids=["another end", "a deadline that came first"],
)
def test_a_flow_that_goes_another_way_fails_the_scenario(store: Store, flow: Flow, said: str) -> None:
    store.deploy()
    scenario = recorded(store, approved(store))

    assert said in run(scenario, flow).problem


def test_an_input_without_a_place_names_its_step(store: Store) -> None:
    store.deploy()
    scenario = recorded(store, approved(store))
    bpmn = LEAVE.replace('id="decide"', 'id="judge"').replace('Ref="decide"', 'Ref="judge"')

    problem = run(scenario, a_flow(bpmn.replace("flowNodeRef>decide<", "flowNodeRef>judge<"))).problem

    assert problem.startswith("第 4 步")
    assert "decide" in problem
    assert "judge" in problem


def test_a_new_required_field_fails_the_scenario_but_the_shape_of_a_stand_in_does_not(store: Store) -> None:
    store.deploy()
    scenario = recorded(store, approved(store))

    def with_form(change: Any) -> Flow:
        files = dict(a_flow().files)
        form = json.loads(files["forms/fill.json"])
        change(form)
        return flow_of_files({**files, "forms/fill.json": json.dumps(form).encode()})

    shaped = with_form(lambda form: form["properties"]["number"].update(pattern="^[0-9]{6}$"))
    required = with_form(lambda form: form.update(required=["photo"]))

    assert run(scenario, shaped).problem == ""
    assert "表单 fill 不接受" in run(scenario, required).problem


def test_coverage_names_what_no_scenario_comes_by(store: Store) -> None:
    store.deploy()
    flow = a_flow()
    process = compile_process(flow.bpmn, flow.decisions, flow.called)

    coverage = coverage_of(flow, process, [run(recorded(store, approved(store)))])

    assert set(coverage.not_used) == {"f6", "f7", "f8"}
    assert {"expired", "late", "withdrawn"} <= set(coverage.not_reached)
    assert coverage.lines == 8


# ---- what cannot be recorded


def test_a_case_whose_way_hangs_on_a_persons_text_is_refused(store: Store) -> None:
    condition = """<bpmn:exclusiveGateway id="who" default="f4b"><bpmn:incoming>f4</bpmn:incoming>
    <bpmn:outgoing>f4a</bpmn:outgoing><bpmn:outgoing>f4b</bpmn:outgoing></bpmn:exclusiveGateway>
    <bpmn:sequenceFlow id="f4a" sourceRef="who" targetRef="record">
    <bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">len(opinion) == 6</bpmn:conditionExpression></bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="f4b" sourceRef="who" targetRef="unreadable" />
    <bpmn:sequenceFlow id="f4" sourceRef="decide" targetRef="who" />"""
    bpmn = LEAVE.replace('<bpmn:sequenceFlow id="f4" sourceRef="decide" targetRef="record" />', condition)
    bpmn = bpmn.replace(
        "<bpmn:incoming>f4</bpmn:incoming><bpmn:outgoing>f5<", "<bpmn:incoming>f4a</bpmn:incoming><bpmn:outgoing>f5<"
    )
    bpmn = bpmn.replace(
        "<bpmn:incoming>f8</bpmn:incoming>", "<bpmn:incoming>f8</bpmn:incoming><bpmn:incoming>f4b</bpmn:incoming>"
    )
    bpmn = bpmn.replace(
        "<bpmn:flowNodeRef>record<", "<bpmn:flowNodeRef>who</bpmn:flowNodeRef><bpmn:flowNodeRef>record<"
    )
    flow = a_flow(bpmn)
    store.deploy(flow)
    case_id = approved(store)

    with pytest.raises(Conflict, match=r"scenario\.path_differs"):
        recorded(store, case_id, flow)


def test_an_erased_case_cannot_be_recorded(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    with store.writing() as session:
        cancel_case(session, case_id, by=ANALYST, reason="x", now=NOW)
        erase_case(session, case_id, now=NOW)

    with pytest.raises(Conflict, match=r"case\.erased"):
        recorded(store, case_id)


@pytest.mark.parametrize("text", ["", "title = 'x'", "title = 1\npath = 2"])
def test_a_file_that_is_no_scenario_is_told_so(text: str) -> None:
    with pytest.raises(ValueError, match="not a scenario"):
        read_scenario(text)
