"""An import through API and worker: what its rows write, which are refused and why, and how it goes on when it is disturbed."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from domain.accounts.account import Account
from domain.grants.grant import BusinessGrant
from domain.imports.run import RegisterImport, lease_import
from domain.institutions.institution import Institution, NewInstitution, admit_institution
from domain.units.unit import Unit
from storage.transactions import transaction
from tasks import imports
from tests.api.registers.importing.register_workbooks import (
    SUIZHOU,
    WUHAN,
    ZENGDU,
    a_workbook,
    an_institution,
    clerk_of,
    count,
    imported,
    refused_rows,
    saved,
    send,
)


def test_an_import_writes_units_and_institutions_and_tells_its_progress(province, clerk) -> None:
    new_unit = ["421399", "高新区卫生健康局", SUIZHOU, "业务科", "0722-3310000"]
    contact = {"contact_name": "张三", "contact_phone": "13800000000"}
    content = a_workbook(
        {"单位": [new_unit], "机构": [an_institution(**contact), an_institution("高新医院", unit="421399")]}
    )

    done = imported(clerk, content)

    assert done["state"] == "DONE"
    assert (done["rows_done"], done["rows_refused"]) == (3, 0)
    assert (done["units_written"], done["institutions_written"]) == (1, 2)
    with province.sessions() as session:
        hospital = session.scalars(select(Institution).where(Institution.name == "随州仁爱医院")).one()
        grants = session.scalars(select(BusinessGrant).where(BusinessGrant.institution_id == hospital.id)).all()
        assert hospital.code == ZENGDU + "000001"
        assert {(grant.name_key, grant.supervising_unit) for grant in grants} == {(hospital.name_key, ZENGDU)}
        assert session.get(Unit, "421399").parent_code == SUIZHOU


def test_a_dry_run_finds_the_same_faults_and_writes_nothing(province, clerk) -> None:
    before = count(province, Institution), count(province, Unit)
    new_unit = ["421399", "高新区卫生健康局", SUIZHOU, "", ""]
    rows = [
        an_institution(),
        an_institution("高新医院", unit="421399"),
        an_institution("错误医院", credit_code="91420000"),
    ]
    content = a_workbook({"单位": [new_unit], "机构": rows})

    dry = imported(clerk, content, dry=True)

    assert (count(province, Institution), count(province, Unit)) == before
    assert (dry["state"], dry["rows_done"], dry["rows_refused"], dry["institutions_written"]) == ("DONE", 4, 1, 2)
    real = imported(clerk, content)
    assert refused_rows(clerk, dry) == refused_rows(clerk, real)


def test_refused_rows_come_back_as_they_were_with_their_reasons(province, clerk) -> None:
    rows = [
        an_institution("武汉的医院", unit=WUHAN),
        an_institution("信用代码医院", credit_code="91420100MA4KABCI12"),
        an_institution("类别医院", category="美容院"),
        an_institution(""),
        an_institution("长" * 300),
        an_institution("电话医院", contact_name="张三", contact_phone="123"),
        an_institution("半份医院", contact_name="张三"),
        an_institution("卫健委", category="市州/区县卫健委"),
        an_institution("编码医院", code="429999999999"),
        an_institution(),
        an_institution("随州仁爱医院 "),
    ]

    done = imported(clerk, a_workbook({"机构": rows}))

    reasons = [row[-1] for row in refused_rows(clerk, done)["机构"]]
    assert reasons == [
        "主管单位 420100 不在您的管辖范围内。",
        "统一社会信用代码不含字母 I、O、S、V、Z，请核对：I。",
        "没有“美容院”这种机构类别。",
        "“机构名称”必填。",
        "机构名称应为 2 至 100 个字符，且含文字。",
        "手机号应为 11 位大陆手机号。",
        "申请人姓名和申请人手机须同时填写。",
        "卫健委（局）由“单位”表建立，不能在“机构”表中填写。",
        "没有机构编码为 429999999999 的机构；新机构请不要填写机构编码。",
        "与本文件第 11 行重复。",
    ]
    assert done["institutions_written"] == 1
    assert refused_rows(clerk, done)["机构"][0][1] == "武汉的医院"


def test_the_error_file_mended_is_imported_as_it_is(province, clerk) -> None:
    done = imported(clerk, a_workbook({"机构": [an_institution("错误医院", category="美容院")]}))
    answer = clerk.get(f"/api/v1/imports/{done['id']}/refused-rows")
    book = load_workbook(io.BytesIO(answer.data))
    book["机构"]["C2"] = "医院"

    again = imported(clerk, saved(book))

    assert (again["institutions_written"], again["rows_refused"]) == (1, 0)


def test_an_import_changes_what_is_named_by_its_code(province, clerk) -> None:
    imported(clerk, a_workbook({"机构": [an_institution()]}))
    code = ZENGDU + "000001"
    rows = [an_institution(code=code, address="新址", confirmation_code="A-1", category="门诊部")]

    done = imported(clerk, a_workbook({"机构": rows}))

    assert done["institutions_written"] == 1
    with province.sessions() as session:
        changed = session.scalars(select(Institution).where(Institution.code == code)).one()
        assert (changed.address, changed.confirmation_code, changed.category) == ("新址", "A-1", "outpatient")
        category = select(BusinessGrant.category).where(BusinessGrant.institution_id == changed.id).distinct()
        assert session.scalars(category).all() == ["outpatient"]


def test_a_new_name_is_not_taken_from_an_import(province, clerk) -> None:
    imported(clerk, a_workbook({"机构": [an_institution()]}))

    done = imported(clerk, a_workbook({"机构": [an_institution("另一家医院", code=ZENGDU + "000001")]}))

    [row] = refused_rows(clerk, done)["机构"]
    assert row[-1].startswith("名称与已收录的“随州仁爱医院”不同")


def test_an_institution_of_another_unit_is_neither_changed_nor_told_of(province, clerk) -> None:
    with transaction(province.sessions) as session:
        theirs = NewInstitution(name="武汉协和医院", supervising_unit=WUHAN, category="hospital")
        code = admit_institution(session, theirs, case_id=None, by=None, now=province.clock()).code

    done = imported(clerk, a_workbook({"机构": [an_institution("武汉协和医院", code=code)]}))

    [row] = refused_rows(clerk, done)["机构"]
    assert row[-1] == f"没有机构编码为 {code} 的机构；新机构请不要填写机构编码。"


def test_units_are_made_below_ones_own_only(province, clerk) -> None:
    rows = [
        ["420199", "武汉新区卫健局", WUHAN, "", ""],
        ["42139", "代码短", SUIZHOU, "", ""],
        ["421398", "县下设县", ZENGDU, "", ""],
        [ZENGDU, "改了名字", SUIZHOU, "", ""],
        [ZENGDU, "曾都区卫生健康局", "420000", "", ""],
    ]

    done = imported(clerk, a_workbook({"单位": rows}))

    reasons = [row[-1] for row in refused_rows(clerk, done)["单位"]]
    assert reasons == [
        "主管单位 420100 不在您的管辖范围内。",
        "单位代码应为 6 位数字。",
        "县级单位下不能再设单位。",
        "该单位名称为“曾都区卫生健康局”，改名请在机构编辑中办理。",
        "该单位的上级是 421300，不能通过导入改变。",
    ]
    assert done["units_written"] == 0


def test_a_units_contact_is_brought_up_to_date(province, clerk) -> None:
    done = imported(clerk, a_workbook({"单位": [[ZENGDU, "曾都区卫生健康局", SUIZHOU, "医政科", "0722-1"]]}))

    assert done["units_written"] == 1
    with province.sessions() as session:
        assert session.get(Unit, ZENGDU).contact_name == "医政科"


def test_cells_that_do_not_say_what_was_typed_refuse_their_row(province, clerk) -> None:
    row = an_institution()
    row[4] = 914201001234567890
    row[7] = datetime(2026, 1, 2)  # noqa: DTZ001 - as spreadsheets hold dates

    done = imported(clerk, a_workbook({"机构": [row]}))

    [refused] = refused_rows(clerk, done)["机构"]
    assert "“统一社会信用代码”是数值格式" in refused[-1]
    assert "“机构地址”是日期格式" in refused[-1]


def test_an_import_is_seen_by_who_sent_it_only(province, clerk) -> None:
    done = imported(clerk, a_workbook({"机构": [an_institution("错误医院", category="美容院")]}))
    other = clerk_of(province, "wuhan", WUHAN)

    answers = [other.get(f"/api/v1/imports/{done['id']}"), other.get(f"/api/v1/imports/{done['id']}/refused-rows")]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(404, "import.unknown")] * 2
    assert other.get("/api/v1/imports").json["items"] == []
    assert [item["id"] for item in clerk.get("/api/v1/imports").json["items"]] == [done["id"]]


def test_a_repeated_upload_is_one_import(province, clerk) -> None:
    content = a_workbook({"机构": [an_institution()]})
    answers = [
        clerk.post(
            "/api/v1/imports", data={"file": (io.BytesIO(content), "a.xlsx"), "is_dry_run": "false"}, key="same-key-1"
        )
        for _ in range(2)
    ]

    assert answers[0].json["id"] == answers[1].json["id"]
    assert count(province, RegisterImport) == 1


def test_waiting_imports_of_one_account_are_few(province, clerk) -> None:
    content = a_workbook({"机构": [an_institution()]})
    answers = [send(clerk, content) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 409]
    assert answers[-1].json["code"] == "import.too_many_waiting"


@pytest.mark.parametrize("taken_at", [datetime(2026, 1, 1, tzinfo=UTC), datetime(2096, 1, 1, tzinfo=UTC)])
def test_a_worker_that_died_is_followed_after_the_last_row_that_was_done(province, clerk, taken_at) -> None:
    """Also where the clock was set back since."""
    names = [f"第{number}医院" for number in range(5)]
    answer = send(clerk, a_workbook({"机构": [an_institution(name) for name in names]}))
    with transaction(province.sessions) as session:  # the first worker: two rows in one batch, then it is killed
        leased = lease_import(session, taken_at)
        for name in names[:2]:
            new = NewInstitution(name=name, supervising_unit=ZENGDU, category="hospital")
            admit_institution(session, new, case_id=None, by=leased.account_id, now=province.clock())
        leased.rows_done, leased.institutions_written = 2, 2

    imports.run_imports()

    done = clerk.get(f"/api/v1/imports/{answer.json['id']}").json
    assert (done["state"], done["rows_done"], done["rows_refused"], done["institutions_written"]) == ("DONE", 5, 0, 5)


def test_the_workbook_goes_with_the_import_and_refused_rows_a_month_later(province, clerk) -> None:
    done = imported(clerk, a_workbook({"机构": [an_institution("错误医院", category="美容院")]}))
    with transaction(province.sessions) as session:
        kept = session.get(RegisterImport, done["id"])
        assert kept.file_sealed is None
        kept.finished_at = datetime(2026, 1, 1, tzinfo=UTC)

    imports.forget_imports()

    assert count(province, RegisterImport) == 0


def test_an_importer_who_left_the_unit_meanwhile_brings_in_nothing(province, clerk) -> None:
    answer = send(clerk, a_workbook({"机构": [an_institution()]}))
    with transaction(province.sessions) as session:
        session.scalars(select(Account).where(Account.username == "suizhou")).one().unit_code = None

    imports.run_imports()

    done = clerk.get(f"/api/v1/imports/{answer.json['id']}").json
    assert (done["institutions_written"], done["rows_refused"]) == (0, 1)
