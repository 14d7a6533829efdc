"""业务授权 of an institution that is removed from the register, or merged into another."""

from __future__ import annotations

import pytest

from domain.acting import acting_groups
from domain.grants.business import business_group
from domain.grants.grant import GrantState
from domain.grants.holder import HolderRole
from domain.institutions.category import Category
from domain.institutions.editing import Editor
from domain.institutions.institution import NewInstitution, admit_institution
from domain.institutions.state import merge_institution, remove_institution, restore_institution
from tests.flows.business_grant.cases import (
    COUNTY,
    NURSES,
    Hospital,
    Someone,
    a_hospital,
    a_person,
    delivered,
    notice_text,
)
from tests.flows.story import Town


@pytest.fixture
def hospital(town: Town) -> Hospital:
    return a_hospital(town)


@pytest.fixture
def wang(town: Town, hospital: Hospital) -> Someone:
    return a_person(town, "王强")


def why(hospital: Hospital) -> Editor:
    return Editor(by=hospital.clerk.id, reason="停业", accepts_check=True)


def works(hospital: Hospital, someone: Someone) -> bool:
    with hospital.town.sessions() as session:
        return business_group(NURSES, hospital.institution) in acting_groups(session, someone.account)


def test_a_removed_institution_s_manager_loses_the_grant_at_once_and_the_tenure_ends(
    town: Town, hospital: Hospital, wang: Someone
) -> None:
    tenure = hospital.begins("direct", person=wang.person, why="direct")

    with town.writing() as session:
        remove_institution(session, hospital.institution, why(hospital), town.now)
    assert not works(hospital, wang)
    assert tenure.outcome is None  # the register's message is on its way
    delivered(town)

    assert tenure.outcome == "stopped"
    assert hospital.state == GrantState.STOPPED
    assert hospital.ended_why(wang, HolderRole.MANAGER) == "stopped"
    assert notice_text(tenure, "revoked").endswith("机构已从机构库移除")
    assert tenure.is_sound()


def test_a_code_of_a_removed_institution_is_void(town: Town, hospital: Hospital) -> None:
    tenure = hospital.begins("code")
    assert tenure.waits_for_code()

    with town.writing() as session:
        remove_institution(session, hospital.institution, why(hospital), town.now)
    delivered(town)

    assert (tenure.outcome, hospital.code, hospital.state) == ("stopped", None, GrantState.STOPPED)
    assert tenure.is_sound()


def test_merging_ends_the_grants_of_the_one_that_goes(town: Town, hospital: Hospital, wang: Someone) -> None:
    tenure = hospital.begins("direct", person=wang.person, why="direct")
    with town.writing() as session:
        new = NewInstitution(name="武昌区中心医院", supervising_unit=COUNTY, category=Category.HOSPITAL)
        stays = admit_institution(session, new, case_id=None, by=None, now=town.now).id

    with town.writing() as session:
        merge_institution(session, hospital.institution, stays, why(hospital), town.now)
    delivered(town)

    assert tenure.outcome == "stopped"


def test_removed_twice_it_is_revoked_twice(town: Town, hospital: Hospital, wang: Someone) -> None:
    hospital.begins("direct", person=wang.person, why="direct")
    with town.writing() as session:
        remove_institution(session, hospital.institution, why(hospital), town.now)
    delivered(town)
    with town.writing() as session:
        restore_institution(session, hospital.institution, why(hospital), town.now)
    hospital.enables()
    again = hospital.begins("direct", person=wang.person, why="direct")
    assert works(hospital, wang)

    with town.writing() as session:
        remove_institution(session, hospital.institution, why(hospital), town.now)
    delivered(town)

    assert again.outcome == "stopped"
    assert not works(hospital, wang)
