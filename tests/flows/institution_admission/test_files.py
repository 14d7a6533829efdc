"""The files of institution_admission agree with each other and with the registers."""

from __future__ import annotations

from itertools import product

import pytest

from bpmn.institution_admission.parameters import RegistrationParameters
from bpmn.institution_admission.submitting import PRINTED_LABELS
from composition import declare_service_tasks
from config import ROOT
from domain.institutions.category import CATEGORY_LABELS, Category
from engine.checks.check import check_flow
from engine.flow.flow import Flow, load_flow
from engine.forms.form import load_form
from engine.language.decisions import DecisionTable, read_decisions
from engine.services.notice_texts import notice_texts

FOLDER = ROOT / "bpmn" / "institution_admission"
NEEDS = {"required", "optional", "none"}


@pytest.fixture(scope="module")
def flow() -> Flow:
    declare_service_tasks(ROOT / "bpmn")
    return load_flow(FOLDER)


def table(flow: Flow, name: str) -> DecisionTable:
    return read_decisions(flow.files[f"{name}.dmn"])[name]


def test_the_deployment_check_finds_nothing_to_mend(flow: Flow) -> None:
    # What is left is for information: the superior unit is reminded, there is nobody it must go to after that.
    found = [(problem.element, problem.code) for problem in check_flow(FOLDER).problems]

    assert found == [("review_escalated", "user_task.only_reminded")]


def test_every_category_has_its_documents(flow: Flow) -> None:
    documents = table(flow, "required_documents")

    for category in Category:
        needs = documents.decide({"category": category.value}).outputs
        assert {needs[name] for name in ("needs_credit_code", "needs_licence", "needs_filing")} <= NEEDS
        assert needs["documents_note"]


@pytest.mark.parametrize(
    ("category", "needs"),
    [
        (Category.HOSPITAL, ("required", "required", "none")),
        (Category.MATERNAL_CHILD, ("required", "required", "none")),
        (Category.COMMUNITY_HEALTH, ("optional", "required", "none")),
        (Category.VILLAGE_CLINIC, ("optional", "required", "none")),
        (Category.FILED_CLINIC, ("required", "none", "required")),
        (Category.CDC, ("required", "none", "none")),
        (Category.HEALTH_COMMISSION, ("required", "none", "none")),
    ],
)
def test_what_a_category_must_give(flow: Flow, category: Category, needs: tuple[str, str, str]) -> None:
    found = table(flow, "required_documents").decide({"category": category.value}).outputs

    assert (found["needs_credit_code"], found["needs_licence"], found["needs_filing"]) == needs


def test_the_form_asks_for_a_number_where_the_table_knows_one(flow: Flow) -> None:
    form = load_form(flow.forms["information"])
    documents = table(flow, "required_documents")

    for field, need in (("licence_number", "needs_licence"), ("filing_number", "needs_filing")):
        asked = set(form.fields[field].ui["when"]["category"])
        known = {
            category.value
            for category in Category
            if documents.decide({"category": category.value}).outputs[need] != "none"
        }
        assert asked == known


def test_the_form_offers_exactly_the_known_categories(flow: Flow) -> None:
    field = load_form(flow.forms["information"]).fields["category"]

    assert field.ui["labels"] == {category.value: label for category, label in CATEGORY_LABELS.items()}


def test_one_form_one_set_of_fields(flow: Flow) -> None:
    fields = load_form(flow.forms["information"]).fields

    assert set(fields) == set(PRINTED_LABELS)
    assert set(fields) <= set(RegistrationParameters.model_fields)


def test_who_must_correct_is_never_sent_on(flow: Flow) -> None:
    """Every combination of the facts a check can give."""
    judge = table(flow, "next_step")
    names = ("must_correct", "shares_credit_code", "is_explained", "is_incomplete")

    for near, *facts in product(([], [{"name": "x"}]), *([(False, True)] * 4)):
        check = dict(zip(names, facts, strict=True)) | {"near": near}
        step = judge.decide({"check": check}).outputs["next_step"]
        unexplained = (near or check["shares_credit_code"]) and not check["is_explained"]
        if check["must_correct"]:
            assert step == "correct"
        elif unexplained:
            assert step == "explain"
        else:
            assert step == ("correct" if check["is_incomplete"] else "go_on")


def test_the_stamp_is_always_remarked_on_and_only_full_agreement_is_praised(flow: Flow) -> None:
    judge = table(flow, "stamp")

    for seal, text in product(("same", "different", "unread", "none"), ("same", "different", "unread")):
        stamp = {"has_red_seal": seal != "none", "seal_agreement": seal, "text_agreement": text}
        remark = judge.decide({"stamp": stamp}).outputs["stamp_remark"]
        assert (remark == "程序判读：印章与机构名称一致") is (seal == "same" and text != "different")


def test_codes_of_the_review_form_have_words_for_notices(flow: Flow) -> None:
    form = load_form(flow.forms["review"])
    defects = form.fields["defects"]

    words = notice_texts(flow.config, [form]).words
    assert {code: words[code] for code in defects.schema["items"]["enum"]} == dict(defects.ui["labels"])


def test_every_notice_is_told_by_the_diagram(flow: Flow) -> None:
    named = {name for name in flow.config.notices if f"&quot;institution_admission.{name}&quot;".encode() in flow.bpmn}

    assert named == set(flow.config.notices)
