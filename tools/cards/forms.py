"""Filled and stamped 单位用户注册申请表: the platform's own blank form, printed, stamped in many ways, photographed or scanned.

Everything follows from the random generator given.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from io import BytesIO

import numpy as np
import pypdfium2
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bpmn.institution_admission.submitting import PRINTED_LABELS
from domain.admissions.form import blank_form_pdf
from tools.cards.lettering import font
from tools.cards.people import make_person
from tools.cards.places import PLACES
from tools.cards.scene import EASY, HARD, MEDIUM, Difficulty, Photograph, photograph
from tools.cards.seal import (
    BLACK,
    RED,
    Seal,
    draw_fingerprint,
    draw_ring,
    draw_seal,
    draw_square_seal,
    press,
    worn,
)

Rgb = NDArray[np.uint8]

PAGE_PX = (1654, 2339)  # A4 at 200 dpi
PX_PER_MM = PAGE_PX[0] / 210
SEAL_MM = 42
SEAL_MIDDLE_MM = (151.0, 175.0)  # of the dashed box for the stamp
# A page is five times as wide as its text is high in a card: it wants more pixels, and phones give them.
# card_px: of the page's short side.
LEVELS = (
    replace(EASY, card_px=(1300, 1600), blur_sigma=(0.3, 0.6)),
    replace(MEDIUM, card_px=(1050, 1250), blur_sigma=(0.5, 0.8), tilt_deg=(5, 14)),
    replace(
        HARD, card_px=(820, 980), blur_sigma=(0.7, 1.0), tilt_deg=(12, 24), jpeg_quality=(50, 70), motion_px=(0, 1.5)
    ),
)

_KINDS = (
    "第{n}人民医院", "人民医院", "中医医院", "妇幼保健院", "疾病预防控制中心", "{s}社区卫生服务中心", "{s}街道社区卫生服务站",
    "{s}镇中心卫生院", "{s}口腔门诊部", "{s}中西医结合诊所", "{s}眼科医院有限公司", "急救中心", "精神卫生中心",
)  # fmt: skip
_STREETS = (
    "解放", "前进", "东风", "建设", "新华", "中山", "胜利", "文昌", "滨江", "幸福",
    "民主", "和平", "珞珈", "汉正", "水果湖", "关山", "紫阳", "杨园",
)  # fmt: skip
_NUMBERS = "一二三四五六七八九"
# Names that are nearly another's: what a careless eye takes for the same
_SLIPS = (
    ("第一", "第二"),
    ("第二", "第三"),
    ("区", "县"),
    ("人民", "中心"),
    ("医院", "医学院"),
    ("中心", "中央"),
    ("市", "县"),
)


@dataclass(frozen=True, slots=True)
class StampedForm:
    """page: (2339, 1654, 3) uint8 RGB, the paper itself. printed_name, seal_name: what stands on it; None without a round seal.

    is_red: whether the seal is a red one, not a copy.
    """

    page: Rgb
    printed_name: str
    seal_name: str | None
    is_red: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to stamp a form. stamp: draws on the paper, given the name on the form and the one for the seal."""

    name: str
    stamp: Callable[[Rgb, str, random.Random], Rgb]
    has_seal: bool = True
    is_red: bool = True
    seal_name: Callable[[str, random.Random], str] = field(default=lambda name, rng: name)


def make_institution_name(rng: random.Random) -> str:
    """武汉市江汉区前进街道社区卫生服务站, 当阳市人民医院, …: 6 to 24 characters."""
    place = rng.choice(PLACES).prefix.removeprefix("湖北省")
    kind = rng.choice(_KINDS)
    return place + kind.format(n=rng.choice(_NUMBERS), s=rng.choice(_STREETS))


