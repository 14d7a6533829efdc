"""Notice slips 授权通知单 as PDF: one page an institution, with its code, until when it is good and how it is used."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import Response, current_app
from fpdf import FPDF
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.errors import Rejected
from api.edge.request_session import now
from api.edge.transactions import reads
from api.grants.scope import changeable_grant, grant_in_scope
from domain.grants.business import find_business
from domain.grants.grant import find_grant, granting_unit
from domain.grants.rows import GrantRow
from domain.institutions import labels
from domain.pdf_page import new_document, write_paragraph, write_rows, write_title
from domain.units.unit import Unit, find_unit

grant_slips_api = APIBlueprint("grant_slips", __name__, url_prefix="/api/v1", tag="业务授权（行政单位）")

LOCAL_TIME = ZoneInfo("Asia/Shanghai")
HOW_TO_USE = (
    "一、业务管理人员本人打开微信小程序“湖北卫生人才”，以身份证完成实名认证。",
    "二、进入“管理菜单—本人业务账号管理—添加业务”，输入授权码。",
    "三、按提示进行人脸识别；不愿人脸识别的，可由授权单位电话或当面确认。",
    "四、授权码只能使用一次，激活后即失效。请交给业务管理人员本人，不要公开或转发。",
)


class SlipsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    grants: str = Field(
        pattern=r"^[0-9a-z]{26}(,[0-9a-z]{26}){0,99}$",
        description="已生成未激活的授权的 id，以逗号分隔，每个一页，至多 100 个",
    )


@grant_slips_api.get("/grants/slips")
@reads()
@grant_slips_api.input(SlipsQuery, location="query")
@grant_slips_api.doc(summary="打印授权通知单", responses={200: "PDF，每个机构一页"})
def print_slips(session: Session, caller: Caller, query_data: SlipsQuery) -> Response:
    """机构、授权码、有效期和使用方法。只有已生成未激活的可以打印。"""
    pdf = new_document("业务授权通知单")
    for grant_id in dict.fromkeys(query_data.grants.split(",")):
        grant = changeable_grant(session, caller, grant_id)
        row = grant_in_scope(session, caller, grant_id)
        if row.code is None or row.code_expires_at is None:
            raise Rejected(
                "grant.no_open_code", detail=f"{row.institution_name}没有未激活的授权码，请取消选择后再打印。"
            )
        unit = find_unit(session, granting_unit(session, grant) or row.supervising_unit)
        pdf.add_page()
        _slip(pdf, row, find_business(session, find_grant(session, grant_id).business_key).name, unit)
    answer: Response = current_app.response_class(bytes(pdf.output()), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = 'attachment; filename="grant-slips.pdf"'
    return answer


def _slip(pdf: FPDF, row: GrantRow, business: str, unit: Unit) -> None:
    assert row.code is not None
    assert row.code_expires_at is not None
    until = row.code_expires_at.astimezone(LOCAL_TIME)
    write_title(pdf, "业务授权通知单")
    write_paragraph(pdf, f"{row.institution_name}：现授权贵单位办理以下业务，请指定一名业务管理人员激活。")
    rows = [
        (labels.NAME, row.institution_name),
        (labels.CODE, row.institution_code),
        ("业务", business),
        ("授权码", f"{row.code[:4]} {row.code[4:]}"),
        ("有效期至", f"{until:%Y年%m月%d日 %H:%M}"),
        ("授权单位", unit.name),
        ("咨询", " ".join(part for part in (unit.contact_name, unit.contact_phone) if part) or "授权单位业务部门"),
    ]
    write_rows(pdf, rows)
    for line in HOW_TO_USE:
        write_paragraph(pdf, line)
    write_paragraph(pdf, f"打印日期：{now().astimezone(LOCAL_TIME):%Y年%m月%d日}", align="R")
