"""What is no photographed document: `document.read` answers with a code or warnings, and the worker lives on."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw
from skimage import data

from engine.attachments.media import find_media_type
from engine.errors import BusinessError
from engine.services.registry import StoredFile, find_service_task
from tasks.vision import cli, service_tasks  # noqa: F401  # declares the tasks
from tasks.vision.service_tasks import DocumentReadParameters
from tools.cards.lettering import font

ROOT = Path(__file__).resolve().parents[4]
REFUSALS = {"not_a_document", "unreadable"}


@dataclass
class CaseWithFiles:
    """A JobContext whose attachments are given bytes."""

    files: dict[str, bytes]
    case_id: str = "case"
    started_by: str = "account"
    idempotency_key: str = "key"
    now: datetime = field(default_factory=lambda: datetime(2026, 6, 1, tzinfo=UTC))

    def read_attachment(self, attachment_id: str) -> StoredFile:
        content = self.files[attachment_id]
        return StoredFile(content, find_media_type(content) or "application/octet-stream")

    def add_attachment(self, content: bytes, media_type: str, kind: str) -> str:
        self.files[f"added-{len(self.files)}"] = content
        return f"added-{len(self.files) - 1}"


@pytest.fixture(scope="module", autouse=True)
def own_folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VAR_DIR", str(tmp_path_factory.mktemp("var")))
        environment.delenv("OCR_MODEL_DIR", raising=False)
        yield


def read(front: bytes, back: bytes) -> dict:
    task = find_service_task("document.read")
    context = CaseWithFiles({"front": front, "back": back})
    return task.run(DocumentReadParameters(document_type="resident_id", pages=["front", "back"]), context).model_dump()


def a_file(picture: Image.Image | np.ndarray, format: str = "PNG", **options: object) -> bytes:
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def a_drawn_cat() -> Image.Image:
    picture = Image.new("RGB", (1200, 900), (120, 160, 110))
    draw = ImageDraw.Draw(picture)
    for side in (-1, 1):
        draw.polygon([(600 + side * 210, 330), (600 + side * 230, 90), (600 + side * 60, 250)], fill=(90, 80, 74))
    draw.ellipse((360, 200, 840, 680), fill=(104, 92, 84))
    draw.ellipse((400, 560, 800, 980), fill=(104, 92, 84))
    for side in (-1, 1):
        eye = 600 + side * 100
        draw.ellipse((eye - 50, 360, eye + 50, 440), fill=(196, 210, 90))
        draw.ellipse((eye - 12, 362, eye + 12, 438), fill=(10, 10, 10))
        for whisker in (-20, 0, 20):
            draw.line((600 + side * 40, 520, 600 + side * 330, 520 + whisker * 2), fill=(240, 240, 240), width=3)
    draw.polygon([(570, 480), (630, 480), (600, 515)], fill=(200, 120, 130))
    return picture


def a_page_of_text() -> Image.Image:
    """A full page with every word a card has, none where a card has it."""
    rng = random.Random(8)
    picture = Image.new("RGB", (1600, 1600), "white")
    draw, letters = ImageDraw.Draw(picture), font(18)
    for y in range(0, 1600, 22):
        line = "".join(rng.choice("姓名性别民族出生住址公民身份号码有效期限签发机关0123456789") for _ in range(88))
        draw.text((0, y), line, fill="black", font=letters)
    return picture


NOISE = np.random.default_rng(9)
NO_DOCUMENT = {
    "a photographed cat": data.chelsea(),
    "a drawn cat": a_drawn_cat(),
    "an astronaut": data.astronaut(),
    "black": np.zeros((1000, 1500, 3), np.uint8),
    "white": np.full((1000, 1500, 3), 255, np.uint8),
    "noise": NOISE.integers(0, 255, (1000, 1500, 3)).astype(np.uint8),
    "an empty card": np.pad(
        np.full((600, 950, 3), 240, np.uint8), ((150, 150), (170, 180), (0, 0)), constant_values=90
    ),
    "a page of text": a_page_of_text(),
    "one pixel": np.zeros((1, 1, 3), np.uint8),
    "a line across": np.zeros((1, 3000, 3), np.uint8),
    "a line down": np.zeros((3000, 1, 3), np.uint8),
    "a ribbon": NOISE.integers(0, 255, (60, 20_000, 3)).astype(np.uint8),
}


@pytest.mark.parametrize("name", NO_DOCUMENT)
def test_a_picture_of_something_else_is_no_document_and_gives_no_fields(name):
    content = a_file(NO_DOCUMENT[name])

    started = time.process_time()
    result = read(content, content)
    seconds = time.process_time() - started

    assert result["fields"] == {}
    assert REFUSALS & set(result["warnings"])
    assert all(page["kind"] == "unknown" for page in result["pages"])
    assert seconds < 20, "two pages, the models' loading included"


GOOD = a_file(a_drawn_cat(), "JPEG")
UNREADABLE = {
    "nothing": b"",
    "a truncated jpeg": GOOD[: len(GOOD) // 2],
    "12,000 x 12,000 pixels": a_file(Image.new("1", (12_000, 12_000))),
    "a gif": a_file(a_drawn_cat(), "GIF"),
    "an svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "random bytes": os.urandom(5000),
    "random bytes that begin as a jpeg": b"\xff\xd8\xff\xe0" + os.urandom(5000),
    "a broken pdf": b"%PDF-1.7\n" + os.urandom(500),
    "a moving png": a_file(a_drawn_cat(), save_all=True, append_images=[a_drawn_cat().rotate(5)]),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_is_no_photo_is_a_business_error(name):
    started = time.process_time()
    with pytest.raises(BusinessError) as refused:
        read(UNREADABLE[name], GOOD)

    assert refused.value.code == "document.unreadable_file"
    assert refused.value.code in find_service_task("document.read").errors
    assert time.process_time() - started < 5


def test_a_pdf_page_is_read_like_a_photo():
    content = a_file(a_page_of_text(), "PDF")

    result = read(content, content)

    assert REFUSALS & set(result["warnings"])


def test_the_reader_still_reads_after_all_of_them():
    from tools.cards.people import make_person
    from tools.cards.resident_id import draw_back, draw_front

    person = make_person(random.Random(12))
    pages = [
        np.pad(side(person), ((150, 150), (170, 180), (0, 0)), constant_values=70) for side in (draw_front, draw_back)
    ]

    result = read(a_file(pages[0]), a_file(pages[1]))

    assert result["fields"]["id_number"] == person.id_number
    assert not REFUSALS & set(result["warnings"])


def test_the_command_gives_a_line_for_every_file_bad_or_good(tmp_path):
    names = ["nothing", "a truncated jpeg", "a gif", "random bytes"]
    paths = [tmp_path / f"{number}.jpg" for number in range(len(names))]
    for name, path in zip(names, paths, strict=True):
        path.write_bytes(UNREADABLE[name])
    cat, missing = tmp_path / "cat.jpg", tmp_path / "missing.jpg"
    cat.write_bytes(GOOD)

    done = CliRunner().invoke(cli.read_document, [*map(str, [*paths, missing, cat]), "--json"])
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.exit_code == 0
    assert [line["file"] for line in lines] == [str(path) for path in [*paths, missing, cat]]
    assert [line.get("error") for line in lines] == ["document.unreadable_file"] * 5 + [None]
    assert REFUSALS & set(lines[-1]["warnings"])


def test_the_largest_photo_allowed_stays_within_bounded_memory(tmp_path):
    rough = NOISE.integers(0, 255, (500, 800, 3)).astype(np.uint8)
    largest = tmp_path / "largest.jpg"
    largest.write_bytes(a_file(Image.fromarray(rough).resize((8000, 5000)), "JPEG", quality=60))
    script = textwrap.dedent(f"""
        import re
        from pathlib import Path
        from click.testing import CliRunner
        from tasks.vision.cli import read_document
        print(CliRunner().invoke(read_document, [{str(largest)!r}, "--json"]).stdout.strip())
        # not getrusage: its figure is inherited from the process that started this one
        print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
    """)

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    line, megabytes = done.stdout.splitlines()[-2:]

    assert REFUSALS & set(json.loads(line)["warnings"])
    assert 200 < int(megabytes) < 1400
