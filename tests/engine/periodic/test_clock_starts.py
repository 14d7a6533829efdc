"""Cases that the clock begins: one for each due instant, of the version that is current, unless an operator pauses it."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine.deployment.deploy import deploy_flow
from engine.deployment.start_timers import (
    FIRING,
    START_TIMER,
    StartTimerView,
    pause_start_timer,
    resume_start_timer,
    start_timers,
)
from engine.errors import Conflict, InvalidDiagram, NotFound
from engine.flow.flow import Flow
from engine.inputs import Started
from engine.model.instance import Case
from engine.periodic.clock_starts import due_start_timers, fire_start_timer
from engine.periodic.retention import KEPT_FIRINGS, drop_what_is_over
from engine.replay.rebuild import read_inputs, verify_case
from tests.engine.conftest import ANALYST, NOW, Store
from tests.engine.diagrams import Diagram
from tests.engine.flows import a_flow

DAY = timedelta(days=1)
TOML = """key = "report"
title = "日报"
{more}
[lanes]
clerk = "clerk"
[outcomes.done]
label = "完成"
"""


def a_report_flow(
    text: str = "R/P1D", kind: str = "timeCycle", *, more: str = "", name: str = "", **properties: str
) -> Flow:
    """daily → write (user) → done. name: of the user task, to make another version."""
    d = Diagram("report", lanes={"clerk": [name or "write"]})
    d.start("daily", d.timer(text, kind), **properties)
    d.user(name or "write", form="fill")
    d.boundary("late", name or "write", d.timer("P9D"))
    d.end("done", outcome="done")
    d.flow("daily", name or "write", "done")
    d.flow("late", "done")
    return a_flow(d.xml().decode(), TOML.format(more=more))


def deployed(store: Store, flow: Flow, at: datetime = NOW) -> str:
    with store.writing() as session:
        return deploy_flow(session, flow, by=ANALYST, reason="test", now=at)


def beat(store: Store, now: datetime) -> list[str | None]:
    """What the periodic task does."""
    begun = []
    with store.sessions() as session:
        due = due_start_timers(session, now, 100)
    for flow_key, element in due:
        with store.writing() as session:
            begun.append(fire_start_timer(session, flow_key, element, now))
    return begun


def the_timer(store: Store) -> StartTimerView:
    with store.sessions() as session:
        [timer] = start_timers(session)
    return timer


def cases(store: Store) -> list[Any]:
    table = Case.__table__
    with store.sessions() as session:
        return list(session.execute(select(table).order_by(table.c.created_at)))


def firings(store: Store) -> list[Any]:
    with store.sessions() as session:
        return list(session.execute(select(FIRING).order_by(FIRING.c.due_at)))


def first_input(store: Store, case_id: str) -> Started:
    with store.sessions() as session:
        assert verify_case(session, case_id).is_sound
        [first] = read_inputs(session, case_id)
    assert isinstance(first, Started)
    return first


def test_a_case_begins_at_each_instant_and_between_them_none(any_store: Store) -> None:
    deployed(any_store, a_report_flow())

    begun = [len(beat(any_store, NOW + hours * timedelta(hours=1))) for hours in (0, 23, 24, 25, 48)]

    assert begun == [0, 0, 1, 0, 1]
    assert [case.started_by for case in cases(any_store)] == ["system", "system"]
    assert the_timer(any_store).next_at == NOW + 3 * DAY


def test_its_journal_says_which_start_event_and_may_keep_when_it_was_due(any_store: Store) -> None:
    deployed(any_store, a_report_flow(result="of"))

    [case_id] = beat(any_store, NOW + DAY + timedelta(seconds=2))

    given = first_input(any_store, case_id or "")
    assert (given.start, given.by) == ("daily", "system")
    assert given.at == NOW + DAY + timedelta(seconds=2)
    assert given.variables == {"of": "2026-03-03T17:00:00+08:00"}


def test_instants_slept_through_are_left_out(any_store: Store) -> None:
    deployed(any_store, a_report_flow())

    begun = beat(any_store, NOW + 5 * DAY + timedelta(hours=1)) + beat(any_store, NOW + 5 * DAY + timedelta(hours=2))

    assert len(begun) == 1
    assert [firing.due_at for firing in firings(any_store)] == [NOW + DAY]
    assert the_timer(any_store).next_at == NOW + 6 * DAY


def test_a_counted_cycle_ends_and_what_was_slept_through_does_not_count(any_store: Store) -> None:
    deployed(any_store, a_report_flow("R2/P1D"))

    begun = [len(beat(any_store, NOW + days * DAY)) for days in (4, 5, 6)]

    assert begun == [1, 1, 0]
    assert (the_timer(any_store).left, the_timer(any_store).next_at) == (0, None)


def test_a_date_begins_one_case_and_one_already_past_none(any_store: Store) -> None:
    deployed(any_store, a_report_flow("2026-03-05T08:00:00+08:00", "timeDate"))
    at_the_date = beat(any_store, NOW + 3 * DAY)
    deployed(any_store, a_report_flow("2026-03-01T08:00:00+08:00", "timeDate"), NOW + 4 * DAY)

    assert (len(at_the_date), beat(any_store, NOW + 9 * DAY)) == (1, [])
    assert the_timer(any_store).next_at is None


def test_a_timer_reads_the_flows_settings_at_deployment(any_store: Store) -> None:
    opens = '[settings]\nopens = "2026-03-05T08:00:00+08:00"'
    deployed(any_store, a_report_flow("settings.opens", "timeDate", more=opens))

    assert the_timer(any_store).says == "2026-03-05T08:00:00+08:00"
    with pytest.raises(InvalidDiagram, match="daily"):
        deployed(any_store, a_report_flow("settings.closes", "timeDate", more=opens))


def test_a_new_version_takes_the_schedule_over(any_store: Store) -> None:
    first = deployed(any_store, a_report_flow())
    second = deployed(any_store, a_report_flow(name="check"), NOW + timedelta(hours=7))

    [case_id] = beat(any_store, NOW + DAY)

    [case] = cases(any_store)
    assert (case.id, case.definition_id) == (case_id, second)
    assert first != second


def test_a_cycle_a_new_version_does_not_change_goes_on_where_it_was(any_store: Store) -> None:
    deployed(any_store, a_report_flow("R3/P1D"))
    beat(any_store, NOW + DAY)
    deployed(any_store, a_report_flow("R3/P1D", name="check"), NOW + DAY + timedelta(hours=7))

    assert (the_timer(any_store).left, the_timer(any_store).next_at) == (2, NOW + 2 * DAY)


def test_a_changed_cycle_counts_from_its_deployment(any_store: Store) -> None:
    deployed(any_store, a_report_flow("R3/P1D"))
    beat(any_store, NOW + DAY)
    deployed(any_store, a_report_flow("R5/PT8H"), NOW + DAY + timedelta(hours=2))

    assert (the_timer(any_store).left, the_timer(any_store).next_at) == (5, NOW + DAY + timedelta(hours=10))


def test_a_version_without_the_timer_ends_it(any_store: Store) -> None:
    deployed(any_store, a_report_flow())
    d = Diagram("report", lanes={"clerk": ["write"]})
    d.start("begin")
    d.user("write", form="fill")
    d.boundary("late", "write", d.timer("P9D"))
    d.end("done", outcome="done")
    d.flow("begin", "write", "done")
    d.flow("late", "done")
    deployed(any_store, a_flow(d.xml().decode(), TOML.format(more='[start]\nwho = ["*"]')))

    with any_store.sessions() as session:
        assert start_timers(session) == []
    assert beat(any_store, NOW + DAY) == []


def test_two_beats_at_once_begin_one_case(any_store: Store) -> None:
    deployed(any_store, a_report_flow())
    ready = threading.Barrier(4)

    def at_once() -> None:
        ready.wait(10)
        beat(any_store, NOW + DAY)

    threads = [threading.Thread(target=at_once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(cases(any_store)) == 1
    assert len(firings(any_store)) == 1


def test_a_beat_that_dies_before_its_commit_begins_no_case_and_the_next_one_does(any_store: Store) -> None:
    deployed(any_store, a_report_flow())

    class Died(BaseException):
        pass

    def dies() -> None:
        with any_store.writing() as session:
            assert fire_start_timer(session, "report", "daily", NOW + DAY) is not None
            raise Died

    with pytest.raises(Died):
        dies()
    before = cases(any_store)
    beat(any_store, NOW + DAY)

    assert (before, len(cases(any_store))) == ([], 1)
    assert [firing.due_at for firing in firings(any_store)] == [NOW + DAY]


def test_an_instant_that_was_noted_begins_no_second_case_whatever_the_timer_says(any_store: Store) -> None:
    deployed(any_store, a_report_flow())
    beat(any_store, NOW + DAY)
    with any_store.writing() as session:  # as if its next instant had never been set
        session.execute(START_TIMER.update().values(next_at=NOW + DAY))

    begun = beat(any_store, NOW + DAY)

    assert (begun, len(cases(any_store))) == ([None], 1)
    assert the_timer(any_store).next_at == NOW + 2 * DAY


def test_where_one_case_may_run_the_instant_is_noted_and_begins_none(any_store: Store) -> None:
    deployed(any_store, a_report_flow("R2/P1D", more="[start]\none_running_per_starter = true"))

    begun = beat(any_store, NOW + DAY) + beat(any_store, NOW + 2 * DAY)

    assert [case_id is not None for case_id in begun] == [True, False]
    assert [(f.state, f.note) for f in firings(any_store)] == [("STARTED", None), ("REFUSED", "case.already_running")]
    timer = the_timer(any_store)
    assert (timer.left, timer.last_state, timer.last_note) == (1, "REFUSED", "case.already_running")
    assert any_store.waiting(cases(any_store)[0].id, "write").state == "OPEN"


def paused(store: Store, at: datetime) -> None:
    with store.writing() as session:
        pause_start_timer(session, "report", "daily", by=ANALYST, reason="节假日", now=at)


def resumed(store: Store, at: datetime) -> None:
    with store.writing() as session:
        resume_start_timer(session, "report", "daily", now=at)


def test_a_paused_timer_begins_nothing_and_goes_on_at_its_next_instant(any_store: Store) -> None:
    deployed(any_store, a_report_flow("R3/P1D"))
    paused(any_store, NOW)

    while_paused = beat(any_store, NOW + 2 * DAY)
    seen = the_timer(any_store)
    resumed(any_store, NOW + 2 * DAY + timedelta(hours=1))
    after = the_timer(any_store)

    assert while_paused == []
    assert (seen.next_at, seen.paused_by, seen.pause_reason) == (None, "analyst", "节假日")
    assert (after.next_at, after.left, after.paused_at) == (NOW + 3 * DAY, 3, None)
    assert len(beat(any_store, NOW + 3 * DAY)) == 1


def test_a_pause_outlives_a_new_version(any_store: Store) -> None:
    deployed(any_store, a_report_flow())
    paused(any_store, NOW)
    deployed(any_store, a_report_flow("R/PT8H", name="check"), NOW + timedelta(hours=1))

    assert the_timer(any_store).paused_at == NOW
    assert beat(any_store, NOW + DAY) == []


def test_pausing_twice_or_what_is_not_there_is_refused(any_store: Store) -> None:
    deployed(any_store, a_report_flow())
    with pytest.raises(Conflict, match=r"start_timer\.not_paused"):
        resumed(any_store, NOW)
    paused(any_store, NOW)

    with pytest.raises(Conflict, match=r"start_timer\.paused"):
        paused(any_store, NOW)
    with any_store.writing() as session, pytest.raises(NotFound, match=r"start_timer\.unknown"):
        pause_start_timer(session, "report", "nightly", by=ANALYST, reason="x", now=NOW)


def test_what_a_timer_began_long_ago_is_forgotten_but_its_last(any_store: Store) -> None:
    deployed(any_store, a_report_flow("R/P1D"))
    begun = [case_id for day in (1, 2, 3) for case_id in beat(any_store, NOW + day * DAY)]
    last_due = the_timer(any_store).last_due_at
    assert last_due is not None
    assert len(begun) == 3

    def dropped(now: datetime) -> int:
        with any_store.writing() as session:
            return drop_what_is_over(session, now, 100)["start_firing"]

    assert dropped(last_due - 2 * DAY + KEPT_FIRINGS - timedelta(seconds=1)) == 0
    assert dropped(last_due - 2 * DAY + KEPT_FIRINGS) == 1
    assert dropped(last_due + 10 * KEPT_FIRINGS) == 1

    assert the_timer(any_store).last_case_id == begun[-1]
    assert dropped(last_due + 20 * KEPT_FIRINGS) == 0
