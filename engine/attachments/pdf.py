"""Pages of an uploaded PDF, counted and drawn by pypdfium2 in a child process with limits on time and memory.

PDFium parses a whole page before it can be interrupted, and a small compressed file can hold gigabytes of drawing
commands; so it never runs inside the web or worker process.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_CHILD = Path(__file__).with_name("pdf_child.py")
COUNT_TIMEOUT_S = 10
DRAW_TIMEOUT_S = 60


class PdfRefused(Exception):
    """PDFium cannot open or draw it: broken, locked by a password, or beyond the limits."""


def count_pages(content: bytes) -> int:
    """Pages of the PDF, at least 1. Raises PdfRefused."""
    answer = _run_child(content, ["count"], COUNT_TIMEOUT_S)
    return int(answer)


def draw_pages_as_png(content: bytes, max_pages: int, long_side: int) -> list[bytes]:
    """The first `max_pages` pages, each a PNG (RGB) whose longer side is `long_side` pixels. Raises PdfRefused."""
    answer = _run_child(content, ["draw", str(max_pages), str(long_side)], DRAW_TIMEOUT_S)
    pages = []
    while answer:
        size = int.from_bytes(answer[:4], "big")
        pages.append(answer[4 : 4 + size])
        answer = answer[4 + size :]
    return pages


def _run_child(content: bytes, arguments: list[str], timeout_s: int) -> bytes:
    # -I: neither the working directory nor the environment decides what the child imports.
    command = [sys.executable, "-I", str(_CHILD), *arguments]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=timeout_s, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as slow:
        raise PdfRefused(f"not done after {timeout_s} s") from slow
    if done.returncode != 0:
        last_line = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise PdfRefused(last_line[:200] or f"child ended with {done.returncode}")
    return done.stdout
