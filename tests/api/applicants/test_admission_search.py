"""机构补增 through the API: searching before applying, by name and unit or by phone, and what fields choose from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage import vault
from storage.transactions import transaction
from tests.api.admissions import MASTER_KEY, Portal, a_portal, admitted, found
from tests.api.conftest import Clock, Person
from tests.flows.institution_admission.cases import JIANGAN, JIANGHAN, PHONE, WUHAN, a_credit_code, a_town

OTHER_PHONE = "13900000002"
RENAI = "武汉市江汉区仁爱医院"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    vault.use(vault.Vault(MASTER_KEY))
    return a_town(tmp_path_factory.mktemp("town"), Clock().at)


@pytest.fixture
def portal(tmp_path: Path, town: Path) -> Iterator[Portal]:
    portal = a_portal(tmp_path, town)
    yield portal
    portal.platform.engine.dispose()


@pytest.fixture
def applicant(portal: Portal) -> Person:
    return portal.applicant(PHONE)


def test_anybody_finds_what_is_in_the_library_and_what_is_applied_for(portal: Portal, applicant: Person) -> None:
    admitted(portal, "武汉市江汉区友爱口腔门诊部")
    portal.applies(applicant)

    lines = found(portal.visitor(), name="江汉区")

    shown = [(line["name"], line["state_label"], line["unit"]) for line in lines]
    assert shown[:2] == [
        (RENAI, "待审核", "江汉区卫生健康局"),
        ("武汉市江汉区友爱口腔门诊部", "已收录", "江汉区卫生健康局"),
    ]
    assert {line["is_mine"] for line in lines} == {False}
    assert {line["application_id"] for line in lines} == {None}


@pytest.mark.parametrize("written", ["仁爱医院", "仁愛醫院", "仁 爱 医 院", "（江汉区）仁爱"])
def test_a_name_is_found_however_it_is_written(portal: Portal, written: str) -> None:
    admitted(portal, RENAI)

    assert [line["name"] for line in found(portal.visitor(), name=written)] == [RENAI]


def test_a_unit_finds_what_it_and_those_below_it_supervise(portal: Portal) -> None:
    admitted(portal, RENAI)
    admitted(portal, "武汉市江岸区同济门诊部", JIANGAN)
    visitor = portal.visitor()

    names = {unit: {line["name"] for line in found(visitor, unit=unit, size=100)} for unit in (JIANGHAN, WUHAN)}

    assert names[JIANGHAN] == {RENAI}
    assert {RENAI, "武汉市江岸区同济门诊部", "江汉区卫生健康局"} <= names[WUHAN]


def test_pages_come_by_number_and_by_cursor(portal: Portal) -> None:
    names = [f"武汉市江汉区第{number}门诊部" for number in "一二三四五"]
    for name in names:
        admitted(portal, name)
    visitor = portal.visitor()

    second = visitor.get("/api/v1/admissions", query_string={"unit": JIANGHAN, "page": 2, "size": 2}).json
    first = visitor.get("/api/v1/admissions", query_string={"unit": JIANGHAN, "size": 2}).json
    after = visitor.get("/api/v1/admissions", query_string={"unit": JIANGHAN, "size": 2, "cursor": first["next"]}).json

    assert (second["total"], second["page"], second["size"]) == (5, 2, 2)
    assert [line["name"] for line in second["items"]] == [line["name"] for line in after["items"]]
    assert sorted(line["name"] for line in found(visitor, unit=JIANGHAN, size=100)) == sorted(names)
    assert visitor.get("/api/v1/admissions", query_string={"unit": JIANGHAN, "page": 3, "size": 2}).json["next"] is None


def test_an_opinion_is_for_who_applied(portal: Portal, applicant: Person) -> None:
    application = portal.applies(applicant)
    portal.decides(portal.clerk(JIANGHAN), application, review_decision="reject", opinion="请向江岸区申请")

    (mine,) = found(applicant, name="仁爱")
    (others,) = found(portal.applicant(OTHER_PHONE), name="仁爱")
    (visitors,) = found(portal.visitor(), name="仁爱")

    assert (mine["state_label"], mine["opinion"], mine["is_mine"]) == ("拒绝", "请向江岸区申请", True)
    assert mine["application_id"] == application
    assert (others["opinion"], visitors["opinion"]) == ("仅申请人可见", "仅申请人可见")
    assert others["application_id"] is None


def test_a_search_never_shows_who_applied(portal: Portal, applicant: Person) -> None:
    portal.applies(applicant)

    answer = portal.visitor().get("/api/v1/admissions", query_string={"name": "仁爱"}).text

    assert PHONE not in answer
    assert "王小明" not in answer


def test_an_erased_case_has_no_opinion_left(portal: Portal, applicant: Person) -> None:
    application = portal.applies(applicant)
    portal.decides(portal.clerk(JIANGHAN), application, review_decision="reject", opinion="请向江岸区申请")
    with transaction(portal.platform.sessions) as session:
        vault.current().destroy_data_key(session, f"case:{application}", portal.platform.clock())

    (mine,) = found(applicant, name="仁爱")

    assert mine["opinion"] is None


def test_withdrawn_applications_are_nobody_elses_business(portal: Portal, applicant: Person) -> None:
    application = portal.applies(applicant)
    applicant.post(f"/api/v1/applications/{application}/messages/withdraw")

    assert found(portal.visitor(), name="仁爱") == []
    (mine,) = applicant.get("/api/v1/admissions/mine").json["items"]
    assert mine["state_label"] == "已撤回"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 422, "admission.nothing_sought"),
        ({"name": "仁"}, 422, "admission.nothing_sought"),
        ({"name": "（）"}, 422, "admission.nothing_sought"),
        ({"unit": "999999"}, 404, "unit.unknown"),
        ({"unit": "42"}, 422, "request.invalid"),
        ({"name": "仁" * 300}, 422, "request.invalid"),
        ({"name": "仁爱", "size": 1000}, 422, "request.invalid"),
        ({"name": "仁爱", "phone": PHONE}, 422, "request.invalid"),
    ],
)
def test_a_search_for_nothing_is_refused(portal: Portal, query: dict[str, Any], status: int, code: str) -> None:
    answer = portal.visitor().get("/api/v1/admissions", query_string=query)

    assert (answer.status_code, answer.json["code"]) == (status, code)


@pytest.mark.parametrize("name", ["%%", "__", "\\\\", "' OR 1=1 --"])
def test_wildcards_find_nothing_by_themselves(portal: Portal, name: str) -> None:
    admitted(portal, RENAI)

    answer = portal.visitor().get("/api/v1/admissions", query_string={"name": name})

    assert answer.status_code in {200, 422}
    assert answer.json.get("items", []) == []


def test_searching_is_limited(portal: Portal) -> None:
    visitor = portal.visitor()

    answers = [visitor.get("/api/v1/admissions", query_string={"name": "仁爱"}).status_code for _ in range(61)]

    assert set(answers[:60]) == {200}
    assert answers[60] == 429


# ---- by phone


def test_a_phone_finds_its_own_applications_only_once_it_is_proved(portal: Portal, applicant: Person) -> None:
    application = portal.applies(applicant)

    assert portal.visitor().get("/api/v1/admissions/mine").status_code == 401
    assert portal.applicant(OTHER_PHONE).get("/api/v1/admissions/mine").json["items"] == []
    (mine,) = applicant.get("/api/v1/admissions/mine").json["items"]
    assert (mine["name"], mine["state_label"], mine["application_id"]) == (RENAI, "待审核", application)


def test_ones_own_applications_come_in_pages_too(portal: Portal, applicant: Person) -> None:
    for number, name in enumerate(
        ("武汉市江汉区仁爱医院", "武汉市江汉区长青口腔门诊部", "武汉市江汉区楚天眼科医院"), start=1
    ):
        portal.applies(
            applicant, institution_name=name, credit_code=a_credit_code(number), licence_number=None, category="other"
        )

    first = applicant.get("/api/v1/admissions/mine", query_string={"size": 2}).json
    rest = applicant.get("/api/v1/admissions/mine", query_string={"size": 2, "cursor": first["next"]}).json
    second = applicant.get("/api/v1/admissions/mine", query_string={"size": 2, "page": 2}).json

    assert [line["name"] for line in first["items"]] == ["武汉市江汉区楚天眼科医院", "武汉市江汉区长青口腔门诊部"]
    assert (first["total"], rest["total"], rest["next"]) == (3, 3, None)
    assert [line["name"] for line in rest["items"]] == [line["name"] for line in second["items"]] == [RENAI]


def test_the_same_phone_in_wechat_finds_them_too(portal: Portal, applicant: Person) -> None:
    portal.applies(applicant)
    portal.platform.clock.pass_time(minutes=2)
    wechat = portal.platform.citizen("wang")
    code = wechat.post("/api/v1/sms-codes", {"phone": PHONE}).json["sandbox_code"]
    assert wechat.post("/api/v1/me/phone", {"phone": PHONE, "code": code}).status_code == 200

    (mine,) = wechat.get("/api/v1/admissions/mine").json["items"]

    assert (mine["name"], mine["is_mine"]) == (RENAI, True)


# ---- lookups


def test_the_units_to_choose_from_need_no_sign_in(portal: Portal) -> None:
    items = portal.visitor().get("/api/v1/lookups/units").json["items"]

    by_code = {each["code"]: each for each in items}
    assert len(items) > 100
    assert by_code[JIANGHAN] == {
        "code": JIANGHAN,
        "name": "江汉区卫生健康局",
        "level": "COUNTY",
        "parent_code": WUHAN,
    }


def test_institutions_to_choose_from_are_found_by_name_and_code(portal: Portal, applicant: Person) -> None:
    wanted = admitted(portal, RENAI)

    by_name = applicant.get("/api/v1/lookups/institutions", query_string={"q": "仁爱"}).json["items"]
    by_code = applicant.get("/api/v1/lookups/institutions", query_string={"q": "420103000001"}).json["items"]

    assert [each["id"] for each in by_name] == [each["id"] for each in by_code] == [wanted]
    assert portal.visitor().get("/api/v1/lookups/institutions", query_string={"q": "仁爱"}).status_code == 401
