"""What several service tasks of 实名认证 are given."""

from __future__ import annotations

from pydantic import BaseModel

from domain.documents.documents import DocumentType


class DocumentParameters(BaseModel):
    document_type: DocumentType
    document_number: str
    name: str = ""
