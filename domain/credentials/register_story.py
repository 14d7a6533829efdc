"""What happened to a person and to a credential, as sentences. Chinese; nothing in them is personal. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.credentials.consent import Consent, Purpose
from domain.credentials.credential import Credential, CredentialState, VerifiedBy
from domain.credentials.register import PersonRecord
from domain.documents.documents import DOCUMENT_LABELS

STATE_LABELS: Mapping[str, str] = {
    CredentialState.VALID: "有效",
    CredentialState.REPLACED: "已被替换",
    CredentialState.WITHDRAWN: "本人撤回",
    CredentialState.REVOKED: "已撤销",
    CredentialState.EXPIRED: "已到期",
}
VERIFIED_BY_LABELS: Mapping[str, str] = {VerifiedBy.READING: "自动核验", VerifiedBy.REVIEW: "人工审核"}
_PURPOSES: Mapping[str, str] = {
    Purpose.READ_DOCUMENT: "识别证件信息",
    Purpose.KEEP_PORTRAIT: "保留证件照",
    Purpose.COMPARE_FACE: "处理人脸信息",
    Purpose.ADMIT_INSTITUTION: "办理机构收录",
}


@dataclass(frozen=True, slots=True)
class RegisterLine:
    at: datetime
    sentence: str
    case_id: str | None = None
    credential_id: str | None = None


def credential_story(credential: Credential) -> list[RegisterLine]:
    """Oldest first."""
    label = DOCUMENT_LABELS[credential.document_type]
    how = VERIFIED_BY_LABELS[credential.verified_by]
    lines = [RegisterLine(credential.issued_at, f"核发实名凭证（{label}，{how}）", credential.case_id, credential.id)]
    if credential.ended_at is not None:
        ended = f"实名凭证（{label}）{STATE_LABELS[credential.state]}"
        lines.append(RegisterLine(credential.ended_at, ended, None, credential.replaced_by or credential.id))
    return lines


def person_story(record: PersonRecord) -> list[RegisterLine]:
    """Oldest first."""
    lines = [RegisterLine(record.entry.created_at, "登记为人员")]
    lines += [line for credential in record.credentials for line in credential_story(credential)]
    lines += [line for consent in record.consents for line in _consent_lines(consent)]
    lines += [
        RegisterLine(document.created_at, f"登记证件（{DOCUMENT_LABELS[document.document_type]}）")
        for document in record.documents
    ]
    return sorted(lines, key=lambda line: line.at)


def _consent_lines(consent: Consent) -> list[RegisterLine]:
    purpose = _PURPOSES.get(consent.purpose, consent.purpose)
    lines = [RegisterLine(consent.given_at, f"同意{purpose}（{consent.text_version}）", consent.case_id)]
    if consent.withdrawn_at is not None:
        lines.append(RegisterLine(consent.withdrawn_at, f"撤回对{purpose}的同意", consent.case_id))
    return lines
