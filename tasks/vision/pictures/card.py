"""The card in a photograph: its quadrilateral, and the card laid flat.

Proposed outlines (outlines.py) are judged by how much contrast runs along their four sides and how nearly they have a
card's shape; the best is refined by fitting a line to each side. Coordinates are pixels, x to the right, y down.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.vision.pictures.outlines import (
    Corners,
    Grey,
    Rgb,
    gradient,
    long_side_first,
    propose_outlines,
    sample,
    shape_merit,
    support,
)

CARD_WIDTH, CARD_HEIGHT = 1016, 640  # ISO/IEC 7810 ID-1 (85.60 × 53.98 mm) at 300 dpi
CARD_CORNERS = np.array([[0, 0], [CARD_WIDTH, 0], [CARD_WIDTH, CARD_HEIGHT], [0, CARD_HEIGHT]], np.float32)
LONG_SIDE = 1600  # photographs are read at most this large
SEARCH_SIDE = 480  # outlines are searched at this size: texture of the surface fades, the card's sides stay
LEAST_MERIT = 0.2  # below it the whole picture is read instead

Point = NDArray[np.float32]


def shrink(photo_rgb: Rgb, long_side: int = LONG_SIDE) -> Rgb:
    """The photograph with its long side at most `long_side`."""
    scale = long_side / max(photo_rgb.shape[:2])
    if scale >= 1:
        return photo_rgb
    size = max(1, round(photo_rgb.shape[1] * scale)), max(1, round(photo_rgb.shape[0] * scale))
    return np.asarray(cv2.resize(photo_rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def flatten(photo_rgb: Rgb, corners: Corners) -> Rgb:
    """The card inside `corners` as (640, 1016, 3)."""
    warp = cv2.getPerspectiveTransform(np.asarray(corners, np.float32), CARD_CORNERS)
    size = (CARD_WIDTH, CARD_HEIGHT)
    card = cv2.warpPerspective(photo_rgb, warp, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(card, np.uint8)


def find_card(photo_rgb: Rgb) -> Corners | None:
    """Corners (4, 2) of the most card-like quadrilateral of at least 12 % of the photograph; None when nothing is like a card.

    Clockwise from one end of a long side; which of the two long sides is up is not known.
    """
    small = shrink(photo_rgb, SEARCH_SIDE)
    outlines = propose_outlines(small)
    shapes = shape_merit(outlines)
    outlines, shapes = outlines[shapes > 0.2], shapes[shapes > 0.2]
    if not len(outlines):
        return None
    merits = support(small, outlines) ** 2 * shapes
    best = int(merits.argmax())
    if merits[best] < LEAST_MERIT:
        return None
    steepness = gradient(small)
    corners = _refine(steepness, outlines[best])
    scale = np.float32(max(photo_rgb.shape[:2]) / max(small.shape[:2]))
    return long_side_first((corners + 0.5) * scale - 0.5)  # a pixel's middle is at .5 in both pictures


def _refine(steepness: Grey, corners: Corners, reach_px: int = 5) -> Corners:
    """Corners where lines fitted to the steepest points near each side meet; a side without clear points stays."""
    lines = [_fitted_side(steepness, corners[i], corners[(i + 1) % 4], reach_px) for i in range(4)]
    refined = np.array([_meeting(lines[i - 1], lines[i], corners[i]) for i in range(4)], np.float32)
    moved = float(np.linalg.norm(refined - corners, axis=1).max())
    return refined if moved < 4 * reach_px else corners


def _fitted_side(steepness: Grey, start: Point, end: Point, reach_px: int) -> tuple[Point, Point]:
    direction = (end - start) / np.float32(max(float(np.linalg.norm(end - start)), 1.0))
    normal = np.array([-direction[1], direction[0]], np.float32)
    along = np.linspace(0.1, 0.9, 64, dtype=np.float32)[:, None]
    reach = np.arange(-reach_px, reach_px + 0.25, 0.5, dtype=np.float32)
    samples = (start + along * (end - start))[:, None, :] + reach[None, :, None] * normal
    values = sample(steepness, samples)
    clear = values.max(axis=1) > 0.12
    points = samples[np.arange(len(values)), values.argmax(axis=1)][clear]
    if len(points) < 20:
        return start, direction
    dx, dy, x, y = (float(value) for value in cv2.fitLine(points, cv2.DIST_HUBER, 0, 0.01, 0.01).ravel())
    return np.array([x, y], np.float32), np.array([dx, dy], np.float32)


def _meeting(first: tuple[Point, Point], second: tuple[Point, Point], otherwise: Point) -> Point:
    (p, u), (q, v) = first, second
    across = float(u[0] * v[1] - u[1] * v[0])
    if abs(across) < 0.2:  # nearly parallel: not two neighbouring sides of a card
        return otherwise
    t = float((q - p)[0] * v[1] - (q - p)[1] * v[0]) / across
    return np.asarray(p + np.float32(t) * u, np.float32)
