"""What-if: the same diagram changes nothing; every planted change is found, told apart, and nothing is written or called."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from engine.errors import BusinessError, InvalidDiagram
from engine.flow.flow import Flow, flow_of_files
from engine.jobs.leases import fail_job
from engine.messages.send import send_message
from engine.operators.interventions import cancel_case, erase_case
from engine.periodic.timers import fire_due_timers
from engine.replay.what_if.comparison import CaseOutcome, WhatIf
from engine.replay.what_if.pool import outcomes_in_parallel
from engine.replay.what_if.recorded_cases import cases_of
from engine.replay.what_if.report import Pace, paces, report_of
from engine.services import registry as service_tasks
from engine.services.registry import declared_service_tasks
from engine.work_items.signing import add_signer
from tests.engine.conftest import ANALYST, APPLICANT, NOW, OTHER_REVIEWER, REVIEWER, Store
from tests.engine.flows import LEAVE, a_flow, record

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOW + 10 * DAY


def decided(store: Store, case_id: str, at: Any = NOW) -> str:
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER, now=at)
    store.complete(item, REVIEWER, now=at + timedelta(minutes=6), opinion="yes")
    return case_id


def every_kind_of_case(store: Store) -> dict[str, str]:
    """One case for each place and end of the leave flow."""
    store.deploy()
    cases = {name: store.start() for name in ("filling", "reading")}
    store.complete(store.waiting(cases["reading"], "fill").id, APPLICANT, number="1", office="wuhan")
    for name in ("review", "withdrawn", "cancelled", "erased", "expired"):
        cases[name] = store.case_at_review()
    cases["approved"] = decided(store, store.case_at_review())
    with store.writing() as session:
        send_message(session, cases["withdrawn"], "withdraw", by=APPLICANT, payload={}, now=NOW + HOUR)
        cancel_case(session, cases["cancelled"], by=ANALYST, reason="x", now=NOW + HOUR)
        cancel_case(session, cases["erased"], by=ANALYST, reason="x", now=NOW + HOUR)
        erase_case(session, cases["erased"], now=NOW + HOUR)
        fire_due_timers(session, cases["expired"], NOW + 2 * DAY)
    cases["unreadable_photo"] = store.start()
    store.complete(store.waiting(cases["unreadable_photo"], "fill").id, APPLICANT, number="blurred", office="wuhan")
    leased = store.lease(store.waiting(cases["unreadable_photo"], "read").id)
    assert leased is not None
    with store.writing() as session:
        assert fail_job(session, leased, BusinessError("photo.blurred"), now=NOW)
    return cases


def tried(store: Store, flow: Flow, elements: dict[str, str] | None = None, now: Any = NOW + HOUR) -> dict[str, Any]:
    with store.sessions() as session:
        ids = cases_of(session, "leave", None, None)
        return {one.case_id: one for one in WhatIf(flow, elements).outcomes_of(session, ids, now)}


def changed(old: str, new: str) -> Flow:
    assert old in LEAVE
    return a_flow(LEAVE.replace(old, new))


def test_the_same_diagram_changes_no_case(any_store: Store) -> None:
    cases = every_kind_of_case(any_store)

    found = tried(any_store, a_flow())

    kinds = {name: found[case_id].kind for name, case_id in cases.items()}
    assert kinds == {name: "erased" if name == "erased" else "same_end" for name in cases}
    assert found[cases["approved"]].new == "approved"
    assert found[cases["review"]].new == "waits:decide"
    assert all(one.before == one.after for one in found.values() if one.kind == "same_end")


def test_nothing_is_written_called_or_sent(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    every_kind_of_case(store)

    def refuse(connection: Any, cursor: Any, text: str, *rest: Any) -> None:
        assert text.lstrip().split(" ", 1)[0] in {"SELECT", "BEGIN", "PRAGMA"}, text

    def called(*_: Any) -> None:
        raise AssertionError("a handler was called")

    record.append(called)  # type: ignore[arg-type]
    for name, task in declared_service_tasks().items():
        monkeypatch.setitem(service_tasks._registry, name, replace(task, run=called))
    event.listen(store.engine, "before_cursor_execute", refuse)
    try:
        found = tried(store, changed("P1D", "PT30M"), now=LATER)
    finally:
        event.remove(store.engine, "before_cursor_execute", refuse)

    assert len(found) == 9


def test_a_shorter_deadline_ends_the_cases_that_were_decided_after_it(store: Store) -> None:
    store.deploy()
    soon = decided(store, store.case_at_review(), NOW + HOUR)
    late = decided(store, store.case_at_review(), NOW + 5 * HOUR)
    waiting = store.case_at_review(NOW)

    found = tried(store, changed("P1D", "PT2H"), now=NOW + 3 * HOUR)

    assert found[soon].kind == "same_end"
    assert (found[late].kind, found[late].old, found[late].new) == ("other_end", "approved", "expired")
    assert (found[waiting].kind, found[waiting].new) == ("other_end", "expired")


def test_a_longer_deadline_leaves_an_expired_case_waiting_for_a_decision(store: Store) -> None:
    cases = every_kind_of_case(store)

    expired = tried(store, changed("P1D", "P9D"))[cases["expired"]]

    assert (expired.kind, expired.elements) == ("lacks", ("decide",))
    assert (dict(expired.before), dict(expired.after)) == ({}, {"decide": 1})


def test_a_new_task_on_the_way_lacks_its_result(store: Store) -> None:
    cases = every_kind_of_case(store)
    new = """<bpmn:userTask id="second" name="复核"><bpmn:extensionElements><spiffworkflow:properties>
      <spiffworkflow:property name="form" value="decide" /></spiffworkflow:properties></bpmn:extensionElements>
    <bpmn:incoming>f4</bpmn:incoming><bpmn:outgoing>f4b</bpmn:outgoing></bpmn:userTask>
  <bpmn:sequenceFlow id="f4b" sourceRef="second" targetRef="record" />
  <bpmn:sequenceFlow id="f4" sourceRef="decide" targetRef="second" />"""
    bpmn = LEAVE.replace('<bpmn:sequenceFlow id="f4" sourceRef="decide" targetRef="record" />', new)
    bpmn = bpmn.replace(
        "<bpmn:incoming>f4</bpmn:incoming><bpmn:outgoing>f5</bpmn:outgoing>",
        "<bpmn:incoming>f4b</bpmn:incoming><bpmn:outgoing>f5</bpmn:outgoing>",
    )
    bpmn = bpmn.replace(
        "<bpmn:flowNodeRef>decide<", "<bpmn:flowNodeRef>second</bpmn:flowNodeRef><bpmn:flowNodeRef>decide<"
    )

    found = tried(store, a_flow(bpmn))

    approved = found[cases["approved"]]
    assert (approved.kind, approved.elements, approved.new) == ("lacks", ("second",), "waits:second")
    assert Counter(approved.after) - Counter(approved.before) == {"second": 1}
    others = {found[case_id].kind for name, case_id in cases.items() if name not in {"approved", "erased"}}
    assert others == {"same_end"}


def test_a_new_service_task_lacks_its_result_and_is_not_called(store: Store) -> None:
    cases = every_kind_of_case(store)

    bpmn = LEAVE.replace('id="record"', 'id="register"').replace('Ref="record"', 'Ref="register"')
    found = tried(store, a_flow(bpmn.replace("flowNodeRef>record<", "flowNodeRef>register<")))

    approved = found[cases["approved"]]
    assert (approved.kind, approved.elements) == ("lacks", ("register",))


def test_work_that_is_sure_to_come_behind_a_task_without_a_result_is_counted(store: Store) -> None:
    """Photos are screened before the reviewer decides: nobody has that result, but each of these cases needs a reviewer."""
    cases = every_kind_of_case(store)
    last_task = LEAVE.replace('id="record"', 'id="register"').replace('Ref="record"', 'Ref="register"')

    before = tried(store, screened())
    behind = tried(store, a_flow(last_task.replace("flowNodeRef>record<", "flowNodeRef>register<")))

    approved = before[cases["approved"]]
    assert (approved.kind, approved.elements, approved.ahead) == ("lacks", ("screen",), {"decide": 1})
    hours = report_of([approved], {"decide": Pace(360.0, 1)}, {})["reviewer_hours"]
    assert [(line["items_before"], line["items_after"]) for line in hours["elements"]] == [(1, 1)]
    assert (hours["hours"], hours["open_ended_cases"]) == (0, 0)
    assert behind[cases["approved"]].ahead == {}
    assert report_of([behind[cases["approved"]]], {}, {})["reviewer_hours"]["open_ended_cases"] == 1


def screened() -> Flow:
    """The leave flow with a service task in the transaction between `read` and `decide`."""
    line = '<bpmn:sequenceFlow id="f3" sourceRef="read" targetRef="decide" />'
    screen = (
        '<bpmn:sequenceFlow id="f3" sourceRef="read" targetRef="screen" /><bpmn:serviceTask id="screen" name="筛查">'
        '<bpmn:extensionElements><spiffworkflow:serviceTaskOperator id="test.record"><spiffworkflow:parameters />'
        "</spiffworkflow:serviceTaskOperator></bpmn:extensionElements><bpmn:incoming>f3</bpmn:incoming>"
        "<bpmn:outgoing>f3b</bpmn:outgoing></bpmn:serviceTask>"
        '<bpmn:sequenceFlow id="f3b" sourceRef="screen" targetRef="decide" />'
    )
    assert line in LEAVE
    drawn = LEAVE.replace(line, screen).replace(
        "<bpmn:incoming>f3</bpmn:incoming><bpmn:outgoing>f4<", "<bpmn:incoming>f3b</bpmn:incoming><bpmn:outgoing>f4<"
    )
    lane = "<bpmn:flowNodeRef>read</bpmn:flowNodeRef>"
    return a_flow(drawn.replace(lane, f"{lane}<bpmn:flowNodeRef>screen</bpmn:flowNodeRef>"))


def renamed_decide() -> Flow:
    bpmn = LEAVE.replace('id="decide"', 'id="judge"').replace('Ref="decide"', 'Ref="judge"')
    return a_flow(bpmn.replace("flowNodeRef>decide<", "flowNodeRef>judge<"))


def test_a_renamed_task_does_not_fit_unless_the_new_name_is_given(store: Store) -> None:
    cases = every_kind_of_case(store)

    found = tried(store, renamed_decide())
    told = tried(store, renamed_decide(), {"decide": "judge"})

    approved = found[cases["approved"]]
    assert (approved.kind, approved.elements, approved.seq, approved.why) == (
        "does_not_fit",
        ("decide",),
        4,
        "element.gone",
    )
    assert {one.kind for one in told.values()} == {"same_end", "erased"}


def test_signatures_are_taken_by_the_candidate_too_also_at_a_renamed_task(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER)
    with store.writing() as session:
        add_signer(session, item, to=OTHER_REVIEWER, by=REVIEWER, now=NOW)
    store.complete(item, REVIEWER, opinion="first")
    store.complete(item, OTHER_REVIEWER, opinion="second")

    same = tried(store, a_flow())[case_id]
    renamed = tried(store, renamed_decide(), {"decide": "judge"})[case_id]

    assert (same.kind, same.why) == ("same_end", "")
    assert (renamed.kind, renamed.why) == ("same_end", "")


def test_values_the_new_form_refuses_are_named_with_the_reason(store: Store) -> None:
    cases = every_kind_of_case(store)
    files = dict(a_flow().files)
    form = json.loads(files["forms/decide.json"])
    form["properties"]["opinion"]["minLength"] = 10
    files["forms/decide.json"] = json.dumps(form).encode()

    found = tried(store, flow_of_files(files))

    approved = found[cases["approved"]]
    assert (approved.kind, approved.elements, approved.why) == ("does_not_fit", ("decide",), "form.refused")
    assert "至少 10 个字" in approved.detail
    assert found[cases["withdrawn"]].kind == "same_end"


def test_results_are_matched_by_element_when_the_order_of_steps_changes(store: Store) -> None:
    cases = every_kind_of_case(store)
    # fill → decide → record → read: the journal has them in another order
    bpmn = LEAVE.replace('id="f2" sourceRef="fill" targetRef="read"', 'id="f2" sourceRef="fill" targetRef="decide"')
    bpmn = bpmn.replace('id="f3" sourceRef="read" targetRef="decide"', 'id="f3" sourceRef="read" targetRef="approved"')
    bpmn = bpmn.replace(
        'id="f5" sourceRef="record" targetRef="approved"', 'id="f5" sourceRef="record" targetRef="read"'
    )
    for task, old, new in (("read", "f2", "f5"), ("decide", "f3", "f2"), ("approved", "f5", "f3")):
        head, tail = bpmn.split(f' id="{task}"', 1)
        bpmn = f' id="{task}"'.join([head, tail.replace(f"<bpmn:incoming>{old}<", f"<bpmn:incoming>{new}<", 1)])

    approved = tried(store, a_flow(bpmn))[cases["approved"]]

    assert (approved.kind, approved.new) == ("same_end", "approved")


def test_a_candidate_that_cannot_be_deployed_is_refused() -> None:
    with pytest.raises(InvalidDiagram):
        WhatIf(changed('targetRef="decide"', 'targetRef="nowhere"'))


def test_several_processes_find_what_one_finds(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.replay.what_if.pool.PART", 2)
    every_kind_of_case(store)
    what_if = WhatIf(changed("P1D", "PT30M"))
    with store.sessions() as session:
        ids = cases_of(session, "leave", None, None)
    seen: list[int] = []

    def outcomes(processes: int) -> list[CaseOutcome]:
        return outcomes_in_parallel(what_if, store.sessions, ids, now=LATER, processes=processes, progress=seen.append)

    assert outcomes(2) == outcomes(1)
    assert seen[-1] == len(ids)


# ---- the report


def test_the_report_counts_ends_and_hours(store: Store) -> None:
    cases = every_kind_of_case(store)
    with store.sessions() as session:
        pace = paces(session, "leave")
    assert pace == {"decide": Pace(360.0, 1)}

    report = report_of(list(tried(store, changed("P1D", "P9D")).values()), pace, {})

    assert report["totals"] == {
        "same_end": 7, "other_end": 0, "lacks": 1, "does_not_fit": 0, "erased": 1, "unreadable": 0
    }  # fmt: skip
    assert {"old": "expired", "new": "waits:decide", "cases": 1} in report["matrix"]
    assert report["lacking"] == [{"element": "decide", "cases": 1}]
    assert [one["case"] for one in report["differences"] if one["kind"] == "lacks"] == [cases["expired"]]
    [line] = report["reviewer_hours"]["elements"]
    assert (line["median_minutes"], line["n"], line["items_after"] - line["items_before"], line["hours"]) == (
        6,
        1,
        1,
        0.1,
    )
    assert report["reviewer_hours"]["hours"] == 0.1


def test_hours_of_a_task_nobody_ever_did_are_not_known() -> None:
    outcome = CaseOutcome("c", "lacks", "approved", "waits:second", ("second",), before={}, after={"second": 1})

    hours = report_of([outcome], {}, {})["reviewer_hours"]

    assert (hours["hours"], hours["unknown"]) == (0, ["second"])


def test_since_and_limit_choose_the_cases(store: Store) -> None:
    store.deploy()
    first, second = store.start(now=NOW), store.start(now=NOW + DAY)

    with store.sessions() as session:
        assert cases_of(session, "leave", NOW + HOUR, None) == [second]
        assert cases_of(session, "leave", None, 1) == [max(first, second)]
