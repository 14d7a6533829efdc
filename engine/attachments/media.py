"""What an uploaded file is, found from its bytes; hostile and broken ones are refused before anything is stored.

The sender's file name and media type are never believed. A picture's size is read from its header first, and only then is
it decoded, once, to learn whether it is whole. At 40 megapixels that takes 120 MB (JPEG), 160 (PNG), 280 (HEIC) or 630
(WebP); one picture at a time, whatever the number of threads.
"""

from __future__ import annotations

import re
import struct
import threading
import warnings
from dataclasses import dataclass
from io import BytesIO

import pillow_heif
from PIL import Image, UnidentifiedImageError

from engine.attachments.pdf import PdfRefused, count_pages
from engine.errors import EngineError

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_PAGES = 10
# A camera writes at most 15 scans. Each scan of a progressive JPEG may cost a pass over all coefficients for a few bytes
# of file: without a limit 10 MB can ask for hours of decoding.
MAX_JPEG_SCANS = 40

JPEG, PNG, WEBP, HEIC, PDF = "image/jpeg", "image/png", "image/webp", "image/heic", "application/pdf"
PHOTO_TYPES = frozenset({JPEG, PNG, WEBP, HEIC})
DOCUMENT_TYPES = PHOTO_TYPES | {PDF}

_NAMES = {JPEG: "JPEG", PNG: "PNG", WEBP: "WebP", HEIC: "HEIC", PDF: "PDF"}
# MPO is what Pillow calls a JPEG that carries a second picture (gain map, depth); phones send them as plain JPEG.
_PILLOW_FORMATS = {JPEG: ["JPEG", "MPO"], PNG: ["PNG"], WEBP: ["WEBP"], HEIC: ["HEIF"]}
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1"})
_decoding = threading.Lock()
_TURNED = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height

pillow_heif.register_heif_opener(thumbnails=False)
# Our own limit is stricter than the one this warning is about.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class InvalidUpload(EngineError):
    """A file that is not taken. `code` starts with `upload.`; `message` tells the sender what to do, in Chinese."""

    def __init__(self, code: str, message: str, **facts: object) -> None:
        super().__init__(code, **facts)
        self.message = message


@dataclass(frozen=True, slots=True)
class Upload:
    """media_type: one of DOCUMENT_TYPES. width, height: pixels of the picture upright, None for a PDF. pages: 1 for a picture."""

    media_type: str
    width: int | None
    height: int | None
    pages: int


def inspect_upload(content: bytes, allowed: frozenset[str] = PHOTO_TYPES) -> Upload:
    """What `content` is, once it is known to be whole, small enough and one of `allowed`.

    Raises InvalidUpload with upload.empty, upload.too_large, upload.unknown_type (not a type this platform takes
    anywhere), upload.wrong_type (not one of `allowed`), upload.too_many_pixels, upload.animated, upload.damaged
    (broken, truncated, locked by a password) or upload.too_many_pages.
    """
    if not content:
        raise InvalidUpload("upload.empty", "文件是空的，请重新选择。")
    if len(content) > MAX_BYTES:
        raise InvalidUpload("upload.too_large", "文件超过 10 MB，请压缩后再传。", bytes=len(content))
    media_type = find_media_type(content)
    wanted = "、".join(_NAMES[kind] for kind in _NAMES if kind in allowed)
    if media_type is None:
        raise InvalidUpload("upload.unknown_type", f"无法识别的文件类型，请上传 {wanted} 文件。")
    if media_type not in allowed:
        raise InvalidUpload(
            "upload.wrong_type", f"这里需要 {wanted} 文件，收到的是 {_NAMES[media_type]}。", found=media_type
        )
    return _inspect_pdf(content) if media_type == PDF else _inspect_picture(content, media_type)


def find_media_type(content: bytes) -> str | None:
    """The media type the first bytes say, None for anything this platform does not take."""
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        return HEIC
    return PDF if content.startswith(b"%PDF-") else None


