"""The child process of engine/attachments/pdf.py: reads a PDF on stdin, writes a page count or drawn pages on stdout.

Run by path, so it imports nothing of this project.
"""

from __future__ import annotations

import resource
import sys
from io import BytesIO

MAX_MEMORY = 1 << 30
MAX_CPU_S = 50


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import pypdfium2  # after the limits: they hold for it too

    document = pypdfium2.PdfDocument(sys.stdin.buffer.read())
    if len(document) < 1:
        raise SystemExit("no pages")
    if sys.argv[1] == "count":
        sys.stdout.buffer.write(str(len(document)).encode())
        return
    max_pages, long_side = int(sys.argv[2]), int(sys.argv[3])
    for number in range(min(len(document), max_pages)):
        page = document[number]
        # A page may name any size: the scale makes the drawing the same number of pixels whatever it says.
        scale = long_side / max(*page.get_size(), 1.0)
        picture = BytesIO()
        page.render(scale=scale).to_pil().convert("RGB").save(picture, "PNG", compress_level=1)
        sys.stdout.buffer.write(len(picture.getvalue()).to_bytes(4, "big") + picture.getvalue())


if __name__ == "__main__":
    main()
