"""The baseline of benchmarks/reading.py: tesseract's lines on a rectified card, given to the same parser."""

from __future__ import annotations

import csv
import io
import os
import resource
import subprocess
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.vision.documents.fields import read_back, read_front
from tasks.vision.documents.layout import FRONT
from tasks.vision.text.ocr import Box, TextLine

Rgb = NDArray[np.uint8]
SPARSE_TEXT, SINGLE_LINE = "11", "7"  # page segmentation modes
GAP_PX = 60  # words further apart are separate lines: label and value, sex and ethnicity


def read_with_tesseract(card_rgb: Rgb, side: str) -> tuple[dict[str, str], float]:
    """Fields by name, and the cpu seconds tesseract took. card_rgb: (640, 1016, 3), upright."""
    before = _children_cpu_s()
    read = read_front if side == FRONT else read_back
    fields = read(_lines(card_rgb, SPARSE_TEXT), lambda box: _strip(card_rgb, box))
    return {name: field.value for name, field in fields.items()}, _children_cpu_s() - before


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _strip(card_rgb: Rgb, box: Box) -> tuple[str, float]:
    left, top, right, bottom = box
    lines = _lines(card_rgb[top:bottom, left:right], SINGLE_LINE)
    if not lines:
        return "", 0.0
    return "".join(line.text for line in lines), min(line.confidence for line in lines)


def _lines(picture_rgb: Rgb, mode: str) -> list[TextLine]:
    """Words on one line and near each other joined. confidence: the least of the words'."""
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture_rgb)).save(content, "PNG")
    command = ["tesseract", "-", "-", "-l", "chi_sim", "--psm", mode, "--dpi", "300", "tsv"]
    run = subprocess.run(
        command, input=content.getvalue(), capture_output=True, check=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"}
    )
    rows = csv.DictReader(io.StringIO(run.stdout.decode("utf-8")), delimiter="\t", quoting=csv.QUOTE_NONE)
    words = defaultdict(list)
    for row in rows:
        if row["level"] == "5" and row["text"].strip():
            left, top, width, height = (int(row[key]) for key in ("left", "top", "width", "height"))
            box = left, top, left + width, top + height
            words[row["block_num"], row["par_num"], row["line_num"]].append(
                (box, row["text"].strip(), float(row["conf"]))
            )
    return [line for group in words.values() for line in _joined(sorted(group))]


def _joined(words: list[tuple[Box, str, float]]) -> list[TextLine]:
    runs: list[list[tuple[Box, str, float]]] = []
    for word in words:
        if runs and word[0][0] - runs[-1][-1][0][2] < GAP_PX:
            runs[-1].append(word)
        else:
            runs.append([word])
    return [_line(run) for run in runs]


def _line(run: list[tuple[Box, str, float]]) -> TextLine:
    boxes = [box for box, _, _ in run]
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    right, bottom = max(b[2] for b in boxes), max(b[3] for b in boxes)
    middle = (top + bottom) / 2
    text = "".join(text for _, text, _ in run)
    # tesseract's words are rated far lower than PaddleOCR's lines: 0.4 lifts them over the same thresholds
    confidence = min(1.0, 0.4 + min(conf for _, _, conf in run) / 100)
    return TextLine(text, confidence, (left, top, right, bottom), (left, middle), (right, middle))
