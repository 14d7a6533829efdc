"""Who takes part beside the starter and the inboxes: groups named by data, shared items, one verified person's own."""

from __future__ import annotations

import pytest

from engine.actors import Actor
from engine.checks.check import check_files
from engine.errors import Conflict, Forbidden, InvalidForm, NotFound
from engine.flow.flow import Flow
from engine.flow.groups import filled_group
from engine.inbox.page import InboxFilter, InboxView, inbox_page
from engine.messages.send import send_message
from engine.queries.pages import is_case_visible, messages_of, my_case, my_cases, work_item
from engine.work_items.acts import begin_work, load_draft, save_draft
from tests.engine.conftest import APPLICANT, NOW, REVIEWER, STRANGER, Store
from tests.engine.flows import LEAVE_TOML, a_flow

HOLDER = Actor("holder-1", frozenset({"applicant", "person:p1"}))
SAME_PERSON = Actor("holder-2", frozenset({"phone_applicant", "person:p1"}))
CLERK = Actor("clerk", frozenset({"unit:wuhan"}))
REVIEWERS = 'reviewer = "leave.reviewer:{office}"'


def flow_with(lane: str = REVIEWERS, who: str = '"starter"', more: str = "") -> Flow:
    toml = (
        LEAVE_TOML.format(exclusive="false").replace(REVIEWERS, lane).replace('who = "starter"', f"who = {who}{more}")
    )
    return a_flow(toml=toml)


def shared(group: str) -> Flow:
    return flow_with(f'reviewer = {{ group = "{group}", claim = false }}')


def test_a_name_keeps_its_empty_place_rather_than_become_somebody_elses() -> None:
    variables = {"unit": "420100", "level": 2, "empty": "", "blank": " ", "list": ["x"], "braces": "{x}", "yes": True}

    assert filled_group("unit:{unit}", variables) == "unit:420100"
    assert filled_group("level:{level}:{unit}", variables) == "level:2:420100"
    for name in ("empty", "blank", "list", "braces", "yes", "nothing"):
        assert filled_group(f"unit:{{{name}}}", variables) == f"unit:{{{name}}}"
    assert filled_group("unit:{unit}", {"unit": "x" * 200}) == "unit:{unit}"


def test_an_item_whose_group_is_unknown_stays_and_is_nobodys(any_store: Store) -> None:
    any_store.deploy(flow_with('reviewer = "unit:{nothing}"'))
    item = any_store.waiting(any_store.case_at_review(), "decide")

    assert item.group_name == "unit:{nothing}"
    with pytest.raises(NotFound, match=r"work_item\.unknown"):
        any_store.claim(item.id, Actor("x", frozenset({"unit:", "unit:None"})))


def test_who_completes_a_shared_item_first_has_it(any_store: Store) -> None:
    any_store.deploy(shared("unit:{office}"))
    case_id = any_store.case_at_review()
    item = any_store.waiting(case_id, "decide")

    assert item.is_shared
    with pytest.raises(NotFound, match=r"work_item\.unknown"):
        any_store.complete(item.id, STRANGER, opinion="x")
    any_store.complete(item.id, CLERK, opinion="x")

    assert any_store.waiting(case_id, "decide").closed_by == CLERK.id


def test_who_drafts_a_shared_item_first_has_it(any_store: Store) -> None:
    any_store.deploy(shared("person:p1"))
    item = any_store.waiting(any_store.case_at_review(), "decide").id

    with any_store.sessions() as session:
        assert load_draft(session, item, by=HOLDER) is None
    with any_store.writing() as session:
        save_draft(session, item, by=HOLDER, values={"opinion": "half"}, now=NOW)

    with any_store.sessions() as session:
        assert load_draft(session, item, by=HOLDER) == {"opinion": "half"}
    with pytest.raises(Forbidden, match=r"work_item\.not_yours"):
        any_store.complete(item, SAME_PERSON, opinion="x")
    with any_store.writing() as session, pytest.raises(Forbidden, match=r"work_item\.not_yours"):
        begin_work(session, item, by=SAME_PERSON, now=NOW)
    any_store.complete(item, HOLDER, opinion="whole")


def test_an_item_that_needs_a_claim_is_not_begun_without_one(any_store: Store) -> None:
    any_store.deploy()
    item = any_store.waiting(any_store.case_at_review(), "decide").id

    with any_store.writing() as session, pytest.raises(Conflict, match=r"work_item\.not_claimed"):
        begin_work(session, item, by=REVIEWER, now=NOW)


