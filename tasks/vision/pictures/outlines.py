"""Quadrilaterals that may be the outline of a card, and how much of each shows in the photograph.

Two sources: closed contours of edge maps, and straight lines put together by fours (a white card on white paper has no
closed contour, but four good lines). All corners are (4, 2) float32 in pixels of the small picture, clockwise.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

CARD_RATIO = 85.60 / 53.98  # ISO/IEC 7810 ID-1
LEAST_SHARE = 0.12  # of the photograph: anything smaller has too few pixels a character
MOST_LINES = 20  # pairs of pairs grow with the fourth power

Rgb = NDArray[np.uint8]
Grey = NDArray[np.float32]
Corners = NDArray[np.float32]
Lines = NDArray[np.float32]  # (N, 4): x0, y0, x1, y1


def gradient(picture_rgb: Rgb) -> Grey:
    """(H, W) steepness of lightness and colour, scaled so that a clear edge is 1."""
    lab = cv2.cvtColor(picture_rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab = cv2.GaussianBlur(lab, (0, 0), 1.0)
    dx, dy = cv2.Sobel(lab, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(lab, cv2.CV_32F, 0, 1, scale=0.25)
    steepness = np.sqrt((dx * dx + dy * dy).sum(axis=2))
    return np.asarray(np.clip(steepness / 12.0, 0, 1), np.float32)


def propose_outlines(small_rgb: Rgb) -> Corners:
    """(N, 4, 2): every convex quadrilateral of a card's shape that the picture suggests."""
    least = LEAST_SHARE * small_rgb.shape[0] * small_rgb.shape[1]
    found = [*_from_contours(small_rgb, least), *_from_lines(small_rgb, least)]
    return np.array(found, np.float32).reshape(-1, 4, 2)


def long_side_first(corners: Corners) -> Corners:
    """Clockwise from the corner that begins the upper (or, for an upright card, the right) long side."""
    ordered = _clockwise(corners)
    horizontal = np.linalg.norm(ordered[1] - ordered[0]) + np.linalg.norm(ordered[2] - ordered[3])
    vertical = np.linalg.norm(ordered[2] - ordered[1]) + np.linalg.norm(ordered[3] - ordered[0])
    return ordered if horizontal >= vertical else np.asarray(np.roll(ordered, -1, axis=0), np.float32)


def shape_merit(outlines: Corners) -> Grey:
    """(N,) for (N, 4, 2): 1 for the shape of a card leaning by up to 40°, falling to 0 where it cannot be one."""
    sides = np.linalg.norm(np.roll(outlines, -1, axis=1) - outlines, axis=2)
    first, second = sides[:, 0] + sides[:, 2], sides[:, 1] + sides[:, 3]
    ratio = np.maximum(first, second) / np.maximum(np.minimum(first, second), 1)
    pairs = sides.reshape(-1, 2, 2)
    skew = (pairs.max(axis=1) / np.maximum(pairs.min(axis=1), 1)).max(axis=1)
    off = np.abs(np.log(ratio / CARD_RATIO))
    merit = np.clip((0.52 - off) / 0.2, 0, 1) * np.clip((2.0 - skew) / 0.4, 0, 1)
    return np.asarray(merit * _is_convex(outlines), np.float32)


def support(picture_rgb: Rgb, outlines: Corners) -> Grey:
    """(N,) how much of each outline parts two different surfaces, 0-1; the worst side counts as much as the mean.

    The colour a little outside is compared with the colour a little inside, averaged over an eighth of a side: a ruled
    line has the same paper on both sides and a weave averages out, a card's edge does neither.
    """
    lab = cv2.GaussianBlur(cv2.cvtColor(picture_rgb, cv2.COLOR_RGB2LAB).astype(np.float32), (0, 0), 0.8)
    starts, ends = outlines, np.roll(outlines, -1, axis=1)
    direction = (ends - starts) / np.maximum(np.linalg.norm(ends - starts, axis=2, keepdims=True), 1)
    outward = np.asarray(np.stack([direction[..., 1], -direction[..., 0]], axis=-1)[:, :, None, :], np.float32)
    along = np.linspace(0.05, 0.95, 48, dtype=np.float32)[:, None]
    points = np.asarray(starts[:, :, None, :] + along * (ends - starts)[:, :, None, :], np.float32)
    step = np.zeros((*points.shape[:2], 8), np.float32)
    for channel in cv2.split(lab):
        outside = _beside(channel, points, outward)
        inside = _beside(channel, points, -outward)
        difference = (outside - inside).reshape(*points.shape[:2], 8, 6).mean(axis=3) / 2
        step += difference * difference
    parts = np.clip(np.sqrt(step) / 7.0, 0, 1)  # 7 in 8-bit Lab: white card against white paper in soft light
    sides = parts.mean(axis=2)
    return np.asarray(0.5 * sides.min(axis=1) + 0.5 * sides.mean(axis=1), np.float32)


