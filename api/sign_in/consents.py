"""What I have agreed to, and taking back what lasts beyond one application (PIPL articles 15 and 47)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.errors import Rejected
from api.edge.request_session import now
from api.edge.transactions import reads, writes
from domain.credentials.consent import Purpose, consents_of, take_back_consent

consents_api = APIBlueprint("consents", __name__, url_prefix="/api/v1", tag="登录")


class ConsentOut(BaseModel):
    purpose: Purpose = Field(description="read_document 识别证件、compare_face 比对人脸、keep_portrait 保留证件照")
    text_version: str = Field(description="同意的告知文本的版本")
    given_at: datetime
    withdrawn_at: datetime | None


class ConsentList(BaseModel):
    items: list[ConsentOut]


@consents_api.get("/me/consents")
@reads()
@consents_api.output(ConsentList)
@consents_api.doc(summary="我的同意")
def list_consents(session: Session, caller: Caller) -> dict[str, Any]:
    """同意过什么、哪一版文本、何时，是否已撤回；新的在前。"""
    fields = ConsentOut.model_fields
    found = consents_of(session, caller.account_id)
    return {"items": [{name: getattr(consent, name) for name in fields} for consent in found]}


@consents_api.delete("/me/consents/<purpose>")
@writes()
@consents_api.doc(summary="撤回同意", responses={204: "已撤回"})
def withdraw(session: Session, caller: Caller, purpose: str) -> tuple[str, int]:
    """撤回保留证件照的同意，照片随即删除。只用于一次申请的同意随申请撤回。没有可撤回的也算完成。"""
    if purpose not in set(Purpose):
        raise Rejected("consent.unknown")
    take_back_consent(session, caller.account_id, Purpose(purpose), now())
    return "", 204
