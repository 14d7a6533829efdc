"""Photographed faces for synthetic cards and selfies, out of example pictures that installed packages carry.

Nothing of them is copied into this project: they are read from the packages at run time. insightface (MIT) ships a group
photo of six, scikit-image the NASA portrait of an astronaut (public domain). A card portrait and a selfie of one person are two
renditions of the same photograph, so likeness measured on them is too good: docs/face-threshold.md.
"""

from __future__ import annotations

import importlib.util
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

Rgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Head:
    """Where a head is in a packaged picture: centre of the face and its width in pixels, and how far it leans, in degrees."""

    package: str
    picture: str
    x: int
    y: int
    width: int
    lean_deg: float


GROUP = ("insightface", "data/images/t1.jpg")
HEADS = (
    _Head("skimage", "data/astronaut.png", 224, 112, 100, 3),
    _Head(*GROUP, 117, 336, 105, -25),
    _Head(*GROUP, 786, 417, 104, 6),
    _Head(*GROUP, 1166, 336, 104, -5),
    _Head(*GROUP, 510, 355, 108, 15),
    _Head(*GROUP, 320, 222, 88, -33),
    _Head(*GROUP, 935, 141, 105, -8),  # half in profile: the hardest to find, so the last
)

PORTRAIT_SIZE = (300, 380)
SELFIE_SIZE = (720, 960)


def count_people() -> int:
    """How many different people the faces are of."""
    return len(HEADS)


def card_portrait(person: int, rng: random.Random) -> Image.Image:
    """An ID photo of person 0 ≤ person < count_people(): RGB 300 × 380, head and shoulders, a little uneven in light."""
    head = HEADS[person]
    reach = head.width * rng.uniform(0.92, 1.0)
    cropped = _crop(head, reach, 0.0, PORTRAIT_SIZE)
    return ImageEnhance.Brightness(cropped).enhance(rng.uniform(0.95, 1.08))


def selfie(person: int, rng: random.Random, *, quarter_turns: int = 0) -> Rgb:
    """A phone picture of the same person: (960, 720, 3) uint8 RGB; tilted, relit, noisy, the head nearer or farther."""
    head = HEADS[person]
    cropped = _crop(head, head.width * rng.uniform(0.9, 1.0), rng.uniform(-9, 9), (480, 608))
    for change, low, high in (
        (ImageEnhance.Brightness, 0.75, 1.25),
        (ImageEnhance.Contrast, 0.8, 1.2),
        (ImageEnhance.Color, 0.7, 1.2),
    ):
        cropped = change(cropped).enhance(rng.uniform(low, high))
    cropped = cropped.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    picture = np.asarray(_on_background(cropped, rng), dtype=np.float32)
    noise = np.random.default_rng(rng.getrandbits(32)).normal(0, rng.uniform(2, 7), picture.shape)
    noisy = np.clip(picture + noise, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.rot90(noisy, quarter_turns))


def placeholder(rng: random.Random) -> Image.Image:
    """A grey head and shoulders without features, RGB 300 × 380: no detector takes it for a face."""
    width, height = PORTRAIT_SIZE
    drawn = Image.new("RGB", PORTRAIT_SIZE, (236, 238, 241))
    draw = ImageDraw.Draw(drawn)
    tone = rng.randint(150, 185)
    middle, half = width / 2 + rng.randint(-6, 6), width * rng.uniform(0.19, 0.23)
    draw.ellipse((middle - half, height * 0.18, middle + half, height * 0.62), fill=(tone, tone, tone + 6))
    draw.ellipse((middle - half * 2, height * 0.68, middle + half * 2, height * 1.4), fill=(tone, tone, tone + 6))
    return drawn


@cache
def _picture(package: str, name: str) -> Image.Image:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {package} is not installed: its example picture is needed")
    return Image.open(Path(next(iter(spec.submodule_search_locations))) / name).convert("RGB")


def _crop(head: _Head, reach: float, turn_deg: float, size: tuple[int, int]) -> Image.Image:
    """`reach` pixels either side of the face, set upright, then turned, drawn at `size`; grey outside the picture."""
    picture = _picture(head.package, head.picture)
    half_height = reach * size[1] / size[0]
    turned = picture.rotate(
        head.lean_deg + turn_deg, Image.Resampling.BICUBIC, center=(head.x, head.y), fillcolor=(228, 230, 233)
    )
    box = (head.x - reach, head.y - half_height, head.x + reach, head.y + half_height)
    left, top = max(round(box[0]), 0), max(round(box[1]), 0)
    inside = (left, top, min(round(box[2]), picture.width), min(round(box[3]), picture.height))
    scale = size[0] / (2 * reach)
    drawn = Image.new("RGB", size, (228, 230, 233))
    part = turned.crop(inside)
    part = part.resize((round(part.width * scale), round(part.height * scale)), Image.Resampling.LANCZOS)
    drawn.paste(part, (round((left - box[0]) * scale), round((top - box[1]) * scale)))
    return drawn


def _on_background(head: Image.Image, rng: random.Random) -> Image.Image:
    """The head with feathered edges before a blurred wall of its own colours."""
    wall = head.resize((12, 16)).resize(SELFIE_SIZE, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(40))
    edge = Image.new("L", head.size, 0)
    edge.paste(255, (24, 24, head.width - 24, head.height - 24))
    left = (SELFIE_SIZE[0] - head.width) // 2 + rng.randint(-60, 60)
    top = (SELFIE_SIZE[1] - head.height) // 2 + rng.randint(-80, 80)
    wall.paste(head, (left, top), edge.filter(ImageFilter.GaussianBlur(12)))
    return wall
