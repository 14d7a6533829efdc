"""Service tasks of 本人核验: consent to the comparison, the portrait that was kept, or a card scanned again."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from domain.credentials import attempts, consent
from domain.documents.comparison import PageSeen, Seen, compare
from domain.documents.documents import DocumentType
from domain.grants.attempts import FailureKind, count_failure
from domain.grants.grant import find_grant
from domain.persons.person import read_identity, read_portrait
from engine.attachments.store import store_attachment
from engine.services.registry import TransactionContext, service_task


class ConsentParameters(BaseModel):
    """account: who was to be asked. compare_face: version of the text that was agreed to."""

    account: str
    compare_face: str


@service_task("business_grant.record_consent", title="登记同意", parameters=ConsentParameters, in_transaction=True)
def record_consent(parameters: ConsentParameters, context: TransactionContext) -> None:
    """Of the account that agreed, which need not be the one that began: the person may have changed phones."""
    consent.give_consent(
        context.session,
        context.acted_by or parameters.account,
        consent.Purpose.COMPARE_FACE,
        parameters.compare_face,
        context.now,
        case_id=context.case_id,
    )


class PersonParameters(BaseModel):
    """person: their id."""

    person: str


class Portrait(BaseModel):
    """attachment: a copy in this case, None where no portrait is kept."""

    attachment: str | None


@service_task(
    "business_grant.find_portrait", title="取证件照", parameters=PersonParameters, result=Portrait, in_transaction=True
)
def find_portrait(parameters: PersonParameters, context: TransactionContext) -> Portrait:
    """The portrait kept with the person, copied into the case: the comparison reads attachments of its own case only."""
    content = read_portrait(context.session, parameters.person)
    if content is None:
        return Portrait(attachment=None)
    by = context.acted_by or context.started_by
    stored = store_attachment(
        context.session, context.case_id, content, "image/jpeg", "portrait", by=by, now=context.now
    )
    return Portrait(attachment=stored)


class PageFacts(BaseModel):
    attachment: str
    rectified: str | None = None
    warnings: list[str] = []


class ReadingFacts(BaseModel):
    """What is used of the result of `document.read`."""

    pages: list[PageFacts]
    fields: dict[str, str]
    confidences: dict[str, float]


class CardParameters(PersonParameters):
    """tries: cards scanned before this one. confident_from: of the settings; older versions do not pass it."""

    reading: ReadingFacts
    tries: int
    confident_from: float = 0.9


class CardFacts(BaseModel):
    """portrait: attachment to take the face from. defects: Chinese sentences for whoever scans again."""

    is_usable: bool
    portrait: str | None = None
    defects: list[str] = []
    tries: int


@service_task(
    "business_grant.check_card", title="核对身份证", parameters=CardParameters, result=CardFacts, in_transaction=True
)
def check_card(parameters: CardParameters, context: TransactionContext) -> CardFacts:
    """Whether the front of the card is this person's, whole and without anything a person should look at."""
    who = read_identity(context.session, parameters.person)
    reading = parameters.reading
    pages = tuple(PageSeen(page.attachment, page.rectified, tuple(page.warnings)) for page in reading.pages)
    found = compare(
        DocumentType.RESIDENT_ID,
        who.name,
        who.document_number,
        Seen(pages, reading.fields, reading.confidences),
        confident_from=parameters.confident_from,
        today=attempts.local_day(context.now),
    )
    is_own = found.number_agreement == "same" and found.name_agreement != "different"
    is_clear = found.quality != "poor" and not found.has_flags
    # The validity is on the other side, which nobody was asked for.
    defects = [text for text in found.defects if "有效期" not in text]
    if found.number_agreement == "different":
        defects.append("证件上的号码与您实名认证的号码不同")
    return CardFacts(
        is_usable=is_own and is_clear, portrait=found.portrait, defects=defects, tries=parameters.tries + 1
    )


class TriesParameters(BaseModel):
    tries: int


@service_task(
    "business_grant.note_unreadable",
    title="登记无法打开的照片",
    parameters=TriesParameters,
    result=CardFacts,
    in_transaction=True,
)
def note_unreadable(parameters: TriesParameters, context: TransactionContext) -> CardFacts:
    return CardFacts(is_usable=False, defects=["照片的文件无法打开，请重新拍摄"], tries=parameters.tries + 1)


class FaceParameters(PersonParameters):
    """grant: for whose institution the failure counts."""

    grant: str


class FaceAttempts(BaseModel):
    """left: tries the person has left today."""

    left: int
    is_locked: bool
    locked_until: datetime | None


@service_task(
    "business_grant.count_face",
    title="计一次人脸失败",
    parameters=FaceParameters,
    result=FaceAttempts,
    in_transaction=True,
)
def count_face(parameters: FaceParameters, context: TransactionContext) -> FaceAttempts:
    grant = find_grant(context.session, parameters.grant)
    counted = count_failure(
        context.session, parameters.person, grant.institution_id, FailureKind.FAILED_FACE, context.now
    )
    return FaceAttempts(
        left=counted.left, is_locked=counted.locked_until is not None, locked_until=counted.locked_until
    )
