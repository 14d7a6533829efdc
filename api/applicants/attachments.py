"""Photos and scans for a work item's form: looked at first, then kept encrypted with the case's key."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from apiflask import APIBlueprint
from apiflask.fields import UploadFile
from flask import g, request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller, identify, token_of
from api.edge.errors import Rejected
from api.edge.idempotency import answer_belongs_to_case
from api.edge.limits import limiter
from api.edge.request_session import db, now, request_session
from api.edge.transactions import decides
from api.evidence.links import evidence_link
from engine.attachments.media import DOCUMENT_TYPES, PHOTO_TYPES, InvalidUpload, Upload, inspect_upload
from engine.attachments.store import attachments_of, store_attachment
from engine.forms.form import Field as FormField
from engine.forms.schema import FILE_KINDS
from engine.queries.pages import work_item
from engine.queries.views import WorkItemPage
from engine.work_items.acts import begin_work

attachments_api = APIBlueprint("attachments", __name__, url_prefix="/api/v1", tag="待办")

# A whole application needs a dozen; the rest is somebody filling the disk.
MAX_PER_CASE = 100


class NewAttachment(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    work_item: str = Field(max_length=26, description="待办")
    field: str = Field(max_length=100, description="待办表单中的字段名")
    file: UploadFile = Field(description="JPEG、PNG、WebP、HEIC（表单允许时 PDF），不超过 10 MB、4000 万像素")


class AttachmentOut(BaseModel):
    id: str = Field(description="填入表单字段的值")
    media_type: str
    width: int | None
    height: int | None
    pages: int
    size: int
    url: str = Field(description="5 分钟内有效的查看链接")


View = Callable[..., Any]  # a Flask view


def _inspected(view: View) -> View:
    """Decode the upload before any transaction is open; strangers' files are not even looked at."""

    @wraps(view)
    def run(**arguments: Any) -> Any:  # Any: a Flask view's
        session = request_session()
        identify(session, token_of(request), Audience.SIGNED_IN, now())
        db.session.remove()
        sent = request.files.get("file")
        if sent is not None:
            g.content = sent.stream.read()
            sent.stream.seek(0)
            g.upload = inspect_upload(g.content, DOCUMENT_TYPES)
        return view(**arguments)

    return run


@attachments_api.post("/attachments")
@limiter.limit("60 per minute")
@_inspected
@decides()
@attachments_api.input(NewAttachment, location="files")
@attachments_api.output(AttachmentOut, status_code=201)
@attachments_api.doc(summary="上传照片")
def add_attachment(session: Session, caller: Caller, files_data: NewAttachment) -> dict[str, Any]:
    """文件类型由内容判断；损坏、过大或不支持的文件说明原因并拒收。"""
    page = work_item(session, files_data.work_item, caller.actor)
    field = _form_field(page, files_data.field)
    begin_work(session, files_data.work_item, by=caller.actor, now=now())
    upload: Upload = g.upload
    content: bytes = g.content
    _refuse_type(upload, field)
    case_id = page.item.case_id
    if len(attachments_of(session, case_id)) >= MAX_PER_CASE:
        raise Rejected("attachment.too_many")
    attachment_id = store_attachment(
        session, case_id, content, upload.media_type, field.kind, by=caller.account_id, now=now()
    )
    answer_belongs_to_case(case_id)
    return {
        "id": attachment_id,
        "media_type": upload.media_type,
        "width": upload.width,
        "height": upload.height,
        "pages": upload.pages,
        "size": len(content),
        "url": evidence_link(caller, attachment_id, now()),
    }


def _form_field(page: WorkItemPage, name: str) -> FormField:
    field = page.form.fields.get(name) if page.form else None
    if field is None or field.kind not in FILE_KINDS:
        message = "该表单没有可上传文件的这个字段"
        raise Rejected(
            "request.invalid", problems=[{"field": "field", "code": "form.unknown_field", "message": message}]
        )
    return field


def _refuse_type(upload: Upload, field: FormField) -> None:
    """A form takes photos; PDF too where the field's `ui.accept` names it."""
    allowed = PHOTO_TYPES | (frozenset(field.ui.get("accept", ())) & DOCUMENT_TYPES)
    if upload.media_type not in allowed:
        raise InvalidUpload("upload.wrong_type", "这里需要照片（JPEG、PNG、WebP、HEIC）。", found=upload.media_type)
