"""Printing on cards: Noto CJK faces, text at a baseline, evenly spaced digits."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PIL import ImageDraw, ImageFont

FONT_DIRS = (
    Path("/usr/share/fonts/opentype/noto"),
    Path("/usr/share/fonts/noto-cjk"),
    Path("/usr/share/fonts/opentype/noto-cjk"),
)
SIMPLIFIED = 2  # index of the SC face in the collections (JP, KR, SC, TC, HK)
MONOSPACED = 7  # index of the Sans Mono SC face (sans collections only)

Colour = tuple[int, int, int]
INK: Colour = (32, 30, 34)
LABEL: Colour = (62, 112, 168)


class MissingFont(Exception):
    """The Noto CJK fonts are not installed (Debian: fonts-noto-cjk)."""


@cache
def font(size: int, *, family: str = "Sans", weight: str = "Regular", face: int = SIMPLIFIED) -> ImageFont.FreeTypeFont:
    """family: Sans | Serif. weight: Regular | Bold. Raises MissingFont."""
    name = f"Noto{family}CJK-{weight}.ttc"
    for folder in FONT_DIRS:
        if (folder / name).exists():
            return ImageFont.truetype(str(folder / name), size, index=face)
    raise MissingFont(f"{name} not found: apt-get install fonts-noto-cjk")


def write(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: int,
    *,
    colour: Colour = INK,
    weight: str = "Regular",
) -> None:
    """`text` with its left middle at `at`."""
    draw.text(at, text, font=font(size, weight=weight), fill=colour, anchor="lm")


def write_spaced(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    face: ImageFont.FreeTypeFont,
    *,
    pitch: float,
    colour: Colour = INK,
) -> None:
    """Characters centred `pitch` pixels apart, the first one at `at` (its middle)."""
    for i, character in enumerate(text):
        draw.text((at[0] + i * pitch, at[1]), character, font=face, fill=colour, anchor="mm")
