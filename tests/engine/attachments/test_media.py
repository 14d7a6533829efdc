"""What an upload may be: found from its bytes, refused with a code before anything is stored."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
import time
import zlib
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from engine.attachments.media import (
    DOCUMENT_TYPES,
    HEIC,
    JPEG,
    PDF,
    PHOTO_TYPES,
    PNG,
    WEBP,
    InvalidUpload,
    Upload,
    inspect_upload,
)
from engine.attachments.pdf import PdfRefused, draw_pages_as_png

pillow_heif.register_heif_opener()
ROOT = Path(__file__).resolve().parents[3]


def a_picture(width: int = 64, height: int = 48) -> Image.Image:
    """Noise: nothing a codec could leave out, so that cutting the file cuts the picture."""
    return Image.effect_noise((width, height), 90).convert("RGB")


def a_file(format: str, picture: Image.Image | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    (picture or a_picture()).save(buffer, format, **options)
    return buffer.getvalue()


def a_png_naming(width: int, height: int, data: bytes) -> bytes:
    """A one-bit grey PNG whose header names any size, with `data` compressed as its pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 0, 0, 0, 0])
    pixels = chunk(b"IDAT", zlib.compress(data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def refused(content: bytes, allowed: frozenset[str] = DOCUMENT_TYPES) -> str:
    with pytest.raises(InvalidUpload) as caught:
        inspect_upload(content, allowed)
    assert any("一" <= letter <= "鿿" for letter in caught.value.message), "the message is Chinese"
    return caught.value.code


@pytest.mark.parametrize(("format", "media_type"), [("JPEG", JPEG), ("PNG", PNG), ("WEBP", WEBP), ("HEIF", HEIC)])
def test_a_photo_is_known_by_its_content(format, media_type):
    content = a_file(format)

    found = inspect_upload(content, PHOTO_TYPES)

    assert found == Upload(media_type, 64, 48, 1)


@pytest.mark.parametrize("mode", ["lossy", "lossless", "alpha"])
def test_every_kind_of_webp_header_gives_its_size(mode):
    picture = a_picture().convert("RGBA") if mode == "alpha" else a_picture()
    content = a_file("WEBP", picture, lossless=mode == "lossless", exif=b"" if mode != "alpha" else b"Exif\0\0")

    found = inspect_upload(content)

    assert (found.width, found.height) == (64, 48)


@pytest.mark.parametrize(("orientation", "size"), [(1, (64, 48)), (3, (64, 48)), (6, (48, 64)), (8, (48, 64))])
def test_the_size_is_that_of_the_upright_photo(orientation, size):
    exif = Image.Exif()
    exif[0x0112] = orientation

    found = inspect_upload(a_file("JPEG", exif=exif))

    assert (found.width, found.height) == size


def test_damaged_exif_does_not_refuse_a_whole_photo():
    content = a_file("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xee" * 40)

    found = inspect_upload(content)

    assert found == Upload(JPEG, 64, 48, 1)


def test_a_phone_jpeg_with_a_second_picture_inside_is_a_jpeg():
    content = a_file("MPO", save_all=True, append_images=[a_picture()])

    found = inspect_upload(content)

    assert found == Upload(JPEG, 64, 48, 1)


def test_a_pdf_is_taken_where_documents_are():
    content = a_file("PDF", save_all=True, append_images=[a_picture()] * 9)

    found = inspect_upload(content, DOCUMENT_TYPES)

    assert found == Upload(PDF, None, None, 10)


def test_a_pdf_of_eleven_pages_is_refused():
    content = a_file("PDF", save_all=True, append_images=[a_picture()] * 10)

    assert refused(content) == "upload.too_many_pages"


def test_a_pdf_sent_as_a_photo_is_refused():
    content = a_file("PDF")  # whatever it is named: names are never looked at

    assert refused(content, PHOTO_TYPES) == "upload.wrong_type"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gif", a_file("GIF")),
        ("svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        ("html", b"<!doctype html><title>x</title>"),
        ("tiff", a_file("TIFF")),
        ("avif", a_file("AVIF")),
        ("zip", b"PK\x03\x04" + bytes(100)),
        ("random", os.urandom(4096)),
        ("one byte", b"\xff"),
    ],
)
def test_a_type_nobody_takes_is_refused(name, content):
    assert refused(content) == "upload.unknown_type", name


def test_an_empty_file_is_refused():
    assert refused(b"") == "upload.empty"


def test_ten_megabytes_are_taken_and_one_byte_more_is_not():
    whole = a_file("JPEG")
    padding = 10 * 1024 * 1024 - len(whole)

    found = inspect_upload(whole + bytes(padding))

    assert found.media_type == JPEG
    assert refused(whole + bytes(padding + 1)) == "upload.too_large"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "HEIF", "PDF"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.97])
