"""What was read from a case's documents and faces, attempt by attempt: for the eyes of who decides.

Knows two capabilities any flow may call, `document.read` and `face.match`, by the shape of their results; what was typed is
found under the variables that domain/documents/side_by_side.py names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.cases.cases import case_as_seen
from api.edge.auth import Audience, Caller
from api.edge.masking import masked_variables
from api.edge.request_session import now
from api.edge.transactions import reads
from api.evidence.images import Image
from api.evidence.links import evidence_link, look_at_case
from domain.credentials.attempts import local_day
from domain.documents.documents import DOCUMENT_LABELS, DocumentType
from domain.documents.face_texts import BAND_TEXTS, FACE_PROBLEM_TEXTS, quality_sentences
from domain.documents.number_checks import document_checks
from domain.documents.reading_texts import FIELD_LABELS, PAGE_LABELS, warning_text
from domain.documents.side_by_side import TYPED_FIELDS, side_by_side
from engine.attachments.store import AttachmentFacts
from engine.forms.schema import FILE_KINDS
from engine.queries.pages import history
from engine.queries.results import ServiceResult, service_results
from engine.queries.views import CasePage

case_readings_api = APIBlueprint("case_readings", __name__, url_prefix="/api/v1", tag="案件")

DOCUMENT, FACE = "document.read", "face.match"

# What somebody is told apart by, also where it is masked.
RECOGNISED_BY = frozenset(name for typed, read in TYPED_FIELDS.items() for name in (typed, *read))


class WarningOut(BaseModel):
    code: str
    text: str


class FieldOut(BaseModel):
    name: str
    label: str
    value: str
    confidence: float = Field(description="0 至 1")
    box: list[int] | None = Field(description="在摆正的图（rectified）上的左、上、右、下，像素")


class PageOut(BaseModel):
    kind: str
    label: str = Field(description="这一页是什么，如“身份证人像面”")
    original: Image | None = Field(description="申请人上传的照片；打码、已删除时为 null")
    rectified: Image | None = Field(description="摆正的证件；没有摆正、打码、已删除时为 null")
    fields: list[FieldOut]
    warnings: list[WarningOut]
    sharpness: float | None


class SideBySideOut(BaseModel):
    field: str | None = Field(description="识别结果中的字段，与 pages[].fields[].name 对应；没有读出时为 null")
    typed_as: str | None = Field(description="填写的变量；只识别、不填写的为 null")
    label: str
    typed: str | None
    read: str | None
    confidence: float | None
    agreement: str | None = Field(description="same 一致、different 不一致、unread 没有读出；不填写的为 null")


class CheckOut(BaseModel):
    code: str
    label: str
    state: str = Field(description="ok、problem、notice 请留意、unknown 无法核对")
    sentence: str


class ReadingOut(BaseModel):
    number: int = Field(description="第几次，从 1 起")
    at: datetime
    reader: str | None
    failure: str | None = Field(description="没有识别成的原因；识别成功为 null")
    pages: list[PageOut]
    rows: list[SideBySideOut] = Field(description="填写与识别逐项对照")
    checks: list[CheckOut] = Field(description="号码、区划、日期、性别、年龄、有效期的核对结果；打码时为空")
    findings: list[str] = Field(description="比对结论中的句子：差异、缺陷、须留意之处；打码时为空")


class FaceOut(BaseModel):
    number: int
    at: datetime
    failure: str | None
    engine: str | None
    score: float | None = Field(description="相似度")
    band: str | None = Field(description="same、unsure、different")
    band_text: str | None
    may_pass: bool
    portrait: Image | None
    selfie: Image | None
    boxes: dict[str, list[int]] = Field(description="portrait、selfie 上的人脸：左、上、右、下，像素")
    quality: list[str] = Field(description="人脸质量的说明")


class CaseReadings(BaseModel):
    is_masked: bool
    document_type: str | None
    document_label: str | None
    readings: list[ReadingOut] = Field(description="先后各次识别，最后一次是现在依据的")
    faces: list[FaceOut]


@case_readings_api.get("/cases/<case_id>/readings")
@reads(Audience.CONSOLE)
@case_readings_api.output(CaseReadings)
@case_readings_api.doc(summary="案件的识别结果")
def show_case_readings(session: Session, caller: Caller, case_id: str) -> dict[str, Any]:
    """历次证件识别和人脸比对：字段及其位置、与填写的对照、核对结果、警告。未领取的人看到打码的内容，没有影像。"""
    page, is_masked = case_as_seen(session, case_id, caller)
    told = service_results(session, case_id, history(session, case_id), (DOCUMENT, FACE))
    desk = Desk(page, caller, now(), is_masked)
    shown = desk.shown(told)
    if not is_masked:
        look_at_case(caller, case_id, "reading")
    return shown


@dataclass(frozen=True)
class Desk:
    """One case laid out for one reader."""

    page: CasePage
    caller: Caller
    at: datetime
    is_masked: bool

    def shown(self, told: Mapping[str, Sequence[ServiceResult]]) -> dict[str, Any]:
        """The JSON of a CaseReadings."""
        kind = _document_type(self.page.variables)
        readings = [self._reading(number, run) for number, run in enumerate(told[DOCUMENT], start=1)]
        portraits = [(run.at, _portrait(run)) for run in told[DOCUMENT]]
        faces = [self._face(number, run, portraits) for number, run in enumerate(told[FACE], start=1)]
        return {
            "is_masked": self.is_masked,
            "document_type": kind,
            "document_label": DOCUMENT_LABELS[kind] if kind else None,
            "readings": readings,
            "faces": faces,
        }

    def _reading(self, number: int, run: ServiceResult) -> dict[str, Any]:
        found: Mapping[str, Any] = run.result if isinstance(run.result, Mapping) else {}
        fields, confidences = found.get("fields", {}), found.get("confidences", {})
        pages = [self._page(each) for each in found.get("pages", ())] or self._unread_pages(run.filled_in)
        rows = [asdict(row) for row in side_by_side(run.filled_in, fields, confidences)]
        return {
            "number": number,
            "at": run.at,
            "reader": found.get("reader"),
            "failure": _failure(run),
            "pages": pages,
            "rows": [
                {**row, **{side: self._text(row[side], row["typed_as"]) for side in ("typed", "read")}} for row in rows
            ],
            "checks": [] if self.is_masked else _checks(run, fields),
            "findings": [] if self.is_masked else _findings(run.said_after),
        }

    def _page(self, page: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "kind": page.get("kind", "unknown"),
            "label": PAGE_LABELS.get(page.get("kind", ""), "证件照片"),
            "original": self._image(page.get("attachment")),
            "rectified": self._image(page.get("rectified")),
            "fields": [
                {
                    "name": name,
                    "label": FIELD_LABELS.get(name, name),
                    "value": self._text(field["value"], name),
                    "confidence": field["confidence"],
                    "box": list(field["box"]) if field.get("box") else None,
                }
                for name, field in page.get("fields", {}).items()
            ],
            "warnings": [{"code": code, "text": _warning(code)} for code in page.get("warnings", ())],
            "sharpness": page.get("sharpness"),
        }

    def _unread_pages(self, filled_in: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The photos themselves where nothing could be read."""
        photos = [image for value in filled_in.values() if (image := self._photo(value))]
        blank: dict[str, Any] = {
            "kind": "unknown",
            "label": "证件照片",
            "rectified": None,
            "fields": [],
            "warnings": [],
            "sharpness": None,
        }
        return [{**blank, "original": image} for image in photos]

    def _photo(self, value: Any) -> dict[str, Any] | None:
        facts = self._attachments.get(value) if isinstance(value, str) else None
        return self._image(value) if facts and facts.kind in FILE_KINDS - {"face-capture"} else None

    def _face(
        self, number: int, run: ServiceResult, portraits: Sequence[tuple[datetime, str | None]]
    ) -> dict[str, Any]:
        found: Mapping[str, Any] = run.result if isinstance(run.result, Mapping) else {}
        portrait = next((photo for at, photo in reversed(portraits) if at <= run.at), None)
        band = found.get("band")
        return {
            "number": number,
            "at": run.at,
            "failure": _failure(run),
            "engine": found.get("engine"),
            "score": found.get("score"),
            "band": band,
            "band_text": BAND_TEXTS.get(band) if band else None,
            "may_pass": bool(found.get("may_pass")),
            "portrait": self._image(portrait),
            "selfie": self._image(self._selfie(run.filled_in)),
            "boxes": {side: list(box) for side, box in found.get("boxes", {}).items()},
            "quality": quality_sentences(found.get("quality", {})),
        }

    def _selfie(self, filled_in: Mapping[str, Any]) -> str | None:
        taken = [value for value in filled_in.values() if isinstance(value, str) and value in self._attachments]
        return next((each for each in reversed(taken) if self._attachments[each].kind == "face-capture"), None)

    def _text(self, value: str | None, name: str | None) -> str | None:
        """Of names and numbers a part is left to recognise them by, of everything else nothing."""
        if value is None or not self.is_masked:
            return value
        if name not in RECOGNISED_BY:
            return "***"
        masked: str = masked_variables({"": value}, ())[""]
        return masked

    def _image(self, attachment_id: str | None) -> dict[str, Any] | None:
        facts = self._attachments.get(attachment_id or "")
        if facts is None or self.is_masked:
            return None
        link = evidence_link(self.caller, facts.id, self.at)
        return {"id": facts.id, "kind": facts.kind, "media_type": facts.media_type, "url": link}

    @cached_property
    def _attachments(self) -> Mapping[str, AttachmentFacts]:
        return {facts.id: facts for facts in self.page.attachments}


