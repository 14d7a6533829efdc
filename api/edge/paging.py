"""Keyset pages: `next` of one page is the `cursor` of the following, null at the end. No page numbers, no totals."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    cursor: str | None = Field(default=None, max_length=80, description="上一页答复中的 next")
    limit: int = Field(default=20, ge=1, le=100, description="每页条数")
