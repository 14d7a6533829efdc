"""Self-check: a difference is found, and the first input that differs is named; roots keep journals from losing their end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from engine.cases import journal
from engine.cases.case import load_machine
from engine.cases.journal import JOURNAL
from engine.deployment.deploy import find_definition
from engine.inputs import JobSucceeded
from engine.machine import Machine
from engine.model.tables import CASE, KEY, WAITING
from engine.replay.evidence.journal_root import HEAD, ROOT, broken_roots, lost_entries, make_root, newest_root
from engine.replay.evidence.self_check import (
    Finding,
    check_case,
    check_cases,
    check_roots,
    open_findings,
    record_findings,
)
from storage import vault
from tests.engine.conftest import NOW, REVIEWER, Store

DAY = timedelta(days=1)


def approved(store: Store) -> str:
    """A case that has ended: started, filled, read, decided, recorded."""
    case_id = store.case_at_review()
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER)
    store.complete(item, REVIEWER, opinion="x")
    return case_id


def kept(store: Store, case_id: str) -> tuple[Any, vault.DataCipher, Machine]:
    """Row, cipher and the machine in the snapshot."""
    with store.sessions() as session:
        query = select(CASE, KEY.c.wrapped).join(KEY, KEY.c.owner == "case:" + CASE.c.id).where(CASE.c.id == case_id)
        row = session.execute(query).one()
        cipher = vault.current().unwrap(f"case:{case_id}", row.wrapped)
        machine = load_machine(find_definition(session, row.definition_id), cipher, row.snapshot, row.revision)
    return row, cipher, machine


def put_back(store: Store, case_id: str, cipher: vault.DataCipher, machine: Machine, revision: int) -> None:
    """Write another snapshot, as somebody with the keys could."""
    sealed = cipher.encrypt(machine.dump(), b"snapshot:%d" % revision)
    with store.writing() as session:
        session.execute(update(CASE).where(CASE.c.id == case_id).values(snapshot=sealed))


def findings(store: Store, case_id: str) -> list[Finding]:
    with store.sessions() as session:
        return list(check_case(session, case_id).findings)


def test_a_changed_variable_is_traced_to_the_input_that_set_it(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    row, cipher, machine = kept(any_store, case_id)

    machine.variables["office"] = "somewhere else"  # set by the second input, `fill`
    put_back(any_store, case_id, cipher, machine, row.revision)

    [found] = findings(any_store, case_id)
    assert (found.kind, found.seq) == ("snapshot", 2)


def test_a_result_the_snapshot_never_saw_is_the_first_difference(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    row, cipher, machine = kept(store, case_id)

    machine.variables["reading"] = {"length": 99}
    put_back(store, case_id, cipher, machine, row.revision)

    [found] = findings(store, case_id)
    assert (found.kind, found.seq) == ("snapshot", 3)


def test_an_old_state_sealed_anew_names_the_first_input_it_lacks(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    old = kept(store, case_id)[2]
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER)
    store.complete(item, REVIEWER, opinion="x")
    row, cipher, _ = kept(store, case_id)

    put_back(store, case_id, cipher, old, row.revision)

    [found] = findings(store, case_id)
    assert (found.kind, found.seq) == ("snapshot", 4)


def test_a_lost_wait_is_traced_to_the_input_that_opened_it(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()

    with any_store.writing() as session:
        session.execute(delete(WAITING).where(WAITING.c.case_id == case_id, WAITING.c.element == "decide"))

    [found] = findings(any_store, case_id)
    assert (found.kind, found.seq, found.element) == ("waits", 3, "decide")


def test_a_journal_that_cannot_be_applied_stops_at_its_first_wrong_input(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    _, cipher, machine = kept(store, case_id)

    # Somebody with every key rewrites the third entry and seals the chain again.
    with store.writing() as session:
        entries = journal.read_entries(session, case_id)
        wrong = JobSucceeded(at=entries[2].at, wait="nowhere:1", result=1)
        [forged] = journal.seal_inputs(cipher, case_id, [wrong], after=2, head=entries[1].digest)
        here = (JOURNAL.c.case_id == case_id) & (JOURNAL.c.seq == 3)
        session.execute(update(JOURNAL).where(here).values(payload=forged.payload, digest=forged.digest))
        session.execute(update(CASE).where(CASE.c.id == case_id).values(head=forged.digest))

    [found] = findings(store, case_id)
    assert (found.kind, found.seq) == ("snapshot", 3)
    assert machine.variables["reading"] == {"length": 4}


def test_sound_cases_give_no_finding_and_a_sample_has_its_size(store: Store) -> None:
    store.deploy()
    for _ in range(5):
        approved(store)

    with store.sessions() as session:
        assert [check.findings for check in check_cases(session)] == [()] * 5
        assert len(list(check_cases(session, sample=2))) == 2


# ---- roots


def truncate(store: Store, case_id: str, to: int, snapshot: bytes) -> None:
    """Cut the journal's end off and restore the case row that matches: the chain of the case holds."""
    with store.writing() as session:
        session.execute(delete(JOURNAL).where(JOURNAL.c.case_id == case_id, JOURNAL.c.seq > to))
        head = journal.read_entries(session, case_id)[-1].digest
        changed = {"revision": to, "head": head, "snapshot": snapshot, "state": "RUNNING", "outcome": None}
        session.execute(update(CASE).where(CASE.c.id == case_id).values(**changed, ended_at=None))


