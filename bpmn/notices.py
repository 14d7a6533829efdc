"""How a flow tells people something: its sentences are in its flow.toml; the notice goes into the outbox.

A case says what the version it runs on says. What that version has no sentence for (versions before sentences lay in the
flow) is said in the words of the flow's folder beside this module.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from bpmn.shipped import shipped_flow
from domain.notice import Wording, queue_notice
from domain.refused import Refused
from engine.deployment.deploy import find_definition
from engine.forms.form import load_form
from engine.model.definition import DefinitionId
from engine.model.tables import CASE
from engine.services.notice_texts import NoticeTexts, notice_texts
from engine.services.registry import NOTICE, TransactionContext, service_task

GROUP = "group:"


class NoticeParameters(BaseModel):
    """recipient: `starter`, or `group:<key>` for everyone of a group. facts: what the template's words stand for."""

    recipient: str
    template: Annotated[str, NOTICE]
    facts: dict[str, Any] = {}  # Any: JSON of the case


@service_task("notice.queue", title="发送通知", parameters=NoticeParameters, in_transaction=True)
def queue(parameters: NoticeParameters, context: TransactionContext) -> None:
    is_group = parameters.recipient.startswith(GROUP)
    queue_notice(
        context.session,
        case_id=context.case_id,
        template=parameters.template,
        wording=wording_of(parameters.template, context.notice_texts),
        now=context.now,
        account_id=None if is_group else context.started_by,
        group_key=parameters.recipient.removeprefix(GROUP) if is_group else None,
        facts=parameters.facts,
    )


def wording_of(template: str, texts: NoticeTexts | None = None) -> Wording:
    """The sentences of `<flow>.<name>`. texts: of the case's own version, None where there is no case to ask.

    Raises Refused("notice.unknown_template").
    """
    flow_key, _, name = template.partition(".")
    for said in (texts, _shipped_texts(flow_key)):
        if said is not None and said.flow_key == flow_key and name in said.notices:
            return Wording(said.notices[name].title, said.notices[name].text, said.words)
    raise Refused("notice.unknown_template", template=template)


def wording_in_case(session: Session, case_id: str, template: str) -> Wording:
    """As wording_of(), outside the case's own steps. Raises NotFound("definition.unknown") too."""
    definition_id = session.scalar(select(CASE.c.definition_id).where(CASE.c.id == case_id)) or ""
    return wording_of(template, find_definition(session, DefinitionId(definition_id)).notice_texts)


@cache
def _shipped_texts(flow_key: str) -> NoticeTexts | None:
    flow = shipped_flow(flow_key)
    return notice_texts(flow.config, [load_form(content) for content in flow.forms.values()]) if flow else None
