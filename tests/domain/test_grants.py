"""The grant's states: one test for each change, one for each refusal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from database import new_id
from domain.business import Business, businesses, refuse_closed_business, seed_businesses
from domain.credential import revoke_credential, valid_resident_credential
from domain.grant import (
    BusinessGrant,
    GrantState,
    begin_tenure,
    changes_of,
    enable,
    ensure_grant,
    find_grant,
    resume,
    suspend,
)
from domain.grant_code import issue_code, live_code, shown_code
from domain.grant_holder import (
    HolderRole,
    add_auxiliary,
    administered_units,
    auxiliaries_of,
    business_groups,
    clerks_of_units,
    grants_held,
    holders_of,
    persons_of_group,
    remove_auxiliary,
)
from domain.grant_roll import enrol, mend_roll
from domain.grant_tenure import activate, check_grant, end_tenure, impact, transfer
from domain.institution import Institution, InstitutionState
from domain.institution_editing import Editor, InstitutionEdit, edit_institution
from domain.institution_state import remove_institution, suspend_institution
from domain.refused import Refused
from tests.domain.grants import (
    BUSINESS,
    SUIZHOU,
    WUHAN,
    ZENGDU,
    a_grant,
    a_person,
    a_province,
    an_active_grant,
    an_institution,
    an_issued_grant,
)


@pytest.fixture
def session(session, now):
    a_province(session, now)
    return session


def refusal(verb, *arguments, **options) -> str:
    """The code a verb refuses with."""
    with pytest.raises(Refused) as refused:
        verb(*arguments, **options)
    return refused.value.code


UNIT = {"by": "unit", "why": "unit"}

# ---- rows and businesses


def test_an_admitted_institution_has_a_grant_of_every_business(session, now) -> None:
    institution = an_institution(session, now)

    grants = session.scalars(select(BusinessGrant).where(BusinessGrant.institution_id == institution.id)).all()
    assert {grant.business_key for grant in grants} == {business.key for business in businesses(session)}
    assert {grant.state for grant in grants} == {GrantState.NONE}
    assert ensure_grant(session, institution.id, BUSINESS, now) in grants


def test_a_new_business_reaches_institutions_admitted_before_it(session, now) -> None:
    an_institution(session, now)
    session.add(Business(key="new_one", name="新业务", created_at=now))
    session.flush()

    made = enrol(session, now)

    assert made == 1
    assert enrol(session, now) == 0


def test_a_grant_is_made_where_its_row_is_missing(session, now) -> None:
    institution = an_institution(session, now)
    session.add(Business(key="new_one", name="新业务", created_at=now))
    session.flush()

    made = ensure_grant(session, institution.id, "new_one", now)

    assert (made.state, made.institution_code, made.supervising_unit) == ("NONE", institution.code, ZENGDU)
    assert ensure_grant(session, institution.id, "new_one", now).id == made.id


def test_unknown_ids_are_refused(session, now) -> None:
    institution = an_institution(session, now)

    assert refusal(ensure_grant, session, institution.id, "nothing", now) == "business.unknown"
    assert refusal(ensure_grant, session, new_id(), BUSINESS, now) == "institution.unknown"
    assert refusal(find_grant, session, new_id()) == "grant.unknown"
    assert refusal(suspend, session, new_id(), **UNIT, now=now) == "grant.unknown"


def test_seeding_businesses_again_changes_nothing(session, now) -> None:
    session.get(Business, BUSINESS).max_auxiliaries = 9
    session.flush()

    assert seed_businesses(session, now) == []
    assert session.get(Business, BUSINESS).max_auxiliaries == 9


def test_a_grants_facts_follow_its_institution(session, now) -> None:
    grant = a_grant(session, now)
    edit = InstitutionEdit(name="随州仁和医院", supervising_unit=SUIZHOU, category="outpatient")

    edit_institution(session, grant.institution_id, edit, Editor(by="x", reason="更名", accepts_check=True), now)

    session.refresh(grant)
    assert (grant.name_key, grant.supervising_unit, grant.category) == ("随州仁和医院", SUIZHOU, "outpatient")
    assert mend_roll(session) == 0


def test_a_roll_written_past_the_session_is_mended(session, now) -> None:
    grant = a_grant(session, now)
    session.execute(
        Institution.__table__.update().where(Institution.id == grant.institution_id).values(supervising_unit=WUHAN)
    )
    session.expire_all()

    assert mend_roll(session) == 3
    assert (find_grant(session, grant.id).supervising_unit, mend_roll(session)) == (WUHAN, 0)


# ---- tenures


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


# ---- what a grant gives


def test_other_systems_learn_who_may_work_in_a_business(session, now) -> None:
    manager, stranger = a_person(session, now, 1), a_person(session, now, 2)
    grant = an_active_grant(session, now, manager)
    place = grant.institution_id

    assert check_grant(session, BUSINESS, place, manager, now)
    assert not check_grant(session, BUSINESS, place, stranger, now)
    assert not check_grant(session, "title_exam_review", place, manager, now)
    assert not check_grant(session, "nothing", place, manager, now)
    assert not check_grant(session, BUSINESS, new_id(), manager, now)
    suspend(session, grant.id, **UNIT, now=now)
    assert not check_grant(session, BUSINESS, place, manager, now)


def test_a_closed_business_says_no_while_work_left_over_may_be_finished(session, now) -> None:
    manager = a_person(session, now)
    grant = an_active_grant(session, now, manager)
    business = session.get(Business, BUSINESS)
    business.opens_at, business.closes_at = now - timedelta(days=9), now
    session.flush()

    assert not check_grant(session, BUSINESS, grant.institution_id, manager, now)
    assert business_groups(session, manager)
    assert refusal(refuse_closed_business, business, now) == "grant.business_closed"
    assert (
        refusal(issue_code, session, a_grant(session, now, name="二院").id, by="u", now=now) == "grant.business_closed"
    )


def test_the_grants_of_a_removed_institution_give_nothing(session, now) -> None:
    manager = a_person(session, now)
    grant = an_active_grant(session, now, manager)

    remove_institution(session, grant.institution_id, Editor(by="unit", reason="注销"), now)

    assert session.get(Institution, grant.institution_id).state == InstitutionState.REMOVED
    assert business_groups(session, manager) == frozenset()
    assert find_grant(session, grant.id).supervising_unit is None


def test_who_holds_a_units_grant_of_administration_is_its_clerk(session, now) -> None:
    clerk = a_person(session, now)
    institution = an_institution(
        session, now, "曾都区卫生健康局", unit=SUIZHOU, unit_code=ZENGDU, category="health_commission"
    )
    grant = ensure_grant(session, institution.id, "unit_administration", now)
    begin_tenure(session, grant.id, new_id(), now)

    activate(session, grant.id, clerk, by="city", why="direct", now=now)

    assert administered_units(session, clerk) == {ZENGDU}
    assert clerks_of_units(session, [ZENGDU, SUIZHOU]) == [clerk]
    end_tenure(session, grant.id, why="resigned", by="unit", now=now)
    assert administered_units(session, clerk) == frozenset()
    assert clerks_of_units(session, [ZENGDU]) == []


def test_a_grant_of_another_business_makes_no_clerk(session, now) -> None:
    manager = a_person(session, now)
    an_active_grant(session, now, manager)

    assert administered_units(session, manager) == frozenset()


def test_an_ordinary_institution_s_administration_names_no_unit(session, now) -> None:
    manager = a_person(session, now)
    an_active_grant(session, now, manager, business="unit_administration")

    assert administered_units(session, manager) == frozenset()


def test_the_register_keeps_no_names(session, now) -> None:
    an_active_grant(session, now, a_person(session, now))

    for table in ("business_grant", "grant_holder", "grant_change"):
        rows = session.execute(select(func.count()).select_from(BusinessGrant.metadata.tables[table])).scalar()
        content = str(session.execute(BusinessGrant.metadata.tables[table].select()).all())
        assert rows
        assert "张三" not in content
        assert "11010519491231" not in content