def nearly(name: str, rng: random.Random) -> str:
    """Another institution's name that differs in one place, or altogether where none fits."""
    fitting = [(old, new) for old, new in _SLIPS if old in name]
    if not fitting or rng.random() < 0.3:
        return make_institution_name(rng) if rng.random() < 0.5 else _with_another_character(name, rng)
    old, new = rng.choice(fitting)
    return name.replace(old, new, 1)


def make_form(kind: Kind, rng: random.Random, *, name: str | None = None, seal_name: str | None = None) -> StampedForm:
    """A form of `kind`. name, seal_name: what is to stand on it rather than something made up."""
    name = name or make_institution_name(rng)
    on_seal = seal_name or kind.seal_name(name, rng)
    page = kind.stamp(print_form(name, rng), on_seal, rng)
    return StampedForm(page, name, on_seal if kind.has_seal else None, kind.has_seal and kind.is_red)


def print_form(name: str, rng: random.Random) -> Rgb:
    """The form filled in by the platform and printed, with a signature, a day and 样本 on it; not stamped yet."""
    person = make_person(rng)
    values = {
        "institution_name": name,
        "credit_code": "12420103MB" + "".join(rng.choice("0123456789ABCDEFGH") for _ in range(8)),
        "address": person.address,
        "supervising_unit": rng.choice(PLACES).prefix.removeprefix("湖北省") + "卫生健康局",
        "category": rng.choice(("综合医院", "中医医院", "社区卫生服务中心（站）", "诊所")),
        "applicant_name": person.name,
        "applicant_phone": f"138{rng.randrange(10**8):08d}",
    }
    return print_pdf(blank_form_pdf(values, PRINTED_LABELS), person.name)


