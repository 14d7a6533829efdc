"""业务授权: a manager in office - suspended, resumed, resigning, revoked, or without a credential."""

from __future__ import annotations

import pytest

from domain.acting import acting_groups
from domain.grants.business import business_group
from domain.grants.grant import GrantState, find_grant
from domain.grants.holder import HolderRole
from domain.institutions.institution import find_institution
from engine.errors import Conflict, Forbidden, NotFound
from tests.flows.business_grant.cases import (
    COUNTY,
    NURSES,
    Hospital,
    Someone,
    Tenure,
    a_clerk,
    a_hospital,
    a_person,
    delivered,
    loses_credential,
    notice_text,
)
from tests.flows.story import Town


@pytest.fixture
def hospital(town: Town) -> Hospital:
    return a_hospital(town)


@pytest.fixture
def wang(town: Town, hospital: Hospital) -> Someone:
    return a_person(town, "王强")


@pytest.fixture
def tenure(hospital: Hospital, wang: Someone) -> Tenure:
    return hospital.begins("direct", person=wang.person, why="direct")


def works(hospital: Hospital, someone: Someone) -> bool:
    """Whether the grant gives them its inbox."""
    with hospital.town.sessions() as session:
        return business_group(NURSES, hospital.institution) in acting_groups(session, someone.account)


def test_a_suspended_grant_gives_nothing_until_it_is_resumed(hospital: Hospital, tenure: Tenure, wang: Someone) -> None:
    assert works(hospital, wang)

    tenure.tells("suspend", hospital.clerk, reason="资料待核")

    assert hospital.state == GrantState.SUSPENDED
    assert not works(hospital, wang)
    assert notice_text(tenure, "suspended").endswith("原因：资料待核")
    tenure.tells("resume", hospital.clerk)
    assert hospital.state == GrantState.ACTIVE
    assert works(hospital, wang)
    assert tenure.is_sound()


def test_what_does_not_fit_the_state_changes_nothing(hospital: Hospital, tenure: Tenure) -> None:
    tenure.tells("resume", hospital.clerk)
    tenure.tells("suspend", hospital.clerk).tells("suspend", hospital.clerk)

    assert hospital.state == GrantState.SUSPENDED
    assert tenure.refusals() == ["grant.not_suspended", "grant.not_active"]
    assert tenure.is_sound()


def test_the_manager_resigns(hospital: Hospital, tenure: Tenure, wang: Someone) -> None:
    tenure.tells("resign", wang)

    assert tenure.outcome == "resigned"
    assert hospital.state == GrantState.NONE
    assert not works(hospital, wang)
    assert f"resigned → unit:{COUNTY}" in tenure.notices()
    assert tenure.is_sound()


def test_a_suspended_manager_may_resign(hospital: Hospital, tenure: Tenure, wang: Someone) -> None:
    tenure.tells("suspend", hospital.clerk).tells("resign", wang)

    assert tenure.outcome == "resigned"
    assert hospital.state == GrantState.NONE


def test_the_unit_revokes_and_a_code_can_be_issued_anew(hospital: Hospital, tenure: Tenure, wang: Someone) -> None:
    tenure.tells("revoke", hospital.clerk, stop=False, reason="人员调离")

    assert tenure.outcome == "revoked"
    assert hospital.state == GrantState.NONE
    assert not works(hospital, wang)
    assert notice_text(tenure, "revoked").endswith("原因：人员调离")
    assert hospital.begins().waits_for_code()
    assert tenure.is_sound()


def test_the_unit_revokes_and_binds_the_next_at_once(town: Town, hospital: Hospital, tenure: Tenure) -> None:
    li = a_person(town, "李梅")

    tenure.tells("revoke", hospital.clerk, stop=False, next_person=li.person)
    assert tenure.outcome == "revoked"
    delivered(town)

    assert hospital.register().manager_person_id == li.person
    following = hospital.running()
    assert following.case_id != tenure.case_id
    assert hospital.register().tenure == 2
    assert following.is_sound()


def test_a_stopped_grant_gets_no_code_until_it_is_enabled(hospital: Hospital, tenure: Tenure) -> None:
    tenure.tells("revoke", hospital.clerk, stop=True, reason="停止参与")

    assert tenure.outcome == "stopped"
    assert hospital.state == GrantState.STOPPED
    assert hospital.begins().refusals() == ["grant.stopped"]
    hospital.enables()
    assert hospital.state == GrantState.NONE
    assert hospital.begins().waits_for_code()


