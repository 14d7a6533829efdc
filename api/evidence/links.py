"""Images of cases: by a link that is signed for one account, works five minutes and leaves a record of every look."""

from __future__ import annotations

import hmac
import io
from datetime import datetime, timedelta

from apiflask import APIBlueprint
from flask import Response, current_app, g, url_for
from PIL import ImageOps
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import insert
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.errors import Rejected
from api.edge.model import EvidenceLook
from api.edge.request_session import now
from api.edge.transactions import in_one_transaction
from engine.attachments.media import HEIC, load_picture, open_picture
from engine.attachments.store import attachment_facts, read_attachment
from engine.services.registry import StoredFile
from storage import vault
from storage.columns import new_id

evidence_api = APIBlueprint("evidence", __name__, url_prefix="/api/v1", tag="案件")

VALID_FOR = timedelta(minutes=5)
LONGEST_SIDE_SHOWN = 2400


class LinkQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    account: str = Field(max_length=26)
    expires: int = Field(description="Unix 秒")
    signature: str = Field(max_length=64)


def evidence_link(caller: Caller, attachment_id: str, at: datetime) -> str:
    """A path that shows the attachment to its bearer for VALID_FOR; every use counts as a look by `caller`."""
    expires = int((at + VALID_FOR).timestamp())
    return url_for(
        "evidence.show_evidence",
        attachment_id=attachment_id,
        account=caller.account_id,
        expires=expires,
        signature=_signature(attachment_id, caller.account_id, expires),
    )


def record_look(
    session: Session, account_id: str, case_id: str, at: datetime, *, what: str, attachment_id: str | None = None
) -> None:
    """what: `image`, or `case`, `reading`, `history` for a page of the case with nothing masked."""
    session.execute(
        insert(EvidenceLook).values(
            id=new_id(), at=at, account_id=account_id, case_id=case_id, what=what, attachment_id=attachment_id
        )
    )


def look_at_case(caller: Caller, case_id: str, what: str = "case") -> None:
    """Record, in a transaction of its own, that the caller is about to be shown a case with nothing masked."""
    in_one_transaction(lambda session: record_look(session, caller.account_id, case_id, now(), what=what))


def look_at_person(caller: Caller, person_id: str) -> None:
    """As look_at_case(), for a person of the register."""
    look = {"id": new_id(), "at": now(), "account_id": caller.account_id, "person_id": person_id, "what": "person"}
    in_one_transaction(lambda session: session.execute(insert(EvidenceLook).values(look)))


@evidence_api.get("/evidence/<attachment_id>")
@evidence_api.input(LinkQuery, location="query")
@evidence_api.doc(summary="查看证件影像", responses={200: "影像：JPEG、PNG、WebP 或 PDF"})
def show_evidence(attachment_id: str, query_data: LinkQuery) -> Response:
    """链接由案件页或待办页给出，5 分钟内有效；每次查看都有记录。"""
    _refuse_unsigned(attachment_id, query_data, now())

    def look(session: Session) -> StoredFile:
        facts = attachment_facts(session, attachment_id)
        file = read_attachment(session, attachment_id)
        g.account_id = query_data.account
        record_look(session, query_data.account, facts.case_id, now(), what="image", attachment_id=attachment_id)
        return file

    shown = _viewable(in_one_transaction(look))
    response: Response = current_app.response_class(shown.content, mimetype=shown.media_type)
    response.headers["Content-Disposition"] = "inline"
    return response


def _signature(attachment_id: str, account_id: str, expires: int) -> str:
    return vault.current().master_key.mac("evidence link", f"{attachment_id}\n{account_id}\n{expires}".encode()).hex()


def _refuse_unsigned(attachment_id: str, link: LinkQuery, at: datetime) -> None:
    expected = _signature(attachment_id, link.account, link.expires)
    if not hmac.compare_digest(expected.encode(), link.signature.encode()):
        raise Rejected("evidence.link_invalid")
    if link.expires <= at.timestamp():
        raise Rejected("evidence.link_expired")


def _viewable(file: StoredFile) -> StoredFile:
    """Browsers do not draw HEIC: it is handed out as an upright JPEG."""
    if file.media_type != HEIC:
        return file
    with open_picture(file.content, HEIC) as picture:
        load_picture(picture)
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    upright.thumbnail((LONGEST_SIDE_SHOWN, LONGEST_SIDE_SHOWN))
    drawn = io.BytesIO()
    upright.save(drawn, "JPEG", quality=88)
    return StoredFile(drawn.getvalue(), "image/jpeg")
