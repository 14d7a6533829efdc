"""机构补增 through the API: the form to stamp, applying, bad input, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest

from storage import vault
from tests.api.admissions import MASTER_KEY, Portal, a_pdf, a_portal, admitted, fill_in, found, item_of
from tests.api.conftest import Clock, Person, a_jpeg
from tests.flows.institution_admission.cases import (
    JIANGAN,
    JIANGHAN,
    PHONE,
    WUHAN,
    a_credit_code,
    a_registration,
    a_stamp,
    a_town,
)

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
