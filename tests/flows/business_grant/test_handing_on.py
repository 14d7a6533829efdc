"""业务授权: transfers, takeovers and auxiliaries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.grants.grant import GrantState
from engine.errors import Conflict
from tests.flows.business_grant.cases import (
    COUNTY,
    Hospital,
    Someone,
    Tenure,
    a_hospital,
    a_person,
    a_visitor,
    delivered,
    loses_credential,
    notice_text,
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
def zhao(town: Town, hospital: Hospital) -> Someone:
    return a_person(town, "赵云")


@pytest.fixture
def tenure(hospital: Hospital, wang: Someone) -> Tenure:
    return hospital.begins("direct", person=wang.person, why="direct")


@pytest.fixture
def offered(tenure: Tenure, wang: Someone, li: Someone) -> Tenure:
    """王强 has asked 李梅 to take over and has shown his face."""
    return tenure.transfers(wang, li).shows_face(wang)


# ---- transfer


def test_a_transfer_waits_for_the_other(hospital: Hospital, offered: Tenure, wang: Someone, li: Someone) -> None:
    assert offered.waits_for("t_accept", group=f"person:{li.person}")
    assert offered.notices()[-1] == f"transfer_asked → person:{li.person}"
    assert hospital.register().manager_person_id == wang.person


def test_one_tap_accepts_it_and_the_next_tenure_begins(
    town: Town, hospital: Hospital, offered: Tenure, wang: Someone, li: Someone
) -> None:
    offered.fills("accept", li, answer="accept")

    assert offered.outcome == "handed_over"
    assert (hospital.state, hospital.register().manager_person_id) == (GrantState.ACTIVE, li.person)
    delivered(town)
    following = hospital.running()
    assert following.case_id != offered.case_id
    assert following.variables["manager"] == li.person
    assert hospital.register().tenure == 2
    following.tells("resign", li)
    assert following.outcome == "resigned"
    assert offered.is_sound()
    assert following.is_sound()


def test_a_successor_who_lost_the_credential_meanwhile_is_not_seated(
    town: Town, hospital: Hospital, offered: Tenure, li: Someone
) -> None:
    offered.fills("accept", li, answer="accept")
    loses_credential(town, li)

    delivered(town)

    assert (hospital.state, hospital.register().case_id) == (GrantState.NONE, None)
    unbegun = hospital.last_case()
    assert (unbegun.outcome, unbegun.notices()) == ("not_begun", [f"not_begun → unit:{COUNTY}"])
    assert unbegun.is_sound()


def test_the_other_declines(hospital: Hospital, offered: Tenure, wang: Someone, li: Someone) -> None:
    offered.fills("accept", li, answer="decline")

    assert hospital.register().manager_person_id == wang.person
    assert offered.notices()[-1] == f"transfer_declined → person:{wang.person}"
    assert offered.transfers(wang, li).waits_for("face_consent")  # and may be asked again
    assert offered.is_sound()


def test_a_transfer_nobody_accepts_lapses_after_seven_days(hospital: Hospital, offered: Tenure, wang: Someone) -> None:
    offered.passes(6 * DAY)
    assert offered.waits_for("t_accept")

    offered.passes(1 * DAY)

    assert offered.open_forms() == []
    assert hospital.register().manager_person_id == wang.person
    assert f"transfer_lapsed → person:{wang.person}" in offered.notices()
    assert offered.is_sound()


def test_a_manager_takes_a_transfer_back(offered: Tenure, wang: Someone, li: Someone) -> None:
    offered.tells("cancel_transfer", wang)

    assert offered.open_forms() == []
    assert offered.notices()[-1] == f"transfer_cancelled → person:{li.person}"
    assert offered.is_sound()


def test_one_transfer_at_a_time(offered: Tenure, wang: Someone, zhao: Someone) -> None:
    with pytest.raises(Conflict):
        offered.transfers(wang, zhao)


def test_auxiliaries_stay_unless_unticked(
    town: Town, hospital: Hospital, tenure: Tenure, wang: Someone, li: Someone, zhao: Someone
) -> None:
    tenure.has_auxiliary(wang, zhao)

    tenure.transfers(wang, li).shows_face(wang).fills("accept", li, answer="accept")
    assert hospital.auxiliaries() == [zhao.person]
    delivered(town)
    following = hospital.running()
    following.transfers(li, wang, keep_auxiliaries=False).shows_face(li).fills("accept", wang, answer="accept")

    assert hospital.auxiliaries() == []
    assert hospital.register().manager_person_id == wang.person


def test_the_unit_confirms_a_manager_who_shows_no_face(
    hospital: Hospital, tenure: Tenure, wang: Someone, li: Someone
) -> None:
    tenure.transfers(wang, li).fills("face_consent", wang, face_choice="decline")
    assert tenure.waits_for("confirm", group=f"unit:{COUNTY}")

    tenure.fills("confirm", hospital.clerk, unit_decision="approve", confirmed_by="counter")

    assert tenure.waits_for("t_accept", group=f"person:{li.person}")


def test_a_manager_nobody_confirms_hands_nothing_on(
    hospital: Hospital, tenure: Tenure, wang: Someone, li: Someone
) -> None:
    tenure.transfers(wang, li).fills("face_consent", wang, face_choice="decline")

    tenure.fills("confirm", hospital.clerk, unit_decision="refuse", unit_opinion="电话不是本人接听")

    assert hospital.register().manager_person_id == wang.person
    assert tenure.notices()[-1] == f"transfer_not_proved → person:{wang.person}"
    assert tenure.is_sound()


def test_nobody_transfers_to_oneself(hospital: Hospital, tenure: Tenure, wang: Someone) -> None:
    tenure.transfers(wang, wang)

    assert tenure.refusals() == ["grant.own_number"]
    assert tenure.open_forms() == []


def test_a_person_verified_by_permit_cannot_become_manager(town: Town, tenure: Tenure, wang: Someone) -> None:
    visitor = a_visitor(town)

    tenure.transfers(wang, visitor)

    assert tenure.refusals() == ["grant.person_not_verified"]
    assert tenure.open_forms() == []


def test_a_suspended_grant_is_not_transferred(hospital: Hospital, offered: Tenure, wang: Someone, li: Someone) -> None:
    offered.tells("suspend", hospital.clerk)

    offered.fills("accept", li, answer="accept")

    assert offered.refusals() == ["grant.not_active"]
    assert hospital.register().manager_person_id == wang.person
    assert offered.outcome is None
    assert offered.is_sound()


# ---- auxiliaries


def test_an_auxiliary_uses_the_business_after_accepting(
    hospital: Hospital, tenure: Tenure, wang: Someone, li: Someone
) -> None:
    tenure.tells("add_auxiliary", wang, target=li.person, account=wang.account).shows_face(wang)
    assert tenure.waits_for("a_accept", group=f"person:{li.person}")
    assert hospital.auxiliaries() == []

    tenure.fills("accept", li, answer="accept")

    assert hospital.auxiliaries() == [li.person]
    assert notice_text(tenure, "auxiliary_added").startswith("李*")
    assert tenure.is_sound()


def test_two_auxiliaries_may_be_asked_at_once(
    hospital: Hospital, tenure: Tenure, wang: Someone, li: Someone, zhao: Someone
) -> None:
    tenure.tells("add_auxiliary", wang, target=li.person, account=wang.account).shows_face(wang)
    tenure.tells("add_auxiliary", wang, target=zhao.person, account=wang.account).shows_face(wang)

    tenure.accepts_as(zhao)
    tenure.accepts_as(li)

    assert sorted(hospital.auxiliaries()) == sorted([li.person, zhao.person])
    assert tenure.is_sound()


@pytest.mark.parametrize("how", ["declines", "lapses", "cancelled", "not_proved"])
def test_an_auxiliary_who_does_not_accept_is_none(
    hospital: Hospital, tenure: Tenure, wang: Someone, li: Someone, how: str
) -> None:
    tenure.tells("add_auxiliary", wang, target=li.person, account=wang.account)
    if how == "not_proved":
        tenure.passes(DAY)
    else:
        tenure.shows_face(wang)
    if how == "declines":
        tenure.fills("accept", li, answer="decline")
    elif how == "lapses":
        tenure.passes(7 * DAY)
    elif how == "cancelled":
        tenure.tells("cancel_auxiliary", wang, correlation=li.person)

    assert hospital.auxiliaries() == []
    assert tenure.open_forms() == []
    assert tenure.is_sound()


@pytest.mark.parametrize("why", ["removed", "left"])
def test_an_auxiliary_is_removed(hospital: Hospital, tenure: Tenure, wang: Someone, li: Someone, why: str) -> None:
    tenure.has_auxiliary(wang, li)

    tenure.tells("remove_auxiliary", wang if why == "removed" else li, person=li.person, why=why)

    assert hospital.auxiliaries() == []
    assert tenure.is_sound()


def test_what_cannot_be_an_auxiliary_is_refused(
    town: Town, hospital: Hospital, tenure: Tenure, wang: Someone, li: Someone
) -> None:
    visitor = a_visitor(town)
    tenure.has_auxiliary(wang, li)

    for someone in (wang, li, visitor):
        tenure.tells("add_auxiliary", wang, target=someone.person, account=wang.account)
    tenure.tells("remove_auxiliary", wang, person=visitor.person, why="removed")

    assert tenure.refusals() == [
        "grant.own_number",
        "grant.is_auxiliary",
        "grant.person_not_verified",
        "grant.not_auxiliary",
    ]
    assert tenure.open_forms() == []
    assert hospital.auxiliaries() == [li.person]


# ---- 申请接管


@pytest.fixture
def asked(tenure: Tenure, li: Someone) -> Tenure:
    return tenure.tells("takeover", li, person=li.person)


def test_the_old_manager_hears_of_a_takeover(asked: Tenure, wang: Someone) -> None:
    assert asked.waits_for("decide_takeover", group=f"unit:{COUNTY}")
    assert asked.notices()[-2:] == [f"takeover_asked → person:{wang.person}", f"takeover_asked → unit:{COUNTY}"]


def test_the_unit_lets_somebody_take_over(
    town: Town, hospital: Hospital, asked: Tenure, wang: Someone, li: Someone
) -> None:
    asked.fills("decide_takeover", hospital.clerk, takeover_decision="approve")

    assert asked.outcome == "handed_over"
    assert hospital.register().manager_person_id == li.person
    assert hospital.holders()[0] == ("MANAGER", li.person, "takeover", hospital.clerk.id)
    assert f"taken_over → person:{wang.person}" in asked.notices()
    delivered(town)
    assert hospital.running().is_sound()
    assert asked.is_sound()


def test_the_unit_refuses_a_takeover(hospital: Hospital, asked: Tenure, wang: Someone, li: Someone) -> None:
    asked.fills("decide_takeover", hospital.clerk, takeover_decision="refuse", takeover_opinion="原管理人仍在岗")

    assert hospital.register().manager_person_id == wang.person
    assert notice_text(asked, "takeover_refused").endswith("意见：原管理人仍在岗")
    assert asked.transfers(wang, li).waits_for("face_consent")
    assert asked.is_sound()


def test_a_takeover_nobody_decides_lapses(hospital: Hospital, asked: Tenure, wang: Someone) -> None:
    asked.passes(5 * DAY)
    assert f"takeover_waiting → unit:{COUNTY}" in asked.notices()
    asked.passes(10 * DAY)

    assert asked.open_forms() == []
    assert hospital.register().manager_person_id == wang.person
    assert asked.is_sound()


def test_a_manager_who_transfers_ends_the_takeover(
    hospital: Hospital, asked: Tenure, wang: Someone, li: Someone, zhao: Someone
) -> None:
    asked.transfers(wang, zhao)

    assert f"takeover_dropped → person:{li.person}" in asked.notices()
    assert asked.waits_for("face_consent", group=f"person:{wang.person}")
    asked.shows_face(wang).fills("accept", zhao, answer="accept")
    assert hospital.register().manager_person_id == zhao.person
    assert asked.is_sound()
