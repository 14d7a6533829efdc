"""Service tasks of 实名认证 from a verified document to the credential: who holds it, proof of an old phone, issuing."""

from __future__ import annotations

from datetime import date
from io import BytesIO

from PIL import Image
from pydantic import BaseModel

from bpmn.notices import wording_of
from bpmn.real_name.parameters import DocumentParameters
from domain.accounts import sms_code
from domain.credentials import consent, credential, issuing
from domain.documents.documents import DocumentType
from domain.notice import queue_notice
from domain.persons.person import identity, keep_portrait, person_phone
from domain.persons.privacy import mask_phone
from domain.refused import Refused
from engine.attachments.store import read_attachment
from engine.errors import BusinessError
from engine.services.registry import JobContext, TransactionContext, service_task

# Where the photo is on a resident ID laid flat: left, top, right, bottom as shares of the card (GA 461)
PORTRAIT_AREA = (0.615, 0.10, 0.95, 0.78)
CODE_NOTICE = "real_name.code"


class BindingFacts(BaseModel):
    """reason: a sentence for the reviewer, "" where nothing is in the way. phone: masked, None where no SMS is possible."""

    state: issuing.BindingState
    person: str | None
    in_the_way: list[str]
    reason: str
    phone: str | None


BINDING_REASONS = {
    issuing.BindingState.NEW: "",
    issuing.BindingState.RENEWAL: "本账号已认证，通过后以新凭证替换原凭证",
    issuing.BindingState.ELSEWHERE: "该证件号码已在另一账号认证，当前有效；通过后认证转到本账号",
    issuing.BindingState.ACCOUNT_TAKEN: "本账号已由另一证件号码认证，当前有效；通过后原认证失效",
}


@service_task(
    "real_name.find_binding",
    title="查找已有认证",
    parameters=DocumentParameters,
    result=BindingFacts,
    in_transaction=True,
)
def find_binding(parameters: DocumentParameters, context: TransactionContext) -> BindingFacts:
    who = identity(parameters.name, parameters.document_type, parameters.document_number)
    found = issuing.find_binding(context.session, context.started_by, who)
    phone = person_phone(context.session, found.person_id) if found.person_id else None
    return BindingFacts(
        state=found.state,
        person=found.person_id,
        in_the_way=list(found.in_the_way),
        reason=BINDING_REASONS[found.state],
        phone=mask_phone(phone) if phone else None,
    )


class SendCodeParameters(BaseModel):
    """person: whose phone, as kept when they were last verified."""

    person: str


class CodeSent(BaseModel):
    """phone: masked."""

    phone: str


@service_task(
    "real_name.send_code",
    title="发送短信验证码",
    parameters=SendCodeParameters,
    result=CodeSent,
    errors=("sms.no_phone", "sms.too_soon", "sms.too_many"),
    in_transaction=True,
)
def send_code(parameters: SendCodeParameters, context: TransactionContext) -> CodeSent:
    phone = person_phone(context.session, parameters.person)
    if phone is None:
        raise BusinessError("sms.no_phone")
    try:
        code = sms_code.make_code(context.session, f"case:{context.case_id}", phone, context.now)
    except Refused as no:
        raise BusinessError(no.code) from no
    queue_notice(
        context.session,
        case_id=context.case_id,
        template=CODE_NOTICE,
        wording=wording_of(CODE_NOTICE, context.notice_texts),
        now=context.now,
        phone=phone,
        facts={"code": code},
    )
    return CodeSent(phone=mask_phone(phone))


class CheckCodeParameters(BaseModel):
    code: str


class CodeChecked(BaseModel):
    is_right: bool
    tries_left: int


@service_task(
    "real_name.check_code", title="核对验证码", parameters=CheckCodeParameters, result=CodeChecked, in_transaction=True
)
def check_code(parameters: CheckCodeParameters, context: TransactionContext) -> CodeChecked:
    found = sms_code.check_code(context.session, f"case:{context.case_id}", parameters.code, context.now)
    return CodeChecked(is_right=found.is_right, tries_left=found.tries_left)


class PortraitParameters(BaseModel):
    """page: attachment id of the portrait side laid flat."""

    page: str


class Portrait(BaseModel):
    attachment: str


@service_task("real_name.crop_portrait", title="截取证件照", parameters=PortraitParameters, result=Portrait)
def crop_portrait(parameters: PortraitParameters, context: JobContext) -> Portrait:
    """The face's part of the card only: the rest of the card is not kept for longer."""
    with Image.open(BytesIO(context.read_attachment(parameters.page).content)) as card:
        left, top, right, bottom = PORTRAIT_AREA
        width, height = card.size
        area = (round(width * left), round(height * top), round(width * right), round(height * bottom))
        face = card.convert("RGB").crop(area)
    content = BytesIO()
    face.save(content, "JPEG", quality=92)
    return Portrait(attachment=context.add_attachment(content.getvalue(), "image/jpeg", "portrait"))


class IssueParameters(BaseModel):
    """valid_until: the document's last day, None for 长期. replaces: credentials somebody saw in the way and answered for.

    portrait: kept with the person if a consent to that stands.
    """

    name: str
    document_type: DocumentType
    document_number: str
    valid_until: date | None = None
    replaces: list[str] = []
    portrait: Portrait | None = None
    is_reviewed: bool = False


class Issued(BaseModel):
    credential: str
    person: str


@service_task(
    "real_name.issue_credential",
    title="签发实名凭证",
    parameters=IssueParameters,
    result=Issued,
    errors=("credential.already_valid",),
    in_transaction=True,
)
def issue_credential(parameters: IssueParameters, context: TransactionContext) -> Issued:
    verified = issuing.Verification(
        account_id=context.started_by,
        case_id=context.case_id,
        who=identity(parameters.name, parameters.document_type, parameters.document_number),
        verified_by=credential.VerifiedBy.REVIEW if parameters.is_reviewed else credential.VerifiedBy.READING,
        valid_until=parameters.valid_until,
        replaces=frozenset(parameters.replaces),
    )
    try:
        issued = issuing.issue_credential(context.session, verified, context.now)
    except Refused as no:
        raise BusinessError(no.code) from no
    if parameters.portrait is not None:
        _keep_portrait(parameters.portrait.attachment, issued.person_id, context)
    return Issued(credential=issued.id, person=issued.person_id)


def _keep_portrait(attachment: str, person_id: str, context: TransactionContext) -> None:
    agreed = consent.standing_consent(context.session, context.started_by, consent.Purpose.KEEP_PORTRAIT)
    if agreed is None:  # taken back while the case ran
        return
    photo = read_attachment(context.session, attachment, case_id=context.case_id)
    keep_portrait(context.session, person_id, photo.content, agreed)
