"""What runs all day must find its rows by index, however many closed ones the table holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from engine.actors import Actor
from engine.cases.outbox import send_message_to
from engine.inbox.page import InboxFilter, InboxView, inbox_page
from engine.jobs import leases
from engine.messages.delivery import deliver_outbox
from engine.periodic import timers
from engine.queries.pages import my_cases
from engine.work_items.acts import return_idle_claims
from tests.engine.conftest import APPLICANT, NOW, REVIEWER, Store

CURSOR = "-50~2026-03-02T01:00:00+00:00~a"


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda session: inbox_page(session, REVIEWER), "ix_waiting_inbox"),
        (
            lambda session: inbox_page(session, REVIEWER, InboxFilter(facet="passport"), cursor=CURSOR),
            "ix_waiting_inbox_facet",
        ),
        (lambda session: inbox_page(session, REVIEWER, InboxFilter(element="review")), "ix_waiting_inbox_element"),
        (lambda session: inbox_page(session, REVIEWER, InboxFilter(flow="leave")), "ix_waiting_inbox_flow_key"),
        (
            lambda session: inbox_page(session, REVIEWER, InboxFilter(element="review", facet="a")),
            "ix_waiting_inbox_element_facet",
        ),
        (lambda session: inbox_page(session, REVIEWER, InboxFilter(due_before=NOW)), "ix_waiting_due"),
        (lambda session: inbox_page(session, REVIEWER, InboxFilter(search=("n", "1"))), "ix_search_variable_name"),
        (lambda session: inbox_page(session, REVIEWER, InboxFilter(view=InboxView.CLAIMED)), "ix_waiting_claimed"),
        (lambda session: inbox_page(session, REVIEWER, InboxFilter(view=InboxView.MINE)), "ix_waiting_mine"),
        (lambda session: inbox_page(session, REVIEWER, InboxFilter(view=InboxView.DONE)), "ix_waiting_done"),
        (lambda session: leases.ready_jobs(session, NOW, 10), "ix_waiting_ready"),
        (lambda session: leases.free_expired_leases(session, NOW), "ix_waiting_leased"),
        (lambda session: timers.due_cases(session, NOW, 10), "ix_waiting_timer"),
        (lambda session: my_cases(session, APPLICANT), "ix_process_instance_started_by_id"),
        (lambda session: my_cases(session, Actor("x", frozenset({"person:p1"}))), "ix_waiting_personal"),
        (lambda session: return_idle_claims(session, NOW), "ix_waiting_claimed"),
    ],
    ids=[
        "inbox",
        "facet",
        "step",
        "flow",
        "step and facet",
        "due",
        "search variable",
        "claimed",
        "mine",
        "done",
        "ready jobs",
        "leases",
        "timers",
        "my cases",
        "one's own as a person",
        "idle claims",
    ],
)
def test_a_list_is_read_by_its_index(store: Store, ask: Callable[[Session], Any], index: str) -> None:
    asked: list[tuple[str, Any]] = []
    listener = lambda c, cursor, text, parameters, *rest: asked.append((text, parameters))  # noqa: E731
    event.listen(store.engine, "before_cursor_execute", listener)
    with store.writing() as session:
        ask(session)
    event.remove(store.engine, "before_cursor_execute", listener)

    plans = [one for one in asked if "FROM waiting" in one[0] or "process_instance" in one[0]]
    with store.engine.connect() as connection:
        lines = [
            row[3]
            for text, parameters in plans
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)
        ]

    assert any(index in line for line in lines), lines
    assert not any(line.startswith("SCAN waiting") and "USING" not in line for line in lines), lines


def test_the_outbox_and_whoever_waits_are_found_by_index(store: Store) -> None:
    with store.writing() as session:
        send_message_to(session, "paid", "42", {}, dedup_key="k", now=NOW)
    asked: list[tuple[str, Any]] = []
    listener = lambda c, cursor, text, parameters, *rest: asked.append((text, parameters))  # noqa: E731
    event.listen(store.engine, "before_cursor_execute", listener)
    deliver_outbox(store.sessions, NOW)
    event.remove(store.engine, "before_cursor_execute", listener)

    with store.engine.connect() as connection:
        lines = [
            row[3]
            for text, parameters in asked
            if text.startswith("SELECT")
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)
        ]

    assert any("ix_outbox_pending" in line for line in lines), lines
    assert any("ix_waiting_message" in line for line in lines), lines
    assert not any(line.startswith(("SCAN waiting", "SCAN outbox")) and "USING" not in line for line in lines), lines
