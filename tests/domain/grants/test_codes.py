"""Codes from their making to their end, failed attempts, and the lock of a day."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from domain.grants.attempts import (
    FailedAttempt,
    FailureKind,
    count_failure,
    drop_idle_counters,
    forget_failures,
    locked_until,
    refuse_locked,
)
from domain.grants.business import Business
from domain.grants.code import (
    ALPHABET,
    CodeState,
    GrantCode,
    expire_code,
    extend_code,
    find_redeemable,
    free_code,
    institution_of_code,
    issue_code,
    live_code,
    reserve_code,
)
from domain.grants.grant import GrantState, ensure_grant
from domain.grants.tenure import activate, end_tenure, reserved_person
from domain.institutions.editing import Editor
from domain.institutions.state import suspend_institution
from domain.refused import Refused
from storage.columns import new_id
from tests.domain.granting import BUSINESS, a_grant, a_person, a_province, an_institution, an_issued_grant, shown_code

DAY = timedelta(days=1)


@pytest.fixture
def session(session, now):
    a_province(session, now)
    return session


def refusal(verb, *arguments, **options) -> Refused:
    with pytest.raises(Refused) as refused:
        verb(*arguments, **options)
    return refused.value


def states_of(session, grant_id: str) -> list[CodeState]:
    codes = select(GrantCode.state).where(GrantCode.grant_id == grant_id).order_by(GrantCode.id)
    return list(session.scalars(codes))


# ---- made, shown


def test_a_code_is_eight_characters_that_nobody_confuses(session, now) -> None:
    grant, code = an_issued_grant(session, now)

    assert re.fullmatch(f"[{ALPHABET}]{{8}}", code)
    assert not set("01ILO") & set(ALPHABET)
    assert grant.state == GrantState.ISSUED
    assert shown_code(session, grant.id) == code


def test_three_hundred_codes_are_all_different(session, now) -> None:
    grant = a_grant(session, now)

    codes = {issue_code(session, grant.id, by="unit", now=now) for _ in range(300)}

    assert len(codes) == 300
    assert states_of(session, grant.id).count(CodeState.OPEN) == 1


def test_a_code_is_readable_in_no_column(session, now) -> None:
    _, code = an_issued_grant(session, now)

    rows = str(session.execute(text("SELECT * FROM grant_code")).all())

    assert code not in rows


def test_a_code_lives_as_long_as_its_business_says(session, now) -> None:
    session.get(Business, BUSINESS).code_lifetime_days = 7
    session.flush()

    grant, _ = an_issued_grant(session, now)

    assert live_code(session, grant.id).expires_at == now + 7 * DAY


def test_codes_are_refused_without_a_tenure_and_for_a_suspended_institution(session, now) -> None:
    institution = an_institution(session, now)
    no_tenure = ensure_grant(session, institution.id, BUSINESS, now)
    suspended = a_grant(session, now, name="二院")
    suspend_institution(session, suspended.institution_id, Editor(by="unit", reason="整改"), now)

    assert refusal(issue_code, session, no_tenure.id, by="unit", now=now).code == "grant.no_tenure"
    assert refusal(issue_code, session, suspended.id, by="unit", now=now).code == "grant.institution_not_admitted"


def test_a_replaced_code_is_void_and_opens_nothing(session, now) -> None:
    grant, old = an_issued_grant(session, now)

    new = issue_code(session, grant.id, by="unit", now=now)

    assert states_of(session, grant.id) == [CodeState.VOID, CodeState.OPEN]
    assert refusal(find_redeemable, session, old, now).code == "grant.code_not_valid"
    assert find_redeemable(session, new, now).id == grant.id


# ---- expires


def test_an_expired_code_opens_nothing_even_before_the_flow_ends_it(session, now) -> None:
    _, code = an_issued_grant(session, now)

    assert refusal(find_redeemable, session, code, now + 30 * DAY).code == "grant.code_not_valid"


def test_expiry_ends_the_code_and_wipes_its_text(session, now) -> None:
    grant, _ = an_issued_grant(session, now)

    assert not expire_code(session, grant.id, now=now + 29 * DAY)
    assert expire_code(session, grant.id, now=now + 30 * DAY)
    assert not expire_code(session, grant.id, now=now + 30 * DAY)

    assert (grant.state, states_of(session, grant.id)) == (GrantState.NONE, [CodeState.EXPIRED])
    assert session.scalar(select(GrantCode.sealed)) is None


def test_an_extended_code_lives_its_whole_time_from_then_on(session, now) -> None:
    grant, code = an_issued_grant(session, now)

    until = extend_code(session, grant.id, now=now + 20 * DAY)

    assert until == now + 50 * DAY
    assert not expire_code(session, grant.id, now=now + 30 * DAY)
    assert find_redeemable(session, code, now + 49 * DAY).id == grant.id


def test_what_has_run_out_is_not_extended(session, now) -> None:
    grant, _ = an_issued_grant(session, now)

    assert refusal(extend_code, session, grant.id, now=now + 30 * DAY).code == "grant.no_open_code"
    assert refusal(extend_code, session, a_grant(session, now, name="二院").id, now=now).code == "grant.no_open_code"


# ---- redeemed


@pytest.mark.parametrize("typed", ["{0}", "{1}", " {0} ", "{2}", "{3}"])
def test_a_code_may_be_typed_in_any_way(session, now, typed) -> None:
    grant, code = an_issued_grant(session, now)
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in code)

    found = find_redeemable(session, typed.format(code, code.lower(), f"{code[:4]}-{code[4:]}", wide), now)

    assert found.id == grant.id


def test_a_reserved_code_is_its_holders_until_freed(session, now) -> None:
    first, second = a_person(session, now, 1), a_person(session, now, 2)
    grant, code = an_issued_grant(session, now)

    reserve_code(session, grant.id, first, now)
    reserve_code(session, grant.id, first, now)

    assert reserved_person(session, grant.id) == first
    assert refusal(reserve_code, session, grant.id, second, now).code == "grant.code_not_valid"
    assert refusal(find_redeemable, session, code, now, person_id=second).code == "grant.code_not_valid"
    assert find_redeemable(session, code, now, person_id=first).id == grant.id
    assert free_code(session, grant.id, now)
    assert not free_code(session, grant.id, now)
    assert find_redeemable(session, code, now, person_id=second).id == grant.id


def test_a_redeemed_code_is_used_and_its_text_wiped(session, now) -> None:
    person = a_person(session, now)
    grant, code = an_issued_grant(session, now)
    reserve_code(session, grant.id, person, now)

    activate(session, grant.id, person, by="system", why="redeemed", now=now)

    [used] = session.scalars(select(GrantCode)).all()
    assert (used.state, used.used_by, used.sealed, used.ended_at) == (CodeState.USED, person, None, now)
    assert refusal(find_redeemable, session, code, now, person_id=person).code == "grant.code_not_valid"


def test_who_is_redeeming_when_the_unit_grants_another_directly_gets_nothing(session, now) -> None:
    first, second = a_person(session, now, 1), a_person(session, now, 2)
    grant, _ = an_issued_grant(session, now)
    reserve_code(session, grant.id, first, now)

    activate(session, grant.id, second, by="unit", why="direct", now=now)

    assert (grant.manager_person_id, states_of(session, grant.id)) == (second, [CodeState.VOID])
    assert refusal(activate, session, grant.id, first, by="x", why="redeemed", now=now).code == "grant.already_active"


def test_every_code_that_opens_nothing_gets_the_same_answer(session, now) -> None:
    person = a_person(session, now, 1)
    used_grant, used = an_issued_grant(session, now, name="一院")
    reserve_code(session, used_grant.id, person, now)
    activate(session, used_grant.id, person, by="system", why="redeemed", now=now)
    void_grant, void = an_issued_grant(session, now, name="二院")
    issue_code(session, void_grant.id, by="unit", now=now)
    ended_grant, ended = an_issued_grant(session, now, name="三院")
    end_tenure(session, ended_grant.id, why="revoked", by="unit", now=now)
    reserved_grant, reserved = an_issued_grant(session, now, name="四院")
    reserve_code(session, reserved_grant.id, person, now)
    _, expired = an_issued_grant(session, now - 31 * DAY, name="五院")
    _, closed = an_issued_grant(session, now, name="六院", business="title_exam_review")
    session.get(Business, "title_exam_review").closes_at = now
    suspended_grant, suspended = an_issued_grant(session, now, name="七院")
    suspend_institution(session, suspended_grant.institution_id, Editor(by="unit", reason="整改"), now)
    session.flush()

    tried = [used, void, ended, reserved, expired, closed, suspended, "AAAAAAAA", "", "12345678", "a" * 500, "'; --"]
    answers = [refusal(find_redeemable, session, code, now) for code in tried]

    assert {(str(answer), str(answer.facts)) for answer in answers} == {("grant.code_not_valid", "{}")}


def test_a_failed_try_with_a_dead_code_is_counted_for_its_institution(session, now) -> None:
    grant, code = an_issued_grant(session, now)
    end_tenure(session, grant.id, why="revoked", by="unit", now=now)

    assert institution_of_code(session, code.lower()) == grant.institution_id
    assert institution_of_code(session, "AAAAAAAA") is None


# ---- failures


def test_the_fifth_failure_within_a_day_locks_the_person_for_a_day(session, now) -> None:
    person = new_id()
    counts = [count_failure(session, person, None, FailureKind.WRONG_CODE, now) for _ in range(5)]

    assert [count.left for count in counts] == [4, 3, 2, 1, 0]
    assert [count.person_locked for count in counts] == [False] * 4 + [True]
    assert counts[-1].locked_until == now + DAY
    refused = refusal(refuse_locked, session, person, None, now + DAY - timedelta(seconds=1))
    assert (refused.code, refused.facts["until"]) == ("grant.attempts_locked", (now + DAY).isoformat())
    refuse_locked(session, person, None, now + DAY)


def test_codes_and_faces_of_many_people_count_for_one_institution_together(session, now) -> None:
    institution = new_id()
    kinds = [FailureKind.WRONG_CODE, FailureKind.FAILED_FACE] * 2 + [FailureKind.FAILED_FACE]

    counts = [count_failure(session, new_id(), institution, kind, now) for kind in kinds]

    assert [count.institution_locked for count in counts] == [False] * 4 + [True]
    assert not any(count.person_locked for count in counts)
    assert refusal(refuse_locked, session, new_id(), institution, now).code == "grant.attempts_locked"
    assert len(session.scalars(select(FailedAttempt)).all()) == 5


def test_the_unit_is_told_once_a_lock(session, now) -> None:
    institution = new_id()

    told = [count_failure(session, new_id(), institution, FailureKind.FAILED_FACE, now) for _ in range(8)]

    assert [count.institution_locked for count in told].count(True) == 1


def test_a_day_later_counting_starts_again(session, now) -> None:
    person = new_id()
    for _ in range(4):
        count_failure(session, person, None, FailureKind.WRONG_CODE, now)

    assert count_failure(session, person, None, FailureKind.WRONG_CODE, now + DAY).left == 4


def test_after_a_lock_counting_starts_again(session, now) -> None:
    person = new_id()
    for _ in range(6):
        count_failure(session, person, None, FailureKind.WRONG_CODE, now)

    again = count_failure(session, person, None, FailureKind.WRONG_CODE, now + DAY)

    assert (again.left, again.locked_until) == (4, None)


def test_a_success_forgets_the_failures_before_it_but_no_lock(session, now) -> None:
    person, institution = new_id(), new_id()
    for _ in range(4):
        count_failure(session, person, institution, FailureKind.FAILED_FACE, now)
    forget_failures(session, person, institution, now)
    session.expire_all()

    after_success = count_failure(session, person, institution, FailureKind.FAILED_FACE, now).left
    for _ in range(4):
        count_failure(session, person, institution, FailureKind.FAILED_FACE, now)
    forget_failures(session, person, institution, now)

    assert after_success == 4
    assert locked_until(session, person, institution, now) == now + DAY


def test_idle_counters_are_dropped_and_locks_that_hold_are_not(session, now) -> None:
    locked = new_id()
    count_failure(session, new_id(), None, FailureKind.WRONG_CODE, now - 9 * DAY)
    for _ in range(5):
        count_failure(session, locked, None, FailureKind.WRONG_CODE, now)

    assert drop_idle_counters(session, now - 2 * DAY) == 1
    assert locked_until(session, locked, None, now) is not None
