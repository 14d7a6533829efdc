"""Versions of the shipped flows as other releases had them."""

from __future__ import annotations

import re

from sqlalchemy import func, insert, select

from config import ROOT
from engine.actors import Actor
from engine.deployment.deploy import DEFINITION, FILE, deploy_flow
from engine.flow.flow import CONFIG_FILE, Flow, flow_of_files, load_flow
from storage.columns import new_id
from tests.flows.story import Town


def shipped(key: str, said: dict[str, str] | None = None, path: str = CONFIG_FILE) -> Flow:
    """The flow as it lies in its folder; said: what one file of it says (a pattern) → what it says instead."""
    flow = load_flow(ROOT / "bpmn" / key)
    content = flow.files[path].decode()
    for pattern, instead in (said or {}).items():
        content, count = re.subn(pattern, instead, content, flags=re.DOTALL)
        assert count, pattern
    return flow_of_files({**flow.files, path: content.encode()})


def deploys(town: Town, flow: Flow) -> None:
    """An analyst's newer version."""
    with town.writing() as session:
        deploy_flow(session, flow, by=Actor("analyst"), reason="tests", now=town.now)


def deployed_before_the_check(town: Town, flow: Flow) -> None:
    """As a release left it whose check asked for less; new cases begin on it."""
    with town.writing() as session:
        newest = select(func.max(DEFINITION.c.version)).where(DEFINITION.c.flow_key == flow.key)
        row = {
            "id": new_id(),
            "flow_key": flow.key,
            "version": (session.scalar(newest) or 0) + 1,
            "title": flow.config.title,
            "digest": flow.digest,
            "diagram_digest": "",
            "deployed_at": town.now,
            "deployed_by": "analyst",
            "reason": "tests",
        }
        session.execute(insert(DEFINITION).values(row))
        files = [{"definition_id": row["id"], "path": path, "content": content} for path, content in flow.files.items()]
        session.execute(insert(FILE), files)
