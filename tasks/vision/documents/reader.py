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
from tasks.vision.documents.consistency import field_warnings
from tasks.vision.documents.documents import is_residence_permit, read_other, shown_document
from tasks.vision.documents.fields import Field, read_back, read_front
from tasks.vision.documents.layout import (
    BACK,
    FRONT,
    NUMBER_END,
    Sighting,
    best_sighting,
    corners_from_labels,
    misfit,
    split_at_label,
)
from tasks.vision.pictures.card import CARD_CORNERS, find_card, flatten, shrink
from tasks.vision.pictures.quality import GLARE_SHARE, frame_warnings, glare_share, is_blurred, sharpness
from tasks.vision.pictures.upright import extent, is_upside_down, lies_on_its_side
from tasks.vision.text.ocr import Box, Corners, TextLine, TextReader

AUTO = "auto"
UNKNOWN = "unknown"
RESIDENCE_PERMIT = "residence_permit"
MISPLACED_PX = (
    16  # a label further than this from its place: the card was not laid flat well, do it again by the labels
)
SLANTED_PX = 27  # a long line that rises by more over the card's width (1.5°): the same
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

    to_photo: 3 × 3, from the picture's coordinates to the photograph's. other: the kind of document that is no resident ID.
    """

    picture: Rgb
    to_photo: Matrix
    is_flat: bool
    lines: list[TextLine]
    sighting: Sighting | None
    other: str | None
    was_turned: bool

    @property
    def is_good(self) -> bool:
        seen = self.sighting
        if seen is None:
            return self.is_flat and self.other is not None
        return (
            self.is_flat
            and (len(seen.points) >= 3 or NUMBER_END in seen.points)
            and misfit(seen) <= MISPLACED_PX
            and seen.slant_px <= SLANTED_PX
        )

    @property
    def merit(self) -> float:
        if self.sighting is None:
            return 0.0 if self.other is None else 0.5
        off = misfit(self.sighting) + self.sighting.slant_px / 4
        return self.sighting.share - (min(off, 200) / 400 if self.is_flat else 0.6)


@dataclass(frozen=True, slots=True)
class Turned:
    """A picture turned counter-clockwise by so many quarters, with its lines and its way back to the photograph."""

    picture: Rgb
    to_photo: Matrix
    found: Sequence[Corners]
    turns: int


class DocumentReader:
    """Reads pictures one at a time. Holds the models: one a process, used by one thread."""

    def __init__(self, text: TextReader) -> None:
        self.text = text
        self.name = text.name
        self.models = text.models

    def read(self, photo_rgb: Rgb, kind: str = AUTO, *, today: date) -> PageReading:
        """photo_rgb: (H, W, 3) uint8, RGB. kind: what the picture ought to show, `auto` for any document.

        Reads whatever it shows; where that is not `kind` the warnings say so.
        """
        photo = shrink(photo_rgb)
        outline = find_card(photo)
        view = self._best_view(photo, outline)
        corners = _carry(CARD_CORNERS, view.to_photo) if view.is_flat else outline
        framing = [] if corners is None else frame_warnings(corners, photo.shape[1], photo.shape[0])
        if view.sighting is None:
            return self._read_other(view, outline is not None, framing, kind, today)
        return self._read_resident_id(view, view.sighting.kind, framing, kind, today)

    def _read_resident_id(self, view: View, shown: str, framing: list[str], kind: str, today: date) -> PageReading:
        read = read_front if shown == FRONT else read_back
        found = read(view.lines, lambda box: self.text.read_strip(_crop(view.picture, box))) if view.is_flat else {}
        warnings = field_warnings(shown, found, view.lines, today)
        has_permit_number = "id_number" in found and is_residence_permit(found["id_number"].value)
        if has_permit_number or view.other == RESIDENCE_PERMIT:
            not_printed = ("field_missing.ethnicity", "unknown_division")
            shown, warnings = RESIDENCE_PERMIT, [code for code in warnings if code not in not_printed]
        if kind not in (AUTO, shown):
            warnings.append("wrong_side" if {kind, shown} == {FRONT, BACK} else "wrong_document")
        return _page(shown, found, framing + warnings, view)

    def _read_other(self, view: View, has_outline: bool, framing: list[str], kind: str, today: date) -> PageReading:
        shown = view.other
        if shown is None:
            is_soft_card = has_outline and is_blurred(sharpness(view.picture), is_read_surely=False)
            return _page(UNKNOWN, {}, [*framing, "unreadable" if is_soft_card else "not_a_document"], view)
        found, warnings = read_other(shown, view.lines, today)
        if kind not in (AUTO, shown):
            warnings.append("wrong_document")
        return _page(shown, found, framing + warnings, view)

    def _best_view(self, photo: Rgb, outline: Corners | None) -> View:
        """The flattened card if its labels are where they belong; else flattened again by the labels; else all of it."""
        views = []
        if outline is not None:
            views.append(self._look(photo, outline))
            if views[-1].is_good:
                return views[-1]
            views += self._flattened_by_labels(photo, views[-1])
        if not any(view.is_good for view in views):
            views.append(self._look(photo, None))
            views += self._flattened_by_labels(photo, views[-1])
        return max(views, key=lambda view: view.merit)

    def _flattened_by_labels(self, photo: Rgb, view: View) -> list[View]:
        """At most two further views: where the labels lie is known better once the card is nearly flat."""
        views: list[View] = []
        while len(views) < 2 and not view.is_good:
            corners = corners_from_labels(view.sighting) if view.sighting else None
            if corners is None:
                break
            view = self._look(photo, _carry(corners, view.to_photo))
            views.append(view)
        return views

    def _look(self, photo: Rgb, corners: Corners | None) -> View:
        if corners is None:
            picture, to_photo = photo, np.eye(3)
        else:
            picture, to_photo = flatten(photo, corners), _unflattening(corners)
        found = self.text.find_lines(picture)
        if corners is not None:
            found = [c for c in found if extent(c)[1] < PORTRAIT_PX]
        turns = 1 if lies_on_its_side(found) else 0
        view = self._read(_turned(picture, to_photo, found, turns), is_flat=corners is not None)
        if view.sighting is None and view.other is None and is_upside_down(self.text, picture, found):
            view = self._read(_turned(picture, to_photo, found, turns + 2), is_flat=corners is not None)
        return view

    def _read(self, turned: Turned, *, is_flat: bool) -> View:
        found = turned.found
        parts = [part for c in found for part in split_at_label(c)] if is_flat else found
        lines = self.text.read_lines(turned.picture, parts)
        other = shown_document(lines)
        is_laid_out_otherwise = other not in (None, RESIDENCE_PERMIT)
        if is_laid_out_otherwise and len(parts) > len(found):
            lines = self.text.read_lines(turned.picture, found)  # what was divided is no label with its value
        sighting = None if is_laid_out_otherwise else best_sighting(lines)
        return View(turned.picture, turned.to_photo, is_flat, lines, sighting, other, turned.turns != 0)


def read_document(photo_rgb: Rgb, kind: str = AUTO, *, today: date | None = None) -> PageReading:
    """`DocumentReader.read` with this process's own reader, made at the first call. today: default, the local date."""
    return document_reader().read(photo_rgb, kind, today=today or datetime.now(ZoneInfo("Asia/Shanghai")).date())