def test_a_truncated_file_is_refused(format, kept):
    whole = a_file(format, a_picture(320, 240))

    code = refused(whole[: int(len(whole) * kept)])

    assert code == "upload.damaged"


@pytest.mark.parametrize(
    "head", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 ", b"\0\0\0 ftypheic", b"%PDF-1.7"]
)
def test_random_bytes_behind_a_good_beginning_are_refused(head):
    content = head + os.urandom(5000)

    code = refused(content)

    assert code in {"upload.damaged", "upload.too_many_pixels"}


def test_png_pixels_that_fail_their_checksum_are_refused():
    content = bytearray(a_file("PNG", a_picture(320, 240)))
    middle = len(content) // 2
    content[middle : middle + 4] = bytes(value ^ 0x55 for value in content[middle : middle + 4])

    assert refused(bytes(content)) == "upload.damaged"


@pytest.mark.parametrize("format", ["PNG", "WEBP", "HEIF"])
def test_moving_or_stacked_pictures_are_refused(format):
    content = a_file(format, save_all=True, append_images=[a_picture()])

    assert refused(content) == "upload.animated"


@pytest.mark.parametrize(("width", "height"), [(12_000, 12_000), (100_000, 100_000), (40_000_001, 1)])
def test_too_many_pixels_are_refused_from_the_header_alone(width, height):
    content = a_png_naming(width, height, bytes(1000))

    started = time.perf_counter()
    code = refused(content)

    assert code == "upload.too_many_pixels"
    assert time.perf_counter() - started < 0.5


def test_a_webp_canvas_is_checked_before_it_is_allocated():
    content = bytearray(a_file("WEBP", lossless=True))
    content[21:25] = (16382 | 16382 << 14).to_bytes(4, "little")

    assert refused(bytes(content)) == "upload.too_many_pixels"


def test_a_jpeg_that_asks_for_thousands_of_passes_is_refused():
    whole = a_file("JPEG", progressive=True)
    last_scan = whole[whole.rindex(b"\xff\xda") : -2]

    code = refused(whole[:-2] + last_scan * 2000 + b"\xff\xd9")

    assert code == "upload.damaged"


def test_the_largest_picture_allowed_and_a_bomb_stay_within_bounded_memory():
    script = textwrap.dedent("""
        import re, zlib
        from pathlib import Path
        from engine.attachments.media import InvalidUpload, inspect_upload
        def chunk(kind, body):
            return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        def png(width, height, depth, colour, size):
            header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, colour, 0, 0, 0])
            packer = zlib.compressobj(1)
            pixels = b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()
            start = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", header)
            return start + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
        largest = png(8000, 5000, 16, 6, (8000 * 8 + 1) * 5000 + (1 << 20))
        bomb = png(100, 100, 8, 2, 2 << 30)
        def peak():  # not getrusage: its figure is inherited from the process that started this one
            return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
        before = peak()
        print(inspect_upload(largest).width)
        try:
            print(inspect_upload(bomb).width)
        except InvalidUpload as refused:
            print(refused.code)
        print(peak() - before)
    """)

    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    width, bomb, megabytes = done.stdout.split()

    assert width == "8000"
    assert bomb in {"100", "upload.damaged"}  # two gigabytes of zeros behind 100 x 100 pixels are not unpacked
    assert 100 < int(megabytes) < 400  # the decoded pixels alone are 160 MB
    assert time.perf_counter() - started < 60


def test_drawn_pdf_pages_have_the_asked_size_whatever_the_page_says():
    huge_page = a_file("PDF", a_picture(2000, 1000), resolution=1.0)  # 2000 inches wide

    pages = draw_pages_as_png(huge_page, max_pages=10, long_side=800)

    assert [Image.open(io.BytesIO(page)).size for page in pages] == [(800, 400)]


def test_only_the_first_pages_of_a_pdf_are_drawn():
    content = a_file("PDF", save_all=True, append_images=[a_picture()] * 4)

    pages = draw_pages_as_png(content, max_pages=2, long_side=100)

    assert len(pages) == 2


def test_a_pdf_that_wants_gigabytes_ends_its_child_process_only():
    content = a_pdf_drawing(zlib.compress(b"0 0 m 1 1 l S\n" * 12_000_000))

    with pytest.raises(PdfRefused):
        draw_pages_as_png(content, max_pages=1, long_side=100)


def a_pdf_drawing(commands: bytes) -> bytes:
    """A PDF of one page whose drawing commands are `commands` (zlib)."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(commands), commands),
    ]
    body = b"".join(b"%d 0 obj%b endobj\n" % (number, text) for number, text in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R/Size 5>>\n%%EOF"
