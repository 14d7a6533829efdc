"""Cases of versions from before a key of flow.toml was there go on as if it said what was the rule then."""

from __future__ import annotations

from bpmn.business_grant.running_changes import running_changes
from tests.flows.business_grant import Tenure, a_hospital, a_person
from tests.flows.story import Town
from tests.flows.versions import deployed_before_the_check, shipped

CHANGES = r"\[changes\].*?\n\n"


def titles(town: Town, tenure: Tenure) -> list[str]:
    with town.sessions() as session:
        return [change.title for change in running_changes(session, tenure.case_id)]


def a_transfer(town: Town) -> Tenure:
    hospital = a_hospital(town)
    wang, li = a_person(town, "王强"), a_person(town, "李梅")
    tenure = hospital.begins("direct", person=wang.person, why="direct")
    return tenure.transfers(wang, li).shows_face(wang)


def test_a_change_under_way_is_called_as_the_folder_calls_it(town: Town) -> None:
    deployed_before_the_check(town, shipped("business_grant", {CHANGES: ""}))

    assert titles(town, a_transfer(town)) == ["转移管理人：待对方确认"]


def test_a_change_under_way_is_called_as_its_own_version_calls_it(town: Town) -> None:
    deployed_before_the_check(town, shipped("business_grant", {"转移管理人：待对方确认": "等对方点头"}))

    assert titles(town, a_transfer(town)) == ["等对方点头"]
