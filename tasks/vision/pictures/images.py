"""From an attachment's bytes to upright RGB pixels, decoded once."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from engine.attachments.media import MAX_PIXELS, PDF, InvalidUpload, find_media_type, load_picture, open_picture
from engine.attachments.pdf import PdfRefused, draw_pages_as_png
from engine.errors import BusinessError

PhotoRgb = npt.NDArray[np.uint8]  # (height, width, 3), RGB, upright

PAGE_LONG_SIDE = 2200  # pixels: A4 at 188 dpi, small print still has 15 pixels a character


def decode_photo(content: bytes) -> PhotoRgb:
    """The photo upright (EXIF orientation applied), (H, W, 3) uint8 RGB, contiguous; transparency over white.

    Raises BusinessError("document.unreadable_file") for anything but one whole JPEG, PNG, WebP or HEIC picture of at most
    40 megapixels. A PDF is not a photo: draw_pdf_pages().
    """
    media_type = find_media_type(content)
    if media_type is None or media_type == PDF:
        raise _unreadable("不是照片")
    try:
        with open_picture(content, media_type) as picture:
            load_picture(picture)
            _turn_upright(picture)
            return np.array(_as_rgb(picture))
    except InvalidUpload as refused:
        raise _unreadable(refused.message) from refused


def draw_pdf_pages(content: bytes, max_pages: int = 10) -> list[PhotoRgb]:
    """The first pages of a PDF, each as decode_photo() gives photos, longer side 2200 pixels.

    Raises BusinessError("document.unreadable_file") where it cannot be opened or drawn within
    the limits of engine/attachments/pdf.py.
    """
    try:
        return [np.array(Image.open(BytesIO(page))) for page in draw_pages_as_png(content, max_pages, PAGE_LONG_SIDE)]
    except PdfRefused as refused:
        raise _unreadable("PDF 无法打开") from refused


def decode_photo_or_page(content: bytes) -> PhotoRgb:
    """A photo, or the first page of a PDF. Raises BusinessError("document.unreadable_file")."""
    return decode_pages(content, max_pages=1)[0]


def decode_pages(content: bytes, max_pages: int) -> list[PhotoRgb]:
    """A photo, or the first `max_pages` pages of a PDF. Raises BusinessError("document.unreadable_file")."""
    return draw_pdf_pages(content, max_pages) if find_media_type(content) == PDF else [decode_photo(content)]


def shrink_photo(photo_rgb: PhotoRgb, long_side: int) -> PhotoRgb:
    """The photo with its longer side at most `long_side` pixels; the same array where it already is."""
    height, width = photo_rgb.shape[:2]
    if max(height, width) <= long_side:
        return photo_rgb
    scale = long_side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.array(Image.fromarray(photo_rgb).resize(size, Image.Resampling.BOX))


def encode_jpeg(photo_rgb: PhotoRgb, quality: int = 92) -> bytes:
    buffer = BytesIO()
    Image.fromarray(photo_rgb).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _turn_upright(picture: Image.Image) -> None:
    try:
        ImageOps.exif_transpose(picture, in_place=True)
    except (OSError, ValueError, SyntaxError, TypeError, KeyError, OverflowError):  # damaged EXIF beside whole pixels
        return


def _as_rgb(picture: Image.Image) -> Image.Image:
    if picture.width * picture.height > MAX_PIXELS:
        raise _unreadable("像素过多")
    if picture.mode.startswith("I;16") or picture.mode in {"I", "F"}:
        # 16-bit grey PNG: Pillow's own conversion clips everything above 255 to white.
        grey = np.asarray(picture, dtype=np.float32)
        return Image.fromarray((grey / max(float(grey.max()), 1.0) * 255).astype(np.uint8)).convert("RGB")
    if "A" in picture.getbands() or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _unreadable(message: str) -> BusinessError:
    return BusinessError("document.unreadable_file", f"照片无法打开：{message}")
