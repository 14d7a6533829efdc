"""Imports and exports of registers: a workbook in, checked and queued; its progress, what was refused; a workbook out.

Everything is held to the caller's scope: a unit brings in and takes out its own subtree, and sees its own imports only.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import IO, Any

from apiflask import APIBlueprint
from apiflask.fields import UploadFile
from flask import Response, g, request, send_file
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller, identify, token_of
from api.edge.errors import Rejected
from api.edge.limits import limiter
from api.edge.paging import PageQuery
from api.edge.problem_texts import KNOWN
from api.edge.request_session import db, now, request_session
from api.edge.transactions import decides, reads
from api.registers.units import scope_of
from domain.imports.export import write_register
from domain.imports.inspection import inspect_workbook
from domain.imports.run import ImportState, RegisterImport, find_import, imports_of, queue_import, refused_rows
from domain.imports.workbook import MEDIA_TYPE, SHEETS, WorkbookWriter, read_rows, template
from domain.refused import Refused
from domain.units.unit import subtree

imports_api = APIBlueprint("imports", __name__, url_prefix="/api/v1", tag="机构")

STATE_LABELS = {
    ImportState.QUEUED: "等待处理",
    ImportState.RUNNING: "正在处理",
    ImportState.DONE: "已完成",
    ImportState.REFUSED: "文件不能导入",
    ImportState.FAILED: "系统出错，未处理完",
}
MEMORY = 4 * 1024 * 1024  # of a workbook on its way out; the rest is a file that is deleted as soon as it is sent


class NewImport(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    file: UploadFile = Field(description="XLSX，不超过 10 MB、每张表 20000 行；列名见模板")
    is_dry_run: bool = Field(default=True, description="试导入：逐行检查，什么也不写入")


class ImportOut(BaseModel):
    id: str
    state: ImportState
    state_label: str
    is_dry_run: bool
    rows_total: int = Field(description="处理完以前含空行")
    rows_done: int
    rows_refused: int
    units_written: int = Field(description="新增或改变的单位")
    institutions_written: int = Field(description="新增或改变的机构")
    managers_queued: int = Field(description="将登记的管理人")
    problem: str | None = Field(description="整个文件不能导入的原因代码")
    problem_text: str | None
    problem_place: str | None = Field(description="工作表和单元格，如 机构!B7")
    queued_at: datetime
    finished_at: datetime | None


class ImportList(BaseModel):
    items: list[ImportOut]
    next: str | None


class ExportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    unit: str | None = Field(default=None, max_length=6, description="只要这个单位和它的下级")


View = Callable[..., Any]  # a Flask view


def _looked_through(view: View) -> View:
    """Look the upload through before any transaction is open; strangers' files are not even unpacked."""

    @wraps(view)
    def run(**arguments: Any) -> Any:  # Any: a Flask view's
        scope_of(identify(request_session(), token_of(request), Audience.SIGNED_IN, now()))
        db.session.remove()
        sent = request.files.get("file")
        if sent is not None:
            g.content = sent.stream.read()
            sent.stream.seek(0)
            g.rows = _looked_into(g.content)
        return view(**arguments)

    return run


def _looked_into(content: bytes) -> int:
    """How many rows the workbook has. Raises Rejected, with the sheet and cell that stand in the way."""
    try:
        rows = inspect_workbook(content)
        if next(read_rows(content), None) is None:  # its headers are looked at before its first row
            raise Refused("import.empty")
        return rows
    except Refused as refused:
        place = refused.facts.get("place")
        text = KNOWN[refused.code]
        where = [{"field": "file", "code": refused.code, "message": f"{place}：{text.title}"}] if place else []
        raise Rejected(refused.code, problems=where) from refused


