"""实名认证: the face step, and the portrait that may be kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from config import ROOT
from domain.credentials.consent import Purpose, withdraw_consent
from domain.persons.person import read_portrait
from engine.actors import Actor
from engine.deployment.deploy import deploy_flow
from engine.errors import InvalidForm
from engine.flow.flow import flow_of_files, load_flow
from tests.flows.readings import a_selfie_match, a_small_photo
from tests.flows.real_name.cases import credential_of, scans
from tests.flows.story import Story, Town


@pytest.fixture
def at_face(newcomer: Story) -> Story:
    newcomer.completes("choose_proof", proof="face")
    return newcomer


def test_declining_the_face_step_leads_to_a_reviewer(at_face: Story) -> None:
    at_face.completes("face_consent", face_choice="decline")

    assert at_face.waits_for("review")


def test_agreeing_without_the_text_is_refused(at_face: Story) -> None:

    with pytest.raises(InvalidForm):
        at_face.completes("face_consent", face_choice="agree")

    assert at_face.waits_for("face_consent")


@pytest.mark.parametrize(
    ("band", "may_pass", "then"),
    [("unsure", True, "review"), ("same", False, "review"), ("different", True, "take_selfie")],
)
def test_only_a_sure_match_of_a_trusted_engine_passes(at_face: Story, band: str, may_pass: bool, then: str) -> None:
    at_face.completes("face_consent", face_choice="agree", face_consent_version="compare_face/2026-01")
    at_face.completes("selfie", selfie=at_face.photo())

    at_face.job("face.match").returns(a_selfie_match(band, may_pass=may_pass))

    assert at_face.waits_for(then)


def test_bad_selfies_end_with_a_reviewer(at_face: Story) -> None:
    at_face.completes("face_consent", face_choice="agree", face_consent_version="compare_face/2026-01")
    for code in ("face.none", "face.several", "face.poor_quality"):
        at_face.completes("selfie", selfie=at_face.photo())
        at_face.job("face.match").fails(code)

    assert at_face.waits_for("review")
    assert at_face.is_sound()


@pytest.fixture
def with_face_step(town: Town) -> None:
    """An analyst has switched the face step on."""
    flow = load_flow(ROOT / "bpmn" / "real_name")
    text = flow.files["flow.toml"].replace(b"face_step = false", b"face_step = true")
    with town.writing() as session:
        changed = flow_of_files({**flow.files, "flow.toml": text})
        deploy_flow(session, changed, by=Actor("analyst"), reason="face step", now=town.now)


def shows_their_face(story: Story) -> Story:
    story.completes("face_consent", face_choice="agree", face_consent_version="compare_face/2026-01")
    story.completes("selfie", selfie=story.photo())
    story.job("face.match").returns(a_selfie_match("same"))
    return story


@pytest.mark.usefixtures("with_face_step")
def test_with_the_face_step_on_a_good_card_is_not_enough(begins: Callable[..., Story], applicant: Actor) -> None:
    flow = scans(begins(applicant))
    assert flow.waits_for("face_consent")

    shows_their_face(flow)

    assert flow.outcome == "verified"
    assert flow.is_sound()


@pytest.mark.usefixtures("with_face_step")
def test_two_that_both_found_the_number_free_race_to_the_end(
    town: Town, begins: Callable[..., Story], applicant: Actor
) -> None:
    first, second = scans(begins(applicant)), scans(begins(town.somebody("openid-other")))

    shows_their_face(first)
    shows_their_face(second)

    assert first.outcome == "verified"
    assert second.waits_for("review", group="real_name.reviewer")
    assert second.variables["binding"]["state"] == "elsewhere"
    assert second.is_sound()


# ---- the portrait


def test_the_portrait_is_kept_only_under_its_own_consent(begins: Callable[..., Story], applicant: Actor) -> None:
    flow = begins(applicant, keep_portrait=True)
    card = flow.photo(a_small_photo(1016, 640))
    scans(flow, rectified=card)

    flow.job("real_name.crop_portrait").runs()

    assert flow.outcome == "verified"
    credential = credential_of(flow)
    assert credential is not None
    with flow.town.sessions() as session:
        portrait = read_portrait(session, credential.person_id)
    assert portrait is not None
    assert portrait.startswith(b"\xff\xd8")


def test_without_that_consent_nothing_is_cropped_or_kept(flow: Story) -> None:
    scans(flow, rectified=flow.photo())

    credential = credential_of(flow)
    assert credential is not None
    with flow.town.sessions() as session:
        assert read_portrait(session, credential.person_id) is None


def test_a_consent_taken_back_meanwhile_counts(begins: Callable[..., Story], applicant: Actor) -> None:
    flow = begins(applicant, keep_portrait=True)
    scans(flow, rectified=flow.photo(a_small_photo(1016, 640)))
    with flow.town.writing() as session:
        assert withdraw_consent(session, applicant.id, Purpose.KEEP_PORTRAIT, flow.town.now) == 1

    flow.job("real_name.crop_portrait").runs()

    assert flow.outcome == "verified"
    credential = credential_of(flow)
    assert credential is not None
    with flow.town.sessions() as session:
        assert read_portrait(session, credential.person_id) is None
