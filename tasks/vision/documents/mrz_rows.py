"""Pieces of text become the rows of a page in the alphabet of the machine readable zone: A-Z, 0-9 and the filler `<`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.vision.text.ocr import Box, TextLine

FILLERS = str.maketrans(
    {"«": "<<", "≪": "<<", "《": "<<", "‹": "<", "〈": "<", "＜": "<", "^": "<", "(": "<", "{": "<", "|": "I"}
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page, its pieces joined, in the MRZ's alphabet."""

    text: str
    confidence: float
    box: Box


def joined_rows(lines: Sequence[TextLine]) -> list[Row]:
    """Pieces that continue each other along their slant as one row, top to bottom."""
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: line.left[0]):
        home = next((row for row in rows if _continues(row[-1], line)), None)
        if home is None:
            rows.append([line])
        else:
            home.append(line)
    return [_row(row) for row in sorted(rows, key=lambda row: row[0].left[1])]


def _continues(before: TextLine, after: TextLine) -> bool:
    run = before.right[0] - before.left[0]
    slope = (before.right[1] - before.left[1]) / run if run > 0 else 0.0
    height = before.height - abs(before.right[1] - before.left[1])
    expected_y = before.right[1] + slope * (after.left[0] - before.right[0])
    return after.left[0] > before.right[0] - height and abs(after.left[1] - expected_y) < 0.5 * height


def _row(parts: Sequence[TextLine]) -> Row:
    boxes = [part.box for part in parts]
    around = min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)
    text = "".join(half_width_capitals(part.text) for part in parts)
    return Row(re.sub(r"[^A-Z0-9<]", "", text), min(part.confidence for part in parts), around)


def half_width_capitals(text: str) -> str:
    """Half-width capitals without blanks, look-alikes of the filler put right."""
    return "".join(unicodedata.normalize("NFKC", text.translate(FILLERS)).upper().translate(FILLERS).split())
