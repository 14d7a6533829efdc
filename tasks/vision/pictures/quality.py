"""How well a card was photographed: sharpness, glare, size, whether all of it is in the picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# Laplacian variance on the flattened card. Generated cards: easy 100-250, medium 30-90, hard 10-30 (of which four in five
# are read without a fault, so softness alone is no reason to ask for another photograph).
SOFT_BELOW = 40.0
BLURRED_BELOW = 7.0
GLARE_SHARE = 0.04  # of the card burnt out
LEAST_CARD_PX = 400  # pixels along the card: 15 a character of the address
OUTSIDE = 0.015  # of the card's length: a corner that far outside the photograph was cut off

Rgb = NDArray[np.uint8]
Corners = NDArray[np.float32]


def sharpness(card_rgb: Rgb) -> float:
    """Variance of the Laplacian of the flattened card's lightness."""
    grey = cv2.cvtColor(card_rgb, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def glare_share(card_rgb: Rgb) -> float:
    """Share of the card, portrait aside, that is burnt out to white."""
    paper = np.ascontiguousarray(card_rgb[:, :630])
    return float(cv2.inRange(paper, (250, 250, 250), (255, 255, 255)).mean() / 255)


def is_blurred(sharp: float, *, is_read_surely: bool) -> bool:
    """A soft photograph counts as blurred where it cost a field, a very soft one in any case."""
    return sharp < BLURRED_BELOW or (sharp < SOFT_BELOW and not is_read_surely)


def frame_warnings(corners: Corners, width: int, height: int) -> list[str]:
    """`cut` and `low_resolution` for a card with these corners (4, 2) in a photograph of width × height pixels."""
    a, b, c, d = corners
    long_px = float((np.linalg.norm(b - a) + np.linalg.norm(c - d)) / 2)
    beyond = np.maximum(-corners, corners - np.array([width - 1, height - 1], np.float32)).max(axis=1)
    found = []
    # two or three corners exactly on the frame: the outline ends there because the photograph does
    on_frame = int((np.abs(beyond) < 0.006 * long_px).sum())
    if beyond.max() > OUTSIDE * long_px or on_frame in (2, 3):
        found.append("cut")
    if long_px < LEAST_CARD_PX:
        found.append("low_resolution")
    return found
