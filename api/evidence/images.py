"""The pictures a form or a reading speaks of, as links."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.evidence.links import evidence_link
from engine.attachments.store import attachments_of


class Image(BaseModel):
    id: str
    kind: str
    media_type: str
    url: str = Field(description="5 分钟内有效的查看链接")


def images_in(session: Session, case_id: str, values: Any, caller: Caller, at: datetime) -> list[dict[str, Any]]:
    """Links to those of the case's attachments whose ids occur anywhere in `values` (JSON)."""
    named = set(_texts(values))
    return [
        {"id": each.id, "kind": each.kind, "media_type": each.media_type, "url": evidence_link(caller, each.id, at)}
        for each in attachments_of(session, case_id)
        if each.id in named
    ]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in _texts(each)]
