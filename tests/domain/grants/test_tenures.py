"""A tenure from its beginning to its end: one test for each change, one for each refusal."""

from __future__ import annotations

import pytest

from domain.credentials.credential import revoke_credential, valid_resident_credential
from domain.grants.code import issue_code, live_code
from domain.grants.grant import GrantState, begin_tenure, changes_of, enable, ensure_grant, resume, suspend
from domain.grants.holder import add_auxiliary, business_groups, grants_held, holders_of, persons_of_group
from domain.grants.tenure import activate, end_tenure, impact
from domain.institutions.editing import Editor
from domain.institutions.state import suspend_institution
from storage.columns import new_id
from tests.domain.granting import (
    BUSINESS,
    UNIT,
    a_grant,
    a_person,
    a_province,
    an_active_grant,
    an_institution,
    an_issued_grant,
    refusal,
    shown_code,
)


@pytest.fixture
def session(session, now):
    a_province(session, now)
    return session


# ---- begun


def test_a_tenure_is_numbered_and_carried_by_its_case(session, now) -> None:
    grant = ensure_grant(session, an_institution(session, now).id, BUSINESS, now)
    case_id = new_id()

    begin_tenure(session, grant.id, case_id, now)
    begin_tenure(session, grant.id, case_id, now)

    assert (grant.tenure, grant.case_id) == (1, case_id)
    assert refusal(begin_tenure, session, grant.id, new_id(), now) == "grant.tenure_running"


def test_a_stopped_grant_begins_no_tenure(session, now) -> None:
    grant = ensure_grant(session, an_institution(session, now).id, BUSINESS, now)
    end_tenure(session, grant.id, why="stopped", by="unit", now=now, stop=True)

    assert refusal(begin_tenure, session, grant.id, new_id(), now) == "grant.stopped"
    assert refusal(end_tenure, session, grant.id, why="stopped", by="unit", now=now) == "grant.stopped"


def test_granting_directly_makes_the_person_manager(session, now) -> None:
    manager = a_person(session, now)
    grant = a_grant(session, now)

    activate(session, grant.id, manager, by="unit", why="direct", now=now)

    assert (grant.state, grant.manager_person_id) == (GrantState.ACTIVE, manager)
    assert [(change.was, change.became, change.why) for change in changes_of(session, grant.id)] == [
        ("NONE", "ACTIVE", "direct")
    ]
    [holder] = holders_of(session, grant.id)
    assert (holder.role, holder.from_at, holder.given_by, holder.given_why) == ("MANAGER", now, "unit", "direct")


def test_granting_directly_voids_an_open_code(session, now) -> None:
    grant, _ = an_issued_grant(session, now)

    activate(session, grant.id, a_person(session, now), by="unit", why="direct", now=now)

    assert live_code(session, grant.id) is None
    assert shown_code(session, grant.id) is None


def test_only_people_verified_by_resident_id_manage(session, now) -> None:
    grant = a_grant(session, now)
    visitor = a_person(session, now, 2, document_type="hk_macau_permit")
    former = a_person(session, now, 3)
    revoke_credential(session, valid_resident_credential(session, former).id, "fraud", now)

    for person in (visitor, former, new_id()):
        verb = {"by": "unit", "why": "direct", "now": now}
        assert refusal(activate, session, grant.id, person, **verb) == "grant.person_not_verified"
    assert grant.state == GrantState.NONE


def test_a_grant_has_one_manager(session, now) -> None:
    grant = an_active_grant(session, now, a_person(session, now, 1))

    other = a_person(session, now, 2)

    assert refusal(activate, session, grant.id, other, by="u", why="direct", now=now) == "grant.already_active"
    assert refusal(issue_code, session, grant.id, by="u", now=now) == "grant.already_active"


def test_nobody_becomes_manager_without_a_tenure(session, now) -> None:
    grant = ensure_grant(session, an_institution(session, now).id, BUSINESS, now)

    refused = refusal(activate, session, grant.id, a_person(session, now), by="u", why="direct", now=now)

    assert refused == "grant.no_tenure"


