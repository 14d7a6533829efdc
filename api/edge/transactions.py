"""The edge of every operation: who asks, one transaction, deadlocks tried again. Views below it get `session` and `caller`.

Used directly under the route, above `input` and `output`:

    @work_items.post("/work-items/<work_item_id>/complete")
    @decides()
    @work_items.input(Completion)
    @work_items.output(WorkItemPage)
    def complete(session: Session, caller: Caller, work_item_id: str, json_data: Completion) -> dict[str, Any]:
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, TypeVar

from flask import Response, current_app, g, request
from sqlalchemy.orm import Session

from api.edge.auth import Audience, Caller, identify, is_use_due, note_use, token_of
from api.edge.idempotency import answer_once
from api.edge.request_session import db, now, request_session
from storage.failures import retry_deadlocks
from storage.transactions import transaction

View = Callable[
    ..., Any
]  # a Flask view: its arguments come from the route, its answer is anything Flask can make one of
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Edge:
    """What an operation asks of its caller; openapi.py writes it into the document."""

    kind: Literal["reads", "writes", "decides"]
    audience: Audience


def reads(audience: Audience = Audience.SIGNED_IN, *, is_polled: bool = False) -> Callable[[View], View]:
    """The caller is known; the view reads in one transaction that is never committed.

    is_polled: a page asks by itself, so asking is no use: a console that nobody touches still signs itself out.
    """

    def work(view: View, arguments: dict[str, Any]) -> Any:  # Any: see View
        token = token_of(request)
        session = request_session()
        caller = _identified(session, token, audience)
        answer = view(session=session, caller=caller, **arguments)
        session.rollback()
        if not is_polled and is_use_due(
            caller, now()
        ):  # reading counts as use, too; the answer does not depend on this write
            in_one_transaction(lambda session: note_use(session, caller, now()))
        return answer

    return _under(Edge("reads", audience), work)


def writes(audience: Audience = Audience.SIGNED_IN) -> Callable[[View], View]:
    """The caller is known; the view writes in one transaction, committed when it returns."""

    def work(view: View, arguments: dict[str, Any]) -> Response:
        token = token_of(request)

        def once(session: Session) -> Response:
            caller = _identified(session, token, audience)
            note_use(session, caller, now())
            return _response(view, session, caller, arguments)

        return in_one_transaction(once)

    return _under(Edge("writes", audience), work)


def decides(audience: Audience = Audience.SIGNED_IN) -> Callable[[View], View]:
    """As `writes`, once for each Idempotency-Key: a repeat gets the first answer."""

    def work(view: View, arguments: dict[str, Any]) -> Response:
        token = token_of(request)

        def once(session: Session) -> Response:
            caller = _identified(session, token, audience)
            note_use(session, caller, now())
            return answer_once(session, request, caller, now(), lambda: _response(view, session, caller, arguments))

        return in_one_transaction(once)

    return _under(Edge("decides", audience), work)


def in_one_transaction(work: Callable[[Session], Answer]) -> Answer:
    """`work` in one write transaction; after a deadlock or a busy database it is run again, three times in all."""

    def once() -> Answer:
        db.session.remove()  # nothing of an earlier attempt, its after-commit actions neither
        with transaction(db.session) as session:
            return work(session)

    return retry_deadlocks(once)


def _under(edge: Edge, work: Callable[[View, dict[str, Any]], Any]) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @wraps(view)
        def run(**arguments: Any) -> Any:  # Any: see View
            return work(view, arguments)

        run.edge = edge  # type: ignore[attr-defined]  # a function may carry what is to be documented about it
        return run

    return decorate


def _response(view: View, session: Session, caller: Caller, arguments: dict[str, Any]) -> Response:
    return current_app.make_response(view(session=session, caller=caller, **arguments))


def _identified(session: Session, token: str, audience: Audience) -> Caller:
    caller = identify(session, token, audience, now())
    g.account_id = caller.account_id
    return caller
