"""机构补增 through the API: searching first, one's own applications, the form to stamp, bad input, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

import vault
from database import transaction
from tests.api.admissions import MASTER_KEY, Portal, a_pdf, a_portal, fill_in, item_of
from tests.api.conftest import Clock, Person, a_jpeg
from tests.flows.institution_admission import (
    JIANGAN,
    JIANGHAN,
    PHONE,
    WUHAN,
    a_credit_code,
    a_registration,
    a_stamp,
    a_town,
    in_the_library,
)
from tests.flows.story import Town

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


def admitted(portal: Portal, name: str, unit: str = JIANGHAN) -> str:
    return in_the_library(Town(portal.platform.sessions, portal.platform.clock()), name, unit=unit)


def found(person: Person, **query: Any) -> list[dict[str, Any]]:
    answer = person.get("/api/v1/admissions", query_string=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json["items"])


# ---- searching


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


# ---- the form to stamp


def test_the_form_is_printed_with_what_was_typed(portal: Portal, applicant: Person) -> None:
    application = portal.registers(applicant)

    answer = applicant.get(f"/api/v1/admissions/{application}/blank-form")

    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"].isascii(), "gunicorn sends no other header"
    text = pypdfium2.PdfDocument(answer.data)[0].get_textpage().get_text_range()
    assert "单位用户注册申请表" in text
    for value in (RENAI, a_credit_code(), "江汉区卫生健康局", "医院", "王小明", PHONE):
        assert value in text


def test_before_anything_is_typed_and_for_strangers_the_form_is_blank(portal: Portal, applicant: Person) -> None:
    application = portal.begins(applicant)

    own = applicant.get(f"/api/v1/admissions/{application}/blank-form")
    anybodys = portal.visitor().get("/api/v1/admissions/blank-form")

    for answer in (own, anybodys):
        assert answer.status_code == 200
        assert "机构名称" in pypdfium2.PdfDocument(answer.data)[0].get_textpage().get_text_range()


def test_nobody_prints_anothers_form(portal: Portal, applicant: Person) -> None:
    application = portal.registers(applicant)

    answers = [
        portal.applicant(OTHER_PHONE).get(f"/api/v1/admissions/{application}/blank-form"),
        portal.clerk(JIANGHAN).get(f"/api/v1/admissions/{application}/blank-form"),
        applicant.get(f"/api/v1/admissions/{'0' * 26}/blank-form"),
    ]

    assert [answer.json["code"] for answer in answers] == ["case.unknown"] * 3


# ---- applying


def test_a_draft_is_kept_on_the_server(portal: Portal, applicant: Person) -> None:
    application = portal.begins(applicant)
    item = item_of(applicant, application)

    kept = applicant.put(f"/api/v1/work-items/{item}/draft", {"values": {"institution_name": "仁爱"}})

    assert kept.status_code == 204
    shown = applicant.get(f"/api/v1/work-items/{item}").json
    assert shown["draft"] == {"institution_name": "仁爱"}
    assert shown["values"]["applicant_phone"] == PHONE  # proved: nobody has to type it


def test_the_applicant_reads_the_state_and_what_comes_next(portal: Portal, applicant: Person) -> None:
    application = portal.applies(applicant)
    waiting = applicant.get(f"/api/v1/applications/{application}").json
    portal.decides(portal.clerk(JIANGHAN), application, review_decision="admit")

    done = applicant.get(f"/api/v1/applications/{application}").json

    assert (waiting["progress"], [m["label"] for m in waiting["messages"]]) == (["待审核"], ["撤回申请"])
    assert done["status"]["label"] == "已收录"
    assert done["public"]["institution"]["code"] == "420103000001"
    (notice,) = applicant.get(f"/api/v1/applications/{application}/notices").json["items"]
    assert notice["title"] == "机构已收录"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<html>this is no PDF</html>", "upload.unknown_type"),
        (b"%PDF-1.7\ngarbage", "upload.damaged"),
        (b"\xff\xd8\xff\xe0 a JPEG that ends here", "upload.damaged"),
        (b"PK\x03\x04 a workbook", "upload.unknown_type"),
    ],
)
def test_an_attachment_that_is_not_what_it_says_is_refused(
    portal: Portal, applicant: Person, content: bytes, code: str
) -> None:
    application = portal.registers(applicant)
    item = item_of(applicant, application)

    answer = applicant.upload(item, content, name="申请表.pdf", form_field="stamped_form")

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert item_of(applicant, application) == item


def test_a_form_of_somebody_elses_case_is_no_attachment(portal: Portal, applicant: Person) -> None:
    other = portal.applicant(OTHER_PHONE)
    foreign = portal.registers(other, institution_name="武汉市江岸区博爱医院", credit_code=a_credit_code(2))
    theirs = other.upload(item_of(other, foreign), a_jpeg(), form_field="stamped_form").json["id"]
    application = portal.registers(applicant)

    item = item_of(applicant, application)
    answer = applicant.post(f"/api/v1/work-items/{item}/complete", {"values": {"stamped_form": theirs}})

    assert (answer.status_code, answer.json["problems"][0]["code"]) == (422, "form.attachment")


@pytest.mark.parametrize(
    ("wrong", "code", "message"),
    [
        ({"institution_name": "仁" * 300}, "form.too_long", "机构名称最多 100 个字。"),
        ({"credit_code": "91350100M000100Y4O"}, "form.pattern", "统一社会信用代码的格式不正确。"),
        ({"supervising_unit": "江汉"}, "form.pattern", "主管单位的格式不正确。"),
        ({"category": "palace"}, "form.choice", "机构类别应从给出的选项中选择。"),
        ({"applicant_phone": "12345"}, "form.format", "申请人手机应为手机号码。"),
        ({"state": "ADMITTED"}, "form.unknown_field", "表单没有这个字段。"),
    ],
)
def test_a_form_filled_in_wrongly_changes_nothing(
    portal: Portal, applicant: Person, wrong: dict[str, str], code: str, message: str
) -> None:
    application = portal.begins(applicant)
    item = item_of(applicant, application)

    answer = applicant.post(f"/api/v1/work-items/{item}/complete", {"values": a_registration(**wrong)})

    (field,) = wrong
    problems = [(each["field"], each["code"], each["message"]) for each in answer.json["problems"]]
    assert (answer.status_code, problems) == (422, [(field, code, message)])
    assert item_of(applicant, application) == item


def test_a_console_account_cannot_apply(portal: Portal) -> None:
    answer = portal.clerk(JIANGHAN).post("/api/v1/applications", {"flow": "institution_admission", "values": {}})

    assert (answer.status_code, answer.json["code"]) == (403, "flow.may_not_start")


# ---- whose it is


def test_a_foreign_units_reviewer_sees_nothing_of_it(portal: Portal, applicant: Person) -> None:
    application = portal.applies(applicant)
    own, foreign = portal.clerk(JIANGHAN), portal.clerk(JIANGAN)
    (item,) = own.get("/api/v1/inbox").json["items"]

    answers = [
        foreign.get(f"/api/v1/cases/{application}"),
        foreign.get(f"/api/v1/cases/{application}/readings"),
        foreign.get(f"/api/v1/cases/{application}/history"),
        foreign.get(f"/api/v1/work-items/{item['id']}"),
        foreign.post(f"/api/v1/work-items/{item['id']}/claim"),
        foreign.post(f"/api/v1/work-items/{item['id']}/complete", {"values": {"review_decision": "admit"}}),
        foreign.get(f"/api/v1/applications/{application}"),
        foreign.post(f"/api/v1/applications/{application}/messages/withdraw"),
    ]

    assert foreign.get("/api/v1/inbox").json["items"] == []
    assert [answer.status_code for answer in answers] == [404] * len(answers)


def test_the_unit_above_may_step_in_and_the_unit_forwarded_to_takes_over(portal: Portal, applicant: Person) -> None:
    application = portal.applies(applicant)
    above, right = portal.clerk(WUHAN), portal.clerk(JIANGAN)
    assert right.get("/api/v1/inbox").json["items"] == []

    portal.decides(above, application, review_decision="forward", forward_to=JIANGAN, opinion="机构在江岸区")

    portal.decides(right, application, review_decision="admit")
    (line,) = found(portal.visitor(), name="仁爱")
    assert (line["unit"], line["state_label"]) == ("江岸区卫生健康局", "已收录")


def test_the_reviewers_page_says_what_to_look_at(portal: Portal, applicant: Person) -> None:
    admitted(portal, "武汉市江汉区仁爱中医医院")
    application = portal.registers(applicant, institution_name="武汉市江汉区仁爱中医院")
    item = item_of(applicant, application)
    said = {"relation": "different", "explanation": "两家机构法人不同"}
    assert applicant.post(f"/api/v1/work-items/{item}/complete", {"values": said}).status_code == 200
    form = applicant.upload(item_of(applicant, application), a_jpeg(), form_field="stamped_form").json["id"]
    item = item_of(applicant, application)
    applicant.post(f"/api/v1/work-items/{item}/complete", {"values": {"stamped_form": form}})
    portal.story(application).job("document.read_stamped_form").returns(a_stamp())
    clerk = portal.clerk(JIANGHAN)
    (listed,) = clerk.get("/api/v1/inbox").json["items"]
    clerk.post(f"/api/v1/work-items/{listed['id']}/claim")

    page = clerk.get(f"/api/v1/work-items/{listed['id']}").json

    assert (listed["title"], listed["facet_label"]) == ("机构审核", "医院")
    assert "机构名称：武汉市江汉区仁爱中医院" in page["shown"]["brief"]["registration"]
    assert any("两家机构法人不同" in remark for remark in page["shown"]["brief"]["remarks"])
    assert [image["id"] for image in page["images"]] == [form]
    case = clerk.get(f"/api/v1/cases/{application}").json
    assert case["awaits"][0]["sentence"].startswith(f"“机构审核”正由clerk{JIANGHAN}办理")
    assert clerk.get(f"/api/v1/cases/{application}/readings").json["readings"] == []


def test_the_pages_of_a_form_sent_as_pdf_are_shown_beside_it(portal: Portal, applicant: Person) -> None:
    application = portal.registers(applicant)
    sent = applicant.upload(item_of(applicant, application), a_pdf(), name="申请表.pdf", form_field="stamped_form")
    assert (sent.status_code, sent.json["media_type"]) == (201, "application/pdf")
    fill_in(applicant, application, {"stamped_form": sent.json["id"]})
    story = portal.story(application)
    page = story.photo(a_jpeg())
    story.job("document.read_stamped_form").returns(a_stamp(pictures=[page]))
    clerk = portal.clerk(JIANGHAN)
    (listed,) = clerk.get("/api/v1/inbox").json["items"]
    clerk.post(f"/api/v1/work-items/{listed['id']}/claim")

    images = clerk.get(f"/api/v1/work-items/{listed['id']}").json["images"]

    assert {(each["id"], each["media_type"]) for each in images} == {
        (sent.json["id"], "application/pdf"),
        (page, "image/jpeg"),
    }
    assert {clerk.get(each["url"]).status_code for each in images} == {200}


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
