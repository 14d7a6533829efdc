"""The files of real_name agree with each other and with the registers."""

from __future__ import annotations

from itertools import product

import pytest

from composition import declare_service_tasks
from config import ROOT
from domain.documents.documents import DOCUMENT_LABELS, DocumentType
from engine.checks.check import check_flow
from engine.flow.flow import Flow, load_flow
from engine.forms.form import load_form
from engine.language.decisions import DecisionTable, read_decisions
from engine.services.notice_texts import notice_texts

FOLDER = ROOT / "bpmn" / "real_name"


@pytest.fixture(scope="module")
def flow() -> Flow:
    declare_service_tasks(ROOT / "bpmn")
    return load_flow(FOLDER)


@pytest.fixture(scope="module")
def decide(flow: Flow) -> DecisionTable:
    return read_decisions(flow.files["decide.dmn"])["decide"]


def test_the_deployment_check_finds_nothing_to_mend(flow: Flow) -> None:
    # What is left is for information: a supervisor is reminded, there is nobody above to go to.
    assert [problem for problem in check_flow(FOLDER).problems if problem.severity != "info"] == []


def test_every_document_type_has_its_row(flow: Flow) -> None:
    table = read_decisions(flow.files["documents.dmn"])["documents"]

    for document_type, method in product(DocumentType, ("automatic", "manual")):
        plan = table.decide({"document_type": document_type.value, "method": method}).outputs
        assert plan["page_count"] == len(plan["page_names"])
        assert plan["is_automatic"] is (document_type is DocumentType.RESIDENT_ID and method == "automatic")


def test_the_form_offers_exactly_the_known_types(flow: Flow) -> None:
    field = load_form(flow.forms["information"]).fields["document_type"]

    assert field.ui["labels"] == {kind.value: label for kind, label in DOCUMENT_LABELS.items()}


def test_codes_of_the_review_form_have_words_for_notices(flow: Flow) -> None:
    form = load_form(flow.forms["review"])
    codes = [code for name in ("reject_reasons", "new_photos") for code in form.fields[name].schema["items"]["enum"]]

    assert [code for code in codes if code not in notice_texts(flow.config, [form]).words] == []


def test_every_notice_but_the_code_is_told_by_the_diagram(flow: Flow) -> None:
    named = {name for name in flow.config.notices if f"&quot;real_name.{name}&quot;".encode() in flow.bpmn}

    assert named == set(flow.config.notices) - {"code"}


# Every combination of the facts a comparison can give.
FACTS = {
    "quality": ["good", "fair", "poor"],
    "name_agreement": ["same", "different", "unread"],
    "number_agreement": ["same", "different", "unread"],
    "sides_agree": ["agree", "disagree", "unknown"],
    "validity": ["valid", "expired", "not_yet", "unread"],
    "has_flags": [False, True],
}


def test_only_full_agreement_passes(decide: DecisionTable) -> None:
    passed = []
    for values in product(*FACTS.values()):
        comparison = dict(zip(FACTS, values, strict=True))
        if decide.decide({"is_automatic": True, "comparison": comparison}).outputs["decision"] == "pass":
            passed.append(values)

    assert passed == [(quality, "same", "same", "agree", "valid", False) for quality in ("good", "fair")]


def test_the_program_never_rejects_and_always_says_why(decide: DecisionTable) -> None:
    for is_automatic, asked, values in product((True, False), (None, "new_photos"), product(*FACTS.values())):
        comparison = dict(zip(FACTS, values, strict=True))
        facts = {"is_automatic": is_automatic, "review_decision": asked, "comparison": comparison}
        outputs = decide.decide(facts).outputs
        assert outputs["decision"] in {"pass", "rescan", "correct", "review"}
        assert outputs["decision_reason"]
        if not is_automatic or asked:
            assert outputs["decision"] == "review"
