"""What an operator does to a case of leave, what is refused them, and the page they see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from engine.actors import Actor
from engine.errors import EngineError
from engine.operators.operations import OperatorAct, OperatorVerb, operate
from engine.queries.pages import case_page
from engine.replay.rebuild import verify_case
from tests.engine.conftest import ANALYST, NOW, REVIEWER, Store

DAY_LATER = NOW + timedelta(days=1, minutes=1)


def act(
    store: Store, verb: OperatorVerb, case_id: str, *, now: Any = NOW, by: Actor = ANALYST, **named: Any
) -> str | None:
    with store.writing() as session:
        asked = OperatorAct(verb=verb, case_id=case_id, **{"why": "按工单 17", **named})
        return operate(session, asked, by=by, now=now)


def refuses(store: Store, error: type[EngineError], code: str, *given: Any, **named: Any) -> None:
    with pytest.raises(error) as refused:
        act(store, *given, **named)
    assert refused.value.code == code


def page_of(store: Store, case_id: str) -> Any:
    with store.sessions() as session:
        assert verify_case(session, case_id).is_sound
        return case_page(session, case_id)


def at_review(store: Store) -> tuple[str, str]:
    store.deploy()
    case_id = store.case_at_review()
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER)
    return case_id, item
