"""Service tasks of 实名认证. The rules are in `domain/`; here they meet the diagram's names and the case's context."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from io import BytesIO

from PIL import Image
from pydantic import BaseModel

import bpmn.notices  # noqa: F401 - declares notice.queue, which this flow's diagram uses
from domain import attempts, consent, credential, sms_code
from domain.comparison import PageSeen, Seen, compare, nothing_seen
from domain.documents import NUMBER_PROBLEM_TEXTS, DocumentType, number_flags, number_problems
from domain.notice import queue_notice
from domain.person import document_hash, identity, keep_portrait, person_phone
from domain.privacy import mask_phone
from domain.refused import Refused
from engine.attachments import read_attachment
from engine.errors import BusinessError
from engine.service_tasks import JobContext, TransactionContext, service_task

# Where the photo is on a resident ID laid flat: left, top, right, bottom as shares of the card (GA 461)
PORTRAIT_AREA = (0.615, 0.10, 0.95, 0.78)


class DocumentParameters(BaseModel):
    document_type: DocumentType
    document_number: str
    name: str = ""


class ConsentParameters(BaseModel):
    """Each the version of the text that was agreed to, None where it was not."""

    read_document: str | None = None
    keep_portrait: str | None = None
    compare_face: str | None = None


@service_task("real_name.record_consent", title="登记同意", parameters=ConsentParameters, in_transaction=True)
def record_consent(parameters: ConsentParameters, context: TransactionContext) -> None:
    for purpose, version in parameters.model_dump().items():
        if version is not None:
            consent.give_consent(
                context.session,
                context.started_by,
                consent.Purpose(purpose),
                version,
                context.now,
                case_id=context.case_id,
            )


class InformationCheck(BaseModel):
    """problems, flags: Chinese sentences."""

    problems: list[str]
    flags: list[str]


@service_task(
    "real_name.check_information",
    title="核对证件号码",
    parameters=DocumentParameters,
    result=InformationCheck,
    in_transaction=True,
)
def check_information(parameters: DocumentParameters, context: TransactionContext) -> InformationCheck:
    today = attempts.local_day(context.now)
    found = number_problems(parameters.document_type, parameters.document_number, today)
    flags = number_flags(parameters.document_type, parameters.document_number)
    return InformationCheck(
        problems=[NUMBER_PROBLEM_TEXTS[code] for code in found], flags=[NUMBER_PROBLEM_TEXTS[code] for code in flags]
    )


class AttemptParameters(DocumentParameters):
    limit: int
    kind: attempts.AttemptKind = attempts.AttemptKind.DOCUMENT
    is_automatic: bool = True


class AttemptCount(BaseModel):
    """used: today's, over all cases of the person."""

    used: int
    limit: int
    is_exhausted: bool


@service_task(
    "real_name.check_attempts",
    title="查询今日次数",
    parameters=AttemptParameters,
    result=AttemptCount,
    in_transaction=True,
)
def check_attempts(parameters: AttemptParameters, context: TransactionContext) -> AttemptCount:
    return _attempts_today(parameters, context)


@service_task(
    "real_name.count_attempt",
    title="计一次扫描",
    parameters=AttemptParameters,
    result=AttemptCount,
    in_transaction=True,
)
def count_attempt(parameters: AttemptParameters, context: TransactionContext) -> AttemptCount:
    number_hash = document_hash(parameters.document_type, parameters.document_number)
    attempts.count_attempt(
        context.session, context.started_by, number_hash, context.case_id, parameters.kind, context.now
    )
    return _attempts_today(parameters, context)


def _attempts_today(parameters: AttemptParameters, context: TransactionContext) -> AttemptCount:
    number_hash = document_hash(parameters.document_type, parameters.document_number)
    today = attempts.attempts_today(
        context.session, context.started_by, number_hash, parameters.kind, parameters.limit, context.now
    )
    # Without the automatic method a person looks at the photos: there is no limit to reach.
    is_exhausted = parameters.is_automatic and today.is_exhausted
    return AttemptCount(used=today.used, limit=today.limit, is_exhausted=is_exhausted)


class PageFacts(BaseModel):
    attachment: str
    rectified: str | None = None
    warnings: list[str] = []


class ReadingFacts(BaseModel):
    """What this flow uses of the result of `document.read`."""

    pages: list[PageFacts]
    fields: dict[str, str]
    confidences: dict[str, float]

    def as_seen(self) -> Seen:
        pages = tuple(PageSeen(page.attachment, page.rectified, tuple(page.warnings)) for page in self.pages)
        return Seen(pages, self.fields, self.confidences)


class CompareParameters(BaseModel):
    document_type: DocumentType
    name: str
    document_number: str
    reading: ReadingFacts
    confident_from: float


class ComparisonFacts(BaseModel):
    """domain.comparison.Comparison as JSON."""

    name_agreement: str
    number_agreement: str
    sides_agree: str
    validity: str
    quality: str
    has_flags: bool
    defects: list[str]
    differences: list[str]
    flags: list[str]
    read_name: str | None
    read_number: str | None
    valid_until: str | None
    portrait: str | None
    can_crop_portrait: bool


@service_task(
    "real_name.compare",
    title="比对填写与证件",
    parameters=CompareParameters,
    result=ComparisonFacts,
    in_transaction=True,
)
def compare_with_document(parameters: CompareParameters, context: TransactionContext) -> ComparisonFacts:
    found = compare(
        parameters.document_type,
        parameters.name,
        parameters.document_number,
        parameters.reading.as_seen(),
        confident_from=parameters.confident_from,
        today=attempts.local_day(context.now),
    )
    return ComparisonFacts(**asdict(found), has_flags=found.has_flags)


class UnreadableParameters(BaseModel):
    page_count: int


@service_task(
    "real_name.note_unreadable",
    title="登记无法打开的照片",
    parameters=UnreadableParameters,
    result=ComparisonFacts,
    in_transaction=True,
)
def note_unreadable(parameters: UnreadableParameters, context: TransactionContext) -> ComparisonFacts:
    found = nothing_seen(parameters.page_count)
    return ComparisonFacts(**asdict(found), has_flags=found.has_flags)


class BindingFacts(BaseModel):
    """reason: a sentence for the reviewer, "" where nothing is in the way. phone: masked, None where no SMS is possible."""

    state: credential.BindingState
    person: str | None
    in_the_way: list[str]
    reason: str
    phone: str | None


BINDING_REASONS = {
    credential.BindingState.NEW: "",
    credential.BindingState.RENEWAL: "本账号已认证，通过后以新凭证替换原凭证",
    credential.BindingState.ELSEWHERE: "该证件号码已在另一账号认证，当前有效；通过后认证转到本账号",
    credential.BindingState.ACCOUNT_TAKEN: "本账号已由另一证件号码认证，当前有效；通过后原认证失效",
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
    found = credential.find_binding(context.session, context.started_by, who)
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
        template="real_name.code",
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
    verified = credential.Verification(
        account_id=context.started_by,
        case_id=context.case_id,
        who=identity(parameters.name, parameters.document_type, parameters.document_number),
        verified_by=credential.VerifiedBy.REVIEW if parameters.is_reviewed else credential.VerifiedBy.READING,
        valid_until=parameters.valid_until,
        replaces=frozenset(parameters.replaces),
    )
    try:
        issued = credential.issue_credential(context.session, verified, context.now)
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
