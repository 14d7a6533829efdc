"""What diagrams may ask of vision. Only declarations: models and image libraries load when a task runs."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from engine.service_tasks import JobContext, service_task


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
