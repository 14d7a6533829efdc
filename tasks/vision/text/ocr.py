"""Text in a picture: PaddleOCR's detection and recognition, one instance a process, one thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.vision.text.fingerprints import sha256_of
from tasks.vision.text.weights import ModelFolder, model_folders

Rgb = NDArray[np.uint8]
Corners = NDArray[np.float32]  # (4, 2), clockwise from the text's top left
Box = tuple[int, int, int, int]  # left, top, right, bottom

# Two workers with one thread each read 4.2 cards a second on two cores, with the default threads 2.7.
ONE_THREAD = {"intra_op_num_threads": 1, "inter_op_num_threads": 1, "enable_cpu_mem_arena": False}

# The detector's cost grows with the area: 0.50 cpu s at 960, 0.14 at 512, where a card's text is still 19 pixels high.
DETECTION_SIDE = 512


@dataclass(frozen=True, slots=True)
class TextLine:
    """One run of text. confidence: the recogniser's mean, 0-1. box: its bounds in the picture.

    left, right: (x, y) of the middles of its two ends, which lie on a slant where the picture does.
    """

    text: str
    confidence: float
    box: Box
    left: tuple[float, float]
    right: tuple[float, float]

    @property
    def middle_y(self) -> float:
        return (self.box[1] + self.box[3]) / 2

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]


class TextReader:
    """The two models. Make it after the fork, use it from one thread: shared instances have mixed up callers' texts.

    model_dir: OCR_MODEL_DIR or None for the shipped weights. cache_dir: a folder this process may write. models: SHA-256 of
    the weights by name.
    Raises weights.MissingModel.
    """

    def __init__(self, model_dir: Path | None, cache_dir: Path) -> None:
        import cv2
        from paddleocr import TextDetection, TextRecognition

        cv2.setNumThreads(1)
        detection, recognition = model_folders(model_dir, cache_dir)
        self.name = f"paddleocr-3.7 {recognition.name}"
        self.models = {folder.name: sha256_of(folder.weights) for folder in (detection, recognition)}
        self._detection = TextDetection(limit_side_len=DETECTION_SIDE, limit_type="max", **_options(detection))
        self._recognition = TextRecognition(**_options(recognition))

    def find_lines(self, picture_rgb: Rgb, side: int = DETECTION_SIDE) -> list[Corners]:
        """Quadrilaterals of text, in no particular order. side: pixels of the longer side at which text is looked for."""
        found = self._detection.predict(picture_rgb[..., ::-1], batch_size=1, limit_side_len=side)[0]
        return [np.asarray(polygon, np.float32) for polygon in found["dt_polys"]]

    def read_strip(self, strip_rgb: Rgb) -> tuple[str, float]:
        """Text and mean confidence of a strip that holds one line, left to right."""
        found = self._recognition.predict(np.ascontiguousarray(strip_rgb[..., ::-1]), batch_size=1)[0]
        return str(found["rec_text"]), float(found["rec_score"])

    def read_lines(self, picture_rgb: Rgb, quadrilaterals: Sequence[Corners]) -> list[TextLine]:
        """The text in each of `quadrilaterals`, top to bottom, then left to right. Those without text are left out."""
        lines = []
        for corners in quadrilaterals:
            text, confidence = self.read_strip(cut_strip(picture_rgb, corners))
            if text.strip():
                lines.append(_line(text.strip(), confidence, corners))
        return sorted(lines, key=lambda line: (line.box[1], line.box[0]))


def cut_strip(picture_rgb: Rgb, corners: Corners) -> Rgb:
    """The quadrilateral straightened; a strip much taller than wide is turned to lie."""
    import cv2

    width = max(int(np.linalg.norm(corners[0] - corners[1])), int(np.linalg.norm(corners[3] - corners[2])), 1)
    height = max(int(np.linalg.norm(corners[0] - corners[3])), int(np.linalg.norm(corners[1] - corners[2])), 1)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    warp = cv2.getPerspectiveTransform(corners, flat)
    strip = cv2.warpPerspective(
        picture_rgb, warp, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    if height >= 1.8 * width:
        strip = np.rot90(strip)
    return np.ascontiguousarray(strip, np.uint8)


def _line(text: str, confidence: float, corners: Corners) -> TextLine:
    left, top = np.floor(corners.min(axis=0)).astype(int)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int)
    start, end = (corners[0] + corners[3]) / 2, (corners[1] + corners[2]) / 2
    return TextLine(
        text,
        confidence,
        (int(left), int(top), int(right), int(bottom)),
        (float(start[0]), float(start[1])),
        (float(end[0]), float(end[1])),
    )


def _options(model: ModelFolder) -> dict[str, Any]:  # Any: PaddleOCR's keyword arguments
    threads = ONE_THREAD if model.engine == "onnxruntime" else {"cpu_threads": 1}
    return {
        "model_name": model.name,
        "model_dir": str(model.path),
        "engine": model.engine,
        "engine_config": threads,
        "device": "cpu",
    }
