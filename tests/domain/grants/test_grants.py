"""A grant for every institution and business, and what it gives to whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from domain.grants.business import Business, businesses, refuse_closed_business, seed_businesses
from domain.grants.code import issue_code
from domain.grants.grant import BusinessGrant, GrantState, begin_tenure, ensure_grant, find_grant, suspend
from domain.grants.holder import administered_units, business_groups, clerks_of_units
from domain.grants.overview import enrol, mend_overview
from domain.grants.tenure import activate, check_grant, end_tenure
from domain.institutions.editing import Editor, InstitutionEdit, edit_institution
from domain.institutions.institution import Institution, InstitutionState
from domain.institutions.state import remove_institution
from storage.columns import new_id
from tests.domain.granting import (
    BUSINESS,
    SUIZHOU,
    UNIT,
    WUHAN,
    ZENGDU,
    a_grant,
    a_person,
    a_province,
    an_active_grant,
    an_institution,
    refusal,
)


@pytest.fixture
def session(session, now):
    a_province(session, now)
    return session


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
    assert mend_overview(session) == 0


def test_a_roll_written_past_the_session_is_mended(session, now) -> None:
    grant = a_grant(session, now)
    session.execute(
        Institution.__table__.update().where(Institution.id == grant.institution_id).values(supervising_unit=WUHAN)
    )
    session.expire_all()

    assert mend_overview(session) == 3
    assert (find_grant(session, grant.id).supervising_unit, mend_overview(session)) == (WUHAN, 0)


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
