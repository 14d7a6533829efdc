"""Managers brought in by an import: each begins a tenure of its own, as 直接授权 does."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import Engine, select

from composition import Platform as Composed
from domain.grants.business import find_business
from domain.grants.code import issue_code
from domain.grants.grant import GrantState, begin_tenure, find_grant
from domain.grants.tenure import end_tenure
from domain.imports.workbook import INSTITUTIONS, MANAGERS
from domain.institutions.institution import find_institution
from engine.model.instance import Case
from storage.columns import new_id
from storage.transactions import transaction
from tasks import imports
from tasks.process import use_platform
from tests.api.granting import OTHER_COUNTY, Province, a_province, number_of
from tests.flows.business_grant.cases import COUNTY, Someone

NURSES = "护士执业资格考试报名审核"


@pytest.fixture
def province(tmp_path: Path, engine: Engine):
    made = a_province(tmp_path, engine)
    made.platform.clock.at = datetime.now(UTC)
    use_platform(Composed(made.platform.settings, engine, made.platform.sessions))
    yield made
    use_platform(None)


@pytest.fixture
def wang(province: Province) -> Someone:
    return province.person("王强")[0]


@pytest.fixture
def hospital(province: Province) -> str:
    """The name of the county's hospital."""
    return _institution_of(province, province.hospital.institution).name


def _institution_of(province: Province, institution_id: str):
    with province.platform.sessions() as session:
        return find_institution(session, institution_id)


def a_workbook(*rows: tuple[str, str, str, str], institutions: tuple[str, ...] = ()) -> bytes:
    book, file = Workbook(), io.BytesIO()
    book.remove(book.active)
    sheet = book.create_sheet(MANAGERS.title)
    for row in ([column.header for column in MANAGERS.columns], *rows):
        sheet.append(list(row))
    if institutions:
        sheet = book.create_sheet(INSTITUTIONS.title)
        sheet.append(["机构名称", "机构类别", "主管单位代码"])
        for name in institutions:
            sheet.append([name, "医院", COUNTY])
    book.save(file)
    return file.getvalue()


def _imported(province: Province, content: bytes, *, dry: bool = False) -> tuple[dict, list[str]]:
    """What the import came to, and why rows were refused."""
    clerk = province.clerk()
    body = {"file": (io.BytesIO(content), "管理人.xlsx"), "is_dry_run": "true" if dry else "false"}
    sent = clerk.post("/api/v1/imports", data=body)
    assert sent.status_code == 202, sent.text
    imports.run_imports()
    province.platform.clock.at = datetime.now(UTC)  # the worker goes by the clock on the wall
    province.delivers()
    done = clerk.get(f"/api/v1/imports/{sent.json['id']}").json
    if not done["rows_refused"]:
        return done, []
    book = load_workbook(io.BytesIO(clerk.get(f"/api/v1/imports/{sent.json['id']}/refused-rows").data))
    return done, [row[-1] for row in book[MANAGERS.title].iter_rows(min_row=2, values_only=True)]


def test_an_imported_manager_is_granted_through_the_flow(province, wang, hospital) -> None:
    done, _ = _imported(province, a_workbook((hospital, NURSES, wang.name, number_of(wang))))

    grant = province.hospital.register()
    assert (done["state"], done["managers_queued"], done["rows_refused"]) == ("DONE", 1, 0)
    assert (grant.state, grant.manager_person_id) == (GrantState.ACTIVE, wang.person)
    assert grant.case_id is not None
    assert [why for _, _, why, _ in province.hospital.holders()] == ["imported"]


def test_the_same_file_again_changes_nothing(province, wang, hospital) -> None:
    content = a_workbook((hospital, NURSES, wang.name, number_of(wang)))
    _imported(province, content)

    again, reasons = _imported(province, content)

    assert (again["managers_queued"], reasons) == (0, [])
    assert province.hospital.register().tenure == 1


def test_a_dry_run_begins_no_tenure(province, wang, hospital) -> None:
    row = ("新建医院", NURSES, wang.name, number_of(wang))
    content = a_workbook((hospital, NURSES, wang.name, number_of(wang)), row, institutions=("新建医院",))

    done, reasons = _imported(province, content, dry=True)

    assert (done["managers_queued"], done["institutions_written"], reasons) == (2, 1, [])
    with province.platform.sessions() as session:
        assert session.scalars(select(Case.id)).all() == []
    assert province.hospital.state == GrantState.NONE


