"""Migration: planned before it is done, kept is what goes on, and taken back it was never there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import chinese_calendar
import pytest
from sqlalchemy import select

from engine.case import CASE, WAITING
from engine.errors import Conflict, NotFound
from engine.flows import Flow, flow_of_files
from engine.hindsight.migrate import cases_to_migrate, find_version, migrate_case, plan_migration, revert_migration
from engine.hindsight.migration_plan import MigrationPlan
from engine.hindsight.replay import rebuild, verify_case
from engine.hindsight.self_check import check_case
from engine.hindsight.time_travel import case_at
from engine.interventions import cancel_case
from engine.language.calendar import add_working_days, is_working_day
from engine.messages import send_message
from engine.model.definition import DefinitionId
from engine.queries import case_page, history
from engine.timers import fire_due_timers
from engine.work_items import save_draft
from tests.engine.conftest import ANALYST, APPLICANT, NOW, REVIEWER, Store
from tests.engine.flows import LEAVE, a_flow

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def changed(*pairs: tuple[str, str]) -> Flow:
    bpmn = LEAVE
    for old, new in pairs:
        assert old in bpmn, old
        bpmn = bpmn.replace(old, new)
    return a_flow(bpmn)


RENAMED = (
    ('id="decide"', 'id="judge"'),
    ('Ref="decide"', 'Ref="judge"'),
    ("flowNodeRef>decide<", "flowNodeRef>judge<"),
)
WITH_SECOND = (
    (
        '<bpmn:sequenceFlow id="f4" sourceRef="decide" targetRef="record" />',
        """<bpmn:userTask id="second" name="复核"><bpmn:extensionElements><spiffworkflow:properties>
        <spiffworkflow:property name="form" value="decide" /></spiffworkflow:properties></bpmn:extensionElements>
        <bpmn:incoming>f4</bpmn:incoming><bpmn:outgoing>f4b</bpmn:outgoing></bpmn:userTask>
        <bpmn:sequenceFlow id="f4b" sourceRef="second" targetRef="record" />
        <bpmn:sequenceFlow id="f4" sourceRef="decide" targetRef="second" />""",
    ),
    (
        "<bpmn:incoming>f4</bpmn:incoming><bpmn:outgoing>f5</bpmn:outgoing>",
        "<bpmn:incoming>f4b</bpmn:incoming><bpmn:outgoing>f5</bpmn:outgoing>",
    ),
    ("<bpmn:flowNodeRef>decide<", "<bpmn:flowNodeRef>second</bpmn:flowNodeRef><bpmn:flowNodeRef>decide<"),
)


def version(store: Store, number: int) -> DefinitionId:
    with store.sessions() as session:
        return find_version(session, "leave", number)


def plan(store: Store, case_id: str, **elements: str) -> MigrationPlan:
    with store.sessions() as session:
        return plan_migration(session, case_id, version(store, 2), by=ANALYST, now=NOW + HOUR, elements=elements)


def migrate(store: Store, case_id: str, **elements: str) -> MigrationPlan:
    with store.writing() as session:
        return migrate_case(
            session, case_id, version(store, 2), by=ANALYST, reason="新版", now=NOW + HOUR, elements=elements
        )


def revert(store: Store, case_id: str, now: Any = NOW + 2 * HOUR) -> None:
    with store.writing() as session:
        revert_migration(session, case_id, by=ANALYST, reason="有误", now=now)


def rows(store: Store, case_id: str) -> list[dict[str, Any]]:
    """Everything of the case's open waits."""
    with store.sessions() as session:
        open_rows = select(WAITING).where(WAITING.c.case_id == case_id, WAITING.c.closed_at.is_(None))
        return [dict(row._mapping) for row in session.execute(open_rows.order_by(WAITING.c.id))]


def state(store: Store, case_id: str) -> bytes:
    with store.sessions() as session:
        return rebuild(session, case_id).canonical()


