"""A clock that stands still, in the database: not due, told with what is left, due again when the applicant is done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.actors import Actor
from engine.cases.stopped_clocks import StoppedClock, left_text, stopped_clocks
from engine.errors import Conflict
from engine.flow.flow import Flow
from engine.operators.interventions import resume_case, suspend_case
from engine.periodic.timers import due_cases, fire_due_timers
from engine.queries.pages import case_page
from engine.queries.story import awaited_now
from engine.queries.why import watchdog_finds
from engine.replay.rebuild import read_inputs, verify_case
from engine.replay.what_if.comparison import WhatIf
from engine.replay.what_if.recorded_cases import cases_of
from tests.engine.conftest import APPLICANT, NOW, Store
from tests.engine.diagrams import Diagram
from tests.engine.flows import a_flow

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REVIEWER = Actor("reviewer-1", frozenset({"reviewer"}))
TOML = """key = "permit"
title = "许可"
[start]
who = ["applicant"]
[lanes]
reviewer = "reviewer"
applicant = "starter"
[outcomes.done]
label = "已办结"
[outcomes.late]
label = "已超时"
"""


def a_permit_flow(limit: str = "working_days(5)") -> Flow:
    """Review[ review → amend → … ] with a limit that stands still while the applicant amends; `opinion` sends it back."""
    d = Diagram("permit", lanes={"reviewer": ["Review", "review"], "applicant": ["amend"]})
    d.start("begin")
    inside = d.subprocess("Review")
    inside.start("inner")
    inside.xor("again")
    inside.user("review", form="decide")
    inside.xor("enough")
    inside.user("amend", form="fill")
    inside.end("reviewed")
    inside.flow("inner", "again", "review", "enough")
    inside.flow("enough", "amend", "again", when='opinion == "more"')
    inside.flow("enough", "reviewed", default=True)
    d.boundary("late", "Review", d.timer(limit), pauses_while="applicant")
    d.end("done", outcome="done")
    d.end("over", outcome="late")
    d.flow("begin", "Review", "done")
    d.flow("late", "over")
    return a_flow(d.xml().decode(), TOML)


def reviewed(store: Store, case_id: str, opinion: str, at) -> None:
    item = store.waiting(case_id, "review").id
    store.claim(item, REVIEWER, at)
    store.complete(item, REVIEWER, at, opinion=opinion)


def sent_back(store: Store, at=NOW + DAY) -> str:
    """A case that lies with its applicant since the first day."""
    store.deploy(a_permit_flow())
    case_id = store.start(flow="permit")
    reviewed(store, case_id, "more", at)
    return case_id


def is_sound(store: Store, case_id: str) -> bool:
    with store.sessions() as session:
        return verify_case(session, case_id).is_sound


def test_a_timer_that_stands_still_is_not_due(any_store: Store) -> None:
    case_id = sent_back(any_store)

    row = any_store.waiting(case_id, "late")
    assert (row.state, row.due_at, row.left_s, row.clock) == ("OPEN", None, 4 * 86_400, "working")
    with any_store.sessions() as session:
        assert due_cases(session, NOW + 99 * DAY, 10) == []
        assert [find.code for find in watchdog_finds(session, NOW + 99 * DAY)] == []
    assert is_sound(any_store, case_id)


def test_it_is_due_again_when_the_applicant_is_done(any_store: Store) -> None:
    case_id = sent_back(any_store)  # Tuesday

    any_store.complete(any_store.waiting(case_id, "amend").id, APPLICANT, NOW + 8 * DAY, number="1", office="x")

    row = any_store.waiting(case_id, "late")
    assert (row.due_at, row.left_s, row.clock) == (NOW + 14 * DAY, None, None)  # Tuesday + 4 working days = Monday
    with any_store.writing() as session:
        assert fire_due_timers(session, case_id, NOW + 14 * DAY) == 1
    with any_store.sessions() as session:
        assert case_page(session, case_id).summary.outcome == "late"
    assert is_sound(any_store, case_id)


def test_the_instant_it_went_on_to_is_in_the_journal(any_store: Store) -> None:
    case_id = sent_back(any_store)
    any_store.complete(any_store.waiting(case_id, "amend").id, APPLICANT, NOW + 8 * DAY, number="1", office="x")

    with any_store.sessions() as session:
        last = read_inputs(session, case_id)[-1]

    assert list(last.computed.values()) == [NOW + 14 * DAY]


def test_a_limit_that_was_over_before_the_review_comes_first(any_store: Store) -> None:
    any_store.deploy(a_permit_flow())
    case_id = any_store.start(flow="permit")
    item = any_store.waiting(case_id, "review").id
    any_store.claim(item, REVIEWER)

    with pytest.raises(Conflict):
        any_store.complete(item, REVIEWER, NOW + 8 * DAY, opinion="more")

    with any_store.writing() as session:
        fire_due_timers(session, case_id, NOW + 8 * DAY)
    with any_store.sessions() as session:
        assert case_page(session, case_id).summary.outcome == "late"


def test_it_is_said_that_it_stands_still_and_what_is_left(any_store: Store) -> None:
    case_id = sent_back(any_store)

    with any_store.sessions() as session:
        [clock] = stopped_clocks(session, [case_id]).values()
        page = case_page(session, case_id)
        told = [each.sentence for each in awaited_now(session, page, NOW + 2 * DAY)]

    assert clock == StoppedClock("late", "late", NOW + DAY, 4 * 86_400, True)
    assert [(wait.left_s, wait.clock) for wait in page.waits if wait.element == "late" and wait.closed_at is None] == [
        (4 * 86_400, "working")
    ]
    assert "“late”的计时已暂停，还剩 4 个工作日" in told


def test_what_if_reads_a_case_whose_clock_stands_still(store: Store) -> None:
    case_id = sent_back(store)

    with store.sessions() as session:
        ids = cases_of(session, "permit", None, None)
        [found] = WhatIf(a_permit_flow("working_days(2)"), None).outcomes_of(session, ids, NOW + 2 * DAY)

    assert (found.case_id, found.kind, found.new) == (case_id, "same_end", "waits:amend")


def test_a_running_clock_is_none_that_stands_still(any_store: Store) -> None:
    any_store.deploy(a_permit_flow())
    case_id = any_store.start(flow="permit")

    with any_store.sessions() as session:
        assert stopped_clocks(session, [case_id]) == {}
        assert stopped_clocks(session, []) == {}


def test_a_suspended_case_keeps_its_stopped_clock(any_store: Store) -> None:
    case_id = sent_back(any_store)

    with any_store.writing() as session:
        suspend_case(session, case_id, by=REVIEWER, reason="x", now=NOW + 2 * DAY)
    with any_store.writing() as session:
        resume_case(session, case_id, by=REVIEWER, reason="x", now=NOW + 9 * DAY)

    assert any_store.waiting(case_id, "late").left_s == 4 * 86_400
    assert is_sound(any_store, case_id)


@pytest.mark.parametrize(
    ("left_s", "in_working_time", "said"),
    [
        (4 * 86_400, True, "4 个工作日"),
        (2 * 86_400 + 3 * 3600, True, "2 个工作日 3 小时"),
        (38 * 3600, False, "1 天 14 小时"),
        (300, False, "5 分钟"),
    ],
)
def test_what_is_left_is_said_in_its_unit(left_s: int, in_working_time: bool, said: str) -> None:
    assert left_text(left_s, is_working_time=in_working_time) == said
