"""Compensation through the write path: rows, jobs, handlers in the transaction, history, and what replay makes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from engine.flow.flow import Flow
from engine.model.tables import CASE
from engine.model.waiting_row import WorkItemState
from engine.queries.pages import case_page, history
from engine.queries.way_taken import way_taken
from engine.replay.migration.migrate import find_version, migrate_case, plan_migration
from engine.replay.rebuild import verify_case
from engine.replay.time_travel import case_at
from engine.replay.what_if.comparison import WhatIf
from tests.engine.conftest import ANALYST, APPLICANT, NOW, REVIEWER, Store
from tests.engine.diagrams import Diagram
from tests.engine.flows import Length, Text, a_flow, record

HOUR = timedelta(hours=1)
TOML = """key = "leave"
title = "请假"
[start]
who = ["applicant"]
[lanes]
applicant = "starter"
reviewer = "leave.reviewer:{office}"
[outcomes.undone]
label = "已撤销"
[outcomes.kept]
label = "保留"
"""


def a_booking(*, undoes: bool = True, settles: bool = False) -> Flow:
    """fill → record (in the transaction) → read (a job) → decide → undo → undone; the three are undone by their like.

    undoes: without it the case goes on past `undo`. settles: `fill` is undone by a person.
    """
    people = ["call_back"] if settles else []
    d = Diagram("leave", lanes={"applicant": ["fill"], "reviewer": ["decide", *people]})
    d.start("begin")
    d.user("fill", form="fill")
    d.service("record", "test.record", result="recorded", text="number")
    d.service("read", "test.read", result="reading", text="number")
    d.user("decide", form="decide")
    d.service("unrecord", "test.record", text="number")
    d.undone_by("record", "unrecord")
    d.service("unread", "test.read", text="number")
    d.undone_by("read", "unread")
    if settles:
        d.user("call_back", form="decide")
        d.undone_by("fill", "call_back")
    d.throw("undo", d.compensation("" if undoes else "read"))
    d.end("done", outcome="undone" if undoes else "kept")
    d.flow("begin", "fill", "record", "read", "decide", "undo", "done")
    return a_flow(d.xml().decode(), TOML)


def recorded(store: Store) -> list[str | None]:
    """What test.record was asked, in order."""
    asked: list[str | None] = []

    def noted(parameters: Text, context: Any) -> Length:
        asked.append(parameters.text)
        return Length(length=len(asked))

    record.append(noted)
    return asked


def decided(store: Store, flow: Flow) -> str:
    """A case whose reviewer has decided, on other words than those it was recorded with."""
    store.deploy(flow)
    case_id = store.start()
    store.complete(store.waiting(case_id, "fill").id, APPLICANT, number="42-1", office="wuhan")
    assert store.run_job(store.waiting(case_id, "read").id)
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER)
    store.complete(item, REVIEWER, opinion="no")
    return case_id


def outcome(store: Store, case_id: str) -> str | None:
    with store.sessions() as session:
        return session.execute(select(CASE.c.outcome).where(CASE.c.id == case_id)).scalar_one()


def how(store: Store, case_id: str) -> dict[str, str]:
    with store.sessions() as session:
        return {activity.address: activity.how for activity in history(session, case_id).activities}


def is_sound(store: Store, case_id: str) -> bool:
    with store.sessions() as session:
        return verify_case(session, case_id).is_sound


def test_a_case_is_undone_by_a_job_and_then_within_the_transaction_that_ends_it(any_store: Store) -> None:
    asked = recorded(any_store)
    case_id = decided(any_store, a_booking())
    assert asked == ["42-1"]
    assert any_store.waiting(case_id, "unread").address == "unread:1"
    assert how(any_store, case_id)["read:1"] == "completed"

    assert any_store.run_job(any_store.waiting(case_id, "unread").id)

    assert asked == ["42-1", "42-1"]
    assert outcome(any_store, case_id) == "undone"
    told = how(any_store, case_id)
    assert {told["record:1"], told["read:1"]} == {"compensated"}
    assert {told["fill:1"], told["unrecord:1"], told["unread:1"], told["undo:1"]} == {"completed"}
    assert is_sound(any_store, case_id)


def test_a_person_undoes_in_the_lane_the_handler_is_drawn_in(store: Store) -> None:
    recorded(store)
    case_id = decided(store, a_booking(settles=True))
    assert store.run_job(store.waiting(case_id, "unread").id, NOW + HOUR)
    item = store.waiting(case_id, "call_back")
    assert (item.state, item.group_name) == (WorkItemState.OPEN, "leave.reviewer:wuhan")

    store.claim(item.id, REVIEWER, NOW + HOUR)
    store.complete(item.id, REVIEWER, NOW + HOUR, opinion="told")

    assert outcome(store, case_id) == "undone"
    assert is_sound(store, case_id)
    with store.sessions() as session:
        activities = {one.address: one for one in history(session, case_id).activities}
        way = way_taken(session, case_page(session, case_id))
    assert (activities["fill:1"].how, activities["fill:1"].left_at) == ("compensated", NOW)
    assert {mark.element: mark.how for mark in way.elements}["read"] == "compensated"
    assert len(way.lines) == 6  # the ways through what was undone since are still there


def test_a_task_in_the_transaction_that_fails_while_undoing_is_an_incident_and_is_undone_no_further(
    store: Store,
) -> None:
    asked = recorded(store)
    case_id = decided(store, a_booking())

    def broken(parameters: Text, context: Any) -> Length:
        raise RuntimeError("no")

    record.append(broken)
    assert store.run_job(store.waiting(case_id, "unread").id)

    incident = store.waiting(case_id, "unrecord")
    assert (incident.kind, incident.address, incident.code) == ("INCIDENT", "unrecord:1", "job.given_up")
    assert (asked, outcome(store, case_id), how(store, case_id)["record:1"]) == (["42-1"], None, "completed")
    assert is_sound(store, case_id)


def test_every_moment_of_an_undoing_can_be_seen_again(store: Store) -> None:
    recorded(store)
    case_id = decided(store, a_booking())
    store.run_job(store.waiting(case_id, "unread").id)

    with store.sessions() as session:
        undoing, over = case_at(session, case_id, 5), case_at(session, case_id, 7)

    assert list(undoing.waits) == ["unread:1"]
    assert [token.element for token in undoing.tokens] == ["unread"]
    assert over.outcome == "undone"
    assert {mark.element: mark.how for mark in over.elements}["record"] == "compensated"


def test_what_if_the_new_version_undid_less(store: Store) -> None:
    recorded(store)
    case_id = decided(store, a_booking())
    store.run_job(store.waiting(case_id, "unread").id)

    def tried(flow: Flow) -> Any:
        with store.sessions() as session:
            (found,) = WhatIf(flow, None).outcomes_of(session, [case_id], NOW + HOUR)
        return found

    same, less, more = tried(a_booking()), tried(a_booking(undoes=False)), tried(a_booking(settles=True))

    assert same.kind == "same_end"
    assert (less.kind, less.new) == ("other_end", "kept")
    assert more.new == "waits:call_back"


def test_a_case_that_is_being_undone_moves_to_a_version_that_undoes_more(store: Store) -> None:
    asked = recorded(store)
    case_id = decided(store, a_booking())
    store.deploy(a_booking(settles=True))
    with store.sessions() as session:
        newer = find_version(session, "leave", 2)
        plan = plan_migration(session, case_id, newer, by=ANALYST, now=NOW + HOUR, elements={})
    assert plan.fits

    with store.writing() as session:
        migrate_case(session, case_id, newer, by=ANALYST, reason="新版", now=NOW + HOUR, elements={})
    assert store.run_job(store.waiting(case_id, "unread").id, NOW + HOUR)

    assert asked == ["42-1", "42-1"]
    assert store.waiting(case_id, "call_back").address == "call_back:1"
    assert is_sound(store, case_id)


def test_a_case_does_not_move_to_a_version_that_would_not_undo_what_was_undone(store: Store) -> None:
    recorded(store)
    case_id = decided(store, a_booking(settles=True))
    store.run_job(store.waiting(case_id, "unread").id)
    store.deploy(a_booking(undoes=False))

    with store.sessions() as session:
        newer = find_version(session, "leave", 2)
        plan = plan_migration(session, case_id, newer, by=ANALYST, now=NOW + HOUR, elements={})

    assert not plan.fits
