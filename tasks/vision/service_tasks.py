"""What diagrams may ask of vision. Only declarations: models and image libraries load when a task runs."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from domain.documents.documents import DocumentType
from engine.services.registry import JobContext, service_task

LOCAL_TIME = ZoneInfo("Asia/Shanghai")  # a card's validity ends with a day there


class DocumentReadParameters(BaseModel):
    """pages: attachment ids in the order the form asks for them (resident_id: portrait side, emblem side)."""

    document_type: DocumentType
    pages: list[str]


class ReadField(BaseModel):
    """box: left, top, right, bottom on the rectified picture."""

    value: str
    confidence: float
    box: tuple[int, int, int, int]


class ReadPage(BaseModel):
    """kind: what the picture shows. rectified: attachment id of the card laid flat. warnings: codes of docs/warnings.md."""

    attachment: str
    kind: str
    rectified: str | None
    fields: dict[str, ReadField]
    warnings: list[str]
    sharpness: float


class DocumentReadResult(BaseModel):
    """fields, confidences: of all pages together, by field name. warnings: of all pages, each once.

    models: SHA-256 of the weights that read them, by name.
    """

    pages: list[ReadPage]
    fields: dict[str, str]
    confidences: dict[str, float]
    warnings: list[str]
    reader: str
    models: dict[str, str] = {}


@service_task(
    "document.read",
    title="证件识别",
    parameters=DocumentReadParameters,
    result=DocumentReadResult,
    errors=("document.unreadable_file",),
    queue="vision",
)
def read_document(parameters: DocumentReadParameters, context: JobContext) -> DocumentReadResult:
    from tasks.vision.documents.documents import expected_kinds, merged_fields, page_conflicts
    from tasks.vision.documents.reader import document_reader
    from tasks.vision.pictures.images import decode_photo_or_page, encode_jpeg

    kinds = expected_kinds(parameters.document_type, len(parameters.pages))
    photos = [decode_photo_or_page(context.read_attachment(page).content) for page in parameters.pages]
    reader = document_reader()
    today = context.now.astimezone(LOCAL_TIME).date()
    readings = [reader.read(photo, kind, today=today) for photo, kind in zip(photos, kinds, strict=True)]
    pages = []
    for attachment, reading in zip(parameters.pages, readings, strict=True):
        card = encode_jpeg(reading.rectified_rgb) if reading.is_rectified else None
        rectified = context.add_attachment(card, "image/jpeg", "rectified") if card else None
        pages.append(
            ReadPage(
                attachment=attachment,
                kind=reading.kind,
                rectified=rectified,
                fields={
                    name: ReadField(value=field.value, confidence=field.confidence, box=field.box)
                    for name, field in reading.fields.items()
                },
                warnings=list(reading.warnings),
                sharpness=reading.sharpness,
            )
        )
    found = [reading.fields for reading in readings]
    merged = merged_fields(found)
    warnings = [code for reading in readings for code in reading.warnings] + page_conflicts(found)
    return DocumentReadResult(
        pages=pages,
        fields={name: field.value for name, field in merged.items()},
        confidences={name: field.confidence for name, field in merged.items()},
        warnings=list(dict.fromkeys(warnings)),
        reader=reader.name,
        models=reader.models,
    )


class FaceMatchParameters(BaseModel):
    """portrait, selfie: attachment ids of this case; the portrait's is a rectified card or the page that shows it."""

    portrait: str
    selfie: str


class FaceMatchResult(BaseModel):
    """band is what decision tables read; may_pass: whether it may approve without a person (never with the fallback).

    boxes: left, top, right, bottom in pixels, by "portrait" and "selfie". quality: size_px, sharpness, pose in degrees.
    models: SHA-256 of the weights by file.
    """

    engine: str
    score: float
    band: Literal["same", "unsure", "different"]
    may_pass: bool
    boxes: dict[str, tuple[int, int, int, int]]
    quality: dict[str, dict[str, float]]
    models: dict[str, str] = {}