def print_pdf(content: bytes, signature: str) -> Rgb:
    """The form's one page on paper, signed, dated, marked 样本; not stamped yet."""
    drawn = pypdfium2.PdfDocument(content)[0].render(scale=PAGE_PX[0] / 595.276).to_pil().convert("RGB")
    page = drawn.resize(PAGE_PX, Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(page)
    written = font(46, family="Serif")
    pen.text((60 * PX_PER_MM, 165 * PX_PER_MM), signature, font=written, fill=(28, 30, 60), anchor="ls")
    pen.text((42 * PX_PER_MM, 180 * PX_PER_MM), "2026", font=font(30), fill=(28, 30, 60), anchor="ls")
    pen.text((105 * PX_PER_MM, 285 * PX_PER_MM), "样本", font=font(40), fill=(120, 120, 122), anchor="mm")
    return np.asarray(page, np.uint8)


def as_pdf(form: StampedForm) -> bytes:
    """The scanned page in a PDF."""
    buffer = BytesIO()
    Image.fromarray(form.page).save(buffer, "PDF", resolution=200, quality=88)
    return buffer.getvalue()


def photograph_form(form: StampedForm, level: Difficulty, rng: random.Random, *, quarter_turns: int = 0) -> Photograph:
    """level: one of LEVELS."""
    return photograph(form.page, level, rng, quarter_turns=quarter_turns)


def _pressed(page: Rgb, name: str, rng: random.Random, *, fade: tuple[float, float] = (0.02, 0.3)) -> Rgb:
    """A round red seal about its place, sometimes half over the printed lines, never quite upright."""
    digits = "".join(rng.choice("0123456789") for _ in range(13)) if rng.random() < 0.5 else ""
    cover = draw_seal(Seal(name, digits=digits), round(SEAL_MM * PX_PER_MM))
    cover = worn(cover, rng, fade=rng.uniform(*fade), patchy=rng.uniform(0.05, 0.3))
    return press(page, cover, _somewhere(rng), turn_deg=rng.gauss(0, 9), ink=_ink(rng))


def _faded(page: Rgb, name: str, rng: random.Random) -> Rgb:
    return _pressed(page, name, rng, fade=(0.45, 0.65))


def _over_print(page: Rgb, name: str, rng: random.Random) -> Rgb:
    """Pressed on the table's last lines, where the applicant's name and phone stand."""
    cover = worn(draw_seal(Seal(name), round(SEAL_MM * PX_PER_MM)), rng, fade=rng.uniform(0.02, 0.25), patchy=0.15)
    middle = rng.uniform(85, 130) * PX_PER_MM, rng.uniform(112, 132) * PX_PER_MM
    return press(page, cover, middle, turn_deg=rng.gauss(0, 12), ink=_ink(rng))


def _copied(page: Rgb, name: str, rng: random.Random) -> Rgb:
    cover = worn(draw_seal(Seal(name), round(SEAL_MM * PX_PER_MM)), rng, fade=rng.uniform(0.0, 0.2), patchy=0.1)
    return press(page, cover, _somewhere(rng), turn_deg=rng.gauss(0, 9), ink=BLACK)


def _for_finance(page: Rgb, name: str, rng: random.Random) -> Rgb:
    cover = draw_seal(
        Seal(name, below=rng.choice(("财务专用章", "合同专用章", "业务专用章"))), round(SEAL_MM * PX_PER_MM)
    )
    return press(
        page, worn(cover, rng, fade=0.1, patchy=0.15), _somewhere(rng), turn_deg=rng.gauss(0, 9), ink=_ink(rng)
    )


def _unstamped(page: Rgb, name: str, rng: random.Random) -> Rgb:
    return page


def _square(page: Rgb, name: str, rng: random.Random) -> Rgb:
    person = make_person(rng)
    return press(page, draw_square_seal(person.name, round(22 * PX_PER_MM)), _somewhere(rng), turn_deg=rng.gauss(0, 6))


def _other_red(page: Rgb, name: str, rng: random.Random) -> Rgb:
    """Red things that are no seal: a pen's circle and strokes, a thumb, a line of red print."""
    middle = _somewhere(rng)
    page = press(page, draw_ring(round(rng.uniform(30, 50) * PX_PER_MM), rng), middle, turn_deg=rng.uniform(0, 90))
    page = press(page, draw_fingerprint(round(18 * PX_PER_MM), rng), (60 * PX_PER_MM, 205 * PX_PER_MM), turn_deg=20)
    picture = Image.fromarray(page)
    pen = ImageDraw.Draw(picture)
    pen.text(
        (PAGE_PX[0] / 2, 12 * PX_PER_MM),
        "仙桃市卫生健康委员会文件",
        font=font(70, weight="Bold"),
        fill=RED,
        anchor="mm",
    )
    pen.line((150, 150, PAGE_PX[0] - 150, 150), fill=RED, width=8)
    return np.asarray(picture, np.uint8)


def _somewhere(rng: random.Random) -> tuple[float, float]:
    x, y = SEAL_MIDDLE_MM
    return (x + rng.gauss(0, 5)) * PX_PER_MM, (y + rng.gauss(0, 5)) * PX_PER_MM


def _ink(rng: random.Random) -> tuple[int, int, int]:
    return rng.randrange(190, 226), rng.randrange(18, 52), rng.randrange(28, 66)


def _with_another_character(name: str, rng: random.Random) -> str:
    at = rng.randrange(len(name))
    other = rng.choice([c for c in "江河湖海东西南北新安平阳山水" if c != name[at]])
    return name[:at] + other + name[at + 1 :]


RIGHT = Kind("right", _pressed)
OTHER_NAME = Kind("other_name", _pressed, seal_name=nearly)
FADED = Kind("faded", _faded)
OVER_PRINT = Kind("over_print", _over_print)
SPECIAL = Kind("special", _for_finance)
NONE = Kind("none", _unstamped, has_seal=False)
SQUARE = Kind("square", _square, has_seal=False)
OTHER_RED = Kind("other_red", _other_red, has_seal=False)
COPIED = Kind("copied", _copied, is_red=False)
KINDS = (RIGHT, OTHER_NAME, FADED, OVER_PRINT, SPECIAL, NONE, SQUARE, OTHER_RED, COPIED)
