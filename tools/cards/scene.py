"""A photograph of a card: perspective, background, light, blur, noise and JPEG, each given in numbers."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.cards.surfaces import paint_surface

Rgb = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Difficulty:
    """How hard a photograph is. Every quantity is drawn evenly from its range, unless it is a single number.

    tilt_deg: how far the card's plane leans away from the camera's. roll_deg: turn in the picture, either way.
    card_px: pixels of the card's long side in the picture. blur_sigma: Gaussian blur in pixels at 1000 card pixels.
    motion_px: length of a smear in the same pixels. glare_area: share of the card under a bright spot.
    noise_sigma: in 1/255. jpeg_quality: libjpeg's. shade: darkening from the bright to the dark side, 0-1.
    """

    name: str
    tilt_deg: tuple[float, float]
    roll_deg: tuple[float, float]
    card_px: tuple[int, int]
    blur_sigma: tuple[float, float]
    motion_px: tuple[float, float]
    glare_area: tuple[float, float]
    noise_sigma: tuple[float, float]
    jpeg_quality: tuple[int, int]
    shade: tuple[float, float]


EASY = Difficulty("easy", (0, 8), (0, 4), (850, 1100), (0.4, 1.0), (0, 0), (0, 0), (1, 4), (85, 95), (0, 0.15))
MEDIUM = Difficulty("medium", (8, 20), (3, 12), (620, 820), (1.0, 1.8), (0, 2), (0, 0.02), (4, 8), (60, 80), (0.1, 0.3))
HARD = Difficulty(
    "hard", (20, 35), (8, 22), (430, 580), (1.4, 2.3), (0, 4), (0.01, 0.05), (6, 12), (38, 55), (0.2, 0.45)
)
LEVELS = (EASY, MEDIUM, HARD)


@dataclass(frozen=True, slots=True)
class Photograph:
    """jpeg: the file a phone would send. picture: (H, W, 3) uint8 RGB before compression.

    corners: (4, 2) float32, where the card's top-left, top-right, bottom-right, bottom-left corners lie in it.
    """

    jpeg: bytes
    picture: Rgb
    corners: Floats


def photograph(card: Rgb, difficulty: Difficulty, rng: random.Random, *, quarter_turns: int = 0) -> Photograph:
    """`card` on some surface, as `difficulty` says; quarter_turns: the whole picture turned by so many times 90°."""
    draw = rng.uniform
    noise = np.random.default_rng(rng.getrandbits(32))
    long_px = draw(*difficulty.card_px)
    corners = _project(
        card.shape[1] / card.shape[0], long_px, draw(*difficulty.tilt_deg), _signed(rng, difficulty.roll_deg), rng
    )
    margin = long_px * draw(0.08, 0.22), long_px * draw(0.08, 0.22)
    corners += np.array(margin, np.float32) - corners.min(axis=0)
    size = tuple(int(v) for v in corners.max(axis=0) + np.array(margin, np.float32))
    lit = _with_glare(card, draw(*difficulty.glare_area), rng)
    picture = _lay(lit, corners, paint_surface(size, rng, noise))
    picture = _shade(picture, draw(*difficulty.shade), rng)
    picture = _smear(picture, draw(*difficulty.motion_px) * long_px / 1000, draw(0, math.pi))
    picture = cv2.GaussianBlur(picture, (0, 0), max(draw(*difficulty.blur_sigma) * long_px / 1000, 0.05))
    picture += noise.normal(0, draw(*difficulty.noise_sigma), picture.shape).astype(np.float32)
    finished = np.clip(picture, 0, 255).astype(np.uint8)
    finished, corners = _turn(finished, corners, quarter_turns)
    return Photograph(to_jpeg(finished, int(draw(*difficulty.jpeg_quality))), finished, corners)


def to_jpeg(picture: Rgb, quality: int = 90) -> bytes:
    encoded, content = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    assert encoded
    return bytes(content.tobytes())


def cut_off(shot: Photograph, share: float) -> Photograph:
    """The same photograph with the right `share` of the card outside the frame."""
    left, right = shot.corners[:, 0].min(), shot.corners[:, 0].max()
    picture = np.ascontiguousarray(shot.picture[:, : int(right - share * (right - left))])
    return Photograph(to_jpeg(picture), picture, shot.corners)


def blurred(shot: Photograph, sigma: float) -> Photograph:
    """The same photograph out of focus by `sigma` pixels of the picture."""
    picture = cv2.GaussianBlur(shot.picture, (0, 0), sigma)
    return Photograph(to_jpeg(picture), picture, shot.corners)


def _signed(rng: random.Random, bounds: tuple[float, float]) -> float:
    return rng.uniform(*bounds) * rng.choice((-1, 1))


def _project(ratio: float, long_px: float, tilt_deg: float, roll_deg: float, rng: random.Random) -> Floats:
    """Corners of a card that leans by tilt_deg about an axis of any direction, seen from 2.2 card lengths away."""
    half_w, half_h = 0.5, 0.5 / ratio
    flat = np.array([[-half_w, -half_h, 0], [half_w, -half_h, 0], [half_w, half_h, 0], [-half_w, half_h, 0]])
    direction = rng.uniform(0, 2 * math.pi)
    axis = np.array([math.cos(direction), math.sin(direction), 0]) * math.radians(tilt_deg)
    leaned = flat @ cv2.Rodrigues(axis)[0].T
    leaned = leaned @ cv2.Rodrigues(np.array([0, 0, math.radians(roll_deg)]))[0].T
    distance = 2.2
    seen = leaned[:, :2] * (distance / (distance + leaned[:, 2:]))
    return np.asarray(seen * long_px, np.float32)


def _with_glare(card: Rgb, area: float, rng: random.Random) -> Floats:
    lit = card.astype(np.float32)
    if area <= 0:
        return lit
    height, width = card.shape[:2]
    stretch = rng.uniform(1.0, 2.2)
    radius = math.sqrt(area * width * height / math.pi / stretch)
    x, y = rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.sqrt(((xs - x) / (radius * stretch)) ** 2 + ((ys - y) / radius) ** 2)
    strength = np.clip(1.5 - distance, 0, 1)[..., None] * np.float32(rng.uniform(0.55, 0.85))
    return np.asarray(lit + (255 - lit) * strength, np.float32)


def _lay(card: Floats, corners: Floats, surface: Floats) -> Floats:
    """The card with rounded corners and a soft shadow, drawn over `surface`."""
    height, width = card.shape[:2]
    size = surface.shape[1], surface.shape[0]
    mask = np.zeros((height, width), np.float32)
    radius = int(width * 3.18 / 85.6)  # ISO/IEC 7810: corner radius 3.18 mm
    cv2.rectangle(mask, (radius, 0), (width - radius, height), 1.0, -1)
    cv2.rectangle(mask, (0, radius), (width, height - radius), 1.0, -1)
    for centre in ((radius, radius), (width - radius - 1, radius), (radius, height - radius - 1)):
        cv2.circle(mask, centre, radius, 1.0, -1)
    cv2.circle(mask, (width - radius - 1, height - radius - 1), radius, 1.0, -1)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    shrink = np.linalg.norm(corners[1] - corners[0]) / width
    if shrink < 0.8:  # warpPerspective alone samples single pixels: smooth first, as a lens does
        card = cv2.GaussianBlur(card, (0, 0), 0.45 / shrink)
    warp = cv2.getPerspectiveTransform(flat, corners)
    seen = cv2.warpPerspective(card, warp, size, flags=cv2.INTER_LINEAR)
    cover = cv2.warpPerspective(mask, warp, size, flags=cv2.INTER_LINEAR)[..., None]
    shadow = cv2.GaussianBlur(np.roll(cover[..., 0], (6, 4), (0, 1)), (0, 0), 7)[..., None]
    return np.asarray(surface * (1 - 0.35 * shadow) * (1 - cover) + seen * cover, np.float32)


def _shade(picture: Floats, depth: float, rng: random.Random) -> Floats:
    height, width = picture.shape[:2]
    direction = rng.uniform(0, 2 * math.pi)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    along = xs / width * math.cos(direction) + ys / height * math.sin(direction)
    along = (along - along.min()) / (along.max() - along.min())
    return np.asarray(picture * (1 - depth * along)[..., None], np.float32)


def _smear(picture: Floats, length_px: float, direction: float) -> Floats:
    if length_px < 1:
        return picture
    reach = math.ceil(length_px) | 1
    kernel = np.zeros((reach, reach), np.float32)
    for t in np.linspace(-0.5, 0.5, 4 * reach):
        x, y = reach // 2 + t * length_px * math.cos(direction), reach // 2 + t * length_px * math.sin(direction)
        kernel[min(max(round(y), 0), reach - 1), min(max(round(x), 0), reach - 1)] += 1
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)


def _turn(picture: Rgb, corners: Floats, quarter_turns: int) -> tuple[Rgb, Floats]:
    for _ in range(quarter_turns % 4):  # each time a quarter counter-clockwise
        width = picture.shape[1]
        picture = np.ascontiguousarray(np.rot90(picture))
        corners = np.stack([corners[:, 1], width - corners[:, 0]], axis=1)
    return picture, corners
