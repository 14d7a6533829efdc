"""What nobody should bring in, through the write path: a clear answer that names the place, nothing lost, it can be mended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from sqlalchemy import select, update

from engine.cases import journal
from engine.cases.journal import JOURNAL
from engine.cases.start import start_case
from engine.errors import Conflict
from engine.flow.flow import flow_of_files
from engine.jobs.leases import free_expired_leases
from engine.model.tables import CASE
from engine.operators.incidents import list_incidents
from engine.operators.interventions import retry_incident
from engine.queries.pages import case_page
from engine.replay.evidence.self_check import NEWER, check_case
from engine.replay.rebuild import read_inputs, verify_case
from storage import vault
from tests.engine.conftest import ANALYST, APPLICANT, NOW, REVIEWER, Store
from tests.engine.diagrams import Diagram, many
from tests.engine.flows import a_form, to_json

TOML = """key = "odd"
title = "怪"
[start]
who = ["applicant"]
form = "number"
[lanes]
applicant = "starter"
[outcomes.done]
label = "完成"
"""


INNER = ("open", "one", "two", "three", "close")


def too_long() -> tuple[Diagram, dict[str, bytes]]:
    """Three hundred times five elements in one go. (A loop without a wait is refused before it is deployed: `loop.no_wait`.)"""
    d = Diagram("odd", lanes={"applicant": ["begin", "each", "done"]})
    d.start("begin")
    each = d.subprocess("each", many=many(times="n", in_turn=True))
    each.start("open")
    for step in INNER[1:-1]:
        each.xor(step)
    each.end("close")
    each.flow(*INNER)
    d.end("done", outcome="done")
    d.flow("begin", "each", "done")
    return d, {}


def no_way_out() -> tuple[Diagram, dict[str, bytes]]:
    d = Diagram("odd", lanes={"applicant": ["begin", "which", "done"]})
    d.start("begin")
    d.xor("which")
    d.end("done", outcome="done")
    d.flow("begin", "which")
    d.flow("which", "done", when="n == 7")
    return d, {}


def too_many() -> tuple[Diagram, dict[str, bytes]]:
    d = Diagram("odd", lanes={"applicant": ["begin", "vote", "done"]})
    d.start("begin")
    d.user("vote", many=many(times="n"))
    d.end("done", outcome="done")
    d.flow("begin", "vote", "done")
    return d, {}


@pytest.mark.parametrize(
    ("drawn", "n", "code", "elements", "mended", "outcome"),
    [
        (too_long, 300, "steps.exhausted", INNER, {}, "done"),
        (no_way_out, 1, "gateway.no_way_out", ("which",), {"n": 7}, "done"),
        (too_many, 1001, "multi_instance.too_many", ("vote",), {"n": 3}, None),
    ],
)
def test_what_cannot_go_on_is_an_incident_that_names_the_element_and_can_be_mended(
    any_store: Store,
    drawn: Callable[[], tuple[Diagram, dict[str, bytes]]],
    n: int,
    code: str,
    elements: tuple[str, ...],
    mended: dict[str, Any],
    outcome: str | None,
) -> None:
    diagram, tables = drawn()
    form = {"forms/number.json": to_json(a_form("number", {"n": {"type": "integer"}}))}
    any_store.deploy(flow_of_files({"flow.toml": TOML.encode(), "process.bpmn": diagram.xml(), **tables, **form}))

    with any_store.writing() as session:
        case_id = start_case(session, "odd", by=APPLICANT, values={"n": n}, now=NOW)
    with any_store.sessions() as session:
        [incident] = list_incidents(session).items
        before = case_page(session, case_id)
    with any_store.writing() as session:
        retry_incident(session, incident.id, by=ANALYST, now=NOW, variables=mended)

    assert (incident.case_id, incident.code) == (case_id, code)
    assert incident.element in elements
    assert before.summary.state == "RUNNING"
    with any_store.sessions() as session:
        page = case_page(session, case_id)
        assert page.summary.outcome == outcome
        assert verify_case(session, case_id).is_sound
    if outcome is None:
        assert sum(wait.closed_at is None for wait in page.waits) == 3


def as_a_newer_release_would(store: Store, case_id: str) -> bytes:
    """Puts a snapshot of format 99 in place of the case's; gives the one that was there."""
    with store.writing() as session:
        row = session.execute(select(CASE.c.snapshot, CASE.c.revision).where(CASE.c.id == case_id)).one()
        cipher = vault.current().cipher(session, f"case:{case_id}")
        context = b"snapshot:%d" % row.revision
        newer = orjson.dumps([99, {"something": "else"}])
        session.execute(update(CASE).where(CASE.c.id == case_id).values(snapshot=cipher.encrypt(newer, context)))
    kept: bytes = row.snapshot
    return kept


def test_a_snapshot_of_a_newer_release_is_left_to_that_release(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    item = any_store.waiting(case_id, "decide")
    any_store.claim(item.id, REVIEWER)
    kept = as_a_newer_release_would(any_store, case_id)

    with pytest.raises(Conflict, match=r"case\.newer_release"):
        any_store.complete(item.id, REVIEWER, opinion="yes")
    with any_store.sessions() as session:
        [finding] = check_case(session, case_id).findings
    with any_store.writing() as session:
        session.execute(update(CASE).where(CASE.c.id == case_id).values(snapshot=kept))
    any_store.complete(item.id, REVIEWER, opinion="yes")

    assert finding.note == NEWER
    with any_store.sessions() as session:
        assert case_page(session, case_id).summary.outcome == "approved"
        assert verify_case(session, case_id).is_sound


def test_a_job_of_a_newer_releases_case_waits_for_a_worker_of_that_release(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.start()
    any_store.complete(any_store.waiting(case_id, "fill").id, APPLICANT, number="42-1", office="wuhan")
    job_id = any_store.waiting(case_id, "read").id
    kept = as_a_newer_release_would(any_store, case_id)

    assert any_store.lease(job_id) is None

    with any_store.writing() as session:
        session.execute(update(CASE).where(CASE.c.id == case_id).values(snapshot=kept))
        free_expired_leases(session, NOW)
    assert any_store.run_job(job_id)


@pytest.mark.parametrize("kind", ["SomethingNew", "JobSucceeded"])
def test_an_input_of_a_newer_release_is_said_to_be_one(store: Store, kind: str) -> None:
    """A kind this release does not know, or a field of one it does."""
    store.deploy()
    case_id = store.case_at_review()
    with store.writing() as session:
        cipher = vault.current().cipher(session, f"case:{case_id}")
        last = journal.read_entries(session, case_id)[-1]
        given = orjson.loads(cipher.decrypt(last.payload, journal.payload_context(last.seq)))
        payload = cipher.encrypt(orjson.dumps({**given, "unheard_of": 1}), journal.payload_context(last.seq))
        here = (JOURNAL.c.case_id == case_id) & (JOURNAL.c.seq == last.seq)
        entry = journal.Entry(last.seq, kind, last.at, last.actor, payload, b"")
        before = journal.read_entries(session, case_id)[-2].digest
        digest = journal.digest_of(case_id, entry, before)
        session.execute(update(JOURNAL).where(here).values(kind=kind, payload=payload, digest=digest))
        session.execute(update(CASE).where(CASE.c.id == case_id).values(head=digest))

    with store.sessions() as session:
        with pytest.raises(Conflict, match=r"case\.newer_release"):
            read_inputs(session, case_id)
        [finding] = check_case(session, case_id).findings
    assert finding.note == NEWER
