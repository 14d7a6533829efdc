"""Faces compared by an insightface model pack of the operator's own.

The packs insightface publishes are for non-commercial research: none is shipped or fetched unasked
(`flask models install insightface`). A pack may carry `thresholds.json`, measured on photographs like those it will see;
without it the bands below hold and nobody is approved by them alone (docs/face-threshold.md).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from tasks.vision.faces.engine import MAX_FACES, Bands, Face, sharpness_of
from tasks.vision.pictures.images import PhotoRgb
from tasks.vision.text.fingerprints import fingerprints

THRESHOLDS_FILE = "thresholds.json"
PACK_FILE = "pack.json"  # written by the installation: which pack this is
UNMEASURED = Bands(same_from=0.45, unsure_from=0.25)  # cosine; cautious ends of what users of these packs report
MODULES = ["detection", "recognition", "landmark_3d_68"]  # 3d68 gives the pose
DETECTOR_SIZE = (640, 640)
CHIP_SIZE = 112


class FaceModelsBroken(RuntimeError):
    """A pack is installed but unusable. An operator's matter: it becomes an incident, never another engine's answer."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    bands: Bands
    may_pass: bool


def is_pack_installed(model_dir: Path) -> bool:
    """Whether `model_dir` holds ONNX files; a missing or empty folder means the fallback engine."""
    return any(model_dir.glob("*.onnx"))


def read_thresholds(model_dir: Path) -> Thresholds:
    """What `thresholds.json` beside the models says: {"same_from", "unsure_from": cosine, "may_pass": bool}.

    Without the file: the cautious bands, may_pass false. Raises FaceModelsBroken where it contradicts itself.
    """
    path = model_dir / THRESHOLDS_FILE
    if not path.exists():
        return Thresholds(UNMEASURED, may_pass=False)
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        bands = Bands(float(given["same_from"]), float(given["unsure_from"]))
        may_pass = given.get("may_pass", False)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FaceModelsBroken(f"{path.name} cannot be read: {error!r}") from error
    if not -1 <= bands.unsure_from <= bands.same_from <= 1 or not isinstance(may_pass, bool):
        raise FaceModelsBroken(f"{path.name}: expected -1 <= unsure_from <= same_from <= 1 and may_pass true or false")
    return Thresholds(bands, may_pass)


def _pack_name(model_dir: Path) -> str:
    path = model_dir / PACK_FILE
    if not path.exists():
        return model_dir.name
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["pack"])
    except (ValueError, KeyError, TypeError) as error:
        raise FaceModelsBroken(f"{path.name} cannot be read: {error!r}") from error


class InsightFaceEngine:
    """score is the cosine of the two embeddings, -1 to 1."""

    def __init__(self, model_dir: Path) -> None:
        """Raises FaceModelsBroken where the folder's models cannot be loaded or one of them is missing."""
        thresholds = read_thresholds(model_dir)
        self.name = f"insightface-{_pack_name(model_dir)}"
        self.bands = thresholds.bands
        self.may_pass = thresholds.may_pass
        self._analysis = _load_analysis(model_dir)
        measured = model_dir / THRESHOLDS_FILE
        used = [Path(model.model_file) for model in self._analysis.models.values()]
        self.models = fingerprints([*used, measured] if measured.exists() else used)

    def find_faces(self, photo_rgb: PhotoRgb) -> list[Face]:
        found = self._analysis.get(cv2.cvtColor(photo_rgb, cv2.COLOR_RGB2BGR))
        largest_first = sorted(found, key=lambda face: float(face.bbox[2] - face.bbox[0]), reverse=True)
        return [_describe(photo_rgb, face) for face in largest_first[:MAX_FACES]]

    def score(self, one: Face, other: Face) -> float:
        return float(np.clip(one.embedding @ other.embedding, -1.0, 1.0))


def _load_analysis(model_dir: Path):  # type: ignore[no-untyped-def]  # insightface has no types
    from insightface.app import FaceAnalysis

    cv2.setNumThreads(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    try:
        analysis = FaceAnalysis(
            str(model_dir.resolve()),  # an existing folder: anything else it would take for a pack to download
            allowed_modules=MODULES,
            providers=["CPUExecutionProvider"],
            sess_options=options,
            static_shape_sessions=False,
        )
    except Exception as error:  # onnxruntime, protobuf and insightface's own asserts share no base class
        raise FaceModelsBroken(f"the face models in {model_dir.name} cannot be loaded: {error!r}") from error
    missing = {"detection", "recognition"} - set(analysis.models)
    if missing:
        raise FaceModelsBroken(f"the face models in {model_dir.name} lack {', '.join(sorted(missing))}")
    analysis.prepare(ctx_id=0, det_thresh=0.5, det_size=DETECTOR_SIZE)
    return analysis


def _describe(photo_rgb: PhotoRgb, found) -> Face:  # type: ignore[no-untyped-def]  # insightface has no types
    from insightface.utils.face_align import norm_crop

    height, width = photo_rgb.shape[:2]
    left, top, right, bottom = (round(float(side)) for side in found.bbox)
    chip = norm_crop(photo_rgb, landmark=found.kps, image_size=CHIP_SIZE)
    pose = {} if found.pose is None else dict(zip(("pitch", "yaw", "roll"), map(float, found.pose), strict=True))
    return Face(
        box=(max(left, 0), max(top, 0), min(right, width), min(bottom, height)),
        sharpness=sharpness_of(chip),
        pose=pose,
        embedding=np.asarray(found.normed_embedding, dtype=np.float32),
    )
