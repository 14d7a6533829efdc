"""Migration: planned before it is done, kept is what goes on, and what does not fit stays where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import chinese_calendar
import pytest

from engine.errors import Conflict, NotFound
from engine.language.calendar import add_working_days, is_working_day
from engine.periodic.timers import fire_due_timers
from engine.queries.pages import case_page, history
from engine.replay.evidence.self_check import check_case
from engine.replay.migration.migrate import cases_to_migrate, find_version, plan_migration
from engine.replay.time_travel import case_at
from tests.engine.conftest import ANALYST, NOW, REVIEWER, Store
from tests.engine.flows import LEAVE, a_flow
from tests.engine.migrating import (
    DAY,
    HOUR,
    RENAMED,
    WITH_SECOND,
    changed,
    claimed_with_draft,
    ended,
    is_sound,
    migrate,
    plan,
    revert,
    rows,
    state,
    version,
)


def test_a_plan_names_every_wait_and_writes_nothing(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    store.deploy(changed(*RENAMED))
    before = rows(store, case_id), state(store, case_id)

    found = plan(store, case_id, decide="judge")

    assert found.fits
    assert {(move.how, move.element_before, move.element_after) for move in found.moves} == {
        ("kept", "decide", "judge"),
        ("kept", "late", "late"),
        ("kept", "withdrawing", "withdrawing"),
    }
    assert (rows(store, case_id), state(store, case_id)) == before


def test_rows_of_waits_that_go_on_keep_id_claim_draft_and_deadline(any_store: Store) -> None:
    any_store.deploy()
    case_id = claimed_with_draft(any_store)
    before = {row["element"]: row for row in rows(any_store, case_id)}
    any_store.deploy(changed(*RENAMED, ("P1D", "P9D")))

    migrate(any_store, case_id, decide="judge")

    after = {row["element"]: row for row in rows(any_store, case_id)}
    same = ("id", "assignee", "claimed_at", "draft", "state", "group_name", "created_at")
    assert [after["judge"][name] for name in same] == [before["decide"][name] for name in same]
    assert after["late"]["due_at"] == before["late"]["due_at"]  # not nine days
    assert after["judge"]["address"] == "judge:1"
    assert is_sound(any_store, case_id)


def test_the_case_goes_on_on_the_new_version_and_its_journal_replays(any_store: Store) -> None:
    any_store.deploy()
    case_id = claimed_with_draft(any_store)
    any_store.deploy(changed(*WITH_SECOND))

    assert migrate(any_store, case_id).fits
    any_store.complete(any_store.waiting(case_id, "decide").id, REVIEWER, now=NOW + 2 * HOUR, opinion="x")
    second = any_store.waiting(case_id, "second")
    any_store.claim(second.id, REVIEWER, now=NOW + 2 * HOUR)
    any_store.complete(second.id, REVIEWER, now=NOW + 3 * HOUR, opinion="y")

    with any_store.sessions() as session:
        page = case_page(session, case_id)
        assert (page.summary.outcome, page.summary.version) == ("approved", 2)
        kinds = [entry.kind for entry in history(session, case_id).inputs]
        assert kinds.index("CaseMigrated") == 3
        assert check_case(session, case_id).findings == ()
        assert (case_at(session, case_id, 3).definition.version, case_at(session, case_id, 4).definition.version) == (
            1,
            2,
        )


def test_the_history_is_that_of_the_new_diagram(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    store.deploy(changed(*RENAMED))

    migrate(store, case_id, decide="judge")

    with store.sessions() as session:
        elements = [activity.element for activity in history(session, case_id).activities]
    assert elements == ["start", "fill", "read", "judge"]


# ---- what does not fit


def test_a_result_whose_task_is_gone_does_not_fit(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    store.deploy(
        changed(('id="read"', 'id="scan"'), ('Ref="read"', 'Ref="scan"'), ("flowNodeRef>read<", "flowNodeRef>scan<"))
    )

    [misfit] = plan(store, case_id).misfits

    assert (misfit.code, misfit.element, misfit.seq, misfit.kind) == ("input.no_place", "read", 3, "JobSucceeded")
    with pytest.raises(Conflict, match=r"case\.does_not_fit"):
        migrate(store, case_id)
    assert is_sound(store, case_id)
    assert plan(store, case_id, read="scan").fits


def test_a_task_of_the_transaction_without_a_result_does_not_fit(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    # the record is made before the decision: its result is not in the journal
    bpmn = LEAVE.replace('id="f3" sourceRef="read" targetRef="decide"', 'id="f3" sourceRef="read" targetRef="record"')
    bpmn = bpmn.replace(
        'id="f5" sourceRef="record" targetRef="approved"', 'id="f5" sourceRef="record" targetRef="decide"'
    )
    bpmn = bpmn.replace(
        'id="f4" sourceRef="decide" targetRef="record"', 'id="f4" sourceRef="decide" targetRef="approved"'
    )
    for task, old, new in (("record", "f4", "f3"), ("approved", "f5", "f4"), ("decide", "f3", "f5")):
        head, tail = bpmn.split(f' id="{task}"', 1)
        bpmn = f' id="{task}"'.join([head, tail.replace(f"<bpmn:incoming>{old}<", f"<bpmn:incoming>{new}<", 1)])
    store.deploy(a_flow(bpmn))

    assert [(one.code, one.element) for one in plan(store, case_id).misfits] == [("job.no_result", "record")]


def test_a_case_that_has_ended_stays_where_it_is(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    ended(store, case_id)
    store.deploy(changed(*RENAMED))

    assert [one.code for one in plan(store, case_id).misfits] == ["case.ended"]
    with pytest.raises(Conflict):
        migrate(store, case_id)


@pytest.mark.parametrize(
    ("elements", "code"),
    [({"nowhere": "judge"}, "migration.unknown_element"), ({"decide": "nowhere"}, "migration.unknown_element")],
)
def test_a_mapping_of_elements_that_are_not_there_is_refused(store: Store, elements: dict[str, str], code: str) -> None:
    store.deploy()
    case_id = store.case_at_review()
    store.deploy(changed(*RENAMED))

    with pytest.raises(Conflict, match=code.replace(".", r"\.")):
        plan(store, case_id, **elements)


def test_a_version_that_does_not_exist_or_is_the_same_is_refused(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()

    with pytest.raises(NotFound):
        version(store, 2)
    with store.sessions() as session, pytest.raises(Conflict, match=r"migration\.same_version"):
        plan_migration(session, case_id, version(store, 1), by=ANALYST, now=NOW, elements={})


# ---- deadlines


def test_a_kept_deadline_fires_when_it_was_due(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    any_store.deploy(changed(("P1D", "P9D")))
    migrate(any_store, case_id)

    with any_store.writing() as session:
        fire_due_timers(session, case_id, NOW + 25 * HOUR)

    with any_store.sessions() as session:
        assert case_page(session, case_id).summary.outcome == "expired"
    assert is_sound(any_store, case_id)


def test_cases_are_chosen_by_version_and_by_where_they_stand(store: Store) -> None:
    store.deploy()
    filling, review, done = store.start(), store.case_at_review(), store.case_at_review()
    ended(store, done)
    store.deploy(changed(("P1D", "P9D")))

    with store.sessions() as session:
        to = find_version(session, "leave", 2)
        assert cases_to_migrate(session, "leave", to) == sorted([filling, review])
        assert cases_to_migrate(session, "leave", to, standing_at="decide") == [review]
        assert cases_to_migrate(session, "leave", to, from_version=1, limit=1) == [min(filling, review)]
    migrate(store, review)
    with store.sessions() as session:
        assert cases_to_migrate(session, "leave", to) == [filling]


NEW_DEADLINE = (
    (">P1D<", ">working_days(3)<"),
    ('id="late"', 'id="too_late"'),
    ('sourceRef="late"', 'sourceRef="too_late"'),
)


@pytest.fixture
def new_holiday() -> Iterator[Callable[[date], None]]:
    """The State Council's notice that makes a working day a holiday."""
    added: list[date] = []

    def announce(day: date) -> None:
        chinese_calendar.holidays[day] = "Spring Festival"
        is_working_day.cache_clear()
        added.append(day)

    yield announce
    for day in added:
        del chinese_calendar.holidays[day]
    is_working_day.cache_clear()


def test_a_deadline_that_a_migration_brought_is_not_moved_by_a_later_calendar(
    store: Store, new_holiday: Callable[[date], None]
) -> None:
    store.deploy()
    case_id = claimed_with_draft(store)
    store.deploy(changed(*NEW_DEADLINE))
    migrate(store, case_id)
    due = next(row["due_at"] for row in rows(store, case_id) if row["element"] == "too_late")
    before = state(store, case_id)

    new_holiday((NOW + DAY).date())

    assert state(store, case_id) == before
    assert is_sound(store, case_id)
    assert add_working_days(NOW, 3).at > due, "the calendar says otherwise by now"
    revert(store, case_id)
    assert is_sound(store, case_id)
