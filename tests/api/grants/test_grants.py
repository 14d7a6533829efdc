"""What a unit does with one grant over HTTP: its code, 直接授权, its tenure, and the page that tells its course."""

from __future__ import annotations

import pytest

from tests.api.conftest import Person
from tests.api.granting import Province, code_of, number_of
from tests.flows.business_grant.cases import NURSES, Someone

# ---- codes


def test_a_code_is_made_once(province: Province, clerk: Person) -> None:
    clerk.post(f"{province.path}/code")

    assert code_of(clerk.post(f"{province.path}/code")) == (409, "grant.tenure_running")


def test_a_code_is_replaced_and_extended(province: Province, clerk: Person) -> None:
    first = clerk.post(f"{province.path}/code").json
    province.platform.clock.pass_time(days=3)
    clerk = province.clerk()

    extended = clerk.post(f"{province.path}/code/extend").json
    second = clerk.post(f"{province.path}/code/replace").json

    assert extended["code"] == first["code"]
    assert extended["code_expires_at"] > first["code_expires_at"]
    assert second["code"] not in (None, first["code"])


def test_there_is_nothing_to_extend_before_a_code(province: Province, clerk: Person) -> None:
    for act in ("code/extend", "code/replace", "suspend", "resume"):
        assert code_of(clerk.post(f"{province.path}/{act}")) == (409, "grant.no_tenure")


def test_a_request_that_is_refused_leaves_nothing(province: Province, clerk: Person) -> None:
    visitor, _ = province.visitor()

    answer = clerk.post(f"{province.path}/bind", {"document_number": "420106198001011237"})

    assert code_of(answer) == (409, "grant.person_not_verified")
    assert province.hospital.register().case_id is None
    assert visitor.person is not None


# ---- 直接授权


def test_the_unit_binds_by_document_number(province: Province, clerk: Person, wang: tuple[Someone, Person]) -> None:
    answer = clerk.post(f"{province.path}/bind", {"document_number": number_of(wang[0])})

    assert (answer.status_code, answer.json["state_label"]) == (200, "已授权")
    assert province.hospital.register().manager_person_id == wang[0].person


def test_binding_voids_an_open_code(province: Province, clerk: Person, wang: tuple[Someone, Person]) -> None:
    code = clerk.post(f"{province.path}/code").json["code"]

    answer = clerk.post(f"{province.path}/bind", {"document_number": number_of(wang[0])})

    assert answer.json["code"] is None
    assert code_of(wang[1].post("/api/v1/my/grants/redeem", {"code": code})) == (409, "grant.code_not_valid")
    again = clerk.post(f"{province.path}/bind", {"document_number": number_of(wang[0])})
    assert code_of(again) == (409, "grant.already_active")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("420106198001011230", "grant.document_number"),  # wrong check digit
        ("42010619800101123", "grant.document_number"),
        ("420106198502022348", "grant.person_not_verified"),  # a number nobody is verified by
    ],
)
def test_a_number_that_is_nobodys_binds_nobody(province: Province, clerk: Person, number: str, code: str) -> None:
    answer = clerk.post(f"{province.path}/bind", {"document_number": number})

    assert answer.json["code"] == code
    assert province.hospital.state == "NONE"


# ---- a tenure


@pytest.fixture
def granted(province: Province, clerk: Person, wang: tuple[Someone, Person]) -> Someone:
    assert clerk.post(f"{province.path}/bind", {"document_number": number_of(wang[0])}).status_code == 200
    return wang[0]


@pytest.mark.usefixtures("granted")
def test_the_unit_suspends_and_resumes(province: Province, clerk: Person) -> None:
    assert code_of(clerk.post(f"{province.path}/resume")) == (409, "grant.not_suspended")

    assert clerk.post(f"{province.path}/suspend", {"reason": "资料待核"}).json["state_label"] == "已暂停"

    assert code_of(clerk.post(f"{province.path}/suspend")) == (409, "grant.not_active")
    assert clerk.post(f"{province.path}/resume").json["state_label"] == "已授权"


