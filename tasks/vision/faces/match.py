"""Whether two photographs show the same person: finding the one face in each, its quality, and a band for the likeness.

The engine behind it is insightface where a model pack is installed, else dlib (insightface_engine.py, dlib_engine.py). What the
bands mean and how they were measured: docs/face-threshold.md.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import BusinessError
from tasks.vision.faces.engine import Band, Box, Face, FaceEngine
from tasks.vision.pictures.images import PhotoRgb, shrink_photo

WORK_LONG_SIDE = 2000  # pixels; faces are found and described on a photo no larger than this
QUARTER_TURNS = (0, 1, 3, 2)  # a phone held sideways is more common than one upside down


@dataclass(frozen=True, slots=True)
class Gate:
    """What one of the two photos must offer. Faces narrower than `ignore_below` of the largest do not count as several."""

    what: str
    min_size_px: int
    min_sharpness: float
    max_turn_deg: float
    ignore_below: float


# Travel permits and passports print the portrait a second time at half its size; behind a selfie people walk by.
PORTRAIT = Gate("证件照片", min_size_px=48, min_sharpness=6.0, max_turn_deg=35.0, ignore_below=0.65)
SELFIE = Gate("自拍照片", min_size_px=80, min_sharpness=8.0, max_turn_deg=35.0, ignore_below=0.35)


@dataclass(frozen=True, slots=True)
class FaceMatch:
    """score: see FaceEngine.score. may_pass: this result may approve somebody without a person looking.

    boxes, quality: by "portrait" and "selfie"; quality has size_px, sharpness and what is known of the pose.
    models: of the engine, see there.
    """

    engine: str
    score: float
    band: Band
    may_pass: bool
    boxes: dict[str, Box]
    quality: dict[str, dict[str, float]]
    models: dict[str, str]


class FaceMatcher:
    """One engine and the rules around it. Calls from several threads wait for each other: the models share buffers."""

    def __init__(self, engine: FaceEngine) -> None:
        self.engine = engine
        self._lock = threading.Lock()

    def match(self, portrait_rgb: PhotoRgb, selfie_rgb: PhotoRgb) -> FaceMatch:
        """Compare the face of a document with that of a selfie; both (H, W, 3) uint8 RGB, turned in any quarter.

        Raises BusinessError with face.none, face.several or face.poor_quality; the message says which photo.
        """
        with self._lock:
            portrait = self._one_face(portrait_rgb, PORTRAIT)
            selfie = self._one_face(selfie_rgb, SELFIE)
            score = self.engine.score(portrait, selfie)
        band = self.engine.bands.of(score)
        return FaceMatch(
            engine=self.engine.name,
            score=round(score, 4),
            band=band,
            may_pass=self.engine.may_pass and band == "same",
            boxes={"portrait": portrait.box, "selfie": selfie.box},
            quality={"portrait": _quality(portrait), "selfie": _quality(selfie)},
            models=dict(self.engine.models),
        )

    def _one_face(self, photo_rgb: PhotoRgb, gate: Gate) -> Face:
        faces = self._faces_whichever_way_up(photo_rgb)
        if not faces:
            raise BusinessError("face.none", f"{gate.what}中没有找到人脸，请正对镜头、光线充足地重拍。")
        largest = faces[0]
        if any(face.size_px >= gate.ignore_below * largest.size_px for face in faces[1:]):
            raise BusinessError("face.several", f"{gate.what}中有多张人脸，请只保留本人重拍。")
        _check_quality(largest, gate)
        return largest

    def _faces_whichever_way_up(self, photo_rgb: PhotoRgb) -> list[Face]:
        small = shrink_photo(photo_rgb, WORK_LONG_SIDE)
        scale = photo_rgb.shape[1] / small.shape[1]
        for turns in QUARTER_TURNS:
            faces = self.engine.find_faces(np.ascontiguousarray(np.rot90(small, turns)))
            if faces:
                return [_on_photo(face, turns, small.shape, scale) for face in faces]
        return []


def _check_quality(face: Face, gate: Gate) -> None:
    turn = max((abs(face.pose.get(axis, 0.0)) for axis in ("yaw", "pitch")), default=0.0)
    if face.size_px < gate.min_size_px:
        raise BusinessError("face.poor_quality", f"{gate.what}中的人脸太小，请靠近一些重拍。")
    if face.sharpness < gate.min_sharpness:
        raise BusinessError("face.poor_quality", f"{gate.what}中的人脸不清晰，请对焦后重拍。")
    if turn > gate.max_turn_deg:
        raise BusinessError("face.poor_quality", f"{gate.what}中的人脸没有正对镜头，请重拍。")


def _quality(face: Face) -> dict[str, float]:
    return {"size_px": face.size_px, "sharpness": round(face.sharpness, 1)} | {
        axis: round(degrees, 1) for axis, degrees in face.pose.items()
    }


def _on_photo(face: Face, turns: int, shape: tuple[int, ...], scale: float) -> Face:
    """The face with its box in pixels of the photo given, undoing np.rot90(small, turns) and the shrinking."""
    height, width = shape[:2]
    left, top, right, bottom = face.box
    for turn in range(turns, 0, -1):
        # np.rot90 took (x, y) of a picture `before` wide to (y, before - x); step by step back.
        before = width if turn % 2 else height
        left, top, right, bottom = before - bottom, left, before - top, right
    box = (round(left * scale), round(top * scale), round(right * scale), round(bottom * scale))
    return Face(box, face.sharpness, face.pose, face.embedding)


_loaded: tuple[int, Path, FaceMatcher] | None = None
_loading = threading.Lock()


def face_matcher(model_dir: Path) -> FaceMatcher:
    """This process's matcher, loaded at its first use: sessions opened before a fork hang in the child.

    model_dir: where `flask models install insightface` puts a pack; without one, dlib. Raises FaceModelsBroken for a pack
    that is there but does not load: silently using weaker models would change who passes.
    """
    global _loaded  # noqa: PLW0603
    with _loading:
        if _loaded is None or _loaded[:2] != (os.getpid(), model_dir):
            _loaded = (os.getpid(), model_dir, FaceMatcher(_load_engine(model_dir)))
        return _loaded[2]


def _load_engine(model_dir: Path) -> FaceEngine:
    from tasks.vision.faces.insightface_engine import InsightFaceEngine, is_pack_installed

    if is_pack_installed(model_dir):
        return InsightFaceEngine(model_dir)
    from tasks.vision.faces.dlib_engine import DlibEngine

    return DlibEngine()
