"""业务授权: what the register refuses because something else was first, and where the tenure then goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.grants.business import find_business
from domain.grants.code import expire_code, extend_code
from domain.grants.grant import GrantState
from domain.grants.holder import remove_auxiliary
from tests.flows.business_grant.cases import (
    AGREED,
    COUNTY,
    NURSES,
    Hospital,
    Someone,
    Tenure,
    a_hospital,
    a_person,
    a_visitor,
    delivered,
    loses_credential,
)
from tests.flows.story import Town

DAY = timedelta(days=1)


@pytest.fixture
def hospital(town: Town) -> Hospital:
    return a_hospital(town)


@pytest.fixture
def wang(town: Town, hospital: Hospital) -> Someone:
    return a_person(town, "王强")


@pytest.fixture
def li(town: Town, hospital: Hospital) -> Someone:
    return a_person(town, "李梅")


@pytest.fixture
def issued(hospital: Hospital) -> Tenure:
    return hospital.begins()


@pytest.fixture
def tenure(hospital: Hospital, wang: Someone) -> Tenure:
    return hospital.begins("direct", person=wang.person, why="direct")


def closes(town: Town) -> None:
    """The business is over for this year."""
    with town.writing() as session:
        find_business(session, NURSES).closes_at = town.now


# ---- codes


def test_no_code_is_made_for_a_closed_business(town: Town, hospital: Hospital) -> None:
    closes(town)

    tenure = hospital.begins()

    assert (tenure.outcome, tenure.refusals()) == ("not_begun", ["grant.business_closed"])
    assert (hospital.state, hospital.register().case_id) == (GrantState.NONE, None)
    assert tenure.notices() == [f"not_begun → unit:{COUNTY}"]
    assert tenure.is_sound()


def test_a_code_of_a_business_that_closed_is_not_replaced(town: Town, hospital: Hospital, issued: Tenure) -> None:
    code = hospital.code
    closes(town)

    issued.tells("replace_code", hospital.clerk)

    assert issued.refusals() == ["grant.business_closed"]
    assert hospital.code == code
    assert issued.is_sound()


def test_a_code_that_is_gone_is_not_extended(town: Town, hospital: Hospital, issued: Tenure) -> None:
    with town.writing() as session:
        assert expire_code(session, hospital.grant, now=town.now + 31 * DAY)

    issued.tells("extend", hospital.clerk)

    assert issued.refusals() == ["grant.no_open_code"]
    assert issued.outcome is None
    assert issued.is_sound()


def test_a_code_the_register_extended_does_not_expire(town: Town, hospital: Hospital, issued: Tenure) -> None:
    issued.passes(28 * DAY)  # the unit has been reminded
    with town.writing() as session:
        extend_code(session, hospital.grant, now=town.now)

    issued.passes(2 * DAY)
    assert (hospital.state, issued.outcome) == (GrantState.ISSUED, None)
    issued.passes(28 * DAY)

    assert issued.outcome == "code_expired"
    assert issued.is_sound()


def test_whoever_is_not_verified_by_resident_id_reserves_nothing(
    town: Town, hospital: Hospital, issued: Tenure
) -> None:
    visitor = a_visitor(town)

    issued.redeemed_by(visitor)

    assert issued.refusals() == ["grant.person_not_verified"]
    assert hospital.reserved_by() is None
    assert issued.open_forms() == []
    assert issued.is_sound()


@pytest.mark.parametrize("code", ["face.none", "face.several", "face.poor_quality"])
def test_a_photo_that_shows_no_face_counts_and_is_taken_again(issued: Tenure, wang: Someone, code: str) -> None:
    issued.redeemed_by(wang).fills("face_consent", wang, **AGREED)
    issued.fills("selfie", wang, selfie=issued.photo())

    issued.job("face.match").fails(code)

    assert issued.waits_for("take_selfie")
    assert issued.is_sound()


def test_a_card_nobody_scans_frees_the_code(town: Town, hospital: Hospital, issued: Tenure) -> None:
    zhao = a_person(town, "赵云", portrait=False)
    issued.redeemed_by(zhao).fills("face_consent", zhao, **AGREED)

    issued.passes(DAY)

    assert hospital.reserved_by() is None
    assert issued.open_forms() == []
    assert issued.is_sound()


# ---- in office


def test_an_auxiliary_is_not_added_to_a_grant_suspended_meanwhile(
    hospital: Hospital, tenure: Tenure, wang: Someone, li: Someone
) -> None:
    tenure.tells("add_auxiliary", wang, target=li.person, account=wang.account).shows_face(wang)
    tenure.tells("suspend", hospital.clerk)

    tenure.fills("accept", li, answer="accept")

    assert tenure.refusals() == ["grant.not_active"]
    assert hospital.auxiliaries() == []
    assert tenure.notices()[-1] == f"auxiliary_declined → person:{wang.person}"
    assert tenure.is_sound()


def test_an_auxiliary_removed_before_the_register_says_so_changes_nothing(
    town: Town, hospital: Hospital, tenure: Tenure, wang: Someone, li: Someone
) -> None:
    tenure.has_auxiliary(wang, li)
    loses_credential(town, li)
    with town.writing() as session:
        remove_auxiliary(session, hospital.grant, li.person, by="operator", why="removed", now=town.now)

    delivered(town)

    assert tenure.refusals() == ["grant.not_auxiliary"]
    assert tenure.outcome is None
    assert tenure.is_sound()


def test_who_is_not_verified_by_resident_id_takes_nothing_over(town: Town, tenure: Tenure) -> None:
    visitor = a_visitor(town)

    tenure.tells("takeover", visitor, person=visitor.person)

    assert tenure.refusals() == ["grant.person_not_verified"]
    assert tenure.open_forms() == []
    assert tenure.is_sound()


def test_nobody_takes_over_a_grant_suspended_meanwhile(
    hospital: Hospital, tenure: Tenure, wang: Someone, li: Someone
) -> None:
    tenure.tells("takeover", li, person=li.person)
    tenure.tells("suspend", hospital.clerk)

    tenure.fills("decide_takeover", hospital.clerk, takeover_decision="approve")

    assert tenure.refusals() == ["grant.not_active"]
    assert hospital.register().manager_person_id == wang.person
    assert tenure.notices()[-1] == f"takeover_refused → person:{li.person}"
    assert tenure.is_sound()
