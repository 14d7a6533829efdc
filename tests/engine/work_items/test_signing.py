"""Signing after one another: the case moves with the last signature, and each stays in the journal."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import orjson
import pytest

from engine.errors import Conflict, InvalidForm
from engine.inputs import SignatureRefused, WorkItemCompleted, WorkItemSigned
from engine.operators.interventions import cancel_case, suspend_case
from engine.queries.pages import case_page, history
from engine.queries.story import case_story
from engine.replay.evidence.check import check_evidence
from engine.replay.evidence.file import Export, evidence_file
from engine.replay.rebuild import read_inputs, verify_case
from engine.work_items.acts import load_draft, refuse_signature, release_work_item
from engine.work_items.signing import add_signer
from tests.engine.assigning import EXPERT, LEAD, a_claimed_item, case_of, does, holder, refuses, verbs_told
from tests.engine.conftest import ANALYST, NOW, REVIEWER, Store


@pytest.fixture
def item(any_store: Store) -> str:
    return a_claimed_item(any_store)


def said_at(store: Store, case_id: str, element: str) -> list[tuple[str, str, Any]]:
    """What people said at this work item, as the journal has it."""
    with store.sessions() as session:
        inputs = read_inputs(session, case_id)
    return [
        (type(given).__name__, given.by, getattr(given, "values", getattr(given, "reason", None)))
        for given in inputs
        if isinstance(given, WorkItemCompleted | WorkItemSigned | SignatureRefused) and element in given.wait
    ]


def test_the_case_moves_with_the_last_signature(any_store: Store, item: str) -> None:
    case_id = case_of(any_store, item)
    does(any_store, add_signer, item, to=EXPERT, by=REVIEWER, why="请会签")
    does(any_store, add_signer, item, to=LEAD, by=REVIEWER)
    refuses(any_store, Conflict, "work_item.signs_already", add_signer, item, to=EXPERT, by=REVIEWER)

    with pytest.raises(InvalidForm):
        any_store.complete(item, REVIEWER, nonsense="x")
    any_store.complete(item, REVIEWER, opinion="first")
    assert holder(any_store, item) == ("CLAIMED", EXPERT.id)
    with any_store.sessions() as session:
        assert load_draft(session, item, by=EXPERT) == {"opinion": "first"}
        assert case_page(session, case_id).summary.ended_at is None
    refuses(any_store, Conflict, "work_item.being_signed", release_work_item, item, by=EXPERT)
    any_store.complete(item, EXPERT, opinion="second")
    any_store.complete(item, LEAD, opinion="third")

    with any_store.sessions() as session:
        page = case_page(session, case_id)
        assert verify_case(session, case_id).is_sound
    assert page.variables["opinion"] == "third"
    assert said_at(any_store, case_id, "decide") == [
        ("WorkItemSigned", REVIEWER.id, {"opinion": "first"}),
        ("WorkItemSigned", EXPERT.id, {"opinion": "second"}),
        ("WorkItemCompleted", LEAD.id, {"opinion": "third"}),
    ]
    assert verbs_told(any_store, item) == ["claimed", "signer_added", "signer_added", "signed", "signed"]


def test_a_refused_signature_goes_back_to_who_signed_before(any_store: Store, item: str) -> None:
    does(any_store, add_signer, item, to=EXPERT, by=REVIEWER)
    refuses(any_store, Conflict, "work_item.nobody_signed", refuse_signature, item, by=REVIEWER, why="x")
    any_store.complete(item, REVIEWER, opinion="first")

    does(any_store, refuse_signature, item, by=EXPERT, why="理由不充分")
    assert holder(any_store, item) == ("CLAIMED", REVIEWER.id)
    any_store.complete(item, REVIEWER, opinion="better")
    assert holder(any_store, item) == ("CLAIMED", EXPERT.id)
    any_store.complete(item, EXPERT, opinion="better")

    assert holder(any_store, item)[0] == "COMPLETED"
    assert said_at(any_store, case_of(any_store, item), "decide") == [
        ("WorkItemSigned", REVIEWER.id, {"opinion": "first"}),
        ("SignatureRefused", EXPERT.id, "理由不充分"),
        ("WorkItemSigned", REVIEWER.id, {"opinion": "better"}),
        ("WorkItemCompleted", EXPERT.id, {"opinion": "better"}),
    ]


def test_a_signature_is_told_with_what_it_said_in_the_history_and_in_the_evidence(any_store: Store, item: str) -> None:
    case_id = case_of(any_store, item)
    does(any_store, add_signer, item, to=EXPERT, by=REVIEWER)
    any_store.complete(item, REVIEWER, opinion="同意，但须补材料")
    does(any_store, refuse_signature, item, by=EXPERT, why="先补材料")

    with any_store.sessions() as session:
        told = case_story(session, case_page(session, case_id), history(session, case_id))
        file = evidence_file(session, case_id, Export("auditor", NOW, None, {}))

    signed, refused = told[-2:]
    assert (signed.actor, signed.sentence) == (REVIEWER.id, "签署“审核”")
    assert [detail.value for detail in signed.details] == ["同意，但须补材料"]
    assert (refused.actor, refused.sentence) == (EXPERT.id, "不同意签署“审核”，退回上一签署人：先补材料")
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        lines = [orjson.loads(line) for line in archive.read("journal.jsonl").splitlines()]
    assert [(line["kind"], line["actor"]) for line in lines[-2:]] == [
        ("WorkItemSigned", REVIEWER.id),
        ("SignatureRefused", EXPERT.id),
    ]
    assert lines[-2]["input"]["values"] == {"opinion": "同意，但须补材料"}
    assert check_evidence(file).holds


def test_signatures_stay_in_the_journal_of_a_case_that_is_decided_otherwise(any_store: Store, item: str) -> None:
    case_id = case_of(any_store, item)
    does(any_store, add_signer, item, to=EXPERT, by=REVIEWER)
    any_store.complete(item, REVIEWER, opinion="first")

    does(any_store, cancel_case, case_id, by=ANALYST, reason="撤销")
    with pytest.raises(Conflict, match=r"work_item\.gone"):
        any_store.complete(item, EXPERT, opinion="late")

    assert said_at(any_store, case_id, "decide") == [("WorkItemSigned", REVIEWER.id, {"opinion": "first"})]
    with any_store.sessions() as session:
        assert verify_case(session, case_id).is_sound


def test_a_suspended_case_takes_no_signature(any_store: Store, item: str) -> None:
    case_id = case_of(any_store, item)
    does(any_store, add_signer, item, to=EXPERT, by=REVIEWER)
    does(any_store, suspend_case, case_id, by=ANALYST, reason="核查")

    with pytest.raises(Conflict, match=r"case\.suspended"):
        any_store.complete(item, REVIEWER, opinion="first")

    assert said_at(any_store, case_id, "decide") == []
    assert holder(any_store, item) == ("CLAIMED", REVIEWER.id)
