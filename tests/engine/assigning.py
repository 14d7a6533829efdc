"""Who gives work to whom at a review of leave, what is refused them, and what is told of the work item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from engine.actors import Actor
from engine.errors import EngineError
from engine.model.tables import WAITING
from engine.queries.pages import case_page
from engine.work_items.events import events_of_item
from tests.engine.conftest import NOW, REVIEWER, Store

LEAD = Actor("lead", frozenset({"leave.reviewer:wuhan", "leave.reviewer:wuhan.lead"}))
EXPERT = Actor("expert", frozenset({"lawyers"}))
THIRD = Actor("reviewer-3", REVIEWER.groups)


def a_claimed_item(store: Store) -> str:
    """An item to decide, claimed by the reviewer."""
    store.deploy()
    found = store.waiting(store.case_at_review(), "decide").id
    store.claim(found, REVIEWER)
    return found


def does(store: Store, verb: Callable[..., Any], *given: Any, **named: Any) -> Any:
    with store.writing() as session:
        return verb(session, *given, **{"now": NOW, **named})


def refuses(
    store: Store, error: type[EngineError], code: str, verb: Callable[..., Any], *given: Any, **named: Any
) -> None:
    with store.writing() as session, pytest.raises(error) as refused:
        verb(session, *given, **{"now": NOW, **named})
    assert refused.value.code == code


def holder(store: Store, item: str) -> tuple[str, str | None]:
    with store.sessions() as session:
        views = [v for v in case_page(session, case_of(store, item)).waits if v.id == item]
    return views[0].state, views[0].assignee


def case_of(store: Store, item: str) -> str:
    with store.sessions() as session:
        found: str = session.execute(select(WAITING.c.case_id).where(WAITING.c.id == item)).scalar_one()
        return found


def verbs_told(store: Store, item: str) -> list[str]:
    with store.sessions() as session:
        return [event.verb for event in events_of_item(session, case_of(store, item), item)]
