"""A seal as an ellipse in a photograph, and its own frame: there the ring is the unit circle, upright as the picture is.

Coordinates are pixels of the picture, x to the right, y down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

ANGLES = 360


@dataclass(frozen=True, slots=True)
class Seal:
    """An ellipse in the picture. middle: (x, y). axes: full lengths. turn_deg: of the first axis, clockwise.

    ring: share of its ring that shows, 0-1. is_red: False for a copy in black.
    """

    middle: tuple[float, float]
    axes: tuple[float, float]
    turn_deg: float
    ring: float
    is_red: bool = True

    @property
    def box(self) -> tuple[float, float, float, float]:
        """left, top, right, bottom."""
        a, b, turn = self.axes[0] / 2, self.axes[1] / 2, math.radians(self.turn_deg)
        reach_x = math.hypot(a * math.cos(turn), b * math.sin(turn))
        reach_y = math.hypot(a * math.sin(turn), b * math.cos(turn))
        x, y = self.middle
        return x - reach_x, y - reach_y, x + reach_x, y + reach_y


def unrolled(picture: Floats, seal: Seal, *, angles: int = ANGLES, radii: int = 131, reach: float = 1.3) -> Floats:
    """(radii, angles) of `picture` around the seal: row 0 is `reach` times the ring's radius away, the last row the middle.

    Column 0 is straight above the middle in the ellipse's frame, columns go clockwise.
    """
    turns = np.linspace(0, 2 * np.pi, angles, endpoint=False, dtype=np.float32)
    away = np.linspace(reach, 0, radii, dtype=np.float32)[:, None]
    points = frame_points(seal, away * np.sin(turns), -away * np.cos(turns))
    return np.asarray(cv2.remap(picture, points[..., 0], points[..., 1], cv2.INTER_LINEAR), np.float32)


def frame_points(seal: Seal, x: Floats, y: Floats) -> Floats:
    """(…, 2) pixels of points given in the seal's frame: the unit circle is its ring, upright as the picture is."""
    turn = math.radians(seal.turn_deg)
    cos, sin = math.cos(turn), math.sin(turn)
    along, across = (x * cos + y * sin) * seal.axes[0] / 2, (y * cos - x * sin) * seal.axes[1] / 2
    pixels = np.stack(
        [seal.middle[0] + along * cos - across * sin, seal.middle[1] + along * sin + across * cos], axis=-1
    )
    return np.asarray(pixels, np.float32)


def distances(seal: Seal, points: Floats) -> Floats:
    """Of each point from the middle, in the seal's frame: 1 on the ring."""
    turn = math.radians(seal.turn_deg)
    x, y = points[:, 0] - seal.middle[0], points[:, 1] - seal.middle[1]
    along, across = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    return np.asarray(np.hypot(along / (seal.axes[0] / 2), across / (seal.axes[1] / 2)), np.float32)


def scaled(seal: Seal, scale: float) -> Seal:
    """The same seal in the picture enlarged by `scale`."""
    # a pixel's middle is at .5 in both pictures
    x, y = ((value + 0.5) * scale - 0.5 for value in seal.middle)
    return Seal((x, y), (seal.axes[0] * scale, seal.axes[1] * scale), seal.turn_deg, seal.ring, seal.is_red)
