"""The fallback that works without a download: dlib's detector with the 5-point and ResNet models of face_recognition_models.

It never approves anybody alone (docs/face-threshold.md). The 68-point file of that package is not for commercial use and is
not touched.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import dlib
import numpy as np

from tasks.vision.faces.engine import MAX_FACES, Bands, Face, sharpness_of
from tasks.vision.pictures.images import PhotoRgb, shrink_photo
from tasks.vision.text.fingerprints import fingerprints

CHIP_SIZE = 150  # pixels, what the ResNet was trained on
CHIP_PADDING = 0.25
COARSE_LONG_SIDE = 1000  # the detector sees faces from 80 pixels up, so here from 8 % of the photo; 0.1 s
FINE_UPSAMPLING = 1  # then from 4 %; 0.5 s
# The lines at the edge of a card lying on its side look like faces to the detector, with confidence up to 0.6 and boxes
# that stick out of the picture by 10 to 35 %; of 42 real portraits at the level "hard" one was below 0.3.
MIN_CONFIDENCE = 0.3
MAX_OUTSIDE = 0.08
LANDMARKS_FILE = "shape_predictor_5_face_landmarks.dat"
NETWORK_FILE = "dlib_face_recognition_resnet_model_v1.dat"
MIN_SIDE = 40  # pixels; the detector refuses arrays of one column


class DlibEngine:
    """score is 1 - Euclidean distance of the descriptors: 1 for the same picture, about 0.2 for strangers."""

    name = "dlib-resnet-v1"
    bands = Bands(same_from=0.55, unsure_from=0.40)  # distances 0.45 and 0.60: docs/face-threshold.md
    may_pass = False

    def __init__(self) -> None:
        models = _models_folder()
        self._detector = dlib.get_frontal_face_detector()
        landmarks, network = models / LANDMARKS_FILE, models / NETWORK_FILE
        self._landmarks = dlib.shape_predictor(str(landmarks))
        self._network = dlib.face_recognition_model_v1(str(network))
        self.models = fingerprints((landmarks, network))

    def find_faces(self, photo_rgb: PhotoRgb) -> list[Face]:
        seen_rgb = shrink_photo(photo_rgb, COARSE_LONG_SIDE)
        scale = photo_rgb.shape[1] / seen_rgb.shape[1]
        if min(seen_rgb.shape[:2]) < MIN_SIDE:
            return []
        found = self._detect(seen_rgb, 0) or self._detect(seen_rgb, FINE_UPSAMPLING)
        largest_first = sorted(found, key=lambda box: box.width(), reverse=True)[:MAX_FACES]
        return [self._describe(photo_rgb, _scaled(box, scale)) for box in largest_first]

    def score(self, one: Face, other: Face) -> float:
        return 1.0 - float(np.linalg.norm(one.embedding - other.embedding))

    def _detect(self, photo_rgb: PhotoRgb, upsampling: int) -> list[dlib.rectangle]:
        boxes, _, _ = self._detector.run(photo_rgb, upsampling, MIN_CONFIDENCE)
        return [box for box in boxes if _share_outside(box, photo_rgb.shape) <= MAX_OUTSIDE]

    def _describe(self, photo_rgb: PhotoRgb, box: dlib.rectangle) -> Face:
        landmarks = self._landmarks(photo_rgb, box)
        chip = dlib.get_face_chip(photo_rgb, landmarks, size=CHIP_SIZE, padding=CHIP_PADDING)
        height, width = photo_rgb.shape[:2]
        return Face(
            box=(max(box.left(), 0), max(box.top(), 0), min(box.right(), width), min(box.bottom(), height)),
            sharpness=sharpness_of(chip),
            pose={"roll": _roll_deg(landmarks)},
            embedding=np.array(self._network.compute_face_descriptor(chip)),
        )


def _models_folder() -> Path:
    # Importing face_recognition_models needs pkg_resources, which it does not declare: only its folder is wanted.
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package face_recognition_models is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / "models"


def _share_outside(box: dlib.rectangle, shape: tuple[int, ...]) -> float:
    """How far the box sticks out of the picture at its worst side, as a share of its width."""
    height, width = shape[:2]
    return float(max(-box.left(), -box.top(), box.right() - width, box.bottom() - height, 0) / max(box.width(), 1))


def _scaled(box: dlib.rectangle, scale: float) -> dlib.rectangle:
    return dlib.rectangle(*(round(side * scale) for side in (box.left(), box.top(), box.right(), box.bottom())))


def _roll_deg(landmarks: dlib.full_object_detection) -> float:
    """Tilt of the line through the eyes. Points 0, 1 are the corners of the eye at the picture's right, 2, 3 at its left."""
    points = np.array([(point.x, point.y) for point in landmarks.parts()], dtype=float)
    across = points[0:2].mean(axis=0) - points[2:4].mean(axis=0)
    return float(np.degrees(np.arctan2(across[1], across[0])))
