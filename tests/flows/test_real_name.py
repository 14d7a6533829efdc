"""实名认证 in its own words: every end event, and every way to them that matters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from config import ROOT
from domain.account import Account, bind_phone, find_account
from domain.consent import Consent, Purpose, withdraw_consent
from domain.credential import Credential, CredentialState, valid_credential_of
from domain.notice import Notice, read_notice
from domain.person import read_identity, read_portrait
from engine.actors import Actor
from engine.deploy import deploy_flow
from engine.errors import InvalidForm
from engine.flows import flow_of_files, load_flow
from tests.flows.readings import a_reading, a_selfie_match, a_small_photo
from tests.flows.story import Story, Town

DAY = timedelta(days=1)
ZHANG = {"name": "张三", "document_number": "11010519491231002X"}


@pytest.fixture
def applicant(town: Town) -> Actor:
    return town.somebody("openid-zhang")


@pytest.fixture
def begins(town: Town) -> Callable[..., Story]:
    """A case whose applicant has agreed and filled in who they are."""

    def begin(by: Actor, method: str = "automatic", *, keep_portrait: bool = False, **values: Any) -> Story:
        story = town.start("real_name", by)
        agreed = {"portrait_consent": "keep_portrait/2026-01"} if keep_portrait else {}
        story.completes("consent", read_consent="read_document/2026-01", **agreed)
        return story.completes("information", **{"document_type": "resident_id", "method": method, **ZHANG, **values})

    return begin


@pytest.fixture
def flow(begins: Callable[..., Story], applicant: Actor) -> Story:
    return begins(applicant)


def scans(story: Story, **reading: Any) -> Story:
    """Both sides are photographed and read."""
    story.completes("scan", front=story.photo(), back=story.photo())
    story.job("document.read").returns(a_reading(**reading))
    return story


def notices(story: Story) -> list[str]:
    with story.town.sessions() as session:
        rows = session.scalars(select(Notice).where(Notice.case_id == story.case_id).order_by(Notice.id))
        return [row.template.removeprefix("real_name.") for row in rows]


def notice_text(story: Story, template: str) -> str:
    with story.town.sessions() as session:
        found = session.scalars(select(Notice).where(Notice.template == f"real_name.{template}")).one()
        return read_notice(session, found).text


def credential_of(story: Story) -> Credential | None:
    with story.town.sessions() as session:
        return valid_credential_of(session, story.starter.id)


# ---- the four ends


def test_a_good_card_is_verified_without_a_person(flow: Story) -> None:
    scans(flow)

    assert flow.outcome == "verified"
    credential = credential_of(flow)
    assert credential is not None
    assert credential.verified_by == "READING"
    assert credential.valid_until is None
    assert notices(flow) == ["verified"]
    assert flow.is_sound()


def test_the_credential_names_the_person_only_in_cipher(flow: Story) -> None:
    scans(flow)

    credential = credential_of(flow)
    assert credential is not None
    with flow.town.sessions() as session:
        assert read_identity(session, credential.person_id).name == "张三"
        assert find_account(session, flow.starter.id).person_id == credential.person_id
        file = session.connection().engine.url.database
    assert file is not None
    with open(file, "rb") as database:
        content = database.read()
    assert "张三".encode() not in content
    assert ZHANG["document_number"].encode() not in content


def test_a_reviewer_rejects_with_reasons(begins: Callable[..., Story], applicant: Actor) -> None:
    flow = scans(begins(applicant, "manual"))

    flow.completes("review", review_decision="reject", reject_reasons=["altered", "other"], opinion="照片为翻拍")

    assert flow.outcome == "rejected"
    assert notice_text(flow, "rejected") == (
        "您的实名认证未通过。原因：证件有涂改或翻拍痕迹、其他。审核意见：照片为翻拍"
    )
    assert credential_of(flow) is None
    assert flow.is_sound()


@pytest.mark.parametrize("stage", ["consent", "information", "scan", "read", "review"])
def test_the_applicant_withdraws_at_any_time(
    town: Town, begins: Callable[..., Story], applicant: Actor, stage: str
) -> None:
    flow = town.start("real_name", applicant)
    if stage != "consent":
        flow.completes("consent", read_consent="read_document/2026-01")
    if stage in ("scan", "read", "review"):
        method = "manual" if stage == "review" else "automatic"
        flow.completes("information", document_type="resident_id", method=method, **ZHANG)
    if stage in ("read", "review"):
        flow.completes("scan", front=flow.photo(), back=flow.photo())
    if stage == "review":
        flow.job("document.read").returns(a_reading())
    assert flow.waits_for(stage)

    flow.message("withdraw")

    assert flow.outcome == "withdrawn"
    assert flow.open_forms() == []
    assert notices(flow) == ["withdrawn"]
    assert flow.is_sound()
    assert begins(applicant, "manual").waits_for("scan")  # and may start again with another method


def test_an_idle_applicant_expires(flow: Story) -> None:
    flow.passes(29 * DAY)
    assert flow.waits_for("scan")

    flow.passes(1 * DAY)

    assert flow.outcome == "expired"
    assert notices(flow) == ["expired"]
    assert flow.is_sound()


# ---- consent and information


def test_the_version_of_the_text_agreed_to_is_recorded(flow: Story) -> None:
    with flow.town.sessions() as session:
        consents = session.scalars(select(Consent)).all()

    assert [(one.purpose, one.text_version, one.case_id) for one in consents] == [
        (Purpose.READ_DOCUMENT, "read_document/2026-01", flow.case_id)
    ]


def test_a_number_that_fails_its_check_digit_comes_back_to_the_form(
    begins: Callable[..., Story], applicant: Actor
) -> None:
    flow = begins(applicant, document_number="110105194912310021")

    assert flow.waits_for("information")
    assert flow.variables["information_check"]["problems"] == ["证件号码校验位不正确，请逐位核对"]
    flow.completes("information", document_type="resident_id", method="automatic", **ZHANG)
    assert flow.waits_for("scan")


# ---- scan again, and how often


def test_every_defect_is_told_at_once(flow: Story) -> None:
    scans(flow, front_warnings=["blurred", "cut"], back_warnings=["wrong_side"], missing=["id_number"])

    assert flow.waits_for("scan")
    assert flow.variables["comparison"]["defects"] == [
        "正面：照片模糊，请对焦后再拍",
        "正面：证件没有拍全，请把四角都放进取景框",
        "反面：正反面放反了",
        "没有读清证件号码",
    ]
    assert flow.variables["attempts"] == {"used": 1, "limit": 3, "is_exhausted": False}


def test_scanning_again_leads_to_the_goal(flow: Story) -> None:
    scans(flow, front_warnings=["blurred"])
    scans(flow, missing=["validity"])

    scans(flow)

    assert flow.outcome == "verified"
    assert flow.is_sound()


def test_a_file_that_cannot_be_opened_costs_an_attempt(flow: Story) -> None:
    flow.completes("scan", front=flow.photo(), back=flow.photo())

    flow.job("document.read").fails("document.unreadable_file")

    assert flow.waits_for("scan")
    assert flow.variables["comparison"]["defects"] == ["正面、反面的文件无法打开，请重新拍摄"]
    assert flow.variables["attempts"]["used"] == 1


def test_after_three_attempts_manual_review_takes_everything_over(flow: Story) -> None:
    for _ in range(3):
        scans(flow, front_warnings=["blurred"])
    assert flow.waits_for("offer_review")

    flow.completes("offer_review", method="manual")

    assert flow.waits_for("review", group="real_name.reviewer")
    assert flow.variables["name"] == "张三"
    assert flow.variables["comparison"]["portrait"] is not None
    flow.completes("review", review_decision="approve")
    assert flow.outcome == "verified"
    credential = credential_of(flow)
    assert credential is not None
    assert credential.verified_by == "REVIEW"


def test_attempts_are_counted_over_cases_of_a_day(town: Town, begins: Callable[..., Story], applicant: Actor) -> None:
    first = begins(applicant)
    scans(first, front_warnings=["cut"])
    scans(first, front_warnings=["cut"])
    first.message("withdraw")
    second = begins(applicant)

    scans(second, front_warnings=["cut"])

    assert second.waits_for("offer_review")
    second.message("withdraw")
    assert begins(applicant).waits_for("offer_review")


def test_another_account_gives_no_second_round_for_the_same_card(
    town: Town, flow: Story, begins: Callable[..., Story]
) -> None:
    for _ in range(3):
        scans(flow, front_warnings=["blurred"])

    other = begins(town.somebody("openid-second"))

    assert other.waits_for("offer_review")


def test_the_next_day_brings_new_attempts(flow: Story) -> None:
    for _ in range(3):
        scans(flow, front_warnings=["blurred"])
    flow.completes("offer_review", method="automatic")
    assert flow.waits_for("offer_review")  # not today

    flow.passes(DAY)
    flow.completes("offer_review", method="automatic")
    scans(flow)

    assert flow.outcome == "verified"


def test_without_photos_the_manual_method_still_asks_for_them(
    flow: Story, begins: Callable[..., Story], town: Town
) -> None:
    for _ in range(3):
        scans(flow, front_warnings=["blurred"])
    flow.message("withdraw")
    second = begins(flow.starter)
    assert second.waits_for("offer_review")

    second.completes("offer_review", method="manual")

    scans(second, front_warnings=["blurred"])
    assert second.waits_for("review")


# ---- typed against read


def test_a_wrong_typed_number_costs_no_attempt_and_may_be_corrected(
    begins: Callable[..., Story], applicant: Actor
) -> None:
    flow = scans(begins(applicant, document_number="440524188001010014"))
    assert flow.waits_for("correct")
    assert flow.variables["comparison"]["differences"] == ["填写的证件编号与证件上的 11010519491231002X 不一致"]

    flow.completes("correct", next_step="correct", **ZHANG)

    assert flow.outcome == "verified"
    assert flow.variables["attempts"]["used"] == 0


def test_an_applicant_who_insists_on_the_typed_name_gets_a_reviewer(
    begins: Callable[..., Story], applicant: Actor
) -> None:
    flow = scans(begins(applicant, name="张叁"))

    flow.completes("correct", next_step="review", name="张叁", document_number=ZHANG["document_number"])

    assert flow.waits_for("review", group="real_name.reviewer")


def test_an_unsure_reading_is_never_taken_for_a_difference(begins: Callable[..., Story], applicant: Actor) -> None:
    flow = scans(begins(applicant, name="张叁"), confidences={"name": 0.7})

    assert flow.waits_for("scan")
    assert flow.variables["comparison"]["name_agreement"] == "unread"


def test_an_expired_card_is_not_rejected_by_the_program(flow: Story) -> None:
    scans(flow, validity="2005.03.02-2025.03.02")
    assert flow.waits_for("correct")

    flow.completes("correct", next_step="rescan", **ZHANG)
    assert flow.waits_for("scan")
    scans(flow)

    assert flow.outcome == "verified"
    assert flow.variables["attempts"]["used"] == 1


@pytest.mark.parametrize(
    "reading",
    [
        {"validity": "2015.03.02-2025.03.02", "number": "440524188001010014"},
        {"validity": "2020.03.02-2030.03.02"},  # ten years for somebody of seventy
        {"front_warnings": ["birth_disagrees"]},
        {"authority": "上海市公安局黄浦分局"},
    ],
    ids=["another person's number and an old card", "sides disagree", "birth disagrees", "authority elsewhere"],
)
def test_doubts_never_pass(flow: Story, reading: dict[str, Any]) -> None:
    scans(flow, **reading)

    assert flow.outcome is None
    assert {*flow.open_forms()} <= {"review", "correct"}
    assert flow.is_sound()


# ---- other documents


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


# ---- one valid credential a number


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


@pytest.fixture
def newcomer(town: Town, flow: Story, begins: Callable[..., Story]) -> Story:
    """张三 was verified with a phone, and comes with another WeChat account."""
    with town.writing() as session:
        bind_phone(session, flow.starter.id, "13812345678")
    scans(flow)
    story = scans(begins(town.somebody("openid-new")))
    assert story.waits_for("choose_proof")
    return story


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


# ---- the face step


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
