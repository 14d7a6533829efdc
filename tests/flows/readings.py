"""What `document.read` and `face.match` give, made by hand: a good card of 张三 unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from PIL import Image


def a_reading(
    *,
    name: str = "张三",
    number: str = "11010519491231002X",
    validity: str = "2010.03.02-长期",
    authority: str = "北京市公安局朝阳分局",
    front_warnings: Sequence[str] = (),
    back_warnings: Sequence[str] = (),
    missing: Sequence[str] = (),
    confidences: Mapping[str, float] | None = None,
    rectified: str | None = None,
    pages: int = 2,
) -> dict[str, Any]:
    fields = {
        "name": name,
        "id_number": number,
        "address": "北京市朝阳区建国路1号",
        "authority": authority,
        "validity": validity,
    }
    fields = {key: value for key, value in fields.items() if key not in missing}
    warnings = [list(front_warnings), list(back_warnings)][:pages]
    kinds = ["resident_id_front", "resident_id_back"][:pages]
    return {
        "pages": [
            {
                "attachment": "0" * 26,
                "kind": kind,
                "rectified": rectified if index == 0 else None,
                "fields": {},
                "warnings": found,
                "sharpness": 120.0,
            }
            for index, (kind, found) in enumerate(zip(kinds, warnings, strict=True))
        ],
        "fields": fields,
        "confidences": {key: 0.98 for key in fields} | dict(confidences or {}),
        "warnings": sorted({code for found in warnings for code in found}),
        "reader": "by hand",
        "models": {"by hand": "0" * 64},
    }


def a_selfie_match(band: str, *, may_pass: bool = True) -> dict[str, Any]:
    score = {"same": 0.71, "unsure": 0.4, "different": 0.08}[band]
    return {"engine": "by hand", "score": score, "band": band, "may_pass": may_pass, "boxes": {}, "quality": {}}


def a_small_photo(width: int, height: int) -> bytes:
    content = BytesIO()
    Image.new("RGB", (width, height), (120, 130, 140)).save(content, "JPEG")
    return content.getvalue()
