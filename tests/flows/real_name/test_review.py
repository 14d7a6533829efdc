"""实名认证: other documents, and what reviewers do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from engine.actors import Actor
from engine.errors import InvalidForm
from tests.flows.readings import a_reading
from tests.flows.real_name.cases import ZHANG, credential_of, notice_text, notices, scans
from tests.flows.story import Story, Town

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("document_type", "number", "form"),
    [
        ("hk_macau_permit", "H12345678", "scan"),
        ("taiwan_permit", "12345678", "scan"),
        ("residence_permit", "810000199408230021", "scan"),
        ("passport", "E12345678", "scan_page"),
        ("foreign_permanent_resident", "USA110000000000", "scan"),
    ],
)
def test_other_documents_are_read_as_a_help_and_reviewed(
    begins: Callable[..., Story], applicant: Actor, document_type: str, number: str, form: str
) -> None:
    flow = begins(applicant, name="CHAN TAI MAN", document_type=document_type, document_number=number)
    pages = {"front": flow.photo()} if form == "scan_page" else {"front": flow.photo(), "back": flow.photo()}
    flow.completes(form, **pages)
    job = flow.job("document.read")
    assert job.parameters["pages"] == list(pages.values())
    job.returns(a_reading(missing=["name", "id_number", "validity"], pages=len(pages)))

    flow.completes("review", review_decision="approve", valid_until="2030-01-01")

    assert flow.outcome == "verified"
    credential = credential_of(flow)
    assert credential is not None
    assert str(credential.valid_until) == "2030-01-01"
    assert flow.is_sound()


# ---- review


def test_new_photos_are_asked_for_and_come_back_to_the_reviewer(begins: Callable[..., Story], applicant: Actor) -> None:
    flow = scans(begins(applicant, "manual"))
    flow.completes("review", review_decision="new_photos", new_photos=["back"], opinion="反面有反光")
    assert notice_text(flow, "new_photos") == "审核员请您补拍：证件反面。说明：反面有反光"

    flow.completes("retake", front=flow.photo(), back=flow.photo())
    flow.job("document.read").returns(a_reading())

    assert flow.waits_for("review")
    flow.completes("review", review_decision="approve")
    assert flow.outcome == "verified"


def test_photos_a_reviewer_asked_for_are_never_passed_by_the_program(
    begins: Callable[..., Story], applicant: Actor
) -> None:
    flow = scans(begins(applicant, name="张叁"))
    flow.completes("correct", next_step="review", **ZHANG)
    flow.completes("review", review_decision="new_photos", new_photos=["front"], opinion="请拍清楚")

    flow.completes("retake", front=flow.photo(), back=flow.photo())
    flow.job("document.read").returns(a_reading())

    assert flow.waits_for("review")


def test_reviewers_are_reminded_and_supervisors_take_over(begins: Callable[..., Story], applicant: Actor) -> None:
    flow = scans(begins(applicant, "manual"))
    flow.passes(DAY)  # Tuesday
    assert notices(flow) == ["review_waiting"]
    assert flow.waits_for("review", group="real_name.reviewer")

    flow.passes(2 * DAY)

    assert flow.waits_for("review_escalated", group="real_name.supervisor")
    assert notices(flow) == ["review_waiting", "review_escalated"]
    flow.completes("review", review_decision="approve")
    assert flow.outcome == "verified"
    assert flow.is_sound()


def test_a_weekend_is_no_working_day(town: Town, begins: Callable[..., Story], applicant: Actor) -> None:
    town.passes(4 * DAY)  # Friday
    flow = scans(begins(applicant, "manual"))

    flow.passes(2 * DAY)  # Sunday
    assert notices(flow) == []

    flow.passes(DAY)  # Monday
    assert notices(flow) == ["review_waiting"]


@pytest.mark.parametrize("missing", ["reject_reasons", "opinion"])
def test_a_rejection_without_reasons_is_refused(begins: Callable[..., Story], applicant: Actor, missing: str) -> None:

    flow = scans(begins(applicant, "manual"))
    values = {"review_decision": "reject", "reject_reasons": ["other"], "opinion": "不受理"}
    del values[missing]

    with pytest.raises(InvalidForm):
        flow.completes("review", **values)

    assert flow.waits_for("review")
