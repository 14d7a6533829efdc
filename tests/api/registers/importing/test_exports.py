"""The workbook the registers give: the empty one to fill in, and the export, with nothing beyond the scope."""

from __future__ import annotations

import io

from openpyxl import load_workbook

from domain.imports.workbook import INSTITUTIONS
from domain.institutions.institution import Contact, NewInstitution, admit_institution
from storage.transactions import transaction
from tests.api.registers.importing.register_workbooks import (
    WUHAN,
    ZENGDU,
    a_workbook,
    an_institution,
    imported,
    refused_rows,
    send,
)


def test_an_export_imported_again_changes_nothing(province, clerk) -> None:
    contact = {"contact_name": "张三", "contact_phone": "13800000000", "address": '=HYPERLINK("x")'}
    imported(
        clerk, a_workbook({"机构": [an_institution(**{**contact, "address": "沿河大道 1 号"}), an_institution("二院")]})
    )

    exported = clerk.get("/api/v1/registers/workbook")
    done = imported(clerk, exported.data)

    assert exported.status_code == 200
    assert done["rows_refused"] == 0, refused_rows(clerk, done)
    assert (done["units_written"], done["institutions_written"], done["managers_queued"]) == (0, 0, 0)


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

    answers = [send(reviewer, a_workbook({"机构": [an_institution()]})), reviewer.get("/api/v1/registers/workbook")]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(403, "unit.not_staff")] * 2


def test_the_template_names_every_column(province, clerk) -> None:
    book = load_workbook(io.BytesIO(clerk.get("/api/v1/imports/template").data))

    assert book.sheetnames[0] == "单位"
    assert {"机构", "管理人", "填写说明"} <= set(book.sheetnames)
    assert [cell.value for cell in book["机构"][1]] == [column.header for column in INSTITUTIONS.columns]
