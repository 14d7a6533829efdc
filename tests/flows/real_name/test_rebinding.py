"""实名认证: one valid credential a number, renewal, 换绑."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import func, select

from domain.accounts.account import Account
from domain.credentials.consent import Consent, Purpose
from domain.credentials.credential import Credential, CredentialState
from engine.actors import Actor
from tests.flows.readings import a_selfie_match
from tests.flows.real_name.cases import credential_of, notice_text, scans
from tests.flows.story import Story, Town


def test_two_cases_for_one_number_the_second_goes_to_review_with_the_reason(
    town: Town, begins: Callable[..., Story], applicant: Actor
) -> None:
    first, second = begins(applicant, "manual"), begins(town.somebody("openid-other"), "manual")
    scans(first)
    scans(second)
    assert second.variables["binding"]["state"] == "new"  # nobody was verified when the reviewer saw it

    first.completes("review", review_decision="approve")
    second.completes("review", review_decision="approve")

    assert first.outcome == "verified"
    assert second.waits_for("review")
    assert second.variables["binding"]["reason"] == "该证件号码已在另一账号认证，当前有效；通过后认证转到本账号"
    assert second.is_sound()

    second.completes("review", review_decision="approve")  # knowing it now

    assert second.outcome == "verified"
    assert credential_of(first) is None
    assert credential_of(second) is not None


def test_renewal_keeps_the_old_credential_until_it_is_replaced(
    flow: Story, begins: Callable[..., Story], applicant: Actor
) -> None:
    scans(flow)
    old = credential_of(flow)
    assert old is not None

    renewal = begins(applicant)
    still = credential_of(renewal)
    assert still is not None
    assert still.id == old.id
    scans(renewal)

    assert renewal.outcome == "verified"
    with flow.town.sessions() as session:
        rows = session.scalars(select(Credential).order_by(Credential.issued_at, Credential.id)).all()
    assert [row.state for row in rows] == [CredentialState.REPLACED, CredentialState.VALID]
    assert rows[0].replaced_by == rows[1].id
    assert rows[0].person_id == rows[1].person_id


# ---- 换绑


def code_of(story: Story) -> str:
    return notice_text(story, "code").removeprefix("验证码 ")[:6]


def test_a_code_on_the_old_phone_moves_the_credential(newcomer: Story, flow: Story) -> None:
    newcomer.completes("choose_proof", proof="sms")
    assert newcomer.variables["code_sent"] == {"phone": "138****5678"}

    newcomer.completes("enter_code", code=code_of(newcomer))

    assert newcomer.outcome == "verified"
    assert credential_of(flow) is None
    with newcomer.town.sessions() as session:
        assert session.scalar(select(Account.person_id).where(Account.id == flow.starter.id)) is None
    assert newcomer.is_sound()


def test_wrong_codes_lead_to_a_reviewer(newcomer: Story) -> None:
    newcomer.completes("choose_proof", proof="sms")
    wrong = f"{(int(code_of(newcomer)) + 1) % 10**6:06d}"

    for _ in range(3):
        newcomer.completes("enter_code", code=wrong)

    assert newcomer.waits_for("review")
    assert newcomer.variables["code_check"] == {"is_right": False, "tries_left": 0}


def test_a_code_asked_for_too_soon_is_sent_a_minute_later(newcomer: Story, begins: Callable[..., Story]) -> None:
    newcomer.completes("choose_proof", proof="sms")
    newcomer.message("withdraw")
    again = scans(begins(newcomer.starter))

    again.completes("choose_proof", proof="sms")
    assert again.open_forms() == []
    assert again.outcome is None

    again.passes(timedelta(minutes=1))
    again.completes("enter_code", code=code_of(again))

    assert again.outcome == "verified"
    assert again.is_sound()


def test_a_code_too_late_leads_to_a_reviewer(newcomer: Story) -> None:
    newcomer.completes("choose_proof", proof="sms")

    newcomer.passes(timedelta(minutes=6))
    newcomer.completes("enter_code", code=code_of(newcomer))

    assert newcomer.waits_for("review")


def test_without_a_phone_on_record_the_code_leads_to_a_reviewer(
    town: Town, flow: Story, begins: Callable[..., Story]
) -> None:
    scans(flow)
    newcomer = scans(begins(town.somebody("openid-new")))

    newcomer.completes("choose_proof", proof="sms")

    assert newcomer.waits_for("review")
    assert newcomer.is_sound()


def test_a_face_proves_it_too(newcomer: Story) -> None:
    newcomer.completes("choose_proof", proof="face")
    newcomer.completes("face_consent", face_choice="agree", face_consent_version="compare_face/2026-01")
    newcomer.completes("selfie", selfie=newcomer.photo())

    newcomer.job("face.match").returns(a_selfie_match("same"))

    assert newcomer.outcome == "verified"
    with newcomer.town.sessions() as session:
        given = session.scalar(
            select(func.count()).where(
                Consent.account_id == newcomer.starter.id, Consent.purpose == Purpose.COMPARE_FACE
            )
        )
    assert given == 1


def test_somebody_else_on_a_taken_account_gets_a_reviewer(
    flow: Story, begins: Callable[..., Story], applicant: Actor
) -> None:
    scans(flow)

    other = begins(applicant, name="李四", document_number="440524188001010014")
    scans(other, name="李四", number="440524188001010014", validity="2015.03.02-长期")

    assert other.waits_for("review")
    assert other.variables["binding"]["state"] == "account_taken"
