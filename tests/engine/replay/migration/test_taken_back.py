"""A migration taken back: the case is what it was, and what came in since is given to the old version."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from engine.errors import Conflict, NotFound
from engine.flow.flow import Flow, flow_of_files
from engine.messages.send import send_message
from engine.model.tables import CASE
from engine.queries.pages import case_page, history
from engine.replay.migration.migrate import revert_migration
from engine.work_items.acts import save_draft
from tests.engine.conftest import ANALYST, APPLICANT, NOW, REVIEWER, Store
from tests.engine.flows import a_flow
from tests.engine.migrating import (
    HOUR,
    RENAMED,
    WITH_SECOND,
    changed,
    claimed_with_draft,
    is_sound,
    migrate,
    revert,
    rows,
    state,
    version,
)


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
