"""What a face engine is: it finds and describes the faces of a photo and says how alike two of them are.

Two are behind this protocol: insightface_engine.py and dlib_engine.py. Which one works is chosen in match.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from tasks.vision.pictures.images import PhotoRgb

Band = Literal["same", "unsure", "different"]
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels of the photo given

MAX_FACES = 3  # two are already too many; the third is room for the ghost picture of a travel permit


@dataclass(frozen=True, slots=True)
class Bands:
    """Scores from `same_from` up are "same", below `unsure_from` "different", between them "unsure"."""

    same_from: float
    unsure_from: float

    def of(self, score: float) -> Band:
        if score >= self.same_from:
            return "same"
        return "unsure" if score >= self.unsure_from else "different"


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """box: in pixels of the photo it was found in. sharpness: sharpness_of() the aligned face.

    pose: degrees the head is turned, of `yaw`, `pitch`, `roll` those the engine knows. embedding: (n,) float, engine's own.
    """

    box: Box
    sharpness: float
    pose: dict[str, float]
    embedding: npt.NDArray[np.floating]

    @property
    def size_px(self) -> int:
        return self.box[2] - self.box[0]


def sharpness_of(chip_rgb: PhotoRgb) -> float:
    """Variance of the Laplacian of an aligned grey face brought to one contrast (standard deviation 50).

    Without that a dark or flatly lit face would count as blurred, and some people would be refused more than others.
    """
    grey = cv2.cvtColor(chip_rgb, cv2.COLOR_RGB2GRAY).astype(np.float64)
    return float(cv2.Laplacian(grey * (50 / max(float(grey.std()), 1.0)), cv2.CV_64F).var())


class FaceEngine(Protocol):
    """name, models (SHA-256 of weights by file): for records.

    may_pass: whether its bands were measured well enough to decide without a person.
    """

    name: str
    models: Mapping[str, str]
    bands: Bands
    may_pass: bool

    def find_faces(self, photo_rgb: PhotoRgb) -> list[Face]:
        """Upright faces in (H, W, 3) uint8 RGB, the largest first, at most MAX_FACES."""

    def score(self, one: Face, other: Face) -> float:
        """How alike, higher is more; the scale is the engine's own and its bands speak of it."""