def _beside(channel: Grey, points: NDArray[np.float32], outward: NDArray[np.float32]) -> Grey:
    """Twice the mean of what lies 2.5 and 4 pixels beside the points."""
    near, far = points + np.float32(2.5) * outward, points + np.float32(4.0) * outward
    return np.asarray(sample(channel, np.asarray(near)) + sample(channel, np.asarray(far)), np.float32)


def sample(picture: Grey, points: NDArray[np.float32]) -> Grey:
    """Values at fractional points (..., 2); outside as at the frame, so that the frame itself is no edge."""
    flat = points.reshape(-1, 2)
    rows = np.zeros((-(-len(flat) // 1024) * 1024, 2), np.float32)  # cv2.remap takes at most 32767 rows
    rows[: len(flat)] = flat
    x, y = (np.ascontiguousarray(rows[:, axis].reshape(-1, 1024)) for axis in (0, 1))
    found = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found.reshape(-1)[: len(flat)].reshape(points.shape[:-1]), np.float32)


def _from_contours(small_rgb: Rgb, least: float) -> Iterator[Corners]:
    for mask in _masks(small_rgb):
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        for contour in contours:
            hull = cv2.convexHull(contour)
            if cv2.contourArea(hull) >= least:
                corners = _four_corners(hull)
                if corners is not None:
                    yield corners


def _masks(small_rgb: Rgb) -> Iterator[NDArray[np.uint8]]:
    """Pictures in which the card's outline may be a closed contour."""
    lab = cv2.bilateralFilter(cv2.cvtColor(small_rgb, cv2.COLOR_RGB2LAB), 7, 30, 5)
    kernel = np.ones((3, 3), np.uint8)
    for channel in cv2.split(lab):
        yield cv2.dilate(cv2.Canny(channel, 20, 60), kernel, iterations=2)
        _, light = cv2.threshold(channel, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        yield cv2.morphologyEx(light, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    yield _unlike_border(lab)


def _unlike_border(lab: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Where the picture differs from what lies along its frame (the surface)."""
    rim = max(4, min(lab.shape[:2]) // 40)
    strips = (lab[:rim], lab[-rim:], lab[:, :rim], lab[:, -rim:])
    border = np.concatenate([strip.reshape(-1, 3) for strip in strips]).astype(np.float32)
    middle = np.median(border, axis=0)
    spread = np.maximum(np.percentile(np.abs(border - middle), 90, axis=0), 6)
    distance = (np.abs(lab.astype(np.float32) - middle) / spread).max(axis=2)
    _, mask = cv2.threshold(
        np.clip(distance * 32, 0, 255).astype(np.uint8), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU
    )
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    return np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((15, 15), np.uint8)), np.uint8)


def _four_corners(hull: NDArray[np.int32]) -> Corners | None:
    length = cv2.arcLength(hull, True)
    for tolerance in (0.02, 0.03, 0.045, 0.06, 0.08):
        outline = cv2.approxPolyDP(hull, tolerance * length, True)
        if len(outline) == 4:
            return _clockwise(outline.reshape(4, 2).astype(np.float32))
        if len(outline) < 4:
            return None
    return None


def _from_lines(small_rgb: Rgb, least: float) -> Iterator[Corners]:
    """Two nearly parallel lines crossed by two others; the lines are merged from segments that continue each other."""
    lines = _long_lines(small_rgb)
    if len(lines) < 4:
        return
    angles = np.arctan2(lines[:, 3] - lines[:, 1], lines[:, 2] - lines[:, 0])
    turns = _turn(angles[:, None], angles[None, :])
    first, second = np.nonzero(np.triu(turns < 0.5, 1))  # pairs of lines that may be opposite sides
    one, other = np.triu_indices(len(first), 1)
    a, b, c, d = first[one], second[one], first[other], second[other]
    crossing = np.minimum(turns[a, c], turns[b, d]) > 0.9
    quads = np.stack([a, c, b, d], axis=1)[crossing]
    if not len(quads):
        return
    corners = _crossings(lines, quads)
    height, width = small_rgb.shape[:2]
    inside = ((corners > -0.03 * width) & (corners < np.array([1.03 * width, 1.03 * height]))).all(axis=(1, 2))
    for outline in corners[inside & (_areas(corners) >= least)]:
        yield _clockwise(outline)


def _turn(first: Grey, second: Grey) -> Grey:
    """Angle between undirected lines, 0 to π/2."""
    difference = np.abs(first - second) % np.pi
    return np.asarray(np.minimum(difference, np.pi - difference), np.float32)


def _long_lines(small_rgb: Rgb) -> Lines:
    """The strongest straight lines, longest first; segments on one line within 3 pixels are one."""
    grey = cv2.cvtColor(small_rgb, cv2.COLOR_RGB2GRAY)
    found = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(grey)[0]
    if found is None:
        return np.zeros((0, 4), np.float32)
    segments = found.reshape(-1, 4)
    lengths = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    order = np.argsort(-lengths)[:160]
    kept: list[NDArray[np.float32]] = []
    weight: list[float] = []
    for segment, length in zip(segments[order], lengths[order], strict=True):
        if length < 0.03 * max(grey.shape):
            break
        home = next((i for i, line in enumerate(kept) if _continues(line, segment)), None)
        if home is None:
            kept.append(segment)
            weight.append(float(length))
        else:
            weight[home] += float(length)
    best = np.argsort(-np.array(weight))[:MOST_LINES].tolist() if weight else []
    return np.array([kept[i] for i in best], np.float32).reshape(-1, 4)


def _continues(line: NDArray[np.float32], segment: NDArray[np.float32]) -> bool:
    direction = line[2:] - line[:2]
    length = float(np.hypot(*direction))
    ends = segment.reshape(2, 2) - line[:2]
    away = np.abs(direction[0] * ends[:, 1] - direction[1] * ends[:, 0]) / length
    return bool((away < 3).all())


def _crossings(lines: Lines, quads: NDArray[np.int64]) -> Corners:
    """(N, 4, 2) where consecutive lines of each quad (N, 4 indices) meet."""
    points, directions = lines[:, :2], lines[:, 2:] - lines[:, :2]
    following = np.roll(quads, -1, axis=1)
    p, u, q, v = points[quads], directions[quads], points[following], directions[following]
    across = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    across = np.where(np.abs(across) < 1e-6, 1e-6, across)
    t = ((q - p)[..., 0] * v[..., 1] - (q - p)[..., 1] * v[..., 0]) / across
    return np.asarray(p + t[..., None] * u, np.float32)


def _clockwise(corners: Corners) -> Corners:
    middle = corners.mean(axis=0)
    angles = np.arctan2(corners[:, 1] - middle[1], corners[:, 0] - middle[0])
    return np.asarray(corners[np.argsort(angles)], np.float32)


def _areas(outlines: Corners) -> Grey:
    x, y = outlines[..., 0], outlines[..., 1]
    return np.asarray(np.abs((x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1)) / 2, np.float32)


def _is_convex(outlines: Corners) -> NDArray[np.bool_]:
    forward = np.roll(outlines, -1, axis=1) - outlines
    following = np.roll(forward, -1, axis=1)
    turn = forward[..., 0] * following[..., 1] - forward[..., 1] * following[..., 0]
    return np.asarray((turn > 0).all(axis=1), np.bool_)
