"""A case's evidence file over HTTP; what the engine does not know: how texts are masked, which consents were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apiflask import APIBlueprint
from flask import Response, current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.cases.cases import case_as_seen
from api.edge.auth import Audience, Caller
from api.edge.masking import masked_variables
from api.edge.request_session import now
from api.edge.transactions import reads
from api.evidence.links import look_at_case
from domain.credentials.consent import Consent
from engine.deployment.deploy import Definition
from engine.replay.evidence.file import Export, evidence_file

evidence_export_api = APIBlueprint("evidence_export", __name__, url_prefix="/api/v1", tag="案件")

Json = Any  # a JSON value


@evidence_export_api.get("/cases/<case_id>/evidence-file")
@reads(Audience.CONSOLE)
@evidence_export_api.doc(summary="案件的证据包", responses={200: "zip：经过、输入、决策、模型、同意和哈希链，已签名"})
def show_evidence_file(session: Session, caller: Caller, case_id: str) -> Response:
    """打码与否同案件页；不打码的导出有记录。用 verify-evidence 核对，不需要数据库。"""
    _, is_masked = case_as_seen(session, case_id, caller)
    added = {"consents.json": consents_json(session, case_id)}
    export = Export(caller.account_id, now(), redacted if is_masked else None, added)
    content = evidence_file(session, case_id, export)
    if not is_masked:
        look_at_case(caller, case_id, "evidence_file")
    response: Response = current_app.response_class(content, mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="evidence-{case_id}.zip"'
    return response


def redacted(values: Mapping[str, Json], definition: Definition) -> Mapping[str, Json]:
    """As the case page shows values to who has not claimed an item."""
    return masked_variables(values, definition.forms.values())


def consents_json(session: Session, case_id: str) -> list[dict[str, Json]]:
    """Consents given in the case, with the version of the text; withdrawn ones, too."""
    given = select(Consent).where(Consent.case_id == case_id).order_by(Consent.given_at, Consent.id)
    return [
        {
            "account": one.account_id,
            "purpose": one.purpose,
            "text_version": one.text_version,
            "given_at": one.given_at,
            "withdrawn_at": one.withdrawn_at,
        }
        for one in session.execute(given).scalars()
    ]