def test_a_suspended_institution_gets_no_manager(session, now) -> None:
    grant = a_grant(session, now)
    suspend_institution(session, grant.institution_id, Editor(by="unit", reason="整改"), now)

    refused = refusal(activate, session, grant.id, a_person(session, now), by="u", why="direct", now=now)

    assert refused == "grant.institution_not_admitted"


# ---- suspended, resumed


def test_suspending_takes_the_group_away_and_resuming_gives_it_back(session, now) -> None:
    manager, helper = a_person(session, now, 1), a_person(session, now, 2)
    grant = an_active_grant(session, now, manager)
    add_auxiliary(session, grant.id, helper, **UNIT, now=now)
    group = f"business:{BUSINESS}:{grant.institution_id}"

    suspend(session, grant.id, **UNIT, now=now)
    during = business_groups(session, manager), business_groups(session, helper), persons_of_group(session, group)
    resume(session, grant.id, **UNIT, now=now)

    assert during == (frozenset(), frozenset(), [])
    assert business_groups(session, manager) == business_groups(session, helper) == {group}
    assert persons_of_group(session, group) == [manager, helper]
    assert [change.became for change in changes_of(session, grant.id)] == ["ACTIVE", "SUSPENDED", "ACTIVE"]


def test_what_is_not_active_is_not_suspended_and_the_other_way_round(session, now) -> None:
    grant = an_active_grant(session, now, a_person(session, now))

    assert refusal(resume, session, grant.id, **UNIT, now=now) == "grant.not_suspended"
    suspend(session, grant.id, **UNIT, now=now)
    assert refusal(suspend, session, grant.id, **UNIT, now=now) == "grant.not_active"


# ---- ended


def test_ending_a_tenure_ends_holders_codes_and_the_case(session, now) -> None:
    manager, helper = a_person(session, now, 1), a_person(session, now, 2)
    grant = an_active_grant(session, now, manager)
    add_auxiliary(session, grant.id, helper, **UNIT, now=now)

    end_tenure(session, grant.id, why="replaced", by="unit", now=now)

    assert (grant.state, grant.manager_person_id, grant.case_id) == (GrantState.NONE, None, None)
    assert grants_held(session, manager) == grants_held(session, helper) == []
    assert {holder.ended_why for holder in holders_of(session, grant.id)} == {"replaced"}
    begin_tenure(session, grant.id, new_id(), now)
    assert grant.tenure == 2


def test_ending_a_tenure_voids_its_open_code(session, now) -> None:
    grant, _ = an_issued_grant(session, now)

    end_tenure(session, grant.id, why="revoked", by="unit", now=now)

    assert (grant.state, live_code(session, grant.id)) == (GrantState.NONE, None)


def test_a_suspended_grant_may_be_ended(session, now) -> None:
    grant = an_active_grant(session, now, a_person(session, now))
    suspend(session, grant.id, **UNIT, now=now)

    end_tenure(session, grant.id, why="stopped", by="unit", now=now, stop=True)

    assert grant.state == GrantState.STOPPED


def test_a_stopped_grant_issues_nothing_until_it_is_enabled(session, now) -> None:
    grant = an_active_grant(session, now, a_person(session, now))
    end_tenure(session, grant.id, why="stopped", by="unit", now=now, stop=True)

    refused = refusal(issue_code, session, grant.id, by="unit", now=now)
    enable(session, grant.id, **UNIT, now=now)

    assert refused == "grant.stopped"
    assert grant.state == GrantState.NONE
    assert refusal(enable, session, grant.id, **UNIT, now=now) == "grant.not_stopped"


def test_there_must_be_something_to_end(session, now) -> None:
    grant = ensure_grant(session, an_institution(session, now).id, BUSINESS, now)

    assert refusal(end_tenure, session, grant.id, why="replaced", by="unit", now=now) == "grant.no_tenure"


def test_the_impact_names_everybody_an_end_touches(session, now) -> None:
    manager, helper = a_person(session, now, 1), a_person(session, now, 2)
    grant = an_active_grant(session, now, manager)
    add_auxiliary(session, grant.id, helper, **UNIT, now=now)

    found = impact(session, grant.id)

    assert (found.manager_person_id, found.auxiliary_person_ids) == (manager, (helper,))
    assert (found.case_id, found.has_open_code) == (grant.case_id, False)
    assert found.group == f"business:{BUSINESS}:{grant.institution_id}"