def test_a_verified_person_finds_their_own_items_and_cases(any_store: Store) -> None:
    any_store.deploy(shared("person:p1"))
    case_id = any_store.case_at_review()
    item = any_store.waiting(case_id, "decide").id

    with any_store.sessions() as session:
        mine = inbox_page(session, HOLDER, InboxFilter(view=InboxView.MINE)).items
        own = my_case(session, case_id, HOLDER)
        listed = my_cases(session, HOLDER).items
        page = work_item(session, item, HOLDER).item
        others = my_cases(session, STRANGER).items
        with pytest.raises(NotFound, match=r"case\.unknown"):
            my_case(session, case_id, STRANGER)

    assert [view.id for view in mine] == [item]
    assert own.work_items == (item,)
    assert [one.summary.id for one in listed] == [case_id]
    assert page.is_own(HOLDER)
    assert page.is_held_by(HOLDER)
    assert others == ()

    any_store.complete(item, HOLDER, opinion="x")
    with any_store.sessions() as session:  # the case stays in their list
        assert my_case(session, case_id, HOLDER).work_items == ()
        assert not work_item(session, item, HOLDER).item.is_held_by(HOLDER)


def test_a_message_may_be_several_groups_to_send_named_by_data(any_store: Store) -> None:
    any_store.deploy(flow_with(who='["starter", "unit:{office}", "unit:{nothing}"]'))
    outsider = Actor("outsider", frozenset({"unit:yichang", "unit:"}))
    case_id, other = any_store.case_at_review(), any_store.case_at_review()

    with any_store.sessions() as session:
        assert is_case_visible(session, case_id, CLERK)
        assert not is_case_visible(session, case_id, outsider)
        assert list(messages_of(session, case_id, CLERK)) == ["withdraw"]
        assert messages_of(session, case_id, outsider) == {}
    with any_store.writing() as session, pytest.raises(NotFound, match=r"case\.unknown"):
        send_message(session, case_id, "withdraw", by=outsider, payload={}, now=NOW)
    for case, sender in ((case_id, CLERK), (other, APPLICANT)):
        with any_store.writing() as session:
            send_message(session, case, "withdraw", by=sender, payload={}, now=NOW)

    with any_store.sessions() as session:
        assert my_case(session, case_id, APPLICANT).summary.outcome == "withdrawn"
        assert messages_of(session, case_id, CLERK) == {}


def test_what_a_message_carries_is_held_against_its_form(any_store: Store) -> None:
    any_store.deploy(flow_with(more='\nform = "decide"'))
    case_id = any_store.case_at_review()

    with any_store.writing() as session, pytest.raises(InvalidForm):
        send_message(session, case_id, "withdraw", by=APPLICANT, payload={"nonsense": 1}, now=NOW)
    with any_store.writing() as session:
        send_message(session, case_id, "withdraw", by=APPLICANT, payload={"opinion": "不办了"}, now=NOW)

    with any_store.sessions() as session:
        assert my_case(session, case_id, APPLICANT).summary.outcome == "withdrawn"


def test_a_message_without_a_form_takes_nothing(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()

    with any_store.writing() as session, pytest.raises(InvalidForm):
        send_message(session, case_id, "withdraw", by=APPLICANT, payload={"decision": "approve"}, now=NOW)


def test_the_check_warns_of_groups_named_after_what_nothing_writes() -> None:
    flow = flow_with('reviewer = { group = "unit:{nothing}", claim = false }', '["unit:{office}", "unit:{nobody}"]')

    told = {(problem.code, problem.element): problem.severity for problem in check_files(flow.files)}

    assert told[("lane.variable", "reviewer")] == "warning"
    assert told[("message.variable", "withdraw")] == "warning"
    assert [code for code, _ in told].count("lane.variable") == 1


def test_the_check_finds_a_message_form_that_is_not_there() -> None:
    missing = check_files(flow_with(more='\nform = "nothing"').files)
    used = check_files(flow_with(more='\nform = "decide"').files)

    assert ("form.missing", "nothing") in {(problem.code, problem.element) for problem in missing}
    assert [problem for problem in used if problem.code.startswith("form.")] == []
