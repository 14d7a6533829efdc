"""Imports and exports through API and worker: what is taken, what is refused and says why, and nothing beyond the scope."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select

from composition import Platform as Composed
from database import transaction
from domain.account import Account
from domain.business import seed_businesses
from domain.grant import BusinessGrant
from domain.institution import Contact, Institution, NewInstitution, admit_institution
from domain.register_import import RegisterImport, lease_import, queue_import
from domain.register_workbook import INSTITUTIONS, MANAGERS, UNITS
from domain.unit import Unit, UnitLevel
from domain.unit_seed import admit_unit
from tasks import imports
from tasks.app import use_platform

SUIZHOU, ZENGDU, WUHAN = "421300", "421303", "420100"
UNITS_THERE = (
    ("420000", "湖北省卫生健康委员会", UnitLevel.PROVINCE, None),
    (SUIZHOU, "随州市卫生健康委员会", UnitLevel.CITY, "420000"),
    (ZENGDU, "曾都区卫生健康局", UnitLevel.COUNTY, SUIZHOU),
    (WUHAN, "武汉市卫生健康委员会", UnitLevel.CITY, "420000"),
)


@pytest.fixture
def province(platform):
    """Four units of 湖北 and the businesses; the worker works on the same database."""
    with transaction(platform.sessions) as session:
        for code, name, level, parent in UNITS_THERE:
            unit = Unit(code=code, name=name, level=level, parent_code=parent)
            session.add(unit)
            session.flush()
            admit_unit(session, unit, platform.clock())
        seed_businesses(session, platform.clock())
    use_platform(Composed(platform.settings, platform.engine, platform.sessions))
    yield platform
    use_platform(None)


@pytest.fixture
def clerk(province):
    return _clerk_of(province, "suizhou", SUIZHOU)


def _clerk_of(platform, name: str, unit: str):
    person = platform.staff(name, "nothing.else")
    with transaction(platform.sessions) as session:
        session.scalars(select(Account).where(Account.username == name)).one().unit_code = unit
    return person


def a_workbook(sheets: dict[str, list[list[object]]]) -> bytes:
    """Sheets by title, each with the columns' titles above its rows."""
    book = Workbook()
    book.remove(book.active)
    for known in (UNITS, INSTITUTIONS, MANAGERS):
        if known.title in sheets:
            sheet = book.create_sheet(known.title)
            for row in [[column.header for column in known.columns], *sheets[known.title]]:
                sheet.append(row)
    return _saved(book)


def _saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def an_institution(name: str = "随州仁爱医院", **cells: str) -> list[object]:
    values = {"name": name, "category": "医院", "unit": ZENGDU} | cells
    return [values.get(column.key, "") for column in INSTITUTIONS.columns]


def _send(person, content: bytes, *, dry: bool = False):
    file = (io.BytesIO(content), "机构.xlsx")
    return person.post("/api/v1/imports", data={"file": file, "is_dry_run": "true" if dry else "false"})


def _imported(person, content: bytes, *, dry: bool = False) -> dict:
    answer = _send(person, content, dry=dry)
    assert answer.status_code == 202, answer.text
    imports.run_imports()
    return person.get(f"/api/v1/imports/{answer.json['id']}").json


def _refused(person, done: dict) -> dict[str, list[list[object]]]:
    """Sheet → rows of the error file, the header left out."""
    answer = person.get(f"/api/v1/imports/{done['id']}/refused-rows")
    assert answer.status_code == 200, answer.text
    book = load_workbook(io.BytesIO(answer.data))
    return {sheet.title: [list(row) for row in sheet.iter_rows(min_row=2, values_only=True)] for sheet in book}


def _count(platform, table) -> int:
    with platform.sessions() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_an_import_writes_units_and_institutions_and_tells_its_progress(province, clerk) -> None:
    new_unit = ["421399", "高新区卫生健康局", SUIZHOU, "业务科", "0722-3310000"]
    contact = {"contact_name": "张三", "contact_phone": "13800000000"}
    content = a_workbook(
        {"单位": [new_unit], "机构": [an_institution(**contact), an_institution("高新医院", unit="421399")]}
    )

    done = _imported(clerk, content)

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
    before = _count(province, Institution), _count(province, Unit)
    new_unit = ["421399", "高新区卫生健康局", SUIZHOU, "", ""]
    rows = [
        an_institution(),
        an_institution("高新医院", unit="421399"),
        an_institution("错误医院", credit_code="91420000"),
    ]
    content = a_workbook({"单位": [new_unit], "机构": rows})

    dry = _imported(clerk, content, dry=True)

    assert (_count(province, Institution), _count(province, Unit)) == before
    assert (dry["state"], dry["rows_done"], dry["rows_refused"], dry["institutions_written"]) == ("DONE", 4, 1, 2)
    real = _imported(clerk, content)
    assert _refused(clerk, dry) == _refused(clerk, real)


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

    done = _imported(clerk, a_workbook({"机构": rows}))

    reasons = [row[-1] for row in _refused(clerk, done)["机构"]]
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
    assert _refused(clerk, done)["机构"][0][1] == "武汉的医院"


