"""The case page as its reviewer sees it: what was read, what was checked, what happened, where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from api.edge.model import EvidenceLook
from engine.flow.xml import parse_xml
from storage import vault
from storage.transactions import transaction
from tests.api.conftest import Person
from tests.api.reviews import Office, an_office, claimed_case, first_item
from tests.flows.readings import a_selfie_match


@pytest.fixture
def office(tmp_path: Path, engine: Engine) -> Office:
    return an_office(tmp_path, engine)


@pytest.fixture
def reviewer(office: Office) -> Person:
    return office.reviewer()


def test_what_was_read_lies_beside_what_was_typed(office: Office, reviewer: Person) -> None:
    office.waits_for_review(name="张叁", confidences={"name": 0.97})

    found = reviewer.get(f"/api/v1/cases/{claimed_case(reviewer)}/readings").json

    rows = {row["label"]: row for row in found["readings"][0]["rows"]}
    assert found["document_label"] == "居民身份证"
    assert (rows["姓名"]["typed"], rows["姓名"]["read"]) == ("张三", "张叁")
    assert (rows["姓名"]["agreement"], rows["姓名"]["confidence"]) == ("different", 0.97)
    assert rows["证件编号"]["agreement"] == "same"
    assert (rows["住址"]["typed"], rows["住址"]["agreement"]) == (None, None)
    assert any("张叁" in sentence for sentence in found["readings"][0]["findings"])


def test_a_field_has_its_box_and_a_page_its_picture(office: Office, reviewer: Person) -> None:
    office.waits_for_review(front_warnings=["glare", "low_confidence.name"])

    front = reviewer.get(f"/api/v1/cases/{claimed_case(reviewer)}/readings").json["readings"][0]["pages"][0]

    assert front["label"] == "身份证人像面"
    assert [(field["label"], field["box"]) for field in front["fields"]] == [("姓名", [180, 60, 320, 120])]
    assert [warning["text"] for warning in front["warnings"]] == [
        "证件表面反光，请避开光源重新拍摄。",
        "姓名识别把握不大，请核对。",
    ]
    assert reviewer.get(front["original"]["url"]).status_code == 200


def test_the_number_is_held_against_the_card(office: Office, reviewer: Person) -> None:
    office.waits_for_review(validity="2010.03.02-2020.03.02")

    checks = reviewer.get(f"/api/v1/cases/{claimed_case(reviewer)}/readings").json["readings"][0]["checks"]

    told = {check["code"]: (check["state"], check["sentence"]) for check in checks}
    assert told["number"][0] == "ok"
    assert told["division"] == ("ok", "110105 为北京市朝阳区（首次登记地）。")
    assert told["birth"][0] == told["sex"][0] == "unknown"
    assert told["age"] == ("ok", "76 周岁。")
    assert told["validity"] == ("problem", "证件已于 2020-03-02 到期。")
    assert told["term"][0] == "problem"


def test_a_warning_of_an_older_reader_is_shown_by_its_code(office: Office, reviewer: Person) -> None:
    office.waits_for_review(front_warnings=["upside_down_mrz", "field_missing.shoe_size"])

    front = reviewer.get(f"/api/v1/cases/{claimed_case(reviewer)}/readings").json["readings"][0]["pages"][0]

    assert [warning["text"] for warning in front["warnings"]] == ["upside_down_mrz", "field_missing.shoe_size"]


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\U00020000\U0002a6d6三", 'O\'Brien "x" & y', "甲" * 80])
def test_a_strange_name_is_data_and_nothing_else(office: Office, reviewer: Person, name: str) -> None:
    story = office.reads(office.applies("zhang", name=name))
    case_id = claimed_case(reviewer)

    row = reviewer.get(f"/api/v1/cases/{case_id}/readings").json["readings"][0]["rows"][0]
    history = reviewer.get(f"/api/v1/cases/{case_id}/history").json["items"]

    assert (row["typed"], row["agreement"]) == (name, "different")
    typed = next(line for line in history if line["element"] == "information")["details"]
    assert {"title": "真实姓名", "value": name} in typed
    assert name not in office.reviewer("colleague").get(f"/api/v1/cases/{story.case_id}/readings").text


def test_an_opinion_that_is_far_too_long_is_named_and_nothing_is_lost(office: Office, reviewer: Person) -> None:
    office.waits_for_review()
    claimed_case(reviewer)
    path = f"/api/v1/work-items/{first_item(reviewer)['id']}"
    values = {"review_decision": "reject", "reject_reasons": ["other"], "opinion": "字" * 10_000}

    draft = reviewer.put(f"{path}/draft", {"values": values})
    answer = reviewer.post(f"{path}/complete", {"values": values})

    assert draft.status_code == 204
    assert (answer.status_code, [each["field"] for each in answer.json["problems"]]) == (422, ["opinion"])
    assert reviewer.get(path).json["draft"]["opinion"] == values["opinion"]


def test_an_erased_case_keeps_its_outline_only(office: Office, reviewer: Person) -> None:
    story = office.waits_for_review()
    case_id = claimed_case(reviewer)
    with transaction(office.platform.sessions) as session:
        vault.current().destroy_data_key(session, f"case:{case_id}", office.platform.clock())

    readings = reviewer.get(f"/api/v1/cases/{case_id}/readings")
    history = reviewer.get(f"/api/v1/cases/{case_id}/history")
    diagram = reviewer.get(f"/api/v1/cases/{case_id}/diagram")

    assert (readings.status_code, readings.json["readings"]) == (200, [])
    assert {line["sentence"] for line in history.json["items"]} == {"内容已依法删除"}
    assert [token["element"] for token in diagram.json["tokens"]] == ["review"]
    assert story.case_id == case_id


def test_attempts_stay_side_by_side(office: Office, reviewer: Person) -> None:
    story = office.waits_for_review(back_warnings=["glare"])
    story.completes("review", review_decision="new_photos", new_photos=["back"], opinion="反面有反光")
    office.reads(story)

    readings = reviewer.get(f"/api/v1/cases/{claimed_case(reviewer)}/readings").json["readings"]

    assert [reading["number"] for reading in readings] == [1, 2]
    assert [len(reading["pages"][1]["warnings"]) for reading in readings] == [1, 0]
    pictures = [reading["pages"][0]["original"]["id"] for reading in readings]
    assert pictures[0] != pictures[1]


def test_a_photo_that_cannot_be_opened_is_an_attempt_with_its_reason(office: Office, reviewer: Person) -> None:
    story = office.applies("zhang")
    story.completes("scan", front=story.photo(), back=story.photo())
    story.job("document.read").fails("document.unreadable_file")

    reading = reviewer.get(f"/api/v1/cases/{claimed_case(reviewer)}/readings").json["readings"][0]

    assert reading["failure"] == "照片的文件无法打开。"
    assert [row["agreement"] for row in reading["rows"]] == ["unread", "unread"]


def test_a_face_pair_shows_its_score_in_its_band_and_earlier_failures(office: Office, reviewer: Person) -> None:
    verified = office.reads(office.applies("zhang", method="automatic"))
    assert verified.outcome == "verified"
    story = office.reads(office.applies("another-account", method="automatic"))
    story.completes("choose_proof", proof="face")
    story.completes("face_consent", face_choice="agree", face_consent_version="compare_face/2026-01")
    story.completes("selfie", selfie=office.selfie(story))
    story.job("face.match").fails("face.several")
    selfie = office.selfie(story)
    story.completes("selfie", selfie=selfie)
    story.job("face.match").returns(a_selfie_match("unsure"))

    found = reviewer.get(f"/api/v1/cases/{claimed_case(reviewer)}/readings").json

    failed, unsure = found["faces"]
    assert failed["failure"] == "照片中有多张人脸。"
    assert (unsure["band"], unsure["band_text"], unsure["score"]) == ("unsure", "无法确定，请仔细对照", 0.4)
    assert unsure["selfie"]["id"] == selfie
    assert unsure["portrait"]["id"] == found["readings"][-1]["pages"][0]["original"]["id"]


def test_who_has_not_claimed_sees_no_picture_and_no_person(office: Office, reviewer: Person) -> None:
    story = office.waits_for_review(name="张叁")

    answer = reviewer.get(f"/api/v1/cases/{story.case_id}/readings")
    history = reviewer.get(f"/api/v1/cases/{story.case_id}/history")

    assert answer.json["is_masked"]
    assert history.json["is_masked"]
    for secret in ("张三", "张叁", "11010519491231002X", "建国路", "signature"):
        assert secret not in answer.text + history.text
    with office.platform.sessions() as session:
        assert session.scalars(select(EvidenceLook)).all() == []


def test_every_unmasked_page_leaves_a_look(office: Office, reviewer: Person) -> None:
    office.waits_for_review()
    case_id = claimed_case(reviewer)

    for page in ("", "/readings", "/history", "/diagram"):
        assert reviewer.get(f"/api/v1/cases/{case_id}{page}").status_code == 200

    with office.platform.sessions() as session:
        looks = session.scalars(select(EvidenceLook.what).where(EvidenceLook.case_id == case_id)).all()
    assert sorted(looks) == ["case", "history", "reading"]


def test_a_foreign_case_does_not_exist(office: Office) -> None:
    story = office.waits_for_review()
    stranger = office.reviewer("stranger", "parking.guard")

    answers = [
        stranger.get(f"/api/v1/cases/{story.case_id}{page}") for page in ("", "/readings", "/history", "/diagram")
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


def test_the_history_says_who_did_what(office: Office, reviewer: Person) -> None:
    story = office.waits_for_review()
    case_id = claimed_case(reviewer)
    item = reviewer.get("/api/v1/inbox", query_string={"view": "mine"}).json["items"][0]["id"]
    values = {"review_decision": "new_photos", "new_photos": ["back"], "opinion": "反面有反光"}
    reviewer.post(f"/api/v1/work-items/{item}/complete", {"values": values})
    office.reads(story)
    claimed_case(reviewer)

    lines = reviewer.get(f"/api/v1/cases/{case_id}/history").json["items"]

    told = [f"{line['who']}：{line['sentence']}" for line in lines if not line["is_routine"]]
    assert told[:3] == ["申请人：发起实名认证", "申请人：完成“阅读并同意”", "申请人：完成“信息填写”"]
    assert "reviewer：完成“人工审核”" in told
    review = next(line for line in lines if line["element"] == "review")
    assert review["is_mine"]
    assert {each["title"]: each["value"] for each in review["details"]} == {
        "审核结论": "要求补拍",
        "需要补拍的照片": "证件反面",
        "审核意见": "反面有反光",
    }


def test_a_closed_case_is_masked_again_and_says_how_it_ended(office: Office, reviewer: Person) -> None:
    office.waits_for_review()
    case_id = claimed_case(reviewer)
    item = reviewer.get("/api/v1/inbox", query_string={"view": "mine"}).json["items"][0]["id"]
    reviewer.post(f"/api/v1/work-items/{item}/complete", {"values": {"review_decision": "approve"}})

    history = reviewer.get(f"/api/v1/cases/{case_id}/history").json
    case = reviewer.get(f"/api/v1/cases/{case_id}").json

    closed = reviewer.get(f"/api/v1/work-items/{item}")
    assert history["is_masked"]
    assert closed.json["is_masked"]
    assert closed.json["images"] == []
    assert "11010519491231002X" not in closed.text
    assert history["items"][-1]["sentence"] == "办结：认证成功"
    assert case["is_masked"]
    assert case["awaits"] == []


def test_the_page_says_why_the_case_waits(office: Office, reviewer: Person) -> None:
    story = office.waits_for_review()
    path = f"/api/v1/cases/{story.case_id}"

    unclaimed = reviewer.get(path).json["awaits"]
    claimed_case(reviewer)
    claimed = reviewer.get(path).json["awaits"]

    assert unclaimed[0]["sentence"] == "等待审核员领取“人工审核”，应在 03月03日 10:00 前办完"
    assert claimed[0]["sentence"].startswith("“人工审核”正由reviewer办理")
    assert [each["kind"] for each in claimed] == ["WORK_ITEM", "TIMER", "TIMER"]


def test_the_diagram_shows_the_token_the_way_and_the_counts(office: Office, reviewer: Person) -> None:
    story = office.waits_for_review()
    story.completes("review", review_decision="new_photos", new_photos=["back"], opinion="反面有反光")
    office.reads(story)

    shown = reviewer.get(f"/api/v1/cases/{story.case_id}/diagram").json

    assert [(token["element"], token["kind"]) for token in shown["tokens"]] == [("review", "WORK_ITEM")]
    times = {each["element"]: each["times"] for each in shown["elements"]}
    assert (times["information"], times["read"], times["review"]) == (1, 2, 2)
    drawn = {flow.get("id") for flow in parse_xml(shown["xml"].encode()).iter("{*}sequenceFlow")}
    assert set(shown["lines"]) <= drawn
    assert {"scan__read", "retake__read", "review__reviewed", "reviewed__notice_photos"} <= set(shown["lines"])
    assert not {"reviewed__notice_rejected", "reviewed__portrait_kept", "scan_page__read"} & set(shown["lines"])
