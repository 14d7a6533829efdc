"""What is written around a seal: the ring unrolled into a strip that starts where there is no text, read as one line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.vision.seals.seal import RED_FROM, seal_ink
from tasks.vision.seals.seal_frame import ANGLES, Seal, frame_points, unrolled
from tasks.vision.text.ocr import TextReader

Rgb = NDArray[np.uint8]
Floats = NDArray[np.float32]

STRIP_PX = 56  # height of the strip given to the recogniser, which works at 48
BAND = (0.95, 0.56)  # where the name stands, outermost and innermost, as shares of the ring's radius
QUIET_BAND = (0.8, 0.69)  # of it what neither numbers along the bottom rim nor text under the star reach
STRETCHES = (1.0, 1.35)  # the second reading is a second opinion: long names are written in narrow characters
MARGIN_DEG = 5
DISAGREED = 0.8  # at most as sure, where the two readings differ
PATCHY = 0.7  # or where ink is missing for the width of a character: what is left may read well and be half a name


@dataclass(frozen=True, slots=True)
class SealText:
    """text: as read around the ring. confidence: 0-1. down_deg: where the seal's foot is, clockwise from up.

    below: what stands straight under the star (财务专用章), "" where nothing could be read.
    """

    text: str
    confidence: float
    down_deg: float
    below: str


def read_seal(reader: TextReader, picture_rgb: Rgb, red: Floats, seal: Seal) -> SealText:
    """red: redness() of the whole picture at full size."""
    ink = seal_ink(picture_rgb, red)
    start, end = _text_arc(unrolled(red, seal))
    readings = [reader.read_strip(strip) for strip in _strips(ink, seal, start, end)]
    text, confidence = max(readings, key=lambda reading: reading[1])
    text = clean_text(text)
    if any(clean_text(other) != text for other, _ in readings):
        confidence = min(confidence, DISAGREED)
    if _widest_gap(unrolled(red, seal), start, end) > (end - start) / max(len(text), 1):
        confidence = min(confidence, PATCHY)
    down = ((start + end) / 2 + 180) % 360
    return SealText(text, confidence, down, _read_below(reader, ink, seal, down))


def _text_arc(around: Floats) -> tuple[float, float]:
    """Degrees clockwise from up at which the name begins and ends (end > start, perhaps beyond 360)."""
    away = np.linspace(1.3, 0, around.shape[0])
    rows = (away < QUIET_BAND[0]) & (away > QUIET_BAND[1])
    ink = (around[rows] > RED_FROM).mean(axis=0)
    window = 50
    quiet = np.convolve(np.concatenate([ink, ink[:window]]), np.ones(window), "valid")[:ANGLES]
    middle = (int(quiet.argmin()) + window // 2) % ANGLES
    turned = np.roll(ink, -middle) > 0.12
    # single columns of dirt are no text: two neighbours must agree
    solid = turned & (np.roll(turned, 1) | np.roll(turned, -1))
    columns = np.flatnonzero(solid)
    if not len(columns):
        return float(middle), float(middle + ANGLES)
    start, end = columns[0] - MARGIN_DEG, columns[-1] + 1 + MARGIN_DEG
    return float(middle + max(start, 0)), float(middle + min(end, ANGLES))


def _widest_gap(around: Floats, start: float, end: float) -> int:
    """Degrees within the name's arc that have no ink at all between ring and star."""
    away = np.linspace(1.3, 0, around.shape[0])
    inked = around[(away < BAND[0] - 0.02) & (away > BAND[1])].max(axis=0) > RED_FROM
    arc = inked[np.arange(round(start) + MARGIN_DEG, round(end) - MARGIN_DEG) % ANGLES]
    widest = run = 0
    for has_ink in arc:
        run = 0 if has_ink else run + 1
        widest = max(widest, run)
    return widest


def _strips(ink: Floats, seal: Seal, start: float, end: float) -> Iterator[Rgb]:
    """The name's band as pictures of dark text on white, differently stretched."""
    outer, inner = BAND
    length = np.radians(end - start) * (outer + inner) / 2
    for stretch in STRETCHES:
        width = max(int(STRIP_PX * length / (outer - inner) * stretch), STRIP_PX)
        turns = np.radians(np.linspace(start, end, width, dtype=np.float32))
        away = np.linspace(outer, inner, STRIP_PX, dtype=np.float32)[:, None]
        points = frame_points(seal, away * np.sin(turns), -away * np.cos(turns))
        yield _as_print(cv2.remap(ink, points[..., 0], points[..., 1], cv2.INTER_CUBIC))


def _as_print(ink: Floats) -> Rgb:
    """Redness as dark on white, with the strongest tenth of the ink black."""
    shown = ink[ink > RED_FROM]
    full = float(np.percentile(shown, 90)) if len(shown) else 1.0
    grey = (255 * (1 - np.clip(ink / max(full, 0.1), 0, 1))).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))


def _read_below(reader: TextReader, ink: Floats, seal: Seal, down_deg: float) -> str:
    """What stands straight under the star, where it is a kind of seal (…章)."""
    turn = np.radians(down_deg - 180)
    x, y = np.meshgrid(np.linspace(-0.62, 0.62, 260, dtype=np.float32), np.linspace(0.33, 0.62, 61, dtype=np.float32))
    points = frame_points(seal, x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn))
    written = cv2.remap(ink, points[..., 0], points[..., 1], cv2.INTER_CUBIC)
    if (written > RED_FROM).mean() < 0.04:
        return ""
    text, confidence = reader.read_strip(_as_print(written))
    return clean_text(text) if confidence >= 0.8 and text.strip().endswith("章") else ""


def clean_text(text: str) -> str:
    """Without what cannot be in a name: spaces and the marks dirt is read as."""
    return "".join(char for char in text if char.isalnum() or char in "（）()·")