@cache
def document_reader() -> DocumentReader:
    """The reader of this process. Never call it before a fork. Raises weights.MissingModel."""
    settings = load_settings()
    return DocumentReader(TextReader(settings.ocr_model_dir, settings.var_dir / "models" / "ocr"))


def _page(kind: str, found: Mapping[str, Field], warnings: list[str], view: View) -> PageReading:
    sharp = sharpness(view.picture)
    is_read_surely = kind != UNKNOWN and not any(code.startswith("field_missing.") for code in warnings)
    codes = ["blurred"] if is_blurred(sharp, is_read_surely=is_read_surely) else []
    codes += ["glare"] if view.is_flat and glare_share(view.picture) > GLARE_SHARE else []
    codes += warnings
    codes += ["turned"] if view.was_turned else []
    return PageReading(kind, found, tuple(dict.fromkeys(codes)), view.picture, view.is_flat, sharp)


def _crop(picture: Rgb, box: Box) -> Rgb:
    left, top, right, bottom = box
    return picture[max(top, 0) : bottom, max(left, 0) : right]


def _turned(picture: Rgb, to_photo: Matrix, found: Sequence[Corners], turns: int) -> Turned:
    height, width = picture.shape[:2]
    return Turned(
        np.ascontiguousarray(np.rot90(picture, turns)),
        to_photo @ _unturning(turns, width, height),
        [_turn(corners, turns, width, height) for corners in found],
        turns,
    )


def _unflattening(corners: Corners) -> Matrix:
    return np.asarray(cv2.getPerspectiveTransform(CARD_CORNERS, np.asarray(corners, np.float32)), np.float64)


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
    moved = _carry(corners, np.asarray(np.linalg.inv(_unturning(turns, width, height)), np.float64))
    middle = moved.mean(axis=0)
    ordered = moved[np.argsort(np.arctan2(*(moved - middle).T[::-1]))]  # clockwise from the left, y down
    first = int(np.argmin(ordered.sum(axis=1)))
    return np.asarray(np.roll(ordered, -first, axis=0), np.float32)