def claimed_with_draft(store: Store) -> str:
    case_id = store.case_at_review()
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER)
    with store.writing() as session:
        save_draft(session, item, by=REVIEWER, values={"opinion": "半句"}, now=NOW)
    return case_id


def is_sound(store: Store, case_id: str) -> bool:
    with store.sessions() as session:
        return verify_case(session, case_id).is_sound


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


def ended(store: Store, case_id: str) -> None:
    with store.writing() as session:
        cancel_case(session, case_id, by=ANALYST, reason="x", now=NOW)


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


# ---- taking it back


def other_lane() -> Flow:
    files = dict(a_flow().files)
    files["flow.toml"] = files["flow.toml"].replace(b"leave.reviewer:", b"leave.chief:")
    return flow_of_files(files)


@pytest.mark.parametrize(
    ("flow", "elements"),
    [
        (changed(*RENAMED, ("P1D", "P9D")), {"decide": "judge"}),
        (changed(*WITH_SECOND), {}),
        (other_lane(), {}),
    ],
    ids=["renamed", "longer", "other group"],
)
def test_taken_back_the_case_is_exactly_what_it_was(any_store: Store, flow: Flow, elements: dict[str, str]) -> None:
    any_store.deploy()
    case_id = claimed_with_draft(any_store)
    before = rows(any_store, case_id), state(any_store, case_id)
    any_store.deploy(flow)
    migrate(any_store, case_id, **elements)
    assert is_sound(any_store, case_id)

    revert(any_store, case_id)

    assert (rows(any_store, case_id), state(any_store, case_id)) == before
    assert is_sound(any_store, case_id)
    with any_store.sessions() as session:
        assert session.execute(select(CASE.c.definition_id)).scalar() == version(any_store, 1)
        assert [activity.element for activity in history(session, case_id).activities] == [
            "start",
            "fill",
            "read",
            "decide",
        ]
    with pytest.raises(NotFound, match=r"migration\.none"):
        revert(any_store, case_id)


def test_a_wait_the_migration_closed_comes_back_with_its_claim_and_draft(any_store: Store) -> None:
    any_store.deploy()
    case_id = claimed_with_draft(any_store)
    before = rows(any_store, case_id), state(any_store, case_id)
    any_store.deploy(changed(*RENAMED))

    closed = {(move.how, move.element_before or move.element_after) for move in migrate(any_store, case_id).moves}
    assert {("closed", "decide"), ("opened", "judge")} <= closed
    assert any_store.waiting(case_id, "decide").draft is None
    revert(any_store, case_id)

    assert (rows(any_store, case_id), state(any_store, case_id)) == before
    assert is_sound(any_store, case_id)


def test_what_came_in_since_is_given_to_the_old_version(store: Store) -> None:
    store.deploy()
    case_id = claimed_with_draft(store)
    store.deploy(changed(*WITH_SECOND))
    migrate(store, case_id)
    with store.writing() as session:
        save_draft(session, store.waiting(case_id, "decide").id, by=REVIEWER, values={"opinion": "另"}, now=NOW + HOUR)

    revert(store, case_id)
    store.complete(store.waiting(case_id, "decide").id, REVIEWER, now=NOW + 3 * HOUR, opinion="x")

    with store.sessions() as session:
        assert case_page(session, case_id).summary.outcome == "approved"
    assert is_sound(store, case_id)


def test_a_case_that_has_ended_since_cannot_be_taken_back(store: Store) -> None:
    store.deploy()
    case_id = claimed_with_draft(store)
    store.deploy(changed(*RENAMED))
    migrate(store, case_id)
    item = store.waiting(case_id, "judge").id
    store.claim(item, REVIEWER, now=NOW + HOUR)
    with store.writing() as session:
        send_message(session, case_id, "withdraw", by=APPLICANT, payload={}, now=NOW + HOUR)

    with store.writing() as session, pytest.raises(Conflict, match=r"case\.does_not_fit"):
        revert_migration(session, case_id, by=ANALYST, reason="x", now=NOW + 2 * HOUR)

    assert is_sound(store, case_id)


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
