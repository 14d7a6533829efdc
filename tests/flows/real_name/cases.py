"""Words of 实名认证 that its stories share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from domain.credentials.credential import Credential, valid_credential_of
from domain.notice import Notice, read_notice
from tests.flows.readings import a_reading
from tests.flows.story import Story

ZHANG = {"name": "张三", "document_number": "11010519491231002X"}


def scans(story: Story, **reading: Any) -> Story:
    """Both sides are photographed and read."""
    story.completes("scan", front=story.photo(), back=story.photo())
    story.job("document.read").returns(a_reading(**reading))
    return story


def notices(story: Story) -> list[str]:
    with story.town.sessions() as session:
        rows = session.scalars(select(Notice).where(Notice.case_id == story.case_id).order_by(Notice.id))
        return [row.template.removeprefix("real_name.") for row in rows]


def notice_text(story: Story, template: str) -> str:
    with story.town.sessions() as session:
        of_the_case = Notice.case_id == story.case_id, Notice.template == f"real_name.{template}"
        found = session.scalars(select(Notice).where(*of_the_case)).one()
        return read_notice(session, found).text


def credential_of(story: Story) -> Credential | None:
    with story.town.sessions() as session:
        return valid_credential_of(session, story.starter.id)
