"""The journal: what goes in comes out, and no entry can be changed, swapped, dropped or added unnoticed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from engine.attachments.store import read_attachment, store_attachment
from engine.cases import journal
from engine.cases.journal import JOURNAL, BrokenChain, decode_input, encode_input
from engine.errors import Conflict, NotFound
from engine.inputs import KINDS, Input, JobGivenUp, JobSucceeded, Started, TimerFired, WorkItemCompleted
from engine.model.instance import Case
from engine.model.waiting_row import Waiting
from engine.operators.interventions import cancel_case, erase_case
from engine.queries.pages import case_page, find_cases, history, my_case
from engine.replay.rebuild import verify_case, verify_journal
from storage import vault
from tests.engine.conftest import ANALYST, APPLICANT, NOW, REVIEWER, Store
from tests.engine.rebuilding import rebuild

CASE = Case.__table__


def a_value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(8 if depth < 3 else 6)
    if kind == 6:
        return [a_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == 7:
        return {a_text(rng): a_value(rng, depth + 1) for _ in range(rng.randrange(4))}
    return (None, True, 0, rng.randrange(-(2**53), 2**53), rng.random() * 1e6, a_text(rng))[kind]


def a_text(rng: random.Random) -> str:
    return "".join(rng.choice("aZ0 张·龘\n\"\\'{}\u2028😀") for _ in range(rng.randrange(6)))


def a_input(rng: random.Random) -> Input:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=rng.randrange(10**12))
    computed = {a_text(rng): at + timedelta(days=n) for n in range(rng.randrange(3))}
    values = {a_text(rng): a_value(rng) for _ in range(3)}
    return rng.choice(
        [
            Started(at=at, by="a", variables=values, settings={"x": 1}, computed=computed),
            WorkItemCompleted(at=at, wait="A:1/b:2", by="b", values=values, computed=computed),
            JobSucceeded(at=at, wait="b:1", result=a_value(rng), computed=computed),
            JobGivenUp(at=at, wait="b:1", reason=a_text(rng)),
            TimerFired(at=at, wait="t:1", computed=computed),
        ]
    )


def test_every_input_comes_back_as_it_went_in() -> None:
    seed = 20260302
    rng = random.Random(seed)
    print(f"seed {seed}")

    for _ in range(500):
        given = a_input(rng)
        assert decode_input(type(given).__name__, encode_input(given)) == given

    assert set(KINDS) >= {"Started", "CaseCancelled", "IncidentRetried", "MessageReceived", "JobFailed"}


def test_a_flipped_bit_anywhere_in_the_journal_is_found(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    rng = random.Random(7)
    with store.sessions() as session:
        entries = journal.read_entries(session, case_id)
        case = session.execute(select(CASE.c.revision, CASE.c.head).where(CASE.c.id == case_id)).one()

    for _ in range(60):
        seq = rng.randrange(len(entries))
        column = rng.choice(["payload", "digest"])
        with store.writing() as session:
            here = (JOURNAL.c.case_id == case_id) & (JOURNAL.c.seq == seq + 1)
            changed = bytearray(getattr(entries[seq], column))
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
            session.execute(update(JOURNAL).where(here).values({column: bytes(changed)}))
            verdict = verify_case(session, case_id)
            session.execute(update(JOURNAL).where(here).values({column: getattr(entries[seq], column)}))
        assert verdict.chain_break == seq + 1

    journal.check_chain(case_id, entries, revision=case.revision, head=case.head)


@pytest.mark.parametrize("column", ["kind", "at", "actor"])
def test_the_columns_beside_the_payload_are_covered_too(store: Store, column: str) -> None:
    store.deploy()
    case_id = store.case_at_review()

    values = {"kind": "JobSucceeded", "at": NOW + timedelta(seconds=1), "actor": "somebody"}
    with store.writing() as session:
        here = (JOURNAL.c.case_id == case_id) & (JOURNAL.c.seq == 2)
        session.execute(update(JOURNAL).where(here).values({column: values[column]}))

    with store.sessions() as session:
        assert verify_case(session, case_id).chain_break == 2
        with pytest.raises(BrokenChain):
            rebuild(session, case_id)


def test_a_missing_last_entry_and_an_entry_too_many_are_found(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    with store.writing() as session:
        last = session.execute(select(JOURNAL).where(JOURNAL.c.case_id == case_id, JOURNAL.c.seq == 3)).one()
        session.execute(delete(JOURNAL).where(JOURNAL.c.case_id == case_id, JOURNAL.c.seq == 3))

    with store.sessions() as session:
        assert verify_case(session, case_id).chain_break == 3
    with store.writing() as session:
        session.execute(insert(JOURNAL), [dict(last._mapping), {**last._mapping, "seq": 4}])
    with store.sessions() as session:
        assert verify_case(session, case_id).chain_break == 4


def test_an_entry_of_another_case_is_not_accepted(store: Store) -> None:
    store.deploy()
    mine, other = store.case_at_review(), store.case_at_review()
    with store.writing() as session:
        theirs = session.execute(select(JOURNAL).where(JOURNAL.c.case_id == other, JOURNAL.c.seq == 1)).one()
        session.execute(
            update(JOURNAL)
            .where(JOURNAL.c.case_id == mine, JOURNAL.c.seq == 1)
            .values(payload=theirs.payload, digest=theirs.digest)
        )

    with store.sessions() as session:
        verdicts = {verdict.case_id: verdict for verdict in verify_journal(session)}

    assert verdicts[mine].chain_break == 1
    assert verdicts[other].is_sound


def test_a_snapshot_or_a_wait_that_disagrees_with_the_journal_is_found(any_store: Store) -> None:
    any_store.deploy()
    stale, lost = any_store.case_at_review(), any_store.case_at_review()
    with any_store.writing() as session:
        session.execute(update(CASE).where(CASE.c.id == stale).values(snapshot=b"\0" * 64))
        table = Waiting.__table__
        session.execute(delete(table).where(table.c.case_id == lost, table.c.element == "decide"))

    with any_store.sessions() as session:
        assert verify_case(session, stale).snapshot_differs
        assert verify_case(session, lost).waits_differ == ("decide:1",)
        assert rebuild(session, stale).canonical() != b""


def test_an_old_snapshot_put_back_is_not_believed(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    with store.sessions() as session:
        old = session.execute(select(CASE.c.snapshot).where(CASE.c.id == case_id)).scalar()
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER)
    store.complete(item, REVIEWER, opinion="x")
    with store.writing() as session:
        session.execute(update(CASE).where(CASE.c.id == case_id).values(snapshot=old))

    with store.sessions() as session:
        assert verify_case(session, case_id).snapshot_differs


def test_an_erased_case_keeps_its_chain_and_nothing_else(any_store: Store) -> None:
    any_store.deploy()
    case_id = any_store.case_at_review()
    item = any_store.waiting(case_id, "decide").id
    with any_store.writing() as session:
        photo = store_attachment(session, case_id, b"photo", "image/jpeg", "scan", by=APPLICANT.id, now=NOW)
    with any_store.writing() as session, pytest.raises(Conflict, match=r"case\.running"):
        erase_case(session, case_id, now=NOW)

    with any_store.writing() as session:
        cancel_case(session, case_id, by=ANALYST, reason="x", now=NOW)
        erase_case(session, case_id, now=NOW)
    with any_store.writing() as session:
        erase_case(session, case_id, now=NOW)

    with any_store.sessions() as session:
        verdict = verify_case(session, case_id)
        assert (verdict.is_erased, verdict.is_sound, verdict.entries) == (True, True, 4)
        with pytest.raises(vault.KeyDestroyed):
            rebuild(session, case_id)
        with pytest.raises(NotFound):
            read_attachment(session, photo)
        assert find_cases(session, "number", "42-1") == []
        assert case_page(session, case_id).variables == {}
        assert my_case(session, case_id, APPLICANT).summary.is_erased
        assert [entry.input for entry in history(session, case_id).inputs] == [None] * 4
    with pytest.raises(Conflict, match=r"case\.erased"):
        any_store.complete(item, REVIEWER, opinion="x")
    assert any_store.lease(any_store.waiting(case_id, "read").id) is None
    with any_store.writing() as session, pytest.raises(Conflict, match=r"case\.erased"):
        cancel_case(session, case_id, by=ANALYST, reason="x", now=NOW)
