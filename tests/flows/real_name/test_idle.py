"""实名认证: nobody comes back. Wherever the applicant was asked for something, the case expires; reviews are never forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from engine.actors import Actor
from tests.flows.readings import a_reading
from tests.flows.real_name.cases import notices, scans
from tests.flows.story import Story, Town

DAY = timedelta(days=1)
MONTH = 30 * DAY


def expires(story: Story, element: str) -> None:
    assert story.waits_for(element)

    story.passes(MONTH)

    assert story.outcome == "expired"
    assert notices(story)[-1] == "expired"
    assert story.is_sound()


def test_a_consent_nobody_gives_expires(town: Town, applicant: Actor) -> None:
    expires(town.start("real_name", applicant), "consent")


def test_information_nobody_fills_in_expires(town: Town, applicant: Actor) -> None:
    story = town.start("real_name", applicant)
    story.completes("consent", read_consent="read_document/2026-01")

    expires(story, "information")


def test_an_offer_nobody_answers_expires(flow: Story) -> None:
    for _ in range(3):
        scans(flow, front_warnings=["blurred"])

    expires(flow, "offer_review")


def test_a_page_nobody_photographs_expires(begins: Callable[..., Story], applicant: Actor) -> None:
    expires(begins(applicant, document_type="passport", document_number="E12345678"), "scan_page")


def test_a_correction_nobody_makes_expires(begins: Callable[..., Story], applicant: Actor) -> None:
    expires(scans(begins(applicant, name="张叁")), "correct")


def test_a_proof_nobody_chooses_expires(newcomer: Story) -> None:
    expires(newcomer, "choose_proof")


def test_a_code_nobody_enters_expires(newcomer: Story) -> None:
    newcomer.completes("choose_proof", proof="sms")

    expires(newcomer, "enter_code")


def test_a_face_nobody_agrees_to_compare_expires(newcomer: Story) -> None:
    newcomer.completes("choose_proof", proof="face")

    expires(newcomer, "face_consent")


def test_a_selfie_nobody_takes_expires(newcomer: Story) -> None:
    newcomer.completes("choose_proof", proof="face")
    newcomer.completes("face_consent", face_choice="agree", face_consent_version="compare_face/2026-01")

    expires(newcomer, "take_selfie")


def test_new_photos_nobody_takes_expire(begins: Callable[..., Story], applicant: Actor) -> None:
    story = scans(begins(applicant, "manual"))
    story.completes("review", review_decision="new_photos", new_photos=["back"], opinion="反面有反光")

    expires(story, "retake")


def test_who_can_prove_it_neither_way_is_looked_at_by_a_person(newcomer: Story) -> None:
    newcomer.completes("choose_proof", proof="review")

    assert newcomer.waits_for("review", group="real_name.reviewer")
    assert newcomer.is_sound()


def test_a_supervisor_is_reminded_of_a_review_that_still_waits(begins: Callable[..., Story], applicant: Actor) -> None:
    story = begins(applicant, "manual")
    story.completes("scan", front=story.photo(), back=story.photo())
    story.job("document.read").returns(a_reading())
    for _ in range(8):  # the review's two working days, then the supervisors' two
        story.passes(DAY)

    assert story.waits_for("review_escalated", group="real_name.supervisor")
    assert notices(story)[-2:] == ["review_escalated", "review_waiting"]
    story.completes("review", review_decision="approve")
    assert story.outcome == "verified"
    assert story.is_sound()
