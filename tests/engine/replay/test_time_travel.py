"""Time travel: after input n the case is what it was when that input had just come in."""

from __future__ import annotations

import pytest

from engine.errors import Conflict, NotFound
from engine.operators.interventions import cancel_case, erase_case
from engine.queries.pages import case_page
from engine.queries.way_taken import way_taken
from engine.replay.time_travel import case_at
from tests.engine.conftest import ANALYST, APPLICANT, NOW, REVIEWER, Store


def test_every_moment_of_a_case_can_be_seen_again(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.start()
    seen = {1: {"fill:1", "withdrawing:1"}}
    any_store.complete(any_store.waiting(case_id, "fill").id, APPLICANT, number="42-1", office="wuhan")
    any_store.run_job(any_store.waiting(case_id, "read").id)
    item = any_store.waiting(case_id, "decide").id
    any_store.claim(item, REVIEWER)
    any_store.complete(item, REVIEWER, opinion="x")

    with any_store.sessions() as session:
        past = {seq: case_at(session, case_id, seq) for seq in range(1, 6)}

    assert set(past[1].waits) == seen[1]
    assert [past[seq].variables.get("number") for seq in (1, 2)] == [None, "42-1"]
    assert [token.element for token in past[3].tokens] == ["decide"]
    assert [past[seq].outcome for seq in (4, 5)] == [None, "approved"]
    assert (past[4].kind, past[4].actor, past[4].element, past[4].of) == ("WorkItemCompleted", REVIEWER.id, "decide", 5)
    assert [list(past[seq].lines) for seq in (1, 3)] == [["f1"], ["f1", "f2", "f3"]]


def test_the_last_moment_is_the_case_as_it_is(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()

    with store.sessions() as session:
        page = case_page(session, case_id)
        past, now = case_at(session, case_id, 3), way_taken(session, page)

    assert past.variables == page.variables
    assert {token.element for token in past.tokens} == {token.element for token in now.tokens}
    assert (past.elements, past.lines) == (now.elements, now.lines)


@pytest.mark.parametrize("seq", [0, -1, 4])
def test_there_is_nothing_before_the_first_or_after_the_last_input(store: Store, seq: int) -> None:
    store.deploy()
    case_id = store.case_at_review()

    with store.sessions() as session, pytest.raises(NotFound, match=r"journal\.no_entry"):
        case_at(session, case_id, seq)


def test_an_erased_case_has_no_past_to_see(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    with store.writing() as session:
        cancel_case(session, case_id, by=ANALYST, reason="x", now=NOW)
        erase_case(session, case_id, now=NOW)

    with store.sessions() as session, pytest.raises(Conflict, match=r"case\.erased"):
        case_at(session, case_id, 1)
