"""A photographed document becomes fields: find the card, lay it flat, turn it upright, read, check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

import cv2
import numpy as np
from numpy.typing import NDArray

from config import load_settings
from tasks.vision.card import CARD_HEIGHT, CARD_WIDTH, Quadrilateral, find_card, flatten, shrink
from tasks.vision.consistency import field_warnings
from tasks.vision.documents import is_residence_permit, read_other
from tasks.vision.fields import Field, read_back, read_front
from tasks.vision.layout import BACK, FRONT, Sighting, best_sighting, corners_from_labels, misfit, other_document
from tasks.vision.ocr import Box, Corners, TextLine, TextReader, cut_strip
from tasks.vision.quality import photo_warnings, sharpness

AUTO = "auto"
RESIDENCE_PERMIT = "residence_permit"
MISPLACED_PX = (
    16  # a label further than this from its place: the card was not laid flat well, do it again by the labels
)
PORTRAIT_PX = 150  # "text" taller than this on a flattened card is the portrait or the emblem

Rgb = NDArray[np.uint8]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PageReading:
    """What one picture says.

    kind: what it shows (`resident_id_front`, …), "unknown" when nothing known. fields: name → Field, boxes on rectified_rgb.
    warnings: codes of docs/warnings.md. rectified_rgb: (640, 1016, 3) uint8, or the whole picture where no card was found.
    is_rectified: whether a card was found and laid flat. sharpness: Laplacian variance of rectified_rgb.
    """

    kind: str
    fields: Mapping[str, Field]
    warnings: tuple[str, ...]
    rectified_rgb: Rgb
    is_rectified: bool
    sharpness: float


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at the photograph, upright: a flattened card or all of it, with what was read there.

    to_photo: 3 × 3, from the picture's coordinates to the photograph's.
    """

    picture: Rgb
    to_photo: Matrix
    is_flat: bool
    lines: list[TextLine]
    sighting: Sighting | None
    was_turned: bool

    @property
    def is_good(self) -> bool:
        return (
            self.sighting is not None
            and self.is_flat
            and self.sighting.share >= 0.5
            and misfit(self.sighting) <= MISPLACED_PX
        )

    @property
    def merit(self) -> float:
        if self.sighting is None:
            return 0.0
        return self.sighting.share - (min(misfit(self.sighting), 200) / 400 if self.is_flat else 0.6)


class DocumentReader:
    """Reads pictures one at a time. Holds the models: one a process, used by one thread."""

    def __init__(self, text: TextReader) -> None:
        self._text = text
        self.name = text.name

    def read(self, photo_rgb: Rgb, kind: str = AUTO, *, today: date) -> PageReading:
        """photo_rgb: (H, W, 3) uint8, RGB. kind: what the picture ought to show, `auto` for any document.

        Reads whatever it shows; where that is not `kind` the warnings say so.
        """
        photo = shrink(photo_rgb)
        outline = find_card(photo)
        view = self._best_view(photo, outline)
        if view.sighting is None:
            return self._read_other(view, outline, kind, today)
        return self._read_resident_id(view, view.sighting.kind, outline, kind, today)

    def _read_resident_id(
        self, view: View, shown: str, outline: Quadrilateral | None, kind: str, today: date
    ) -> PageReading:
        read = read_front if shown == FRONT else read_back
        found = read(view.lines, lambda box: self._text.read_strip(_crop(view.picture, box))) if view.is_flat else {}
        warnings = photo_warnings(view.picture, outline) + field_warnings(shown, found, view.lines, today)
        if "id_number" in found and is_residence_permit(found["id_number"].value):
            shown, warnings = RESIDENCE_PERMIT, [code for code in warnings if code != "field_missing.ethnicity"]
        if kind not in (AUTO, shown):
            warnings.append("wrong_side" if {kind, shown} == {FRONT, BACK} else "wrong_document")
        return _page(shown, found, warnings, view)

    def _read_other(self, view: View, outline: Quadrilateral | None, kind: str, today: date) -> PageReading:
        warnings = photo_warnings(view.picture, outline)
        shown = other_document(view.lines)
        if shown is None:
            is_blurred_card = outline is not None and "blurred" in warnings
            return _page("unknown", {}, [*warnings, "unreadable" if is_blurred_card else "not_a_document"], view)
        found, faults = read_other(shown, view.lines, today)
        if kind not in (AUTO, shown):
            faults.append("wrong_document")
        return _page(shown, found, warnings + faults, view)

    def _best_view(self, photo: Rgb, outline: Quadrilateral | None) -> View:
        """The flattened card if its labels are where they belong; else flattened again by the labels; else all of it."""
        views = []
        if outline is not None:
            views.append(self._look(photo, outline.corners))
            if views[-1].is_good:
                return views[-1]
        if not views or views[-1].sighting is None:
            views.append(self._look(photo, None))
        for _ in range(2):  # the labels' positions are known better once the card is nearly flat
            corners = corners_from_labels(views[-1].sighting) if views[-1].sighting else None
            if corners is None:
                break
            views.append(self._look(photo, _carry(corners, views[-1].to_photo)))
            if views[-1].is_good:
                break
        return max(views, key=lambda view: view.merit)

    def _look(self, photo: Rgb, corners: Corners | None) -> View:
        if corners is None:
            picture, to_photo = photo, np.eye(3)
        else:
            picture, to_photo = flatten(photo, corners), _unflattening(corners)
        found = [c for c in self._text.find_lines(picture) if corners is None or _extent(c)[1] < PORTRAIT_PX]
        turns, lines = self._read_upright(picture, found)
        height, width = picture.shape[:2]
        picture = np.ascontiguousarray(np.rot90(picture, turns))
        to_photo = to_photo @ _unturning(turns, width, height)
        return View(picture, to_photo, corners is not None, lines, best_sighting(lines), turns != 0)

    def _read_upright(self, picture: Rgb, found: Sequence[Corners]) -> tuple[int, list[TextLine]]:
        """Quarter turns (counter-clockwise) that make the text upright, and the lines in the turned picture."""
        longest = sorted(found, key=lambda corners: -max(_extent(corners)))[:3]
        tall = [height > 1.5 * width for width, height in map(_extent, longest)]
        turns = 1 if sum(tall) * 2 > len(tall) else 0
        probes = [cut_strip(picture, corners) for corners in longest]
        upright = sum(self._text.read_strip(strip)[1] for strip in probes)
        if probes and upright < 0.8 * len(probes):
            upside_down = sum(self._text.read_strip(np.rot90(strip, 2))[1] for strip in probes)
            turns += 2 if upside_down > upright else 0
        turned = np.ascontiguousarray(np.rot90(picture, turns))
        height, width = picture.shape[:2]
        return turns, self._text.read_lines(turned, [_turn(corners, turns, width, height) for corners in found])


