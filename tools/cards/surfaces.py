"""What a card lies on when it is photographed: wood, cloth, paper on a desk, a plain table."""

from __future__ import annotations

import random

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Size = tuple[int, ...]

WOODS = ((150, 108, 70), (190, 150, 108), (112, 78, 52), (96, 70, 54))
CLOTHS = ((70, 88, 120), (128, 60, 66), (78, 100, 84), (60, 58, 62), (170, 160, 150))
PLAINS = ((44, 46, 52), (120, 124, 128), (70, 60, 52), (92, 112, 132), (188, 184, 176))


def paint_surface(size: Size, rng: random.Random, noise: np.random.Generator) -> Floats:
    """(H, W, 3) float32 in 0-255, for size = (width, height)."""
    return rng.choice((_wood, _cloth, _plain, _paper))(size, rng, noise)


def _wood(size: Size, rng: random.Random, noise: np.random.Generator) -> Floats:
    width, height = size
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    slow = cv2.resize(noise.normal(0, 1, (6, 9)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    rings = np.sin(ys / rng.uniform(7, 16) + slow * 3 + xs / 260) * 9 + slow * 7
    grain = cv2.blur(noise.normal(0, 16, (height, width)).astype(np.float32), (31, 1))
    return _tinted(rng.choice(WOODS), rings + grain)


def _cloth(size: Size, rng: random.Random, noise: np.random.Generator) -> Floats:
    width, height = size
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    period = rng.uniform(5, 26)
    weave = np.sin(xs * 6.28 / period) * 7 + np.sin(ys * 6.28 / period) * 7
    rough = noise.normal(0, 6, (height, width)).astype(np.float32)
    return _tinted(rng.choice(CLOTHS), weave + rough)


def _plain(size: Size, rng: random.Random, noise: np.random.Generator) -> Floats:
    width, height = size
    slow = cv2.resize(noise.normal(0, 8, (4, 5)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return _tinted(rng.choice(PLAINS), slow)


def _paper(size: Size, rng: random.Random, noise: np.random.Generator) -> Floats:
    """A lined sheet that ends somewhere on a darker desk: straight edges which are not the card's."""
    width, height = size
    ground = _plain(size, rng, noise) * 0.8
    middle = rng.uniform(0.3, 0.7) * width, rng.uniform(0.3, 0.7) * height
    sheet = cv2.boxPoints((middle, (width * 0.9, height * 1.1), rng.uniform(-25, 25)))
    layer = np.full((height, width, 3), rng.uniform(198, 232), np.float32)
    for y in range(0, height, rng.randrange(24, 40)):
        cv2.line(layer, (0, y), (width, y + int(width * 0.05)), (150, 160, 190), 1)
    mask = np.zeros((height, width), np.float32)
    cv2.fillPoly(mask, [sheet.astype(np.int32)], 1.0, lineType=cv2.LINE_AA)
    return ground * (1 - mask[..., None]) + layer * mask[..., None]


def _tinted(colour: tuple[int, int, int], relief: Floats) -> Floats:
    return np.asarray(np.array(colour, np.float32) + relief[..., None], np.float32)
