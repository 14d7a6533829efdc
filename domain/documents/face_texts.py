"""What a face comparison means, in sentences. docs/face-threshold.md says how the bands were measured."""

from __future__ import annotations

from collections.abc import Mapping

BAND_TEXTS = {
    "same": "很可能是同一人",
    "unsure": "无法确定，请仔细对照",
    "different": "很可能不是同一人",
}
FACE_PROBLEM_TEXTS = {
    "face.none": "照片中没有找到人脸。",
    "face.several": "照片中有多张人脸。",
    "face.poor_quality": "人脸照片质量不够。",
    "document.unreadable_file": "照片的文件无法打开。",
}
_SIDES = {"portrait": "证件照", "selfie": "现场照"}
_SMALL_FACE_PX = 80
_TURNED_DEG = 25.0


def quality_sentences(quality: Mapping[str, Mapping[str, float]]) -> list[str]:
    """quality: by side (`portrait`, `selfie`), as face.match gives it: size_px, sharpness, yaw, pitch, roll in degrees."""
    found: list[str] = []
    for side, measured in quality.items():
        name = _SIDES.get(side, side)
        if "size_px" in measured:
            size = measured["size_px"]
            found.append(f"{name}人脸宽 {size:.0f} 像素" + ("，偏小。" if size < _SMALL_FACE_PX else "。"))
        turned = max((abs(measured.get(angle, 0.0)) for angle in ("yaw", "pitch")), default=0.0)
        if turned > _TURNED_DEG:
            found.append(f"{name}没有正对镜头（偏转 {turned:.0f}°）。")
    return found
