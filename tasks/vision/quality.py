"""How well a card was photographed: sharpness, glare, size, whether all of it is in the picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.vision.card import Quadrilateral

# Laplacian variance on the flattened card; on generated cards the reader begins to fail below it (docs/warnings.md)
BLURRED_BELOW = 20.0
GLARE_SHARE = 0.04  # of the card burnt out
LEAST_CARD_PX = 400  # pixels along the card: 15 a character of the address

Rgb = NDArray[np.uint8]


def sharpness(card_rgb: Rgb) -> float:
    """Variance of the Laplacian of the flattened card's lightness."""
    grey = cv2.cvtColor(card_rgb, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def glare_share(card_rgb: Rgb) -> float:
    """Share of the card, portrait aside, that is burnt out: nearly white, colourless and without any structure."""
    paper = np.ascontiguousarray(card_rgb[:, :630])
    return float(cv2.inRange(paper, (250, 250, 250), (255, 255, 255)).mean() / 255)


def photo_warnings(card_rgb: Rgb, outline: Quadrilateral | None) -> list[str]:
    """Codes of what is wrong with the photograph, not with the card."""
    found = []
    if sharpness(card_rgb) < BLURRED_BELOW:
        found.append("blurred")
    if glare_share(card_rgb) > GLARE_SHARE:
        found.append("glare")
    if outline is not None and outline.is_cut:
        found.append("cut")
    if outline is not None and outline.long_px < LEAST_CARD_PX:
        found.append("low_resolution")
    return found
