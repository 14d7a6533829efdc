"""The service task by which any flow tells people something: it puts a notice into the outbox."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from domain.notice import queue_notice
from engine.service_tasks import TransactionContext, service_task

GROUP = "group:"


class NoticeParameters(BaseModel):
    """recipient: `starter`, or `group:<key>` for everyone of a group. facts: what the template's words stand for."""

    recipient: str
    template: str
    facts: dict[str, Any] = {}  # Any: JSON of the case


@service_task("notice.queue", title="发送通知", parameters=NoticeParameters, in_transaction=True)
def queue(parameters: NoticeParameters, context: TransactionContext) -> None:
    is_group = parameters.recipient.startswith(GROUP)
    queue_notice(
        context.session,
        case_id=context.case_id,
        template=parameters.template,
        now=context.now,
        account_id=None if is_group else context.started_by,
        group_key=parameters.recipient.removeprefix(GROUP) if is_group else None,
        facts=parameters.facts,
    )
