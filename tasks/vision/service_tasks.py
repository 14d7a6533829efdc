"""What diagrams may ask of vision. Only declarations: models and image libraries load when a task runs."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from domain.documents import DocumentType
from engine.service_tasks import JobContext, service_task

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
    """fields, confidences: of all pages together, by field name. warnings: of all pages, each once."""

    pages: list[ReadPage]
    fields: dict[str, str]
    confidences: dict[str, float]
    warnings: list[str]
    reader: str


@service_task(
    "document.read",
    title="证件识别",
    parameters=DocumentReadParameters,
    result=DocumentReadResult,
    errors=("document.unreadable_file",),
    queue="vision",
)
def read_document(parameters: DocumentReadParameters, context: JobContext) -> DocumentReadResult:
    from tasks.vision.documents import expected_kinds, merged_fields, page_conflicts
    from tasks.vision.images import decode_photo_or_page, encode_jpeg
    from tasks.vision.reader import document_reader

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
    )


class FaceMatchParameters(BaseModel):
    """portrait, selfie: attachment ids of this case; the portrait's is a rectified card or the page that shows it."""

    portrait: str
    selfie: str


class FaceMatchResult(BaseModel):
    """band is what decision tables read; may_pass: whether it may approve without a person (never with the fallback).

    boxes: left, top, right, bottom in pixels, by "portrait" and "selfie". quality: size_px, sharpness, pose in degrees.
    """

    engine: str
    score: float
    band: Literal["same", "unsure", "different"]
    may_pass: bool
    boxes: dict[str, tuple[int, int, int, int]]
    quality: dict[str, dict[str, float]]


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
    from tasks.vision.face import face_matcher
    from tasks.vision.images import decode_photo_or_page

    portrait, selfie = (
        decode_photo_or_page(context.read_attachment(attachment).content)
        for attachment in (parameters.portrait, parameters.selfie)
    )
    found = face_matcher(load_settings().face_model_dir).match(portrait, selfie)
    return FaceMatchResult(**asdict(found))
