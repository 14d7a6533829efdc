"""Workbooks the registers do not take: each is refused as a whole, and says where and why."""

from __future__ import annotations

import io
import zipfile

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import select

from domain.accounts.account import Account
from domain.imports.run import RegisterImport, queue_import
from domain.institutions.institution import Institution
from storage.transactions import transaction
from tasks import imports
from tests.api.registers.importing.register_workbooks import a_workbook, an_institution, count, saved, send


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
    answer = send(clerk, content)

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert count(province, RegisterImport) == 0


def _with_a_formula() -> bytes:
    return a_workbook({"机构": [an_institution("=1+1")]})


def _with_merged_cells() -> bytes:
    book = load_workbook(io.BytesIO(a_workbook({"机构": [an_institution()]})))
    book["机构"].merge_cells("B2:C2")
    return saved(book)


def _with_a_far_cell() -> bytes:
    book = load_workbook(io.BytesIO(a_workbook({"机构": [an_institution()]})))
    book["机构"]["B1048576"] = "末行"
    return saved(book)


def _with_a_wide_row() -> bytes:
    book = load_workbook(io.BytesIO(a_workbook({"机构": [an_institution()]})))
    book["机构"]["XFD2"] = "末列"
    return saved(book)


def _with_other_sheets() -> bytes:
    book = Workbook()
    book.active.append(["机构名称"])
    return saved(book)


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
    answer = send(clerk, made())

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert answer.json["title"] != "提交的内容有误"
    assert [problem["message"].split("：")[0] for problem in answer.json.get("problems", [])] == (
        [place] if place else []
    )
    assert count(province, RegisterImport) == 0


def _without_a_column() -> Workbook:
    """A good first sheet, and a second that lacks a column."""
    book = load_workbook(io.BytesIO(a_workbook({"机构": [an_institution()]})))
    sheet = book.create_sheet("管理人")
    sheet.append(["机构编码或名称", "业务", "身份证号"])
    sheet.append(["随州仁爱医院", "护士执业资格考试报名审核", "11010519491231002X"])
    return book


def test_a_sheet_without_a_required_column_is_refused_as_a_whole(province, clerk) -> None:
    answer = send(clerk, saved(_without_a_column()))

    assert (answer.status_code, answer.json["code"]) == (422, "import.columns")
    assert answer.json["problems"][0]["message"].startswith("管理人!管理人姓名")


def test_a_workbook_the_worker_cannot_read_to_its_end_is_not_begun(province, clerk) -> None:
    before = count(province, Institution)
    with transaction(province.sessions) as session:
        account = session.scalars(select(Account).where(Account.username == "suizhou")).one()
        content = saved(_without_a_column())
        import_id = queue_import(session, account.id, content, 2, is_dry_run=False, now=province.clock()).id

    imports.run_imports()

    done = clerk.get(f"/api/v1/imports/{import_id}").json
    assert (done["state"], done["problem"], done["problem_place"]) == ("REFUSED", "import.columns", "管理人!管理人姓名")
    assert done["problem_text"]
    assert count(province, Institution) == before
