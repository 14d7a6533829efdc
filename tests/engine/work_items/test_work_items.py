"""Claim, release, draft, complete: who may, and what a second one gets."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from sqlalchemy import select

from engine.errors import Conflict, Forbidden, InvalidForm, NotFound
from engine.inbox.page import InboxFilter, InboxView, inbox_page
from engine.model.waiting_row import Waiting
from engine.queries.pages import work_item
from engine.replay.rebuild import read_inputs
from engine.work_items.acts import load_draft, release_work_item, save_draft
from tests.engine.conftest import APPLICANT, NOW, OTHER_REVIEWER, REVIEWER, STRANGER, Store


def test_the_starters_own_item_needs_no_claim(any_store: Store) -> None:
    any_store.deploy()

    case_id = any_store.start()

    item = any_store.waiting(case_id, "fill")
    assert (item.assignee, item.group_name, item.state) == (APPLICANT.id, None, "OPEN")
    any_store.complete(item.id, APPLICANT, number="1")
    done = any_store.waiting(case_id, "fill")
    assert (done.state, done.closed_by) == ("COMPLETED", APPLICANT.id)


def test_the_lanes_group_is_filled_from_a_variable(any_store: Store) -> None:
    any_store.deploy()

    case_id = any_store.case_at_review()

    assert any_store.waiting(case_id, "decide").group_name == "leave.reviewer:wuhan"


def test_an_item_is_unknown_to_strangers(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    item = any_store.waiting(case_id, "decide").id

    with pytest.raises(NotFound, match=r"work_item\.unknown"):
        any_store.claim(item, STRANGER)
    with pytest.raises(NotFound, match=r"work_item\.unknown"):
        any_store.complete(item, STRANGER, opinion="x")
    with any_store.sessions() as session, pytest.raises(NotFound, match=r"work_item\.unknown"):
        work_item(session, item, STRANGER)
    with pytest.raises(NotFound, match=r"work_item\.unknown"):
        any_store.complete("nothing", STRANGER)


def test_only_the_claimer_decides(any_store: Store) -> None:
    any_store.deploy()
    item = any_store.waiting(any_store.case_at_review(), "decide").id

    with pytest.raises(Conflict, match=r"work_item\.not_claimed"):
        any_store.complete(item, REVIEWER, opinion="x")
    any_store.claim(item, REVIEWER)
    any_store.claim(item, REVIEWER)
    with pytest.raises(Conflict, match=r"work_item\.claimed_by_other"):
        any_store.claim(item, OTHER_REVIEWER)
    with pytest.raises(Forbidden, match=r"work_item\.not_yours"):
        any_store.complete(item, OTHER_REVIEWER, opinion="x")

    any_store.complete(item, REVIEWER, opinion="x")


def test_a_released_item_is_anybodys_again(any_store: Store) -> None:
    any_store.deploy()
    item = any_store.waiting(any_store.case_at_review(), "decide").id
    any_store.claim(item, REVIEWER)

    with any_store.writing() as session, pytest.raises(Forbidden, match=r"work_item\.not_yours"):
        release_work_item(session, item, by=OTHER_REVIEWER, now=NOW)
    with any_store.writing() as session:
        release_work_item(session, item, by=REVIEWER, now=NOW)

    with any_store.writing() as session, pytest.raises(Conflict, match=r"work_item\.not_claimed"):
        release_work_item(session, item, by=REVIEWER, now=NOW)
    any_store.claim(item, OTHER_REVIEWER)


def test_a_second_completion_is_a_conflict_and_changes_nothing(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    item = any_store.waiting(case_id, "decide").id
    any_store.claim(item, REVIEWER)
    any_store.complete(item, REVIEWER, opinion="first")

    with pytest.raises(Conflict, match=r"work_item\.gone"):
        any_store.complete(item, REVIEWER, opinion="second")

    with any_store.sessions() as session:
        assert [type(given).__name__ for given in read_inputs(session, case_id)].count("WorkItemCompleted") == 2


def test_a_field_the_form_does_not_have_is_refused(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.start()
    item = any_store.waiting(case_id, "fill").id

    with pytest.raises(InvalidForm) as refused:
        any_store.complete(item, APPLICANT, number="1", is_admin=True)

    assert [problem.element for problem in refused.value.problems] == ["is_admin"]
    assert any_store.waiting(case_id, "fill").state == "OPEN"


def test_a_draft_is_kept_encrypted_until_the_item_closes(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.start()
    item = any_store.waiting(case_id, "fill").id

    with any_store.writing() as session:
        save_draft(session, item, by=APPLICANT, values={"number": "11010519491231002X"}, now=NOW)

    kept = any_store.waiting(case_id, "fill").draft
    assert b"11010519491231002X" not in kept
    with any_store.sessions() as session:
        assert load_draft(session, item, by=APPLICANT) == {"number": "11010519491231002X"}
        with pytest.raises(NotFound):
            load_draft(session, item, by=STRANGER)
    any_store.complete(item, APPLICANT, number="1")
    assert any_store.waiting(case_id, "fill").draft is None


def test_the_inbox_is_paged_by_priority_and_age_and_shows_ones_own_groups_only(any_store: Store) -> None:
    any_store.deploy()
    cases = [any_store.case_at_review() for _ in range(5)]
    urgent = any_store.waiting(cases[3], "decide").id
    with any_store.writing() as session:
        table = Waiting.__table__
        session.execute(table.update().where(table.c.id == urgent).values(priority=90))

    with any_store.sessions() as session:
        first = inbox_page(session, REVIEWER, limit=2)
        second = inbox_page(session, REVIEWER, limit=2, cursor=first.next)
        third = inbox_page(session, REVIEWER, limit=2, cursor=second.next)
        nothing = inbox_page(session, STRANGER)
        filtered = inbox_page(session, REVIEWER, InboxFilter(element="fill"))
        aged = inbox_page(session, REVIEWER, InboxFilter(created_before=NOW))

    seen = [item.id for page in (first, second, third) for item in page.items]
    assert seen[0] == urgent
    assert seen[1:] == sorted(any_store.waiting(case, "decide").id for case in cases if case != cases[3])
    assert third.next is None
    assert first.next == quote(first.next, safe="~:")
    assert first.items[0].title == "审核"
    assert nothing.items == filtered.items == aged.items == ()


def test_my_items_are_those_assigned_to_me(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    other = any_store.start()
    decide = any_store.waiting(case_id, "decide").id
    any_store.claim(decide, REVIEWER)

    mine = InboxFilter(view=InboxView.MINE)
    with any_store.sessions() as session:
        applicants = inbox_page(session, APPLICANT, mine).items
        reviewers = inbox_page(session, REVIEWER, mine).items
        page = work_item(session, decide, REVIEWER)
        drafts = session.execute(select(Waiting.__table__.c.draft)).scalars().all()

    assert [item.case_id for item in applicants] == [other]
    assert [item.id for item in reviewers] == [decide]
    assert page.variables["number"] == "42-1"
    assert page.form is not None
    assert set(drafts) == {None}
