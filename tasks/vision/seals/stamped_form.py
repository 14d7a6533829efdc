"""A filled and stamped application form, photographed or scanned: its text, the name on it, its seal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.vision.documents.reader import document_reader
from tasks.vision.pictures.card import shrink
from tasks.vision.pictures.upright import is_upside_down, lies_on_its_side
from tasks.vision.seals.seal import find_seals, has_copied_seal, redness
from tasks.vision.seals.seal_text import SealText, read_seal
from tasks.vision.text.ocr import Box, TextLine, TextReader

Rgb = NDArray[np.uint8]
PageBox = tuple[float, float, float, float]  # left, top, right, bottom as shares of the page as it was sent

LONG_SIDE = 2400  # a page is read at most this large: 10.5 point print is 30 pixels high there
TEXT_SIDE = 1280  # the detector's: at 960 every tenth line of small print was lost, and this takes 0.5 cpu s
TITLE = "注册申请表"
LABELS: Mapping[str, tuple[str, ...]] = {
    "institution_name": ("机构名称", "单位名称", "申请单位", "申请机构"),
    "credit_code": ("统一社会信用代码",),
    "applicant_name": ("申请人姓名",),
}


@dataclass(frozen=True, slots=True)
class FormField:
    """confidence: the recogniser's least sure line, 0-1."""

    value: str
    confidence: float
    box: PageBox


@dataclass(frozen=True, slots=True)
class FoundSeal:
    """A round red seal and what was read of it."""

    box: PageBox
    text: SealText


@dataclass(frozen=True, slots=True)
class PageText:
    """lines: from top to bottom. fields: by the keys of LABELS. quarter_turns: how often counter-clockwise until upright."""

    lines: tuple[str, ...]
    sure_lines: int
    fields: Mapping[str, FormField]
    has_title: bool
    quarter_turns: int


@dataclass(frozen=True, slots=True)
class FormPage:
    """seals: round red ones. has_copied_seal: looked for where there is no red one."""

    text: PageText
    seals: tuple[FoundSeal, ...]
    has_copied_seal: bool


class FormReader:
    """Reads forms one page at a time. Holds the models: one a process, used by one thread."""

    def __init__(self, text: TextReader) -> None:
        self._text = text
        self.name = text.name
        self.models = text.models

    def read(self, page_rgb: Rgb) -> FormPage:
        """page_rgb: (H, W, 3) uint8 RGB, any way up."""
        page = shrink(page_rgb, LONG_SIDE)
        seals = self._read_seals(page)
        return FormPage(self._read_text(page), seals, not seals and has_copied_seal(page))

    def _read_seals(self, page: Rgb) -> tuple[FoundSeal, ...]:
        red = redness(page)
        return tuple(
            FoundSeal(_shares(seal.box, page), read_seal(self._text, page, red, seal))
            for seal in find_seals(page, red)[:2]
        )

    def _read_text(self, page: Rgb) -> PageText:
        turns, picture = 0, page
        found = self._text.find_lines(picture, TEXT_SIDE)
        if lies_on_its_side(found):
            turns, picture = 1, _turned(page, 1)
            found = self._text.find_lines(picture, TEXT_SIDE)
        if is_upside_down(self._text, picture, found):
            turns += 2
            picture = _turned(page, turns)
            found = self._text.find_lines(picture, TEXT_SIDE)
        return _page_text(self._text.read_lines(picture, found), picture, turns)


def _page_text(lines: Sequence[TextLine], picture: Rgb, turns: int) -> PageText:
    slope = _slopes(lines)
    fields = {}
    for name, labels in LABELS.items():
        text, value = _beside(lines, labels, slope)
        if value:
            box = _unturned(_shares(_around([line.box for line in value]), picture), turns)
            fields[name] = FormField(text, min(line.confidence for line in value), box)
    return PageText(
        lines=tuple(line.text for line in lines),
        sure_lines=sum(line.confidence >= 0.9 and len(line.text) > 1 for line in lines),
        fields=fields,
        has_title=any(TITLE in plain_text(line.text) for line in lines),
        quarter_turns=turns % 4,
    )


def _slopes(lines: Sequence[TextLine]) -> Callable[[float], float]:
    """How much a line of print at a given height of the picture falls to the right: on a leaning page not the same everywhere."""
    long = [line for line in lines if line.right[0] - line.left[0] > 3 * _print_height(line)]
    heights = np.array([_middle(line)[1] for line in long])
    falls = np.array([(line.right[1] - line.left[1]) / (line.right[0] - line.left[0]) for line in long])
    # of the nearest lines the median: what is read in a seal or a signature lies any way
    return lambda y: float(np.median(falls[np.argsort(np.abs(heights - y))[:7]])) if long else 0.0


def _beside(
    lines: Sequence[TextLine], labels: Sequence[str], slope: Callable[[float], float]
) -> tuple[str, list[TextLine]]:
    """What stands behind a label: the rest of its own line, else what is on a level with it to its right.

    A value of two lines has its label in the middle: neither is on a level, both are half a line away.
    """
    for label in lines:
        text = plain_text(label.text)
        found = next((one for one in labels if text.startswith(one)), None)
        if found is None:
            continue
        rest = text.removeprefix(found).lstrip(":：")
        if len(rest) > 1:
            return rest, [label]
        x, y = _middle(label)
        height = max(
            label.height - abs(label.right[1] - label.left[1]), 1.0
        )  # a slanted line's box is higher than its print
        right = [line for line in lines if line is not label and line.left[0] >= label.right[0] - height]
        off = {id(line): (_middle(line)[1] - y - slope(y) * (_middle(line)[0] - x)) / height for line in right}
        level = [line for line in right if abs(off[id(line)]) <= 0.5]
        value = level or [line for line in right if abs(off[id(line)]) <= 1.2]
        value.sort(key=lambda line: (round(off[id(line)]) if not level else 0, line.left[0]))
        return "".join(plain_text(line.text) for line in value), value
    return "", []


def _print_height(line: TextLine) -> float:
    """Pixels; the box of a slanted line is higher than its print."""
    return max(line.height - abs(line.right[1] - line.left[1]), 1.0)


def _middle(line: TextLine) -> tuple[float, float]:
    return (line.left[0] + line.right[0]) / 2, (line.left[1] + line.right[1]) / 2


def plain_text(text: str) -> str:
    """Half-width (NFKC) and without blanks."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def _turned(picture: Rgb, turns: int) -> Rgb:
    return np.ascontiguousarray(np.rot90(picture, turns))


def _around(boxes: Sequence[Box]) -> Box:
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _shares(box: tuple[float, ...], picture: Rgb) -> PageBox:
    height, width = picture.shape[:2]
    left, top, right, bottom = np.clip(np.array(box) / (width, height, width, height), 0, 1).tolist()
    return left, top, right, bottom


def _unturned(box: PageBox, turns: int) -> PageBox:
    """The same place on the page as it was sent. np.rot90: the point (x, y) came from (1 - y, x)."""
    left, top, right, bottom = box
    for _ in range(turns % 4):
        left, top, right, bottom = 1 - bottom, left, 1 - top, right
    return left, top, right, bottom


def form_reader() -> FormReader:
    """Reads with this process's models. Never call it before a fork. Raises weights.MissingModel."""
    return FormReader(document_reader().text)