def test_a_journal_cut_off_together_with_its_case_row_contradicts_the_root(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    other = approved(any_store)
    early = kept(any_store, case_id)[0]
    item = any_store.waiting(case_id, "decide").id
    any_store.claim(item, REVIEWER)
    any_store.complete(item, REVIEWER, opinion="x")
    with any_store.writing() as session:
        make_root(session, NOW)

    truncate(any_store, case_id, 3, early.snapshot)

    with any_store.sessions() as session:
        assert check_case(session, case_id).verdict.chain_break is None
        assert [(lost.case_id, lost.seq) for lost in lost_entries(session)] == [(case_id, 5)]
        assert [(found.kind, found.seq) for found in check_roots(session, case_id)] == [("head", 5)]
        assert check_roots(session, other) == []


def test_heads_that_are_changed_with_the_journal_contradict_their_root(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    early = kept(store, case_id)[0]
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER)
    store.complete(item, REVIEWER, opinion="x")
    with store.writing() as session:
        make_root(session, NOW)
    truncate(store, case_id, 3, early.snapshot)

    with store.writing() as session:
        session.execute(update(HEAD).where(HEAD.c.case_id == case_id).values(seq=3, digest=early.head))
    with store.sessions() as session:
        assert lost_entries(session) == []
        assert list(broken_roots(session)) == ["2026-03-02"]

    with store.writing() as session:
        session.execute(delete(HEAD).where(HEAD.c.case_id == case_id))
    with store.sessions() as session:
        assert list(broken_roots(session)) == ["2026-03-02"]


def test_roots_chain_and_hold_only_what_moved(store: Store) -> None:
    store.deploy()
    first = store.case_at_review()
    with store.writing() as session:
        assert make_root(session, NOW) is not None
        assert make_root(session, NOW) is None
    second = store.case_at_review()
    with store.writing() as session:
        make_root(session, NOW + DAY)

    with store.sessions() as session:
        heads = session.execute(select(HEAD.c.day, HEAD.c.case_id).order_by(HEAD.c.day)).all()
        assert [head.case_id for head in heads] == [first, second]
        assert list(broken_roots(session)) == []
        newest = newest_root(session)
    with store.writing() as session:
        session.execute(delete(ROOT).where(ROOT.c.day == heads[0].day))
    with store.sessions() as session:
        assert newest is not None
        assert list(broken_roots(session, newest[1])) == ["2026-03-03"]


def test_a_root_that_was_dropped_is_missed_by_who_kept_it_elsewhere(store: Store) -> None:
    store.deploy()
    store.case_at_review()
    with store.writing() as session:
        make_root(session, NOW)
        newest = newest_root(session)
    assert newest is not None

    with store.writing() as session:
        session.execute(delete(ROOT))
        session.execute(delete(HEAD))

    with store.sessions() as session:
        assert list(broken_roots(session)) == []
        assert list(broken_roots(session, newest[1])) == [newest[1].hex()]


# ---- what operators see


@pytest.mark.parametrize("again", [True, False])
def test_a_finding_stays_open_until_its_case_is_found_in_order(store: Store, again: bool) -> None:
    found = Finding("waits", "case-1", 3, "decide", "note")
    with store.writing() as session:
        record_findings(session, ["case-1"], [found], NOW)

    with store.writing() as session:
        record_findings(session, ["case-1"], [found] if again else [], NOW + DAY)
        record_findings(session, ["case-2"], [], NOW + DAY)

    with store.sessions() as session:
        kept_open = open_findings(session)
    assert [(one.case_id, one.found_at, one.seen_at) for one in kept_open] == (
        [("case-1", NOW, NOW + DAY)] if again else []
    )
