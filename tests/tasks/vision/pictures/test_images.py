"""Decoding: one array, upright, RGB, whatever the camera wrote."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from engine.errors import BusinessError
from tasks.vision.pictures.images import decode_photo, draw_pdf_pages, encode_jpeg, shrink_photo


def a_red_corner(width: int = 80, height: int = 60) -> Image.Image:
    """White with a red top left quarter: shows which way up it is."""
    picture = Image.new("RGB", (width, height), "white")
    picture.paste((255, 0, 0), (0, 0, width // 2, height // 2))
    return picture


def a_file(picture: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def is_red(pixel: np.ndarray) -> bool:
    return bool(pixel[0] > 200 and pixel[1] < 60 and pixel[2] < 60)


# How a camera stores a picture under each orientation: the transposition that exif_transpose undoes.
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_every_exif_orientation_comes_out_upright(orientation, format):
    turn = STORED_AS[orientation]
    stored = a_red_corner() if turn is None else a_red_corner().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation

    photo = decode_photo(a_file(stored, format, exif=exif))

    assert photo.shape == (60, 80, 3)
    assert is_red(photo[10, 10])
    assert not any(is_red(photo[y, x]) for y, x in ((10, 70), (50, 10), (50, 70)))


def test_a_turned_heic_comes_out_upright_once():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = a_red_corner().transpose(Image.Transpose.ROTATE_90)
    stored.info["exif"] = exif.tobytes()  # the encoder writes the turn into the HEIF boxes as well, as phones do

    photo = decode_photo(a_file(stored, "HEIF", quality=95))

    assert photo.shape == (60, 80, 3)
    assert is_red(photo[10, 10])


def sixteen_bits(picture: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 256)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_png_mode_becomes_rgb(mode):
    picture = sixteen_bits(a_red_corner()) if mode == "I;16" else a_red_corner().convert(mode)

    photo = decode_photo(a_file(picture, "PNG"))

    assert (photo.shape, photo.dtype) == ((60, 80, 3), np.uint8)
    assert int(photo[50, 70].min()) > 240, "white stays white"
    assert int(photo[10, 10].min()) < 200, "the corner stays darker"


def test_a_cmyk_jpeg_becomes_rgb():
    photo = decode_photo(a_file(a_red_corner().convert("CMYK"), "JPEG"))

    assert is_red(photo[10, 10])


def test_transparent_pixels_are_white():
    photo = decode_photo(a_file(Image.new("RGBA", (20, 10), (0, 0, 0, 0)), "PNG"))

    assert photo.min() == 255


def test_damaged_exif_leaves_the_pixels():
    content = a_file(a_red_corner(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xee" * 40)

    photo = decode_photo(content)

    assert is_red(photo[10, 10])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        a_file(a_red_corner(), "JPEG")[:400],
        a_file(a_red_corner(), "GIF"),
        a_file(a_red_corner(), "PDF"),
        a_file(Image.new("1", (12_000, 12_000)), "PNG"),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
    ids=["empty", "three bytes", "truncated", "gif", "pdf", "huge", "svg"],
)
def test_what_is_no_whole_photo_is_a_business_error(content):
    with pytest.raises(BusinessError) as refused:
        decode_photo(content)

    assert refused.value.code == "document.unreadable_file"


def test_pdf_pages_are_drawn_in_order():
    pages = [Image.new("RGB", (400, 300), colour) for colour in ("red", "lime", "blue")]
    content = a_file(pages[0], "PDF", save_all=True, append_images=pages[1:])

    drawn = draw_pdf_pages(content, max_pages=2)

    assert [page.shape for page in drawn] == [(1650, 2200, 3)] * 2
    assert [int(page[800, 1000].argmax()) for page in drawn] == [0, 1]


def test_a_broken_pdf_is_a_business_error():
    with pytest.raises(BusinessError) as refused:
        draw_pdf_pages(b"%PDF-1.7\nnothing more")

    assert refused.value.code == "document.unreadable_file"


def test_shrinking_keeps_the_ratio_and_never_enlarges():
    photo = decode_photo(encode_jpeg(np.zeros((300, 600, 3), dtype=np.uint8)))

    assert shrink_photo(photo, 200).shape == (100, 200, 3)
    assert shrink_photo(photo, 600) is photo
