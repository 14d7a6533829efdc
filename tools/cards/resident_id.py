"""The two sides of a second-generation resident ID, laid out as on the real card (85.6 × 54 mm at 300 dpi: 1016 × 640).

The national emblem is a plain disc and the portrait a drawing: good for reading, useless for passing as a card.
"""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tools.cards.lettering import INK, LABEL, MONOSPACED, font, write, write_spaced
from tools.cards.people import Person
from tools.cards.portrait import draw_portrait

CARD_SIZE = (1016, 640)
PORTRAIT_BOX = (638, 78, 938, 458)  # left, top, right, bottom on the card
ADDRESS_PER_LINE = 11

Rgb = NDArray[np.uint8]


def draw_front(person: Person, *, portrait: Image.Image | None = None) -> Rgb:
    """The side with portrait and number, (640, 1016, 3) uint8 RGB. portrait: any RGB picture, resized to its place."""
    card = _ground(person, (226, 238, 246), (246, 236, 232))
    draw = ImageDraw.Draw(card)
    _label(draw, (58, 92), "姓名")
    write(draw, (182, 92), person.name, 44)
    _label(draw, (58, 172), "性别")
    write(draw, (182, 172), person.sex, 38)
    _label(draw, (318, 172), "民族")
    write(draw, (422, 172), person.ethnicity, 38)
    _label(draw, (58, 248), "出生")
    write(draw, (182, 248), f"{person.birth.year}", 38)
    _label(draw, (288, 248), "年")
    write(draw, (342, 248), f"{person.birth.month}", 38)
    _label(draw, (396, 248), "月")
    write(draw, (446, 248), f"{person.birth.day}", 38)
    _label(draw, (504, 248), "日")
    _label(draw, (58, 324), "住址")
    for i, line in enumerate(address_lines(person.address)):
        write(draw, (182, 324 + i * 52), line, 38)
    _label(draw, (58, 556), "公民身份号码")
    write_spaced(draw, (368, 556), person.id_number, font(46, weight="Bold", face=MONOSPACED), pitch=33.5)
    left, top, right, bottom = PORTRAIT_BOX
    picture = portrait or draw_portrait(random.Random(person.id_number))
    card.paste(picture.convert("RGB").resize((right - left, bottom - top), Image.Resampling.LANCZOS), (left, top))
    return np.asarray(card)


def draw_back(person: Person) -> Rgb:
    """The side with authority and validity, (640, 1016, 3) uint8 RGB."""
    card = _ground(person, (232, 240, 240), (248, 236, 238))
    draw = ImageDraw.Draw(card)
    draw.ellipse((70, 56, 232, 218), fill=(196, 52, 44), outline=(222, 176, 84), width=10)
    for text, y, size, pitch in (("中华人民共和国", 100, 60, 88), ("居民身份证", 200, 82, 120)):
        middle = 620 - pitch * (len(text) - 1) / 2
        write_spaced(draw, (middle, y), text, font(size, weight="Bold"), pitch=pitch, colour=(40, 36, 36))
    _label(draw, (228, 486), "签发机关")
    write(draw, (408, 486), person.authority, 38)
    _label(draw, (228, 568), "有效期限")
    write(draw, (408, 568), person.validity, 38)
    return np.asarray(card)


def address_lines(address: str) -> list[str]:
    """As the card prints it: 11 wide characters a line, a narrow one (digit, letter) counting half."""
    lines, line, width = [], "", 0.0
    for character in address:
        step = 0.55 if character.isascii() else 1.0
        if width + step > ADDRESS_PER_LINE:
            lines.append(line)
            line, width = "", 0.0
        line, width = line + character, width + step
    return [*lines, line]


def _label(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str) -> None:
    write(draw, at, text, 32, colour=LABEL)


def _ground(person: Person, left: tuple[int, int, int], right: tuple[int, int, int]) -> Image.Image:
    """A pale gradient under fine wavy lines, in the manner of a guilloche; differs a little from card to card."""
    width, height = CARD_SIZE
    rng = np.random.default_rng(int(person.id_number[:17]))
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    ground = np.repeat(np.array(left, np.float32) * (1 - x) + np.array(right, np.float32) * x, height, axis=0)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    for tint in ((-14, -6, 0), (0, -10, -8), (-6, -2, -10)):
        phase, slope, bend = rng.uniform(0, 6.28), rng.uniform(0.05, 0.12), rng.uniform(20, 60)
        wave = np.sin(ys * 0.9 * slope * 10 + np.sin(xs / bend + phase) * 6 + xs * slope)
        ground += (wave > 0.86)[..., None] * np.array(tint, np.float32)
    card = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    ImageDraw.Draw(card).text((974, 26), "样本", font=font(16), fill=tuple(c // 2 + 96 for c in INK), anchor="mm")
    return card