def open_picture(content: bytes, media_type: str) -> Image.Image:
    """The picture with only its header read. Raises InvalidUpload: too_many_pixels, animated, damaged."""
    if media_type == JPEG and content.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise _damaged("too many scans")
    if media_type == WEBP:
        _check_pixels(*_webp_size(content))  # Pillow's WebP reader allocates the canvas as it opens
    try:
        picture = Image.open(BytesIO(content), formats=_PILLOW_FORMATS[media_type])
    except Image.DecompressionBombError as bomb:
        raise _too_many_pixels() from bomb
    except _DECODER_ERRORS as error:
        raise _damaged(type(error).__name__) from error
    _check_pixels(*picture.size)
    if media_type != JPEG and getattr(picture, "n_frames", 1) > 1:
        raise InvalidUpload("upload.animated", "不支持动图或多张合一的图片，请上传单张照片。")
    return picture


# What Pillow and its plug-ins raise on hostile bytes (each seen in tests or in Pillow's own fuzzing corpus).
_DECODER_ERRORS = (
    UnidentifiedImageError, OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError,
    OverflowError, MemoryError, RuntimeError, ZeroDivisionError, struct.error, Image.DecompressionBombError,
)  # fmt: skip


def load_picture(picture: Image.Image) -> None:
    """Decode all of it. Raises InvalidUpload("upload.damaged")."""
    try:
        picture.load()
    except _DECODER_ERRORS as error:
        raise _damaged(type(error).__name__) from error


def orientation(picture: Image.Image) -> int:
    """EXIF orientation 1-8; 1 where there is none or it cannot be read."""
    try:
        found = picture.getexif().get(0x0112, 1)
    except _DECODER_ERRORS:  # damaged EXIF: the picture itself may be fine
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _inspect_picture(content: bytes, media_type: str) -> Upload:
    if media_type == PNG:
        _verify_png(content)
    with open_picture(content, media_type) as picture:
        width, height = picture.size
        turned = orientation(picture) in _TURNED
        if media_type == JPEG:
            picture.draft("RGB", (width // 8, height // 8))  # reads every coefficient, draws an eighth of the pixels
        with _decoding:
            load_picture(picture)
    return Upload(media_type, height, width, 1) if turned else Upload(media_type, width, height, 1)


def _verify_png(content: bytes) -> None:
    """Checksums of all chunks: decoding alone skips those of the pixel data and does not miss the end."""
    with open_picture(content, PNG) as picture:
        try:
            picture.verify()
        except _DECODER_ERRORS as error:
            raise _damaged(type(error).__name__) from error


def _inspect_pdf(content: bytes) -> Upload:
    try:
        pages = count_pages(content)
    except PdfRefused as refused:
        raise _damaged(str(refused)) from refused
    if pages > MAX_PAGES:
        raise InvalidUpload("upload.too_many_pages", f"PDF 有 {pages} 页，最多 {MAX_PAGES} 页。", pages=pages)
    return Upload(PDF, None, None, pages)


_WEBP_HEADER = re.compile(rb"RIFF....WEBP(VP8 |VP8L|VP8X)....", re.DOTALL)


def _webp_size(content: bytes) -> tuple[int, int]:
    """Width and height a WebP header names (RFC 9649, 2.5-2.7)."""
    header = _WEBP_HEADER.match(content)
    data = content[20:30]
    if header is None or len(data) < 10:
        raise _damaged("webp header")
    if header[1] == b"VP8X":
        return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    if header[1] == b"VP8L":
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(width=width, height=height)


def _too_many_pixels(**facts: object) -> InvalidUpload:
    return InvalidUpload("upload.too_many_pixels", "图片超过 4000 万像素，请缩小后再传。", **facts)


def _damaged(reason: str) -> InvalidUpload:
    return InvalidUpload("upload.damaged", "文件已损坏、不完整或有密码，请重新拍摄或导出后再传。", reason=reason)