def test_an_institution_and_its_manager_may_come_in_one_file(province, wang) -> None:
    row = ("新建医院", "nurse_exam_review", wang.name, number_of(wang))

    done, reasons = _imported(province, a_workbook(row, institutions=("新建医院",)))

    assert (done["institutions_written"], done["managers_queued"], reasons) == (1, 1, [])
    person = province.app_of(wang.account)
    assert [each["institution"] for each in person.get("/api/v1/my/grants").json["items"]] == ["新建医院"]


def test_rows_are_refused_without_telling_who_is_verified(province, wang, hospital) -> None:
    visitor, _ = province.visitor()
    elsewhere = _institution_of(province, _grant(province, province.elsewhere).institution_id).name
    rows = [
        (hospital, NURSES, "李强", number_of(wang)),
        (hospital, NURSES, visitor.name, "11010519491231002X"),
        (hospital, NURSES, wang.name, "420106198001011234"),
        (hospital, NURSES, wang.name, "4201**********1237"),
        (hospital, "没有的业务", wang.name, number_of(wang)),
        (elsewhere, NURSES, wang.name, number_of(wang)),
        ("没有的医院", NURSES, wang.name, number_of(wang)),
    ]

    done, reasons = _imported(province, a_workbook(*rows))

    assert done["managers_queued"] == 0
    assert reasons == [
        "没有找到与姓名、身份证号一致且已用身份证实名认证的人员。",
        "没有找到与姓名、身份证号一致且已用身份证实名认证的人员。",
        "身份证号不正确。",
        "“身份证号”是打码的内容，不能导入；请填写完整内容。",
        "没有“没有的业务”这项业务。",
        f"没有找到机构“{elsewhere}”。",
        "没有找到机构“没有的医院”。",
    ]


def _grant(province: Province, grant_id: str):
    with province.platform.sessions() as session:
        return find_grant(session, grant_id)


def test_one_grant_gets_one_manager_a_file(province, wang, hospital) -> None:
    li = province.person("李梅")[0]
    rows = [(hospital, NURSES, each.name, number_of(each)) for each in (wang, li)]

    done, reasons = _imported(province, a_workbook(*rows))

    assert (done["managers_queued"], reasons) == (1, ["与本文件第 2 行重复。"])
    assert province.hospital.register().manager_person_id == wang.person


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("issued", "该机构的这项业务已生成授权码，请在业务授权中直接授权或作废授权码。"),
        ("stopped", "该机构的这项业务已停用，请先启用。"),
        ("closed", "该业务不在开放时间内。"),
    ],
)
def test_a_grant_in_another_state_is_left_alone(province, wang, hospital, state, reason) -> None:
    now, grant_id = province.platform.clock(), province.hospital.grant
    with transaction(province.platform.sessions) as session:
        if state == "issued":
            begin_tenure(session, grant_id, new_id(), now)
            issue_code(session, grant_id, by="unit", now=now)
        elif state == "stopped":
            end_tenure(session, grant_id, why="stopped", by="unit", now=now, stop=True)
        else:
            find_business(session, "nurse_exam_review").closes_at = now

    _, reasons = _imported(province, a_workbook((hospital, NURSES, wang.name, number_of(wang))))

    assert reasons == [reason]


def test_a_manager_in_office_is_not_replaced_by_a_file(province, wang, hospital) -> None:
    li = province.person("李梅")[0]
    _imported(province, a_workbook((hospital, NURSES, wang.name, number_of(wang))))

    _, reasons = _imported(province, a_workbook((hospital, NURSES, li.name, number_of(li))))

    assert reasons == ["该机构的这项业务已有管理人。"]


def test_a_business_granted_by_another_unit_is_not_a_countys_to_give(province, wang, hospital) -> None:
    province.granted_by(OTHER_COUNTY)

    _, reasons = _imported(province, a_workbook((hospital, NURSES, wang.name, number_of(wang))))

    assert reasons == [f"该业务由 {OTHER_COUNTY} 授权，不在您的管辖范围内。"]


def test_an_exported_manager_comes_out_masked_and_goes_in_again_unchanged(province, wang, hospital) -> None:
    _imported(province, a_workbook((hospital, NURSES, wang.name, number_of(wang))))

    exported = province.clerk().get("/api/v1/registers/workbook").data
    done, reasons = _imported(province, exported)

    assert (done["managers_queued"], reasons) == (0, [])

    [row] = load_workbook(io.BytesIO(exported))[MANAGERS.title].iter_rows(min_row=2, values_only=True)
    assert (row[1], row[2], row[3]) == (NURSES, "王*", "4201**********1237")