def test_what_revoking_touches_is_shown_first(province: Province, clerk: Person, granted: Someone) -> None:
    li, _ = province.person("李梅")
    zhao, _ = province.person("赵云")
    tenure = province.tenure().has_auxiliary(granted, li)
    tenure.transfers(granted, zhao).shows_face(granted)
    applicant = province.town.somebody("openid-zhou")
    values = {
        "business": NURSES,
        "institution": province.hospital.institution,
        "candidate": "周小红",
        "subject": "护理学",
    }
    province.town.start("candidate_review", applicant, **values)

    touched = clerk.get(f"{province.path}/impact").json

    assert touched["manager"]["name"] == "王*"
    assert [each["name"] for each in touched["auxiliaries"]] == ["李*"]
    assert touched["open_work_items"] == 1
    assert touched["running"] == ["转移管理人：待对方确认"]


@pytest.mark.usefixtures("granted")
def test_revoking_to_replace_leads_back_to_no_code(province: Province, clerk: Person) -> None:
    answer = clerk.post(f"{province.path}/revoke", {"how": "replace", "reason": "人员调离"})

    assert answer.json.get("state_label") == "未生成", answer.text
    assert clerk.post(f"{province.path}/code").json["state_label"] == "已生成未激活"


@pytest.mark.usefixtures("granted")
def test_revoking_binds_the_next_at_once(province: Province, clerk: Person) -> None:
    li, _ = province.person("李梅")

    clerk.post(f"{province.path}/revoke", {"how": "replace", "next_document_number": number_of(li)})
    province.delivers()

    assert province.hospital.register().manager_person_id == li.person


@pytest.mark.usefixtures("granted")
def test_stopping_and_enabling(province: Province, clerk: Person) -> None:
    assert clerk.post(f"{province.path}/revoke", {"how": "stop"}).json["state_label"] == "已停用"

    assert code_of(clerk.post(f"{province.path}/code")) == (409, "grant.stopped")
    assert clerk.post(f"{province.path}/enable").json["state_label"] == "未生成"
    assert code_of(clerk.post(f"{province.path}/enable")) == (409, "grant.not_stopped")


def test_a_grant_nothing_runs_for_is_stopped(province: Province, clerk: Person) -> None:
    assert clerk.post(f"{province.path}/revoke", {"how": "stop"}).json["state_label"] == "已停用"


def test_a_page_tells_the_whole_course_masked(province: Province, clerk: Person, granted: Someone) -> None:
    li, _ = province.person("李梅")
    province.tenure().has_auxiliary(granted, li)

    page = clerk.get(province.path).json

    assert [(each["name"], each["role_label"], each["why"]) for each in page["holders"]] == [
        ("李*", "辅助管理员", "管理人添加"),
        ("王*", "管理人", "行政单位直接授权"),
    ]
    assert [each["became_label"] for each in page["changes"]] == ["已授权"]
    assert "王强" not in clerk.get(province.path).text
    revealed = clerk.get(province.path, query_string={"reveal": "true"}).json
    assert {each["name"] for each in revealed["holders"]} == {"王强", "李梅"}
    assert province.looks() == {granted.person, li.person}


def test_who_decides_a_takeover_learns_whom_it_is_about(province: Province, clerk: Person, granted: Someone) -> None:
    li, _ = province.person("李梅")
    case = province.tenure().tells("takeover", li, person=li.person).case_id

    masked = clerk.get(f"/api/v1/cases/{case}/grant").json
    revealed = clerk.get(f"/api/v1/cases/{case}/grant", query_string={"reveal": "true"}).json

    assert [(each["title"], each["person"]["name"], each["is_units_turn"]) for each in masked["running"]] == [
        ("申请接管：等待行政单位决定", "李*", True)
    ]
    assert revealed["running"][0]["person"]["document_number"] == number_of(li)
    assert province.looks() == {granted.person, li.person}
    assert code_of(province.clerk("420102").get(f"/api/v1/cases/{case}/grant")) == (404, "grant.unknown")
    assert code_of(clerk.get(f"/api/v1/cases/{'0' * 26}/grant")) == (404, "grant.unknown")
