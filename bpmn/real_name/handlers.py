"""Service tasks of 实名认证. The rules are in `domain/`; here they meet the diagram's names and the case's context."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import BaseModel

# Importing them declares their service tasks.
import bpmn.notices
import bpmn.real_name.issuing  # noqa: F401
from bpmn.real_name.parameters import DocumentParameters
from domain.credentials import attempts, consent
from domain.documents.comparison import PageSeen, Seen, compare, nothing_seen
from domain.documents.documents import NUMBER_PROBLEM_TEXTS, DocumentType, number_flags, number_problems
from domain.persons.person import document_hash
from engine.services.registry import TransactionContext, service_task


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
    """domain.documents.comparison.Comparison as JSON."""

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