def _document_type(values: Mapping[str, Any]) -> DocumentType | None:
    known = values.get("document_type")
    return DocumentType(known) if known in set(DocumentType) else None


def _warning(code: str) -> str:
    """The journal keeps codes for years; one that this version no longer knows is shown as it is."""
    try:
        return warning_text(code)
    except KeyError:
        return code


def _portrait(run: ServiceResult) -> str | None:
    """Where the document's face is: the flattened first page, else its photo."""
    pages = run.result.get("pages", ()) if isinstance(run.result, Mapping) else ()
    return (pages[0].get("rectified") or pages[0].get("attachment")) if pages else None


def _failure(run: ServiceResult) -> str | None:
    if run.code is None:
        return None
    return run.message or FACE_PROBLEM_TEXTS.get(run.code, "照片的文件无法打开。")


def _checks(run: ServiceResult, fields: Mapping[str, str]) -> list[dict[str, Any]]:
    kind, number = _document_type(run.filled_in), run.filled_in.get("document_number")
    if kind is None or not isinstance(number, str):
        return []
    return [asdict(check) for check in document_checks(kind, number, fields, local_day(run.at))]


def _findings(said_after: Iterable[Any]) -> list[str]:
    """Sentences of the comparison that followed: results that speak of differences, defects and flags."""
    found: list[str] = []
    for result in said_after:
        if isinstance(result, Mapping):
            for key in ("differences", "defects", "flags"):
                told = result.get(key, ())
                found += [each for each in told if isinstance(each, str)] if isinstance(told, list) else []
    return list(dict.fromkeys(found))