@service_task(
    "face.match",
    title="人脸比对",
    parameters=FaceMatchParameters,
    result=FaceMatchResult,
    errors=("face.none", "face.several", "face.poor_quality", "document.unreadable_file"),
    queue="vision",
)
def match_faces(parameters: FaceMatchParameters, context: JobContext) -> FaceMatchResult:
    from dataclasses import asdict

    from config import load_settings
    from tasks.vision.faces.match import face_matcher
    from tasks.vision.pictures.images import decode_photo_or_page

    portrait, selfie = (
        decode_photo_or_page(context.read_attachment(attachment).content)
        for attachment in (parameters.portrait, parameters.selfie)
    )
    found = face_matcher(load_settings().face_model_dir).match(portrait, selfie)
    return FaceMatchResult(**asdict(found))


class StampedFormParameters(BaseModel):
    """attachment: id of the photo or PDF. The others: what was typed, None where it is not to be compared."""

    attachment: str
    expected_name: str
    credit_code: str | None = None
    applicant_name: str | None = None


class FormPlace(BaseModel):
    """page: from 1. The sides as shares (0-1) of that page as it was sent, upright by its EXIF."""

    page: int
    left: float
    top: float
    right: float
    bottom: float


class StampedFormResult(BaseModel):
    """text_lines: what stands on the form, top to bottom. seal_text, form_name: as read, None where there is nothing.

    seal_agreement, text_agreement: of the seal's text and of the name on the form with the expected name; "different" only
    where the reading leaves no doubt. findings: sentences for the reviewer, of what is wrong or doubtful; warnings: the same
    as codes of docs/warnings.md. It tells that a seal is there and what it says, never that it is genuine.
    pictures: attachment ids of a PDF's pages as they were read, for who looks at them; none of a photo, which is one itself.
    models: SHA-256 of the weights by name.
    """

    text_lines: list[str] = []
    has_red_seal: bool
    seal_text: str | None = None
    seal_confidence: float = 0.0
    seal_agreement: Literal["same", "different", "unread", "none"]
    form_name: str | None = None
    text_agreement: Literal["same", "different", "unread"]
    findings: list[str] = []
    warnings: list[str] = []
    seal_place: FormPlace | None = None
    name_place: FormPlace | None = None
    pictures: list[str] = []
    reader: str = ""
    models: dict[str, str] = {}


@service_task(
    "document.read_stamped_form",
    title="盖章申请表识别",
    parameters=StampedFormParameters,
    result=StampedFormResult,
    errors=("document.unreadable_file",),
    queue="vision",
)
def read_stamped_form(parameters: StampedFormParameters, context: JobContext) -> StampedFormResult:
    from tasks.vision.pictures.images import decode_pages, encode_jpeg
    from tasks.vision.seals.findings import Expected, judge_form
    from tasks.vision.seals.stamped_form import form_reader

    sent = context.read_attachment(parameters.attachment)
    pages = decode_pages(sent.content, max_pages=3)
    # Browsers draw no PDF beside a form: its pages are kept as the reader saw them.
    drawn = [encode_jpeg(page) for page in pages] if sent.media_type == "application/pdf" else []
    reader = form_reader()
    read = [reader.read(page) for page in pages]
    told = judge_form(read, Expected(parameters.expected_name, parameters.credit_code, parameters.applicant_name))
    return StampedFormResult(
        text_lines=[line for page in read for line in page.text.lines],
        has_red_seal=told.seal is not None,
        seal_text=told.seal[1].text.text if told.seal else None,
        seal_confidence=round(told.seal[1].text.confidence, 3) if told.seal else 0.0,
        seal_agreement=told.seal_agreement,
        form_name=told.name[1].value if told.name else None,
        text_agreement=told.text_agreement,
        findings=list(told.findings),
        warnings=list(told.warnings),
        seal_place=_place(told.seal[0], told.seal[1].box) if told.seal else None,
        name_place=_place(told.name[0], told.name[1].box) if told.name else None,
        pictures=[context.add_attachment(picture, "image/jpeg", "rectified") for picture in drawn],
        reader=reader.name,
        models=reader.models,
    )


def _place(page: int, box: tuple[float, float, float, float]) -> FormPlace:
    left, top, right, bottom = (round(share, 4) for share in box)
    return FormPlace(page=page, left=left, top=top, right=right, bottom=bottom)
