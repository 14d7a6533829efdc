"""What diagrams may ask of vision. Only declarations: models and image libraries load when a task runs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from domain.documents import DocumentType
from engine.service_tasks import JobContext, service_task


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
    from tasks.vision.documents import expected_kinds, merge_pages
    from tasks.vision.images import decode_photo_or_page, encode_jpeg
    from tasks.vision.reader import document_reader

    reader = document_reader()
    pages = []
    for attachment, kind in zip(
        parameters.pages, expected_kinds(parameters.document_type, len(parameters.pages)), strict=True
    ):
        photo = decode_photo_or_page(context.read_attachment(attachment).content)
        page = reader.read(photo, kind, today=local_date(context.now))
        rectified = None
        if page.is_rectified:
            rectified = context.add_attachment(encode_jpeg(page.rectified_rgb), "image/jpeg", "rectified")
        pages.append(_page(attachment, rectified, page))
    return _merged(pages, reader.name)


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