def test_the_error_file_mended_is_imported_as_it_is(province, clerk) -> None:
    done = _imported(clerk, a_workbook({"机构": [an_institution("错误医院", category="美容院")]}))
    answer = clerk.get(f"/api/v1/imports/{done['id']}/refused-rows")
    book = load_workbook(io.BytesIO(answer.data))
    book["机构"]["C2"] = "医院"

    again = _imported(clerk, _saved(book))

    assert (again["institutions_written"], again["rows_refused"]) == (1, 0)


def test_an_export_imported_again_changes_nothing(province, clerk) -> None:
    contact = {"contact_name": "张三", "contact_phone": "13800000000", "address": '=HYPERLINK("x")'}
    _imported(
        clerk, a_workbook({"机构": [an_institution(**{**contact, "address": "沿河大道 1 号"}), an_institution("二院")]})
    )

    exported = clerk.get("/api/v1/registers/workbook")
    done = _imported(clerk, exported.data)

    assert exported.status_code == 200
    assert done["rows_refused"] == 0, _refused(clerk, done)
    assert (done["units_written"], done["institutions_written"], done["managers_queued"]) == (0, 0, 0)


def test_an_import_changes_what_is_named_by_its_code(province, clerk) -> None:
    _imported(clerk, a_workbook({"机构": [an_institution()]}))
    code = ZENGDU + "000001"
    rows = [an_institution(code=code, address="新址", confirmation_code="A-1", category="门诊部")]

    done = _imported(clerk, a_workbook({"机构": rows}))

    assert done["institutions_written"] == 1
    with province.sessions() as session:
        changed = session.scalars(select(Institution).where(Institution.code == code)).one()
        assert (changed.address, changed.confirmation_code, changed.category) == ("新址", "A-1", "outpatient")
        category = select(BusinessGrant.category).where(BusinessGrant.institution_id == changed.id).distinct()
        assert session.scalars(category).all() == ["outpatient"]


def test_a_new_name_is_not_taken_from_an_import(province, clerk) -> None:
    _imported(clerk, a_workbook({"机构": [an_institution()]}))

    done = _imported(clerk, a_workbook({"机构": [an_institution("另一家医院", code=ZENGDU + "000001")]}))

    [row] = _refused(clerk, done)["机构"]
    assert row[-1].startswith("名称与已收录的“随州仁爱医院”不同")


def test_an_institution_of_another_unit_is_neither_changed_nor_told_of(province, clerk) -> None:
    with transaction(province.sessions) as session:
        theirs = NewInstitution(name="武汉协和医院", supervising_unit=WUHAN, category="hospital")
        code = admit_institution(session, theirs, case_id=None, by=None, now=province.clock()).code

    done = _imported(clerk, a_workbook({"机构": [an_institution("武汉协和医院", code=code)]}))

    [row] = _refused(clerk, done)["机构"]
    assert row[-1] == f"没有机构编码为 {code} 的机构；新机构请不要填写机构编码。"


def test_units_are_made_below_ones_own_only(province, clerk) -> None:
    rows = [
        ["420199", "武汉新区卫健局", WUHAN, "", ""],
        ["42139", "代码短", SUIZHOU, "", ""],
        ["421398", "县下设县", ZENGDU, "", ""],
        [ZENGDU, "改了名字", SUIZHOU, "", ""],
        [ZENGDU, "曾都区卫生健康局", "420000", "", ""],
    ]

    done = _imported(clerk, a_workbook({"单位": rows}))

    reasons = [row[-1] for row in _refused(clerk, done)["单位"]]
    assert reasons == [
        "主管单位 420100 不在您的管辖范围内。",
        "单位代码应为 6 位数字。",
        "县级单位下不能再设单位。",
        "该单位名称为“曾都区卫生健康局”，改名请在机构编辑中办理。",
        "该单位的上级是 421300，不能通过导入改变。",
    ]
    assert done["units_written"] == 0


def test_a_units_contact_is_brought_up_to_date(province, clerk) -> None:
    done = _imported(clerk, a_workbook({"单位": [[ZENGDU, "曾都区卫生健康局", SUIZHOU, "医政科", "0722-1"]]}))

    assert done["units_written"] == 1
    with province.sessions() as session:
        assert session.get(Unit, ZENGDU).contact_name == "医政科"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "import.not_xlsx"),
        (b"\xff\xd8\xff\xe0 a photo", "import.not_xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old xls, or one with a password", "import.not_xlsx"),
        (b"PK\x03\x04 half a zip", "import.not_xlsx"),
    ],
)
def test_what_is_no_workbook_is_refused(province, clerk, content, code) -> None:
    answer = _send(clerk, content)

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert _count(province, RegisterImport) == 0


