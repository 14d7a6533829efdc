"""业务授权: from a code or a direct grant to a manager in office, and what becomes of a code nobody uses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.credentials.consent import Purpose, consents_of
from domain.grants.attempts import MAX_FAILURES
from domain.grants.code import find_redeemable
from domain.grants.grant import GrantState
from domain.refused import Refused
from engine.errors import Conflict
from tests.flows.business_grant.cases import (
    AGREED,
    COUNTY,
    Hospital,
    Someone,
    Tenure,
    a_card_of,
    a_hospital,
    a_person,
    a_visitor,
    loses_credential,
    notice_text,
)
from tests.flows.readings import a_selfie_match
from tests.flows.story import Town

DAY = timedelta(days=1)


@pytest.fixture
def hospital(town: Town) -> Hospital:
    return a_hospital(town)


@pytest.fixture
def wang(town: Town, hospital: Hospital) -> Someone:
    return a_person(town, "王强")


@pytest.fixture
def issued(hospital: Hospital) -> Tenure:
    return hospital.begins()


# ---- a code


def test_a_code_is_issued(hospital: Hospital, issued: Tenure) -> None:
    assert hospital.state == GrantState.ISSUED
    assert hospital.code is not None
    assert len(hospital.code) == 8
    assert hospital.code not in str(issued.variables)
    assert issued.is_sound()


def test_whoever_redeems_it_with_their_face_is_manager(hospital: Hospital, issued: Tenure, wang: Someone) -> None:
    issued.redeemed_by(wang).shows_face(wang)

    grant = hospital.register()
    assert (grant.state, grant.manager_person_id) == (GrantState.ACTIVE, wang.person)
    assert hospital.code is None
    assert issued.notices() == [f"seated → person:{wang.person}", f"seated → unit:{COUNTY}"]
    assert notice_text(issued, "seated") == "王*已成为武昌区第一医院“护士执业资格考试报名审核”的管理人。"
    assert issued.is_sound()


def test_the_comparison_is_agreed_to_by_whoever_shows_the_face(town: Town, issued: Tenure, wang: Someone) -> None:
    issued.redeemed_by(wang).fills("face_consent", wang, **AGREED)

    with town.sessions() as session:
        given = {(each.purpose, each.text_version, each.case_id) for each in consents_of(session, wang.account)}
    assert (Purpose.COMPARE_FACE, "compare_face/2026-11", issued.case_id) in given


@pytest.mark.parametrize(("band", "may_pass"), [("unsure", True), ("same", False)])
def test_an_unsure_face_waits_for_the_unit(
    hospital: Hospital, issued: Tenure, wang: Someone, band: str, may_pass: bool
) -> None:
    issued.redeemed_by(wang).shows_face(wang, band, may_pass=may_pass)

    assert issued.waits_for("confirm", group=f"unit:{COUNTY}")
    assert hospital.state == GrantState.ISSUED
    assert f"confirm_waiting → unit:{COUNTY}" in issued.notices()


def test_the_unit_confirms_who_would_not_show_their_face(hospital: Hospital, issued: Tenure, wang: Someone) -> None:
    issued.redeemed_by(wang).fills("face_consent", wang, face_choice="decline")
    assert hospital.code is not None  # the unit sees it until it is used

    issued.fills("confirm", hospital.clerk, unit_decision="approve", confirmed_by="phone")

    assert hospital.state == GrantState.ACTIVE
    assert hospital.holders() == [("MANAGER", wang.person, "confirmed", hospital.clerk.id)]
    assert issued.is_sound()


def test_whom_the_unit_does_not_know_frees_the_code(hospital: Hospital, issued: Tenure, wang: Someone) -> None:
    code = hospital.code
    issued.redeemed_by(wang).fills("face_consent", wang, face_choice="decline")

    issued.fills("confirm", hospital.clerk, unit_decision="refuse")

    assert (hospital.state, hospital.code) == (GrantState.ISSUED, code)
    assert issued.notices()[-2:] == [f"not_activated → person:{wang.person}", f"not_activated → unit:{COUNTY}"]
    assert issued.redeemed_by(wang).waits_for("face_consent")
    assert issued.is_sound()


def test_a_unit_that_does_not_answer_frees_the_code(hospital: Hospital, issued: Tenure, wang: Someone) -> None:
    issued.redeemed_by(wang).fills("face_consent", wang, face_choice="decline")

    issued.passes(2 * DAY)
    assert issued.notices().count(f"confirm_waiting → unit:{COUNTY}") == 2
    issued.passes(5 * DAY)

    assert "not_activated" in issued.notices()[-1]
    assert issued.open_forms() == []
    assert issued.is_sound()


def test_without_a_portrait_the_card_is_scanned_again(town: Town, hospital: Hospital, issued: Tenure) -> None:
    li = a_person(town, "李梅", portrait=False)
    issued.redeemed_by(li).fills("face_consent", li, **AGREED)

    issued.fills("scan_card", li, front=issued.photo())
    issued.job("document.read").returns(a_card_of(li))
    issued.shows_face(li)

    assert hospital.register().manager_person_id == li.person
    assert issued.is_sound()


def test_a_card_of_somebody_else_is_not_compared(town: Town, hospital: Hospital, issued: Tenure, wang: Someone) -> None:
    li = a_person(town, "李梅", portrait=False)
    issued.redeemed_by(li).fills("face_consent", li, **AGREED)

    for _ in range(3):
        assert issued.waits_for("scan_card")
        issued.fills("scan_card", li, front=issued.photo())
        issued.job("document.read").returns(a_card_of(wang))

    assert issued.waits_for("confirm", group=f"unit:{COUNTY}")
    assert issued.is_sound()


def test_a_card_that_cannot_be_opened_is_scanned_again(town: Town, issued: Tenure) -> None:
    li = a_person(town, "李梅", portrait=False)
    issued.redeemed_by(li).fills("face_consent", li, **AGREED)
    issued.fills("scan_card", li, front=issued.photo())

    issued.job("document.read").fails("document.unreadable_file")

    assert issued.waits_for("scan_card")
    assert issued.is_sound()


def test_five_failed_faces_lock_for_a_day_and_tell_the_unit(
    town: Town, hospital: Hospital, issued: Tenure, wang: Someone
) -> None:
    issued.redeemed_by(wang)
    for _ in range(MAX_FAILURES):
        issued.shows_face(wang, "different")

    assert f"locked → unit:{COUNTY}" in issued.notices()
    assert issued.open_forms() == []
    assert hospital.state == GrantState.ISSUED
    with pytest.raises(Refused) as refused:
        hospital.looks_code_up(wang)
    assert refused.value.code == "grant.attempts_locked"
    issued.passes(DAY)
    assert hospital.looks_code_up(wang) == hospital.grant
    assert issued.is_sound()


@pytest.mark.parametrize("stage", ["face_consent", "selfie"])
def test_an_abandoned_redemption_frees_the_code_after_a_day(
    hospital: Hospital, issued: Tenure, wang: Someone, stage: str
) -> None:
    issued.redeemed_by(wang)
    if stage == "selfie":
        issued.fills("face_consent", wang, **AGREED)

    issued.passes(DAY)

    assert issued.open_forms() == []
    assert hospital.reserved_by() is None
    assert issued.redeemed_by(wang).waits_for("face_consent")
    assert issued.is_sound()


def test_nobody_else_can_redeem_while_somebody_does(
    town: Town, hospital: Hospital, issued: Tenure, wang: Someone
) -> None:
    li = a_person(town, "李梅")
    issued.redeemed_by(wang)

    with pytest.raises(Refused) as refused:
        hospital.looks_code_up(li)
    with pytest.raises(Conflict) as conflict:
        issued.redeemed_by(li)

    assert refused.value.code == "grant.code_not_valid"
    assert conflict.value.code == "message.not_awaited"


def test_whoever_loses_the_credential_while_redeeming_gets_nothing(
    hospital: Hospital, issued: Tenure, wang: Someone
) -> None:
    issued.redeemed_by(wang).fills("face_consent", wang, **AGREED)
    issued.fills("selfie", wang, selfie=issued.photo())
    loses_credential(hospital.town, wang)

    issued.job("face.match").returns(a_selfie_match("same"))

    assert hospital.state == GrantState.ISSUED
    assert hospital.reserved_by() is None
    assert issued.is_sound()


# ---- what the unit does with a code


def test_the_unit_hears_before_a_code_expires_once(issued: Tenure) -> None:
    issued.passes(26 * DAY)
    assert issued.notices() == []

    issued.passes(1 * DAY)
    issued.passes(1 * DAY)

    assert issued.notices() == [f"code_ends_soon → unit:{COUNTY}"]


def test_an_unused_code_expires(hospital: Hospital, issued: Tenure) -> None:
    code = hospital.code
    assert code is not None

    issued.passes(30 * DAY)

    assert issued.outcome == "code_expired"
    assert (hospital.state, hospital.code) == (GrantState.NONE, None)
    assert issued.notices()[-1] == f"code_expired → unit:{COUNTY}"
    with pytest.raises(Refused), hospital.town.sessions() as session:
        find_redeemable(session, code, hospital.town.now)
    assert issued.is_sound()


def test_an_extended_code_lives_its_whole_time_again(hospital: Hospital, issued: Tenure) -> None:
    issued.passes(20 * DAY)
    issued.tells("extend", hospital.clerk)

    issued.passes(29 * DAY)
    assert hospital.state == GrantState.ISSUED
    issued.passes(1 * DAY)

    assert issued.outcome == "code_expired"
    assert issued.is_sound()


def test_a_replaced_code_opens_nothing(hospital: Hospital, issued: Tenure, wang: Someone) -> None:
    old = hospital.code
    assert old is not None

    issued.tells("replace_code", hospital.clerk)

    assert hospital.code not in (None, old)
    with pytest.raises(Refused), hospital.town.sessions() as session:
        find_redeemable(session, old, hospital.town.now)
    assert issued.redeemed_by(wang).waits_for("face_consent")
    assert issued.is_sound()


def test_replacing_a_code_ends_a_redemption(hospital: Hospital, issued: Tenure, wang: Someone) -> None:
    issued.redeemed_by(wang)

    issued.tells("replace_code", hospital.clerk)

    assert issued.open_forms() == []
    assert hospital.reserved_by() is None
    assert issued.is_sound()


def test_a_code_is_taken_back(hospital: Hospital, issued: Tenure) -> None:
    issued.tells("revoke", hospital.clerk, stop=False)

    assert issued.outcome == "voided"
    assert (hospital.state, hospital.code) == (GrantState.NONE, None)
    assert issued.is_sound()


def test_a_grant_is_stopped_before_anybody_had_it(hospital: Hospital, issued: Tenure) -> None:
    issued.tells("revoke", hospital.clerk, stop=True)

    assert issued.outcome == "stopped"
    assert hospital.state == GrantState.STOPPED
    assert hospital.begins().outcome == "not_begun"
    assert issued.is_sound()


# ---- 直接授权


def test_the_unit_grants_directly_without_a_code(hospital: Hospital, wang: Someone) -> None:
    tenure = hospital.begins("direct", person=wang.person, why="direct")

    assert hospital.state == GrantState.ACTIVE
    assert hospital.holders() == [("MANAGER", wang.person, "direct", hospital.clerk.id)]
    assert tenure.is_sound()


@pytest.mark.parametrize("somebody_redeems", [False, True])
def test_granting_directly_voids_the_open_code(
    town: Town, hospital: Hospital, issued: Tenure, wang: Someone, somebody_redeems: bool
) -> None:
    li = a_person(town, "李梅")
    code = hospital.code
    assert code is not None
    if somebody_redeems:
        issued.redeemed_by(li)

    issued.tells("bind", hospital.clerk, person=wang.person)

    assert hospital.register().manager_person_id == wang.person
    assert issued.open_forms() == []
    with pytest.raises(Refused), town.sessions() as session:
        find_redeemable(session, code, town.now)
    assert issued.is_sound()


def test_a_person_verified_by_permit_is_not_bound(town: Town, hospital: Hospital, issued: Tenure) -> None:
    visitor = a_visitor(town)

    issued.tells("bind", hospital.clerk, person=visitor.person)

    assert hospital.state == GrantState.ISSUED
    assert issued.refusals() == ["grant.person_not_verified"]
    assert hospital.code is not None


def test_only_one_tenure_runs(hospital: Hospital, issued: Tenure, wang: Someone) -> None:
    second = hospital.begins("direct", person=wang.person, why="direct")

    assert second.outcome == "not_begun"
    assert second.refusals() == ["grant.tenure_running"]
    assert hospital.register().case_id == issued.case_id


def test_a_tenure_that_cannot_seat_its_manager_frees_the_grant(town: Town, hospital: Hospital) -> None:
    visitor = a_visitor(town)

    tenure = hospital.begins("direct", person=visitor.person, why="direct")

    assert tenure.outcome == "not_begun"
    assert hospital.register().case_id is None
    assert hospital.state == GrantState.NONE
    assert tenure.is_sound()


def test_another_unit_cannot_begin_it(hospital: Hospital) -> None:
    tenure = hospital.begins(unit="420000")

    assert tenure.outcome == "not_begun"
    assert tenure.refusals() == ["grant.wrong_unit"]
