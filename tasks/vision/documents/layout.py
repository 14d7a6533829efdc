"""Where the printed labels of a resident ID lie, and what that says about a picture of one.

Positions are on the flattened card (1016 × 640): a label's left end, middle of its height.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.vision.pictures.card import CARD_HEIGHT, CARD_WIDTH
from tasks.vision.text.ocr import TextLine

FRONT, BACK = "resident_id_front", "resident_id_back"

NUMBER_END, TITLE_END = "号码末位", "国名末字"
_NUMBER_LINE = re.compile(r"[0-9]{17}[0-9Xx]$")

LABELS: Mapping[str, Mapping[str, tuple[int, int]]] = {
    FRONT: {
        "姓名": (55, 92),
        "性别": (55, 172),
        "民族": (315, 172),
        "出生": (55, 248),
        "住址": (55, 324),
        "公民身份号码": (57, 557),
        NUMBER_END: (949, 557),
    },
    BACK: {
        "中华人民共和国": (322, 100),
        "居民身份证": (332, 204),
        "签发机关": (224, 487),
        "有效期限": (224, 569),
        TITLE_END: (916, 100),
    },
}

# Rows of the flattened card in which a label stands before its value: the row's top and bottom, where the label begins,
# and where it ends. The detector often takes both for one line, and a label read badly would become part of the value.
LABEL_COLUMNS = (
    (50, 134, (20, 110), 148),  # 姓名
    (288, 360, (20, 110), 148),  # 住址
    (512, 606, (20, 110), 292),  # 公民身份号码
    (445, 528, (190, 275), 382),  # 签发机关
    (530, 610, (190, 275), 382),  # 有效期限
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Labels of one side found in a picture. points: label → (x, y) of its left end in that picture.

    slant_px: how much the long lines rise or fall over the width of a card, the worst of them.
    """

    kind: str
    points: Mapping[str, tuple[float, float]]
    slant_px: float = 0.0

    @property
    def share(self) -> float:
        return len(self.points) / len(LABELS[self.kind])


def plain(text: str) -> str:
    """Half-width (NFKC) and without blanks."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def split_at_label(corners: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The quadrilateral of a line on a flattened card, in two where it holds a label and its value."""
    left, right = (corners[0] + corners[3]) / 2, (corners[1] + corners[2]) / 2
    y = (left[1] + right[1]) / 2
    for top, bottom, (first, last), end in LABEL_COLUMNS:
        if top <= y < bottom and first <= left[0] <= last and right[0] > end + 60:
            share = np.float32((end - left[0]) / (right[0] - left[0]))
            above, below = (corners[a] + share * (corners[b] - corners[a]) for a, b in ((0, 1), (3, 2)))
            return [
                np.stack([corners[0], above, below, corners[3]]),
                np.stack([above, corners[1], corners[2], below]),
            ]
    return [corners]


def sight(lines: Sequence[TextLine], kind: str) -> Sighting:
    """Which labels of `kind` begin a line; the end of the long line of each side counts as one more (NUMBER_END, TITLE_END)."""
    points: dict[str, tuple[float, float]] = {}
    for line in lines:
        text = plain(line.text)
        for label in LABELS[kind]:
            if label not in points and text.startswith(label):
                points[label] = line.left
        if kind == FRONT and _NUMBER_LINE.search(text):
            points[NUMBER_END] = line.right
        if kind == BACK and text == "中华人民共和国":
            points[TITLE_END] = line.right
    return Sighting(kind, points, _slant(lines))


def _slant(lines: Sequence[TextLine]) -> float:
    long = [line for line in lines if line.box[2] - line.box[0] > 250]
    rises = [abs(line.right[1] - line.left[1]) / max(line.right[0] - line.left[0], 1) for line in long]
    return float(max(rises, default=0.0)) * CARD_WIDTH


def best_sighting(lines: Sequence[TextLine]) -> Sighting | None:
    """The side of a resident ID whose labels stand in the picture: at least two of them or the end of a whole number, or None."""
    sightings = [sight(lines, kind) for kind in LABELS]
    best = max(sightings, key=lambda sighting: sighting.share)
    return best if len(best.points) >= 2 or NUMBER_END in best.points else None


def misfit(sighting: Sighting) -> float:
    """How far in card pixels the labels lie from their places; of three or more the worst is taken for a slip of the detector."""
    places = LABELS[sighting.kind]
    gaps = sorted(np.hypot(x - places[label][0], y - places[label][1]) for label, (x, y) in sighting.points.items())
    if len(gaps) >= 3:
        gaps.pop()
    return float(max(gaps, default=0.0))


def corners_from_labels(sighting: Sighting) -> NDArray[np.float32] | None:
    """Where the card's corners must lie in the picture for the labels to be in place; None where the labels are too few.

    Most labels stand in one column; with two more beside it they give the perspective, otherwise an affine map, which is
    good enough to flatten the card once and look again.
    """
    places = LABELS[sighting.kind]
    there = np.array([places[label] for label in sighting.points], np.float64).reshape(-1, 2)
    seen = np.array(list(sighting.points.values()), np.float64).reshape(-1, 2)
    if len(there) < 3 or np.linalg.svd(there - there.mean(axis=0), compute_uv=False)[1] < 60:
        return None  # nearly on one line: the map across it would be a guess
    if len(there) >= 6 and {"民族", NUMBER_END} <= sighting.points.keys():
        matrix, _ = cv2.findHomography(there, seen)
    else:
        padded = np.column_stack([there, np.ones(len(there))])
        matrix = np.vstack([np.linalg.lstsq(padded, seen, rcond=None)[0].T, [0, 0, 1]])
    if matrix is None:
        return None
    card = np.array([[[0, 0], [CARD_WIDTH, 0], [CARD_WIDTH, CARD_HEIGHT], [0, CARD_HEIGHT]]], np.float64)
    return np.asarray(cv2.perspectiveTransform(card, matrix)[0], np.float32)