@imports_api.post("/imports")
@limiter.limit("20 per minute")
@_looked_through
@decides()
@imports_api.input(NewImport, location="form_and_files")
@imports_api.output(ImportOut, status_code=202)
@imports_api.doc(summary="导入单位、机构、管理人")
def add_import(session: Session, caller: Caller, form_and_files_data: NewImport) -> dict[str, Any]:
    """只能导入本单位及下级的内容。有公式、合并单元格或宏的文件整个拒收；个别行有误的，其余照常导入，有误的行可下载。"""
    scope_of(caller)
    dry = form_and_files_data.is_dry_run
    return _import_json(queue_import(session, caller.account_id, g.content, g.rows, is_dry_run=dry, now=now()))


@imports_api.get("/imports")
@reads(is_polled=True)
@imports_api.input(PageQuery, location="query")
@imports_api.output(ImportList)
@imports_api.doc(summary="我的导入")
def list_imports(session: Session, caller: Caller, query_data: PageQuery) -> dict[str, Any]:
    """新的在前；结束 30 天后删除。"""
    found, following = imports_of(session, caller.account_id, cursor=query_data.cursor, limit=query_data.limit)
    return {"items": [_import_json(each) for each in found], "next": following}


@imports_api.get("/imports/<import_id>")
@reads(is_polled=True)
@imports_api.output(ImportOut)
@imports_api.doc(summary="导入的进度")
def show_import(session: Session, caller: Caller, import_id: str) -> dict[str, Any]:
    """处理到第几行；可以反复查询。"""
    return _import_json(find_import(session, import_id, caller.account_id))


@imports_api.get("/imports/<import_id>/refused-rows")
@reads()
@imports_api.doc(summary="下载未导入的行", responses={200: "XLSX：原来的各列，另加未导入的原因"})
def download_refused_rows(session: Session, caller: Caller, import_id: str) -> Response:
    """改好以后可以直接再次导入。"""
    found = find_import(session, import_id, caller.account_id)
    by_title = {sheet.title: sheet for sheet in SHEETS}
    writer = WorkbookWriter()
    for row in refused_rows(session, found.id):
        writer.add(by_title[row.sheet], row.cells, reason=row.reason)
    if found.rows_refused == 0:
        raise Rejected("import.nothing_refused")
    return _download(writer.save, "未导入的行.xlsx")


@imports_api.get("/imports/template")
@reads()
@imports_api.doc(summary="下载导入模板", responses={200: "XLSX：单位、机构、管理人三张空表和填写说明"})
def download_template(session: Session, caller: Caller) -> Response:
    """各列的写法见“填写说明”。"""
    content = template()
    return _download(lambda file: file.write(content), "导入模板.xlsx")


@imports_api.get("/registers/workbook")
@limiter.limit("10 per minute")
@reads()
@imports_api.input(ExportQuery, location="query")
@imports_api.doc(summary="导出单位、机构、管理人", responses={200: "XLSX：与导入相同的三张表，个人信息打码"})
def export_registers(session: Session, caller: Caller, query_data: ExportQuery) -> Response:
    """本单位及下级；打码的内容再导入时保持原样。"""
    units = scope_of(caller)
    if query_data.unit is not None:
        if query_data.unit not in units:
            raise Rejected("unit.outside_scope")
        units &= subtree(session, query_data.unit)
    return _download(lambda file: write_register(session, units, file), "机构库.xlsx")


def _download(write: Callable[[IO[bytes]], object], name: str) -> Response:
    file = tempfile.SpooledTemporaryFile(max_size=MEMORY)  # noqa: SIM115 - closed with the response that sends it
    write(file)
    file.seek(0)
    return send_file(file, mimetype=MEDIA_TYPE, as_attachment=True, download_name=name)


def _import_json(one: RegisterImport) -> dict[str, Any]:
    text = KNOWN.get(one.refusal) if one.refusal else None
    return {
        **{name: getattr(one, name) for name in ImportOut.model_fields if hasattr(RegisterImport, name)},
        "state_label": STATE_LABELS[ImportState(one.state)],
        "problem": one.refusal,
        "problem_text": text.detail if text else None,
        "problem_place": one.refusal_place,
    }
