"""考生报名审核: the inbox of a grant, which is there only as long as the grant is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.grants.business import business_group
from engine.actors import Actor
from engine.errors import NotFound
from engine.inbox.page import inbox_page
from tests.flows.business_grant.cases import (
    NURSES,
    Hospital,
    Someone,
    Tenure,
    a_hospital,
    a_person,
    delivered,
    loses_credential,
)
from tests.flows.story import Story, Town

DAY = timedelta(days=1)


@pytest.fixture
def hospital(town: Town) -> Hospital:
    return a_hospital(town)


@pytest.fixture
def wang(town: Town, hospital: Hospital) -> Someone:
    return a_person(town, "王强")


@pytest.fixture
def tenure(hospital: Hospital, wang: Someone) -> Tenure:
    return hospital.begins("direct", person=wang.person, why="direct")


@pytest.fixture
def application(town: Town, hospital: Hospital, applicant: Actor) -> Story:
    values = {"business": NURSES, "institution": hospital.institution, "candidate": "周小红", "subject": "护理学"}
    return town.start("candidate_review", applicant, **values)


def inbox_of(hospital: Hospital, someone: Someone) -> list[str]:
    """Cases whose items the person sees now."""
    with hospital.town.sessions() as session:
        return [item.case_id for item in inbox_page(session, hospital.actor(someone.account)).items]


@pytest.mark.usefixtures("tenure")
def test_the_manager_reviews_candidates_of_the_own_institution(
    hospital: Hospital, wang: Someone, application: Story
) -> None:
    assert application.waits_for("review", group=business_group(NURSES, hospital.institution))
    assert inbox_of(hospital, wang) == [application.case_id]

    application.completes("review", by=hospital.actor(wang.account), decision="pass")

    assert application.outcome == "passed"
    assert application.is_sound()


@pytest.mark.usefixtures("tenure")
def test_a_refusal_says_why(hospital: Hospital, wang: Someone, application: Story) -> None:
    application.completes("review", by=hospital.actor(wang.account), decision="refuse", opinion="学历证明不清楚")

    assert application.outcome == "refused"
    assert application.is_sound()


def test_suspending_empties_the_inbox_at_once(
    hospital: Hospital, tenure: Tenure, wang: Someone, application: Story
) -> None:
    before = hospital.actor(wang.account)
    tenure.tells("suspend", hospital.clerk)

    assert inbox_of(hospital, wang) == []
    with pytest.raises(NotFound):
        application.completes("review", by=hospital.actor(wang.account), decision="pass")
    tenure.tells("resume", hospital.clerk)
    assert inbox_of(hospital, wang) == [application.case_id]
    assert before.groups == hospital.actor(wang.account).groups


@pytest.mark.parametrize("how", ["revoked", "resigned", "credential"])
def test_losing_the_grant_empties_the_inbox_at_once(
    hospital: Hospital, tenure: Tenure, wang: Someone, application: Story, how: str
) -> None:
    assert inbox_of(hospital, wang) == [application.case_id]

    if how == "revoked":
        tenure.tells("revoke", hospital.clerk, stop=False)
    elif how == "resigned":
        tenure.tells("resign", wang)
    else:
        loses_credential(hospital.town, wang)

    assert inbox_of(hospital, wang) == []
    delivered(hospital.town)
    assert tenure.outcome is not None


def test_an_auxiliary_reviews_until_removed(
    town: Town, hospital: Hospital, tenure: Tenure, wang: Someone, application: Story
) -> None:
    li = a_person(town, "李梅")
    tenure.has_auxiliary(wang, li)
    assert inbox_of(hospital, li) == [application.case_id]

    tenure.tells("remove_auxiliary", wang, person=li.person, why="removed")

    assert inbox_of(hospital, li) == []
    assert inbox_of(hospital, wang) == [application.case_id]


def test_nobody_elses_manager_sees_it(town: Town, hospital: Hospital, application: Story) -> None:
    li = a_person(town, "李梅")

    assert inbox_of(hospital, li) == []


def test_an_application_nobody_reviews_lapses(application: Story) -> None:
    application.passes(10 * DAY)
    assert application.outcome is None

    application.passes(20 * DAY)

    assert application.outcome == "lapsed"
    assert application.is_sound()


def test_the_candidate_withdraws(application: Story) -> None:
    application.message("withdraw")

    assert application.outcome == "withdrawn"
    assert application.is_sound()
