"""Which way up a page lies, judged by its lines of text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.vision.text.ocr import Corners, Rgb, TextReader, cut_strip


def extent(corners: Corners) -> tuple[float, float]:
    """Width and height of a slanted rectangle of text."""
    return float(np.linalg.norm(corners[1] - corners[0])), float(np.linalg.norm(corners[3] - corners[0]))


def lies_on_its_side(found: Sequence[Corners]) -> bool:
    tall = [height > 1.5 * width for width, height in map(extent, _probes(found))]
    return sum(tall) * 2 > len(tall)


def is_upside_down(reader: TextReader, picture_rgb: Rgb, found: Sequence[Corners]) -> bool:
    """Whether the text is surer read the other way up. found: lines in the picture, lying or standing."""
    upright = upside_down = 0.0
    for corners in _probes(found):
        strip = cut_strip(picture_rgb, corners)
        upright += reader.read_strip(strip)[1]
        upside_down += reader.read_strip(np.asarray(np.rot90(strip, 2), np.uint8))[1]
    return upside_down > upright


def _probes(found: Sequence[Corners]) -> list[Corners]:
    """Three lines to judge the direction by: the shortest of those long enough to be words, as short ones are cheap to read."""
    words = sorted((c for c in found if max(extent(c)) >= 3 * min(extent(c))), key=lambda c: max(extent(c)))
    return words[:3] or list(found[:3])