def read_document(photo_rgb: Rgb, kind: str = AUTO, *, today: date | None = None) -> PageReading:
    """`DocumentReader.read` with this process's own reader, made at the first call. today: default, the local date."""
    return document_reader().read(photo_rgb, kind, today=today or datetime.now(ZoneInfo("Asia/Shanghai")).date())


@cache
def document_reader() -> DocumentReader:
    """The reader of this process. Never call it before a fork. Raises weights.MissingModel."""
    settings = load_settings()
    return DocumentReader(TextReader(settings.ocr_model_dir, settings.var_dir / "models" / "ocr"))


def _page(kind: str, found: Mapping[str, Field], warnings: list[str], view: View) -> PageReading:
    if view.was_turned:
        warnings = [*warnings, "turned"]
    return PageReading(kind, found, tuple(dict.fromkeys(warnings)), view.picture, view.is_flat, sharpness(view.picture))


def _crop(picture: Rgb, box: Box) -> Rgb:
    left, top, right, bottom = box
    return picture[max(top, 0) : bottom, max(left, 0) : right]


def _extent(corners: Corners) -> tuple[float, float]:
    """Width and height of a slanted rectangle of text."""
    return float(np.linalg.norm(corners[1] - corners[0])), float(np.linalg.norm(corners[3] - corners[0]))


def _unflattening(corners: Corners) -> Matrix:
    flat = np.array([[0, 0], [CARD_WIDTH, 0], [CARD_WIDTH, CARD_HEIGHT], [0, CARD_HEIGHT]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(flat, np.asarray(corners, np.float32)), np.float64)


def _carry(corners: Corners, matrix: Matrix) -> Corners:
    return np.asarray(cv2.perspectiveTransform(corners[None].astype(np.float64), matrix)[0], np.float32)


def _unturning(turns: int, width: int, height: int) -> Matrix:
    """From a picture that was turned `turns` times counter-clockwise back to the width × height one before."""
    matrix = np.eye(3)
    for _ in range(turns % 4):
        # np.rot90: the point (x, y) came from (width - y, x)
        matrix = matrix @ np.array([[0, -1, width], [1, 0, 0], [0, 0, 1]], np.float64)
        width, height = height, width
    return matrix


def _turn(corners: Corners, turns: int, width: int, height: int) -> Corners:
    """Corners of a line in the turned picture, again clockwise from the text's top left."""
    if turns % 4 == 0:
        return corners
    moved = _carry(corners, np.linalg.inv(_unturning(turns, width, height)))
    middle = moved.mean(axis=0)
    ordered = moved[np.argsort(np.arctan2(*(moved - middle).T[::-1]))]  # clockwise from the left, y down
    first = int(np.argmin(ordered.sum(axis=1)))
    return np.asarray(np.roll(ordered, -first, axis=0), np.float32)
