"""The ground identity documents are printed on: a pale gradient under fine wavy lines, in the manner of a guilloche."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tools.cards.lettering import Colour, font

SAMPLE: Colour = (112, 111, 113)
TINTS = ((-14, -6, 0), (0, -10, -8), (-6, -2, -10))

Rgb = NDArray[np.uint8]


def guilloche(size: tuple[int, int], left: Colour, right: Colour, seed: int) -> Image.Image:
    """RGB of `size` = (width, height), from `left`'s colour to `right`'s; the lines follow from `seed`."""
    width, height = size
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    row = np.array(left, np.float32) * (1 - x) + np.array(right, np.float32) * x
    ground = np.repeat(row, height, axis=0)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    for tint in TINTS:
        phase, slope, bend = rng.uniform(0, 6.28), rng.uniform(0.05, 0.12), rng.uniform(20, 60)
        wave = np.sin(ys * 0.9 * slope * 10 + np.sin(xs / bend + phase) * 6 + xs * slope)
        ground += (wave > 0.86)[..., None] * np.array(tint, np.float32)
    return Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))


def mark_as_sample(card: Image.Image, at: tuple[int, int]) -> None:
    """样本 in small grey letters with its middle at `at`: nobody is to take the drawing for a document."""
    ImageDraw.Draw(card).text(at, "样本", font=font(16), fill=SAMPLE, anchor="mm")


def paste_portrait(card: Image.Image, portrait: Image.Image, box: tuple[int, int, int, int]) -> None:
    """`portrait` resized into `box` = (left, top, right, bottom)."""
    left, top, right, bottom = box
    size = (right - left, bottom - top)
    card.paste(portrait.convert("RGB").resize(size, Image.Resampling.LANCZOS), (left, top))


def as_pixels(card: Image.Image) -> Rgb:
    """(H, W, 3) uint8 RGB."""
    return np.asarray(card, np.uint8)
