"""Who holds a grant: the manager it is handed on to, and the auxiliaries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.grants.business import Business
from domain.grants.grant import suspend
from domain.grants.holder import (
    HolderRole,
    add_auxiliary,
    auxiliaries_of,
    business_groups,
    grants_held,
    holders_of,
    remove_auxiliary,
)
from domain.grants.tenure import check_grant, transfer
from storage.columns import new_id
from tests.domain.granting import BUSINESS, UNIT, a_person, a_province, an_active_grant, refusal


@pytest.fixture
def session(session, now):
    a_province(session, now)
    return session


# ---- handed on


def test_a_transfer_makes_another_manager_and_keeps_the_auxiliaries(session, now) -> None:
    old, new, helper = (a_person(session, now, number) for number in (1, 2, 3))
    grant = an_active_grant(session, now, old)
    add_auxiliary(session, grant.id, helper, **UNIT, now=now)
    later = now + timedelta(days=1)

    transfer(session, grant.id, new, keep_auxiliaries=True, by="unit", why="transfer", now=later)

    assert (grant.manager_person_id, auxiliaries_of(session, grant.id)) == (new, (helper,))
    assert business_groups(session, old) == frozenset()
    former = next(holder for holder in holders_of(session, grant.id) if holder.person_id == old)
    assert (former.until_at, former.ended_by, former.ended_why) == (later, "unit", "transfer")


def test_a_transfer_may_leave_the_auxiliaries_behind(session, now) -> None:
    old, new, helper = (a_person(session, now, number) for number in (1, 2, 3))
    grant = an_active_grant(session, now, old)
    add_auxiliary(session, grant.id, helper, **UNIT, now=now)

    transfer(session, grant.id, new, keep_auxiliaries=False, **UNIT, now=now)

    assert auxiliaries_of(session, grant.id) == ()
    assert business_groups(session, helper) == frozenset()


def test_an_auxiliary_who_becomes_manager_is_no_auxiliary_any_more(session, now) -> None:
    old, helper = a_person(session, now, 1), a_person(session, now, 2)
    grant = an_active_grant(session, now, old)
    add_auxiliary(session, grant.id, helper, **UNIT, now=now)

    transfer(session, grant.id, helper, keep_auxiliaries=True, **UNIT, now=now)

    assert (grant.manager_person_id, auxiliaries_of(session, grant.id)) == (helper, ())
    assert [held.role for held in grants_held(session, helper)] == [HolderRole.MANAGER]


def test_a_transfer_is_refused_to_oneself_to_the_unverified_and_while_suspended(session, now) -> None:
    manager = a_person(session, now, 1)
    grant = an_active_grant(session, now, manager)
    verb = {"keep_auxiliaries": True, **UNIT, "now": now}

    assert refusal(transfer, session, grant.id, manager, **verb) == "grant.own_number"
    assert refusal(transfer, session, grant.id, new_id(), **verb) == "grant.person_not_verified"
    suspend(session, grant.id, **UNIT, now=now)
    assert refusal(transfer, session, grant.id, a_person(session, now, 2), **verb) == "grant.not_active"


# ---- auxiliaries


def test_an_auxiliary_uses_the_business_until_removed(session, now) -> None:
    helper = a_person(session, now, 2)
    grant = an_active_grant(session, now, a_person(session, now, 1))

    add_auxiliary(session, grant.id, helper, **UNIT, now=now)
    may_use = check_grant(session, BUSINESS, grant.institution_id, helper, now)
    remove_auxiliary(session, grant.id, helper, **UNIT, now=now)

    assert may_use
    assert not check_grant(session, BUSINESS, grant.institution_id, helper, now)
    assert len(holders_of(session, grant.id)) == 2


def test_an_auxiliary_removed_may_come_back(session, now) -> None:
    helper = a_person(session, now, 2)
    grant = an_active_grant(session, now, a_person(session, now, 1))
    add_auxiliary(session, grant.id, helper, **UNIT, now=now)
    remove_auxiliary(session, grant.id, helper, **UNIT, now=now)

    add_auxiliary(session, grant.id, helper, **UNIT, now=now)

    assert auxiliaries_of(session, grant.id) == (helper,)


def test_auxiliaries_are_refused_as_the_rules_say(session, now) -> None:
    manager, helper, third = (a_person(session, now, number) for number in (1, 2, 3))
    grant = an_active_grant(session, now, manager)
    session.get(Business, BUSINESS).max_auxiliaries = 1
    session.flush()
    verb = {**UNIT, "now": now}

    assert refusal(add_auxiliary, session, grant.id, manager, **verb) == "grant.is_manager"
    assert refusal(add_auxiliary, session, grant.id, new_id(), **verb) == "grant.person_not_verified"
    assert refusal(remove_auxiliary, session, grant.id, helper, **verb) == "grant.not_auxiliary"
    assert refusal(remove_auxiliary, session, grant.id, manager, **verb) == "grant.not_auxiliary"
    add_auxiliary(session, grant.id, helper, **verb)
    assert refusal(add_auxiliary, session, grant.id, helper, **verb) == "grant.is_auxiliary"
    assert refusal(add_auxiliary, session, grant.id, third, **verb) == "grant.too_many_auxiliaries"
    suspend(session, grant.id, **verb)
    assert refusal(add_auxiliary, session, grant.id, third, **verb) == "grant.not_active"
