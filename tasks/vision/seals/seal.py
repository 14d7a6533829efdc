"""A round red seal on a page: where it is, and what makes it one.

Red is judged against the paper around it: the logarithm of red over the stronger of green and blue, less its median
nearby. Ink takes the same share of every light, so lamps, shadows and tinted paper leave that number alone; black print
under the seal only makes holes in it. Seals are ellipses in photographs: one is fitted to the ring and everything else is
measured in its frame (seal_frame.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.vision.seals.seal_frame import ANGLES, Seal, distances, frame_points, scaled, unrolled

Rgb = NDArray[np.uint8]
Floats = NDArray[np.float32]

COPY_SIDE = 620  # print makes more circles than red does: copies are looked for at a smaller size
SEARCH_SIDE = 1100  # a seal of 42 mm on an A4 page has 155 pixels there
RED_FROM = 0.06  # a faded seal after blur and JPEG is at 0.08 or more, paper under any light below 0.04
SMALLEST, LARGEST = 0.05, 0.6  # diameter of a seal as a share of the picture's shorter side
ROUNDEST = 0.72  # shorter over longer axis: a circle on a page leaning by 40°; oval invoice seals (40 × 30 mm) lie flat at 0.75
# Of the directions, how many have ink right on the fitted ring, and outside it. Generated seals have 0.85 or more on it, however
# faded, and at most 0.03 beside it unless something lies there; square ones at most 0.9 on the circle fitted to them, and a
# quarter of their directions beside it.
RING_SURELY, RING_ALONE, BESIDE_AT_MOST = 0.95, 0.6, 0.1
RING_OF_A_COPY = 0.85
TEXT_FROM = 0.2  # of the directions must have ink between star and ring
MOST_RED = 0.12  # of a picture: beyond it there is noise, whose circles take 20 s to count; a seal covers 0.03
FULL_FROM = 0.75  # a disc: no seal is that full between star and ring


def redness(picture_rgb: Rgb) -> Floats:
    """(H, W): how much redder than the paper around it, 0 for paper and black print, about 1.3 for fresh ink."""
    light = np.log(picture_rgb.astype(np.float32) + 30)  # 30: in the dark, noise would make colours
    ratio = light[..., 0] - np.maximum(light[..., 1], light[..., 2])
    return np.asarray(np.maximum(ratio - _around(ratio, -1, 1), 0), np.float32)


def seal_ink(picture_rgb: Rgb, red: Floats) -> Floats:
    """(H, W): how dark the ink of red things is, 0 for paper and for print away from them; as sharp as the photograph.

    JPEG keeps colour at half the resolution, so redness alone blurs strokes together: of generated seals on medium photographs
    11 of 17 were read by it, 18 of 20 by this, on hard ones 1 of 15 and 11 of 20. Green is where red ink is darkest.
    """
    green = picture_rgb[..., 1].astype(np.float32)
    light = picture_rgb[..., 0].astype(np.float32)
    dark, black = (np.maximum(np.log((_around(c, 0, 255) + 18) / (c + 18)), 0) for c in (green, light))
    near = (cv2.GaussianBlur(red, (0, 0), 1.5) > RED_FROM).astype(np.uint8)
    cover = cv2.GaussianBlur(cv2.dilate(near, np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 1.0)
    # what is dark in red light too is print under the seal: left in, it is read as strokes of the name
    return np.asarray(np.maximum(dark * cover + red - 1.5 * np.maximum(black - 0.5, 0), 0), np.float32)


def find_seals(picture_rgb: Rgb, red: Floats) -> list[Seal]:
    """Every round red seal, the clearest first. red: of the whole picture, from redness()."""
    scale = min(1.0, SEARCH_SIDE / max(red.shape))
    size = max(1, round(red.shape[1] * scale)), max(1, round(red.shape[0] * scale))
    small = cv2.GaussianBlur(cv2.resize(red, size, interpolation=cv2.INTER_AREA), (0, 0), 0.9)
    found: list[Seal] = []
    for proposals in (_outlines, _circles):
        for proposed in proposals(small):
            if any(_is_same(proposed, other) for other in found):
                continue
            seal = _judged(small, proposed)
            if seal is not None and not any(_is_same(seal, other) for other in found):
                found.append(seal)
        if found:
            break
    grown = [scaled(seal, 1 / scale) for seal in found]
    return sorted(grown, key=lambda seal: -seal.ring)


def has_copied_seal(picture_rgb: Rgb) -> bool:
    """Whether there is a round seal in black: a ring, a solid star in its middle, something around it."""
    scale = min(1.0, COPY_SIDE / max(picture_rgb.shape[:2]))
    size = max(1, round(picture_rgb.shape[1] * scale)), max(1, round(picture_rgb.shape[0] * scale))
    light = cv2.cvtColor(cv2.resize(picture_rgb, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(
        np.float32
    )
    # as for red, but paper's own shades and grey print count for nothing
    dark = np.asarray(np.maximum(np.log((_around(light, 0, 255) + 18) / (light + 18)) - 0.15, 0), np.float32)
    return any(_is_copy(dark, proposed) for proposed in _around_stars(dark))


def _around(values: Floats, low: float, high: float) -> Floats:
    """The median of each place's neighbourhood, wider than a seal's strokes. low, high: bounds of what counts."""
    height, width = values.shape
    step = max(1, max(height, width) // 160)
    small = cv2.resize(values, (max(1, width // step), max(1, height // step)), interpolation=cv2.INTER_AREA)
    levels = np.clip((small - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    middle = cv2.medianBlur(levels, 21).astype(np.float32) * ((high - low) / 255) + low
    return np.asarray(cv2.resize(middle, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _outlines(small: Floats) -> Iterator[Seal]:
    """Ellipses around what holds together once gaps are closed, by more and more closing.

    Fresh ink is looked for above the noise of a dark table, pale ink with less closing, so that noise does not join it.
    """
    shorter = min(small.shape)
    for gap, least in ((0.006, RED_FROM), (0.014, RED_FROM), (0.014, 3 * RED_FROM), (0.03, 2 * RED_FROM)):
        mask = (small > least).astype(np.uint8)
        reach = max(3, round(shorter * gap)) | 1
        closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
        contours, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for contour in contours:
            _, _, width, height = cv2.boundingRect(contour)
            if SMALLEST * shorter <= max(width, height) <= LARGEST * shorter and min(width, height) > 0.3 * max(
                width, height
            ):
                yield from _fitted(cv2.convexHull(contour))


def _fitted(hull: NDArray[np.int32]) -> Iterator[Seal]:
    outline = _resampled(hull)
    if len(outline) >= 6:
        (x, y), (a, b), turn = cv2.fitEllipseDirect(outline)
        if min(a, b) > 4 and math.isfinite(x + y + a + b):
            yield Seal((x, y), (a, b), turn, 0.0)


def _resampled(hull: NDArray[np.int32]) -> Floats:
    """Points evenly along the hull: its corners alone would weigh dense arcs more than long chords."""
    corners = hull.reshape(-1, 2).astype(np.float32)
    following = np.roll(corners, -1, axis=0)
    steps = np.maximum(np.linalg.norm(following - corners, axis=1).astype(int) // 3, 1)
    parts = [
        start + (end - start) * (np.arange(n, dtype=np.float32)[:, None] / n)
        for start, end, n in zip(corners, following, steps, strict=True)
    ]
    return np.asarray(np.concatenate(parts), np.float32)


def _circles(small: Floats) -> Iterator[Seal]:
    """Rings that nothing else of their shape outlines, as where a seal touches other red."""
    shorter = min(small.shape)
    if (small > RED_FROM).mean() > MOST_RED:
        return
    levels = np.clip(small * 400, 0, 255).astype(np.uint8)
    found = cv2.HoughCircles(
        levels, cv2.HOUGH_GRADIENT, 1.5, shorter * 0.08, param1=120, param2=40,
        minRadius=round(shorter * SMALLEST), maxRadius=round(shorter * 0.2),
    )  # fmt: skip
    for x, y, radius in [] if found is None else found.reshape(-1, found.shape[-1])[:6, :3]:
        yield Seal((float(x), float(y)), (2 * float(radius), 2 * float(radius)), 0.0, 0.0)


def _around_stars(dark: Floats) -> Iterator[Seal]:
    """Circles of several sizes around whatever is solid: letters' strokes vanish when eroded, a seal's star does not."""
    shorter = min(dark.shape)
    solid = cv2.erode((dark > RED_FROM).astype(np.uint8), np.ones((5, 5), np.uint8))
    _, _, sizes, middles = cv2.connectedComponentsWithStats(solid)
    largest = np.argsort(-sizes[1:, cv2.CC_STAT_AREA])[:12] + 1
    for x, y in middles[largest].tolist():
        for diameter in np.geomspace(SMALLEST * 1.3, 0.3, 7) * shorter:
            yield Seal((x, y), (float(diameter), float(diameter)), 0.0, 0.0)


def _judged(small: Floats, proposed: Seal) -> Seal | None:
    """The proposal drawn to the ring it is nearest to, if it looks like a red seal there."""
    seal = _drawn_to_ring(small, proposed)
    if seal is None:
        return None
    ring, beside, text, full = _shares(unrolled(small, seal) > RED_FROM)
    is_ring = ring >= RING_SURELY or (ring >= RING_ALONE and beside <= BESIDE_AT_MOST)
    if not is_ring or text < TEXT_FROM or full > FULL_FROM:
        return None
    return Seal(seal.middle, seal.axes, seal.turn_deg, ring)


def _is_copy(dark: Floats, proposed: Seal) -> bool:
    """As _judged, but with print all around; the solid star tells it from letters that happen to lie in a circle."""
    seal = _drawn_to_ring(dark, proposed)
    if seal is None:
        return False
    around = unrolled(dark, seal) > RED_FROM
    away = np.linspace(1.3, 0, around.shape[0])
    quiet = float(around[(away > 0.38) & (away < 0.5)].any(axis=0).mean())
    ring, _, text, full = _shares(around)
    is_drawn = ring >= RING_OF_A_COPY and text >= TEXT_FROM and full <= FULL_FROM
    return is_drawn and quiet < 0.5 and bool(around[-8:].mean() > 0.85)


def _drawn_to_ring(small: Floats, proposed: Seal) -> Seal | None:
    seal: Seal | None = proposed
    for reach in (0.16, 0.08, 0.05):
        seal = _refitted(small, seal, reach) if seal else None
    return seal if seal and _has_seal_shape(seal, small.shape) else None


def _refitted(small: Floats, seal: Seal, reach: float) -> Seal | None:
    """Fitted again to the outermost red within `reach` of the ring, direction by direction."""
    radii = 48
    away = np.linspace(1 + reach, 1 - reach, radii, dtype=np.float32)[:, None]
    turns = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False, dtype=np.float32)
    points = frame_points(seal, away * np.sin(turns), -away * np.cos(turns))
    band = cv2.remap(small, points[..., 0], points[..., 1], cv2.INTER_LINEAR)
    peak = band.max(axis=0)
    shown = peak > RED_FROM
    if shown.sum() < 0.4 * ANGLES:
        return None
    first = (band > np.maximum(RED_FROM, 0.5 * peak)).argmax(axis=0)
    outline = points[first, np.arange(ANGLES)][shown]
    return next(_fitted_robustly(outline), None)


def _fitted_robustly(outline: Floats) -> Iterator[Seal]:
    kept = outline
    for _ in range(3):
        if len(kept) < 30:
            return
        (x, y), (a, b), turn = cv2.fitEllipseDirect(kept)
        if not math.isfinite(x + y + a + b) or min(a, b) < 4:
            return
        seal = Seal((x, y), (a, b), turn, 0.0)
        off = np.abs(distances(seal, kept) - 1)
        kept = kept[off <= max(0.02, float(np.percentile(off, 80)))]
    yield seal


def _has_seal_shape(seal: Seal, shape: tuple[int, ...]) -> bool:
    longer, shorter = max(seal.axes), min(seal.axes)
    limits = SMALLEST * min(shape), LARGEST * min(shape)
    return limits[0] <= longer <= limits[1] and shorter / longer >= ROUNDEST


def _shares(around: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Of an unrolled mask: shares of directions with ink on the ring, beside it, in the name's band; how full the inside is."""
    away = np.linspace(1.3, 0, around.shape[0])
    ring, beside, band = (
        float(around[(away > inner) & (away < outer)].any(axis=0).mean())
        for inner, outer in ((0.95, 1.03), (1.08, 1.3), (0.6, 0.86))
    )
    return ring, beside, band, float(around[(away > 0.35) & (away < 0.86)].mean())


def _is_same(one: Seal, other: Seal) -> bool:
    return math.dist(one.middle, other.middle) < 0.5 * max(*one.axes, *other.axes)
