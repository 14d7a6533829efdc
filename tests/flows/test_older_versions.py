"""Cases of versions from before a key of flow.toml was there go on as if it said what was the rule then."""

from __future__ import annotations

import re

from bpmn.business_grant.running_changes import running_changes
from engine.flow.flow import flow_of_files
from tests.flows.business_grant.cases import AGREED, Tenure, a_card_of, a_hospital, a_person
from tests.flows.story import Town
from tests.flows.versions import deployed_before_the_check, shipped

CHANGES = r"\[changes\].*?\n\n"
CONFIDENT = r'\n *<spiffworkflow:parameter id="confident_from"[^\n]*'


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


def a_card_read_under_another_name(town: Town) -> Tenure:
    """Fairly sure: 0.95."""
    hospital = a_hospital(town)
    li = a_person(town, "李梅", portrait=False)
    tenure = hospital.begins()
    tenure.redeemed_by(li)
    tenure.fills("face_consent", li, **AGREED)
    tenure.fills("scan_card", li, front=tenure.photo())
    reading = dict(a_card_of(li))
    reading["fields"] = {**reading["fields"], "name": "李海"}
    reading["confidences"] = {**reading["confidences"], "name": 0.95}
    tenure.job("document.read").returns(reading)
    return tenure


def test_a_version_without_the_confidence_goes_by_nine_tenths(town: Town) -> None:
    older = shipped("business_grant", {CONFIDENT: ""}, "prove.bpmn")
    config = re.sub(rb"\nconfident_from[^\n]*", b"", older.files["flow.toml"])
    deployed_before_the_check(town, flow_of_files({**older.files, "flow.toml": config}))

    assert a_card_read_under_another_name(town).waits_for("scan_card")


def test_the_confidence_is_a_setting_of_the_version(town: Town) -> None:
    deployed_before_the_check(town, shipped("business_grant", {"confident_from = 0.9": "confident_from = 0.99"}))

    assert a_card_read_under_another_name(town).waits_for("take_selfie")
