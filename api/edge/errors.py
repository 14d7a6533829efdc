"""HTTP forms of everything that can be refused: problem details (RFC 9457). The only module that knows status codes of errors.

A problem has `type`, `title` (Chinese), `status`, `detail` (what to do), `code` (stable, for programs) and, where single
fields are wrong, `problems`: a list of `{"field", "code", "message"}`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import ceil
from traceback import format_tb
from typing import Any

from apiflask import APIFlask, HTTPError
from flask import Response, current_app, g, make_response
from flask_limiter import RateLimitExceeded
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from api.edge.problem_texts import BY_STATUS, KNOWN, Text, message_of_input
from api.edge.request_session import now
from domain.refused import Refused
from engine.attachments.media import InvalidUpload
from engine.cases.journal import BrokenChain
from engine.errors import Conflict, EngineError, Forbidden, InvalidDiagram, InvalidForm, NotFound, Problem
from storage.failures import is_out_of_space, is_transient
from storage.vault import KeyDestroyed, Tampered

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Rejected(Exception):
    """The edge's own no: a request that never reached the engine. `code` is one of problem_texts.KNOWN."""

    def __init__(
        self,
        code: str,
        *,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
        problems: Sequence[dict[str, str]] = (),
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.problems = list(problems)


def problem(
    code: str,
    status: int | None = None,
    *,
    detail: str | None = None,
    problems: Sequence[dict[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem+json answer. The text comes from KNOWN, else from the status; `status` matters for unknown codes only."""
    text = KNOWN.get(code) or BY_STATUS.get(status or 500) or BY_STATUS[500]
    body: dict[str, Any] = {
        "type": f"/docs#{code}" if code in KNOWN else "about:blank",
        "title": text.title,
        "status": text.status,
        "detail": detail or text.detail,
        "code": code,
        "instance": f"urn:request:{g.get('request_id', '')}",
    }
    if problems:
        body["problems"] = list(problems)
    response = make_response(current_app.json.dumps(body), text.status)
    response.mimetype = MEDIA_TYPE
    response.headers.extend(headers or {})
    return response


def register_errors(app: APIFlask) -> None:
    app.register_error_handler(Rejected, _rejected)
    app.register_error_handler(EngineError, _engine_error)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(KeyDestroyed, _erased)
    app.register_error_handler(BrokenChain, _damaged)
    app.register_error_handler(Tampered, _damaged)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(RateLimitExceeded, _too_often)
    app.register_error_handler(Exception, _unforeseen)
    app.error_processor(_invalid_request)


def _rejected(error: Rejected) -> Response:
    return problem(error.code, detail=error.detail, headers=error.headers, problems=error.problems)


_STATUS_OF: tuple[tuple[type[EngineError], int], ...] = (
    (InvalidUpload, 422),
    (InvalidForm, 422),
    (InvalidDiagram, 422),
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
)


def _engine_error(error: EngineError) -> Response:
    status = next((status for kind, status in _STATUS_OF if isinstance(error, kind)), 409)
    found: Sequence[Problem] = error.problems if isinstance(error, InvalidForm | InvalidDiagram) else ()
    return problem(
        error.code,
        status,
        detail=error.message if isinstance(error, InvalidUpload) else None,
        problems=[{"field": each.element, "code": each.code, "message": each.message} for each in found],
    )


def _refused(error: Refused) -> Response:
    headers = {}
    retry_at = error.facts.get("retry_at")
    if isinstance(retry_at, str):
        wait_s = (datetime.fromisoformat(retry_at) - now()).total_seconds()
        headers["Retry-After"] = str(max(1, ceil(wait_s)))
    return problem(error.code, 409, headers=headers)


def _erased(error: KeyDestroyed) -> Response:
    return problem("case.erased")


def _damaged(error: Exception) -> Response:
    log.error("request %s met a damaged record: %s", g.get("request_id"), type(error).__name__)
    return problem("case.damaged")


def _too_often(error: RateLimitExceeded) -> Response:
    if isinstance(error.response, Response):  # the limit has an answer of its own
        return error.response
    return problem("request.too_often", headers={"Retry-After": str(int(error.limit.limit.get_expiry()))})


def _database_error(error: DBAPIError) -> Response:
    if is_out_of_space(error):
        return _no_space(error)
    if is_transient(error):
        log.warning("request %s gave up on a busy database: %s", g.get("request_id"), type(error.orig).__name__)
    else:
        log.error("request %s met %s at\n%s", g.get("request_id"), type(error.orig).__name__, _place(error))
    return problem("platform.busy", headers={"Retry-After": "2"})


def _no_space(error: Exception) -> Response:
    log.error("request %s met a full disk: %s", g.get("request_id"), type(error).__name__)
    return problem("platform.no_space", headers={"Retry-After": "30"})


def _invalid_request(error: HTTPError) -> Response:
    """Werkzeug's and APIFlask's errors: unknown paths, malformed JSON, values that do not fit the documented types."""
    cause = error.__cause__
    if isinstance(cause, ValidationError):
        return problem("request.invalid", problems=[_field_problem(each) for each in cause.errors()])
    status = error.status_code
    text = BY_STATUS.get(status, Text(status, "请求未能完成", "请检查请求后重试。"))
    headers = {name: str(value) for name, value in dict(error.headers).items() if name in {"Allow", "Retry-After"}}
    if status not in BY_STATUS:
        log.info("an error of status %s has no text of its own", status)
    return problem(f"http.{text.status}", status, headers=headers)


def _field_problem(error: Mapping[str, Any]) -> dict[str, str]:
    return {
        "field": ".".join(str(part) for part in error["loc"]),
        "code": str(error["type"]),
        "message": message_of_input(str(error["type"]), error.get("ctx") or {}),
    }


def _unforeseen(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return _invalid_request(HTTPError(error.code or 500, headers=dict(error.get_headers())))
    if is_out_of_space(error):
        return _no_space(error)
    # Never the message: exceptions of libraries quote the values they stumbled over.
    log.error("unforeseen %s in request %s at\n%s", type(error).__name__, g.get("request_id"), _place(error))
    return problem("platform.failed")


def _place(error: BaseException) -> str:
    """Where it happened, cause by cause, without any value."""
    parts: list[str] = []
    step: BaseException | None = error
    while step is not None and len(parts) < 4:
        parts.append(f"{type(step).__name__}\n{''.join(format_tb(step.__traceback__))}")
        step = step.__cause__ or step.__context__
    return "caused by ".join(parts)
