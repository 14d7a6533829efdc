"""Official seals as they are pressed on paper: a ring, a star, the institution's name around it; never quite even.

GB/T 33481 and the State Council's rules of 1999 give the shape: round, a star in the middle, the name from left to right around
it; 42 mm across for an institution. The star here is plain and the paper under it says 样本: nobody is to take it for one.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tools.cards.lettering import Colour, font

Rgb = NDArray[np.uint8]
Cover = NDArray[np.float32]  # (H, W), 0-1: how much of the paper the ink hides

RED: Colour = (208, 30, 42)
BLACK: Colour = (52, 50, 52)  # a photocopy
_DRAWN_PX = 900  # seals are drawn this wide and shrunk


@dataclass(frozen=True, slots=True)
class Seal:
    """name: around the ring. below: written straight under the star (财务专用章), or nothing. digits: small, along the bottom."""

    name: str
    below: str = ""
    digits: str = ""


def draw_seal(seal: Seal, diameter_px: int) -> Cover:
    """The seal upright, (diameter_px, diameter_px), evenly inked."""
    size = _DRAWN_PX
    picture = Image.new("L", (size, size))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((6, 6, size - 7, size - 7), outline=255, width=size // 38)
    _draw_star(draw, (size / 2, size / 2), size * 0.155)
    _write_around(picture, seal.name)
    if seal.below:
        _write_straight(picture, seal.below)
    if seal.digits:
        _write_along_bottom(picture, seal.digits)
    return _shrunk(np.asarray(picture, np.float32) / np.float32(255), diameter_px)


def draw_square_seal(name: str, side_px: int) -> Cover:
    """A person's seal: two columns of characters in a square frame, read from the right."""
    size = _DRAWN_PX // 2
    picture = Image.new("L", (size, size))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((4, 4, size - 5, size - 5), outline=255, width=size // 24)
    cells = [(0.71, 0.29), (0.71, 0.71), (0.29, 0.29), (0.29, 0.71)]
    for character, (x, y) in zip((name + "之印")[:4], cells, strict=False):
        draw.text(
            (x * size, y * size),
            character,
            font=font(size * 2 // 5, family="Serif", weight="Bold"),
            fill=255,
            anchor="mm",
        )
    return _shrunk(np.asarray(picture, np.float32) / np.float32(255), side_px)


def draw_ring(diameter_px: int, rng: random.Random) -> Cover:
    """A circle somebody drew around something with a red pen."""
    size = _DRAWN_PX
    cover = np.zeros((size, size), np.float32)
    axes = int(size * 0.46), int(size * rng.uniform(0.36, 0.45))
    cv2.ellipse(cover, (size // 2, size // 2), axes, rng.uniform(0, 180), 8, 352, 1.0, size // 60, cv2.LINE_AA)
    return _shrunk(cover, diameter_px)


def draw_fingerprint(width_px: int, rng: random.Random) -> Cover:
    """A thumb in red ink: an oval of curved ridges."""
    ys, xs = np.mgrid[-1:1:420j, -1:1:300j].astype(np.float32)
    ridges = np.sin((np.hypot(xs, ys + 0.2) + 0.06 * np.sin(xs * 9 + rng.uniform(0, 6))) * rng.uniform(40, 55)) > -0.2
    cover = (ridges & (xs**2 + ys**2 < 0.95)).astype(np.float32)
    return np.asarray(cv2.resize(cover, (width_px, int(width_px * 1.4)), interpolation=cv2.INTER_AREA), np.float32)


def worn(cover: Cover, rng: random.Random, *, fade: float, patchy: float) -> Cover:
    """The same seal pressed with little ink. fade: 0-1, how pale all of it is; patchy: 0-1, how much is missing in spots."""
    noise = np.random.default_rng(rng.getrandbits(32))
    height, width = cover.shape
    broad = cv2.resize(noise.random((5, 5), np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(noise.random((height, width), np.float32), (0, 0), 1.2)
    fine = (fine - fine.min()) / max(float(np.ptp(fine)), 1e-6)
    pressed = 1 - patchy * np.clip(1.6 * broad - 0.5, 0, 1) - patchy * (fine > 0.62)
    return np.asarray(cover * np.clip(pressed, 0, 1) * (1 - fade), np.float32)


def press(page: Rgb, cover: Cover, middle: tuple[float, float], *, turn_deg: float = 0.0, ink: Colour = RED) -> Rgb:
    """`page` with the ink laid over it around `middle` (x, y); print stays dark under it. turn_deg: clockwise."""
    height, width = page.shape[:2]
    reach = cover.shape[1] / 2, cover.shape[0] / 2
    warp = cv2.getRotationMatrix2D(reach, -turn_deg, 1.0)
    warp[:, 2] += np.array(middle) - np.array(reach)
    laid = cv2.warpAffine(cover, warp, (width, height), flags=cv2.INTER_LINEAR)[..., None]
    paper = page.astype(np.float32)
    inked = paper * (np.array(ink, np.float32) / 255)
    return np.asarray(np.clip(paper * (1 - laid) + inked * laid, 0, 255), np.uint8)


def _draw_star(draw: ImageDraw.ImageDraw, middle: tuple[float, float], radius: float) -> None:
    inner = radius * math.sin(math.radians(18)) / math.sin(math.radians(54))
    points = []
    for i in range(10):
        angle = math.radians(-90 + 36 * i)
        r = radius if i % 2 == 0 else inner
        points.append((middle[0] + r * math.cos(angle), middle[1] + r * math.sin(angle)))
    draw.polygon(points, fill=255)


def _write_around(picture: Image.Image, text: str) -> None:
    """From the lower left over the top to the lower right, feet towards the middle; many characters become narrow ones."""
    size = picture.width
    span = min(250.0, 26.0 * (len(text) - 1))
    step = span / max(len(text) - 1, 1)
    height = size * 0.145
    radius = size * 0.385
    width = min(height * 0.92, math.radians(step) * radius * 0.92)
    for i, character in enumerate(text):
        _stamp(picture, character, -span / 2 + i * step, radius, (width, height))


def _write_along_bottom(picture: Image.Image, digits: str) -> None:
    """Heads towards the middle, read from left to right."""
    size = picture.width
    for i, digit in enumerate(digits):
        angle = 180 - (i - (len(digits) - 1) / 2) * 6.2
        _stamp(picture, digit, angle, size * 0.43, (size * 0.03, size * 0.05), is_upside_down=True)


def _write_straight(picture: Image.Image, text: str) -> None:
    size = picture.width
    letters = ImageDraw.Draw(picture)
    points = int(min(size * 0.085, size * 0.5 / len(text)))
    letters.text((size / 2, size * 0.73), text, font=font(points, family="Serif", weight="Bold"), fill=255, anchor="mm")


def _stamp(
    picture: Image.Image,
    character: str,
    angle: float,
    radius: float,
    box: tuple[float, float],
    *,
    is_upside_down: bool = False,
) -> None:
    """One character of `box` (width, height) at `angle` degrees clockwise from the top, `radius` from the middle."""
    drawn = Image.new("L", (200, 200))
    ImageDraw.Draw(drawn).text(
        (100, 100), character, font=font(150, family="Serif", weight="Bold"), fill=255, anchor="mm"
    )
    ink = drawn.getbbox()
    if ink is None:
        return
    left, right = (20, 180) if character > "一" else (ink[0], ink[2])
    glyph = drawn.crop((left, 20, right, 180)).resize(
        (max(int(box[0]), 1), max(int(box[1]), 1)), Image.Resampling.LANCZOS
    )
    glyph = glyph.rotate(-angle + (180 if is_upside_down else 0), expand=True, resample=Image.Resampling.BICUBIC)
    turn = math.radians(angle)
    x = picture.width / 2 + radius * math.sin(turn) - glyph.width / 2
    y = picture.height / 2 - radius * math.cos(turn) - glyph.height / 2
    picture.paste(255, (round(x), round(y)), glyph)


def _shrunk(cover: Cover, width_px: int) -> Cover:
    height_px = round(cover.shape[0] * width_px / cover.shape[1])
    return np.asarray(cv2.resize(cover, (width_px, height_px), interpolation=cv2.INTER_AREA), np.float32)