def test_revoking_ends_what_is_under_way(town: Town, hospital: Hospital, tenure: Tenure, wang: Someone) -> None:
    li = a_person(town, "李梅")
    tenure.tells("add_auxiliary", wang, target=li.person, account=wang.account)
    assert tenure.open_forms() == ["face_consent"]

    tenure.tells("revoke", hospital.clerk, stop=False)

    assert tenure.open_forms() == []
    assert tenure.is_sound()


# ---- the credential


@pytest.mark.parametrize("how", ["withdrawn", "revoked", "expired"])
def test_a_manager_without_a_credential_loses_the_grant(
    hospital: Hospital, tenure: Tenure, wang: Someone, how: str
) -> None:
    loses_credential(hospital.town, wang, how)
    assert tenure.outcome is None  # the register's message is on its way
    assert not works(hospital, wang)

    delivered(hospital.town)

    assert tenure.outcome == "credential_lost"
    assert hospital.state == GrantState.NONE
    assert f"manager_lost → unit:{COUNTY}" in tenure.notices()
    assert tenure.is_sound()


def test_an_auxiliary_without_a_credential_is_removed(
    town: Town, hospital: Hospital, tenure: Tenure, wang: Someone
) -> None:
    li = a_person(town, "李梅")
    tenure.has_auxiliary(wang, li)

    loses_credential(town, li)
    delivered(town)

    assert hospital.auxiliaries() == []
    assert hospital.state == GrantState.ACTIVE
    assert hospital.ended_why(li, HolderRole.AUXILIARY) == "credential_ended"
    assert tenure.is_sound()


def test_a_renewed_credential_keeps_the_grant(town: Town, hospital: Hospital, tenure: Tenure, wang: Someone) -> None:
    again = a_person(town, "王强")
    delivered(town)

    assert again.person == wang.person
    assert hospital.register().manager_person_id == wang.person
    assert tenure.outcome is None


def test_a_stranger_to_the_grant_may_lose_a_credential(town: Town, hospital: Hospital, tenure: Tenure) -> None:
    li = a_person(town, "李梅")

    loses_credential(town, li)
    delivered(town)

    assert tenure.outcome is None
    assert hospital.state == GrantState.ACTIVE


# ---- who may say what


def test_only_the_unit_suspends_and_revokes(town: Town, hospital: Hospital, tenure: Tenure, wang: Someone) -> None:
    with town.writing() as session:
        stranger = a_clerk(session, town, hospital.another_county(session))

    for message, payload in (
        ("suspend", {}),
        ("resume", {}),
        ("revoke", {"stop": False}),
        ("bind", {"person": wang.person}),
    ):
        with pytest.raises((Forbidden, NotFound)):
            tenure.tells(message, stranger, **payload, as_is=True)
        with pytest.raises(Forbidden):
            tenure.tells(message, wang, **payload, as_is=True)

    assert hospital.state == GrantState.ACTIVE


def test_the_superior_unit_may_do_what_the_county_may(town: Town, hospital: Hospital, tenure: Tenure) -> None:
    with town.writing() as session:
        superior = a_clerk(session, town, "420000")

    tenure.tells("suspend", superior)

    assert hospital.state == GrantState.SUSPENDED


def test_an_institution_that_moved_is_its_new_units(
    town: Town, hospital: Hospital, tenure: Tenure, wang: Someone
) -> None:
    li = a_person(town, "李梅")
    with town.writing() as session:
        other = hospital.another_county(session)
        find_institution(session, hospital.institution).supervising_unit = other
        find_grant(session, hospital.grant).supervising_unit = other

    tenure.transfers(wang, li).fills("face_consent", wang, face_choice="decline")
    assert tenure.waits_for("confirm", group=f"unit:{other}")
    assert tenure.notices()[-1] == f"confirm_waiting → unit:{other}"
    tenure.tells("revoke", hospital.clerk, stop=False, next_person=li.person)
    delivered(town)

    assert hospital.register().manager_person_id == li.person
    assert hospital.running().variables["unit"] == other


def test_only_the_manager_hands_on(town: Town, hospital: Hospital, tenure: Tenure, wang: Someone) -> None:
    li, zhao = a_person(town, "李梅"), a_person(town, "赵云")
    tenure.has_auxiliary(wang, li)

    for message in ("transfer", "add_auxiliary"):
        payload = {"target": zhao.person, "account": li.account}
        more = {"keep_auxiliaries": True} if message == "transfer" else {}
        with pytest.raises(Forbidden):
            tenure.tells(message, li, **payload, **more)
    with pytest.raises(Forbidden):
        tenure.tells("resign", li)


def test_a_code_message_is_not_for_a_tenure_that_runs(hospital: Hospital, tenure: Tenure) -> None:
    for message in ("extend", "replace_code"):
        with pytest.raises(Conflict):
            tenure.tells(message, hospital.clerk)
