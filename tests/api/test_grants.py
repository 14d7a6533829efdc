"""机构业务授权 over HTTP: the unit's table and what the unit does with a grant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Person
from tests.api.grants import Province, a_province_built_before, number_of
from tests.flows.business_grant import NURSES, Someone


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("grants") / "province"


@pytest.fixture
def province(template: Path, tmp_path: Path) -> Iterator[Province]:
    yield from a_province_built_before(template, tmp_path)


@pytest.fixture
def clerk(province: Province) -> Person:
    return province.clerk()


@pytest.fixture
def wang(province: Province) -> tuple[Someone, Person]:
    return province.person("王强")


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def rows(person: Person, **query: Any) -> list[dict[str, Any]]:
    answer = person.get("/api/v1/grants", query_string={"business": NURSES, **query})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["items"]
    return found


# ---- the table


def test_the_table_shows_state_and_code(province: Province, clerk: Person) -> None:
    assert [row["state_label"] for row in rows(clerk)] == ["未生成"]

    issued = clerk.post(f"{province.path}/code")

    assert issued.status_code == 200, issued.text
    assert [(row["state_label"], row["code"]) for row in rows(clerk)] == [("已生成未激活", issued.json["code"])]
    assert rows(clerk, state="ACTIVE") == []
    assert len(rows(clerk, name="第一")) == 1
    assert rows(clerk, name="不存在") == []


def test_a_county_sees_its_own_and_the_province_everything(province: Province, clerk: Person) -> None:
    everybody = province.clerk("420000")

    assert [row["id"] for row in rows(clerk)] == [province.hospital.grant]
    assert {row["id"] for row in rows(everybody)} == {province.hospital.grant, province.elsewhere}
    assert [row["id"] for row in rows(everybody, unit="420102")] == [province.elsewhere]
    assert code_of(clerk.get("/api/v1/grants", query_string={"business": NURSES, "unit": "420102"})) == (
        403,
        "unit.outside_scope",
    )


def test_pages_tell_their_total(province: Province) -> None:
    everybody = province.clerk("420000")

    first = everybody.get("/api/v1/grants", query_string={"business": NURSES, "size": 1}).json
    second = everybody.get("/api/v1/grants", query_string={"business": NURSES, "size": 1, "page": 2}).json
    after = everybody.get("/api/v1/grants", query_string={"business": NURSES, "size": 1, "cursor": first["next"]}).json

    assert (first["total"], second["total"]) == (2, 2)
    assert first["items"] != second["items"] == after["items"]


def test_an_unknown_business_has_no_table(clerk: Person) -> None:
    assert code_of(clerk.get("/api/v1/grants", query_string={"business": "dancing"})) == (404, "business.unknown")


def test_counts_and_businesses(province: Province, clerk: Person) -> None:
    clerk.post(f"{province.path}/code")

    counts = clerk.get("/api/v1/grants/counts", query_string={"business": NURSES}).json["items"]

    assert {each["label"]: each["count"] for each in counts if each["count"]} == {"已生成未激活": 1}
    assert NURSES in {each["key"] for each in clerk.get("/api/v1/businesses").json["items"]}


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


# ---- a selection of rows


def test_a_selection_has_a_result_for_each_row(province: Province) -> None:
    everybody = province.clerk("420000")
    everybody.post(f"{province.path}/code")

    answer = everybody.post(
        "/api/v1/grants/batch", {"act": "generate", "grants": [province.hospital.grant, province.elsewhere, "0" * 26]}
    )

    assert [(each["done"], each["code"]) for each in answer.json["items"]] == [
        (False, "grant.tenure_running"),
        (True, None),
        (False, "grant.unknown"),
    ]
    assert (answer.json["done"], answer.json["refused"]) == (1, 2)
    assert {row["state"] for row in rows(everybody)} == {"ISSUED"}


def test_a_selection_is_extended_and_revoked(province: Province) -> None:
    everybody = province.clerk("420000")
    both = [province.hospital.grant, province.elsewhere]
    everybody.post("/api/v1/grants/batch", {"act": "generate", "grants": both})

    extended = everybody.post("/api/v1/grants/batch", {"act": "extend", "grants": both}).json
    revoked = everybody.post("/api/v1/grants/batch", {"act": "revoke", "grants": both, "reason": "发错机构"}).json

    assert (extended["done"], revoked["done"]) == (2, 2)
    assert {row["state"] for row in rows(everybody)} == {"NONE"}


def test_slips_are_printed_for_codes_that_are_out(province: Province) -> None:
    everybody = province.clerk("420000")
    both = [province.hospital.grant, province.elsewhere]
    everybody.post("/api/v1/grants/batch", {"act": "generate", "grants": both[:1]})

    pdf = everybody.get("/api/v1/grants/slips", query_string={"grants": ",".join(both[:1])})
    refused = everybody.get("/api/v1/grants/slips", query_string={"grants": ",".join(both)})

    assert pdf.mimetype == "application/pdf"
    assert pdf.data.startswith(b"%PDF")
    assert province.hospital.code is not None
    text = province.text_of(pdf.data)
    assert province.hospital.code[:4] in text
    assert "武昌区第一医院" in text
    assert refused.json["code"] == "grant.no_open_code"
    assert "江岸区口腔门诊部" in refused.json["detail"]


# ---- nobody else


UNIT_REQUESTS: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("get", "", None),
    ("get", "/impact", None),
    ("post", "/code", {}),
    ("post", "/code/replace", {}),
    ("post", "/code/extend", {}),
    ("post", "/bind", {"document_number": "420106198001011237"}),
    ("post", "/revoke", {"how": "replace"}),
    ("post", "/revoke", {"how": "stop"}),
    ("post", "/suspend", {}),
    ("post", "/resume", {}),
    ("post", "/enable", {}),
)


@pytest.mark.usefixtures("granted")
@pytest.mark.parametrize(("method", "path", "body"), UNIT_REQUESTS)
def test_a_foreign_unit_finds_nothing(province: Province, method: str, path: str, body: dict[str, Any] | None) -> None:
    foreign = province.clerk("420102")
    before = province.hospital.register().changed_at

    answer = foreign.get(province.path + path) if method == "get" else foreign.post(province.path + path, body)
    absent = f"/api/v1/grants/{'0' * 26}{path}"
    nothing = foreign.get(absent) if method == "get" else foreign.post(absent, body)

    assert code_of(answer) == (404, "grant.unknown")
    assert {**answer.json, "instance": ""} == {**nothing.json, "instance": ""}
    assert province.hospital.register().changed_at == before


@pytest.mark.parametrize(("method", "path", "body"), UNIT_REQUESTS)
def test_who_is_no_units_staff_finds_nothing(
    province: Province, wang: tuple[Someone, Person], method: str, path: str, body: dict[str, Any] | None
) -> None:
    for person in (wang[1], province.stranger()):
        answer = person.get(province.path + path) if method == "get" else person.post(province.path + path, body)

        assert code_of(answer) == (403, "unit.not_staff")


def test_a_foreign_unit_batches_and_prints_nothing(province: Province, clerk: Person) -> None:
    clerk.post(f"{province.path}/code")
    foreign = province.clerk("420102")

    batch = foreign.post("/api/v1/grants/batch", {"act": "revoke", "grants": [province.hospital.grant]}).json
    slips = foreign.get("/api/v1/grants/slips", query_string={"grants": ",".join([province.hospital.grant])})

    assert [each["code"] for each in batch["items"]] == ["grant.unknown"]
    assert code_of(slips) == (404, "grant.unknown")
    assert province.hospital.state == "ISSUED"


def test_a_business_of_the_province_is_the_provinces_to_grant(province: Province, clerk: Person) -> None:
    province.granted_by("420000")

    assert code_of(clerk.post(f"{province.path}/code")) == (403, "grant.other_unit_grants")
    assert clerk.get(province.path).json["may_change"] is False
    assert province.clerk("420000").post(f"{province.path}/code").json["state_label"] == "已生成未激活"


def test_a_clerk_by_grant_does_what_the_console_does(province: Province, wang: tuple[Someone, Person]) -> None:
    province.makes_clerk_of_county(wang[0])

    answer = wang[1].post(f"{province.path}/code")

    assert answer.json["state_label"] == "已生成未激活"
    province.suspends_clerks_of_county()
    assert code_of(wang[1].post(f"{province.path}/code/extend")) == (403, "unit.not_staff")


# ---- what other systems ask


@pytest.fixture
def asks(province: Province) -> Callable[..., Any]:
    def ask(person: Person, someone: Someone, **query: str) -> Any:
        asked = {"business": NURSES, "institution": province.hospital.institution, "person": someone.person, **query}
        return person.get("/api/v1/grants/check", query_string=asked)

    return ask


def test_another_system_asks_who_is_granted(
    province: Province, clerk: Person, granted: Someone, asks: Callable[..., Any]
) -> None:
    system = province.platform.staff("exam-system", "message.sender")
    li, _ = province.person("李梅")

    assert asks(system, granted).json == {"is_granted": True}
    assert asks(system, li).json == {"is_granted": False}
    assert asks(system, granted, institution="0" * 26).json == {"is_granted": False}
    assert asks(system, granted, business="dancing").json == {"is_granted": False}
    clerk.post(f"{province.path}/suspend")
    assert asks(system, granted).json == {"is_granted": False}


def test_only_who_has_to_know_may_ask(
    province: Province, clerk: Person, wang: tuple[Someone, Person], asks: Callable[..., Any]
) -> None:
    _, li = province.person("李梅")

    assert asks(wang[1], wang[0]).json == {"is_granted": False}
    assert asks(clerk, wang[0]).json == {"is_granted": False}
    for person in (li, province.clerk("420102"), province.stranger()):
        assert code_of(asks(person, wang[0])) == (403, "grant.may_not_check")
