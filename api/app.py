"""The web process: one application from settings and a session factory. Nothing here knows a business flow."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from apiflask import APIFlask
from flask import Response, g, request
from sqlalchemy.orm import Session, sessionmaker

from api.applicants.admissions import admissions_api
from api.applicants.applications import applications_api
from api.applicants.attachments import attachments_api
from api.applicants.flows import flows_api
from api.applicants.lookups import lookups_api
from api.applicants.notices import notices_api
from api.cases.cases import cases_api
from api.cases.diagram import case_diagram_api
from api.cases.evidence_export import evidence_export_api
from api.cases.past import case_past_api
from api.cases.readings import case_readings_api
from api.edge.auth import is_loopback
from api.edge.errors import register_errors
from api.edge.limits import use_limits
from api.edge.openapi import describe
from api.edge.request_session import use_engine_of, utc_now
from api.evidence.links import evidence_api
from api.grants.batches import grant_batches_api
from api.grants.checks import grant_checks_api
from api.grants.grants import grants_api
from api.grants.my_grants import my_grants_api
from api.grants.pages import grant_pages_api
from api.grants.slips import grant_slips_api
from api.operators.incidents import incidents_api
from api.operators.journal import journal_api
from api.operators.messages import messages_api
from api.operators.migrations import migrations_api
from api.operators.operations import operations_api
from api.operators.second_persons import second_persons_api
from api.operators.start_timers import start_timers_api
from api.operators.what_if import what_if_api
from api.pages.console import CSP as CONSOLE_CSP
from api.pages.console import DIST, console
from api.pages.documentation import documentation
from api.pages.health import health
from api.pages.start_page import start_page
from api.registers.imports import imports_api
from api.registers.institutions import institutions_api
from api.registers.persons import registers_api
from api.registers.units import units_api
from api.sign_in.consents import consents_api
from api.sign_in.phone_sign_in import phone_sign_in_api
from api.sign_in.session import session_api
from api.sign_in.wechat import OpenidOf, openid_lookup
from api.work_items.inbox import inbox_api
from api.work_items.items import work_items_api
from api.work_items.records import work_item_records_api
from api.work_items.verbs import work_item_verbs_api
from config import Settings
from storage.columns import new_id

PARTS = (
    session_api,
    phone_sign_in_api,
    consents_api,
    flows_api,
    admissions_api,
    lookups_api,
    applications_api,
    notices_api,
    work_items_api,
    work_item_verbs_api,
    work_item_records_api,
    attachments_api,
    inbox_api,
    cases_api,
    case_readings_api,
    case_diagram_api,
    case_past_api,
    registers_api,
    units_api,
    institutions_api,
    imports_api,
    journal_api,
    messages_api,
    operations_api,
    second_persons_api,
    start_timers_api,
    incidents_api,
    what_if_api,
    grant_checks_api,
    grant_pages_api,
    grants_api,
    grant_batches_api,
    grant_slips_api,
    my_grants_api,
    migrations_api,
    evidence_api,
    evidence_export_api,
    health,
    documentation,
    start_page,
    console,
)

log = logging.getLogger("api.requests")

VERSION = "0.1.0"
# A photo of 10 MB and the form around it.
MAX_BODY_BYTES = 11 * 1024 * 1024
PAGES_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ANSWERS_CSP = "default-src 'none'; frame-ancestors 'none'"


def create_app(
    settings: Settings,
    sessions: sessionmaker[Session],
    *,
    clock: Callable[[], datetime] = utc_now,
    openid_of: OpenidOf | None = None,
) -> APIFlask:
    """The WSGI application. The vault, the file store and the service tasks are in place before (composition.compose).

    clock: gives the aware UTC time of a request. openid_of: who a WeChat code is; by default as the settings say.
    """
    app = APIFlask(__name__, title="综合服务平台接口", version=VERSION, docs_path=None, static_url_path="/static")
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # of Flask's default provider
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["platform.settings"] = settings
    app.extensions["platform.clock"] = clock
    app.extensions["platform.console"] = DIST
    app.extensions["platform.openid_of"] = openid_of or openid_lookup(settings)
    use_engine_of(app, sessions)
    use_limits(app, settings)
    register_errors(app)
    describe(app)
    app.before_request(_begin)
    app.after_request(_protect(settings))
    app.after_request(_note)
    for part in PARTS:
        app.register_blueprint(part)
    return app


def _begin() -> None:
    g.request_id = new_id()
    g.began = time.perf_counter()


def _protect(settings: Settings) -> Callable[[Response], Response]:
    behind_tls = not is_loopback(settings)

    def protect(response: Response) -> Response:
        headers = response.headers
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(self), geolocation=(), microphone=()"
        headers["Content-Security-Policy"] = _content_policy(response)
        headers["X-Request-Id"] = g.get("request_id", "")
        if behind_tls:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.path.startswith("/api/"):
            headers.setdefault("Cache-Control", "no-store")
        return response

    return protect


def _content_policy(response: Response) -> str:
    if response.mimetype != "text/html":
        return ANSWERS_CSP
    return CONSOLE_CSP if request.blueprint == console.name else PAGES_CSP


def _note(response: Response) -> Response:
    """One line a request: ids and times, never a query string, a body or an address."""
    rule = request.url_rule.rule if request.url_rule else "(unknown)"
    took_ms = (time.perf_counter() - g.get("began", time.perf_counter())) * 1000
    log.info(
        "%s %s %s %d %.1f ms account=%s",
        g.get("request_id"),
        request.method,
        rule,
        response.status_code,
        took_ms,
        g.get("account_id", "-"),
    )
    return response