def _with_a_formula() -> bytes:
    return a_workbook({"机构": [an_institution("=1+1")]})


def _with_merged_cells() -> bytes:
    book = load_workbook(io.BytesIO(a_workbook({"机构": [an_institution()]})))
    book["机构"].merge_cells("B2:C2")
    return _saved(book)


def _with_a_far_cell() -> bytes:
    book = load_workbook(io.BytesIO(a_workbook({"机构": [an_institution()]})))
    book["机构"]["B1048576"] = "末行"
    return _saved(book)


def _with_a_wide_row() -> bytes:
    book = load_workbook(io.BytesIO(a_workbook({"机构": [an_institution()]})))
    book["机构"]["XFD2"] = "末列"
    return _saved(book)


def _with_other_sheets() -> bytes:
    book = Workbook()
    book.active.append(["机构名称"])
    return _saved(book)


def _rewritten(change) -> bytes:
    """A good workbook with one part changed: change(name, content) → content."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(a_workbook({"机构": [an_institution()]}))) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return made.getvalue()


def _bomb() -> bytes:
    return _rewritten(lambda name, part: part + b" " * 40_000_000 if name.endswith("sheet1.xml") else part)


def _with_entities() -> bytes:
    laughs = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    return _rewritten(lambda name, part: laughs + part.partition(b"?>")[2] if name.endswith("sheet1.xml") else part)


def _with_a_broken_number() -> bytes:
    broken = b'<c r="A2" t="n"><v>not a number</v></c><c'
    return _rewritten(lambda name, part: part.replace(b'<c r="A2"', broken + b' r="A2"') if "sheet1" in name else part)


def _with_a_text_that_is_not_there() -> bytes:
    there = b'<row r="2"><c r="A2" t="s"><v>999999</v></c>'
    return _rewritten(lambda name, part: part.replace(b'<row r="2">', there) if "sheet1" in name else part)


def _with_macros() -> bytes:
    made = io.BytesIO(a_workbook({"机构": [an_institution()]}))
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")
    return made.getvalue()


@pytest.mark.parametrize(
    ("made", "code", "place"),
    [
        (_with_a_formula, "import.formulas", "机构!B2"),
        (_with_merged_cells, "import.merged_cells", "机构!B2:C2"),
        (_with_a_far_cell, "import.too_many_rows", "机构"),
        (_with_a_wide_row, "import.too_many_columns", "机构!XFD2"),
        (_with_other_sheets, "import.no_sheets", None),
        (_bomb, "import.too_large_unpacked", None),
        (_with_entities, "import.entities", None),
        (_with_macros, "import.macros", None),
        (_with_a_broken_number, "import.not_xlsx", None),
        (_with_a_text_that_is_not_there, "import.not_xlsx", None),
        (lambda: a_workbook({"机构": []}), "import.empty", None),
    ],
)
def test_a_workbook_a_register_cannot_take_says_where_and_why(province, clerk, made, code, place) -> None:
    answer = _send(clerk, made())

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert answer.json["title"] != "提交的内容有误"
    assert [problem["message"].split("：")[0] for problem in answer.json.get("problems", [])] == (
        [place] if place else []
    )
    assert _count(province, RegisterImport) == 0


def _without_a_column() -> Workbook:
    """A good first sheet, and a second that lacks a column."""
    book = load_workbook(io.BytesIO(a_workbook({"机构": [an_institution()]})))
    sheet = book.create_sheet("管理人")
    sheet.append(["机构编码或名称", "业务", "身份证号"])
    sheet.append(["随州仁爱医院", "护士执业资格考试报名审核", "11010519491231002X"])
    return book


def test_a_sheet_without_a_required_column_is_refused_as_a_whole(province, clerk) -> None:
    answer = _send(clerk, _saved(_without_a_column()))

    assert (answer.status_code, answer.json["code"]) == (422, "import.columns")
    assert answer.json["problems"][0]["message"].startswith("管理人!管理人姓名")


def test_a_workbook_the_worker_cannot_read_to_its_end_is_not_begun(province, clerk) -> None:
    before = _count(province, Institution)
    with transaction(province.sessions) as session:
        account = session.scalars(select(Account).where(Account.username == "suizhou")).one()
        content = _saved(_without_a_column())
        import_id = queue_import(session, account.id, content, 2, is_dry_run=False, now=province.clock()).id

    imports.run_imports()

    done = clerk.get(f"/api/v1/imports/{import_id}").json
    assert (done["state"], done["problem"], done["problem_place"]) == ("REFUSED", "import.columns", "管理人!管理人姓名")
    assert done["problem_text"]
    assert _count(province, Institution) == before


def test_cells_that_do_not_say_what_was_typed_refuse_their_row(province, clerk) -> None:
    row = an_institution()
    row[4] = 914201001234567890
    row[7] = datetime(2026, 1, 2)  # noqa: DTZ001 - as spreadsheets hold dates

    done = _imported(clerk, a_workbook({"机构": [row]}))

    [refused] = _refused(clerk, done)["机构"]
    assert "“统一社会信用代码”是数值格式" in refused[-1]
    assert "“机构地址”是日期格式" in refused[-1]


def test_what_would_run_as_a_formula_comes_out_as_text(province, clerk) -> None:
    with transaction(province.sessions) as session:
        evil = NewInstitution(name="=cmd医院", supervising_unit=ZENGDU, category="hospital", address="+1 @2")
        admit_institution(session, evil, case_id=None, by=None, now=province.clock())

    book = load_workbook(io.BytesIO(clerk.get("/api/v1/registers/workbook").data))

    cells = [cell for row in book["机构"].iter_rows(min_row=2) for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    assert [cell.value for cell in cells if cell.value and "cmd" in cell.value] == ["'=cmd医院"]


def test_an_export_holds_ones_own_subtree_with_people_masked(province, clerk) -> None:
    with transaction(province.sessions) as session:
        for name, unit in (("随州仁爱医院", ZENGDU), ("武汉协和医院", WUHAN)):
            contact = Contact("张三丰", "13800000000")
            new = NewInstitution(name=name, supervising_unit=unit, category="hospital", contact=contact)
            admit_institution(session, new, case_id=None, by=None, now=province.clock())

    book = load_workbook(io.BytesIO(clerk.get("/api/v1/registers/workbook").data))
    foreign = clerk.get(f"/api/v1/registers/workbook?unit={WUHAN}")

    rows = list(book["机构"].iter_rows(min_row=2, values_only=True))
    assert [row[1] for row in rows] == ["随州仁爱医院"]
    assert rows[0][-2:] == ("张**", "138****0000")
    assert {row[0][:4] for row in book["单位"].iter_rows(min_row=2, values_only=True)} == {"4213"}
    assert (foreign.status_code, foreign.json["code"]) == (403, "unit.outside_scope")


def test_who_acts_for_no_unit_neither_imports_nor_exports(province) -> None:
    reviewer = province.staff("reviewer", "real_name.reviewer")

    answers = [_send(reviewer, a_workbook({"机构": [an_institution()]})), reviewer.get("/api/v1/registers/workbook")]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(403, "unit.not_staff")] * 2


def test_an_import_is_seen_by_who_sent_it_only(province, clerk) -> None:
    done = _imported(clerk, a_workbook({"机构": [an_institution("错误医院", category="美容院")]}))
    other = _clerk_of(province, "wuhan", WUHAN)

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
    assert _count(province, RegisterImport) == 1


def test_waiting_imports_of_one_account_are_few(province, clerk) -> None:
    content = a_workbook({"机构": [an_institution()]})
    answers = [_send(clerk, content) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 409]
    assert answers[-1].json["code"] == "import.too_many_waiting"


@pytest.mark.parametrize("taken_at", [datetime(2026, 1, 1, tzinfo=UTC), datetime(2096, 1, 1, tzinfo=UTC)])
def test_a_worker_that_died_is_followed_after_the_last_row_that_was_done(province, clerk, taken_at) -> None:
    """Also where the clock was set back since."""
    names = [f"第{number}医院" for number in range(5)]
    answer = _send(clerk, a_workbook({"机构": [an_institution(name) for name in names]}))
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
    done = _imported(clerk, a_workbook({"机构": [an_institution("错误医院", category="美容院")]}))
    with transaction(province.sessions) as session:
        kept = session.get(RegisterImport, done["id"])
        assert kept.file_sealed is None
        kept.finished_at = datetime(2026, 1, 1, tzinfo=UTC)

    imports.forget_imports()

    assert _count(province, RegisterImport) == 0


def test_an_importer_who_left_the_unit_meanwhile_brings_in_nothing(province, clerk) -> None:
    answer = _send(clerk, a_workbook({"机构": [an_institution()]}))
    with transaction(province.sessions) as session:
        session.scalars(select(Account).where(Account.username == "suizhou")).one().unit_code = None

    imports.run_imports()

    done = clerk.get(f"/api/v1/imports/{answer.json['id']}").json
    assert (done["institutions_written"], done["rows_refused"]) == (0, 1)


def test_the_template_names_every_column(province, clerk) -> None:
    book = load_workbook(io.BytesIO(clerk.get("/api/v1/imports/template").data))

    assert book.sheetnames[0] == "单位"
    assert {"机构", "管理人", "填写说明"} <= set(book.sheetnames)
    assert [cell.value for cell in book["机构"][1]] == [column.header for column in INSTITUTIONS.columns]
