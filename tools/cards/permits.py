"""Made-up permits of people from Hong Kong, Macau, Taiwan and abroad, laid out like the real cards (ID-1 at 300 dpi).

The emblem is left out and the portrait is a drawing: good for reading, useless for passing as a document.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from PIL import Image, ImageDraw

from domain.documents.documents import resident_check_digit
from tools.cards.lettering import LABEL, MONOSPACED, font, write, write_spaced
from tools.cards.paper import Rgb, as_pixels, guilloche, mark_as_sample, paste_portrait
from tools.cards.people import GIVEN_FEMALE, GIVEN_MALE, TODAY, make_id_number
from tools.cards.places import PLACES, STREETS
from tools.cards.portrait import draw_portrait
from tools.cards.resident_id import CARD_SIZE, PORTRAIT_BOX, address_lines

KINDS = ("hk_macau_permit", "taiwan_permit", "residence_permit", "foreign_permanent_resident")
PORTRAIT_LEFT_BOX = (52, 150, 332, 510)  # travel permits and the foreigners' card carry the portrait on the left
TITLES = {
    "hk_macau_permit": "港澳居民来往内地通行证",
    "taiwan_permit": "台湾居民来往大陆通行证",
    "foreign_permanent_resident": "中华人民共和国外国人永久居留身份证",
}
EXIT_ADMINISTRATION = "中华人民共和国出入境管理局"

SURNAMES = {"陈": "CHEN", "李": "LI", "黄": "HUANG", "张": "ZHANG", "林": "LIN", "何": "HE", "郭": "GUO", "梁": "LIANG"}
SYLLABLES = {
    "伟": "WEI", "强": "QIANG", "磊": "LEI", "军": "JUN", "杰": "JIE", "明": "MING", "辉": "HUI", "鹏": "PENG", "浩": "HAO",
    "文": "WEN", "芳": "FANG", "娜": "NA", "敏": "MIN", "静": "JING", "丽": "LI", "燕": "YAN", "英": "YING", "雪": "XUE",
    "慧": "HUI", "婷": "TING", "怡": "YI",
}  # fmt: skip
REGIONS = {"810000": "港澳居民居住证", "820000": "港澳居民居住证", "830000": "台湾居民居住证"}
FOREIGNERS = (
    # Latin name, sex, state: ICAO letters, ISO 3166 digits, Chinese name
    ("WALKER, ALAN", "男", "CAN", "124", "加拿大"),
    ("MOREAU, CAMILLE", "女", "FRA", "250", "法国"),
    ("TANAKA, HIROSHI", "男", "JPN", "392", "日本"),
    ("SCHMIDT, ANNA SOPHIE", "女", "DEU", "276", "德国"),
    ("SOKOLOV, DMITRII", "男", "RUS", "643", "俄罗斯"),
)


@dataclass(frozen=True, slots=True)
class Permit:
    """What a permit says. kind: one of KINDS. latin_name: `CHEN, WEIMING`; empty where none is printed. sex: 男 or 女.

    nationality: three letters, foreigners only. address, region_title: residence permits only.
    """

    kind: str
    name: str
    latin_name: str
    number: str
    birth: date
    sex: str
    valid_from: date
    valid_until: date
    authority: str
    nationality: str = ""
    nationality_title: str = ""
    address: str = ""
    region_title: str = ""

    @property
    def validity(self) -> str:
        return f"{self.valid_from:%Y.%m.%d}-{self.valid_until:%Y.%m.%d}"


def make_permit(rng: random.Random, kind: str) -> Permit:
    """A permit of that kind, valid on TODAY for at least half a year."""
    birth = date(1955, 1, 1) + timedelta(days=rng.randrange(365 * 48))
    if kind == "foreign_permanent_resident":
        return _foreigner(rng, birth)
    sex = rng.choice("男女")
    name, latin_name = _chinese_name(rng, sex)
    if kind == "residence_permit":
        return _resident(rng, name, sex, birth)
    years = 10 if kind == "hk_macau_permit" else 5
    valid_from, valid_until = _term(rng, years)
    letter = rng.choice("HM") if kind == "hk_macau_permit" else ""
    return Permit(
        kind=kind,
        name=name,
        latin_name=latin_name,
        number=f"{letter}{rng.randrange(2_000_000, 99_999_999):08d}",
        birth=birth,
        sex=sex,
        valid_from=valid_from,
        valid_until=valid_until,
        authority=EXIT_ADMINISTRATION,
    )


def draw_permit(permit: Permit, portrait: Image.Image | None = None) -> Rgb:
    """The side with name and portrait, (640, 1016, 3) uint8 RGB. portrait: any RGB picture, resized to its place."""
    card = _ground(permit, (230, 240, 234), (238, 232, 244))
    picture = portrait or draw_portrait(random.Random(permit.number))
    if permit.kind == "residence_permit":
        paste_portrait(card, picture, PORTRAIT_BOX)
        _draw_resident(ImageDraw.Draw(card), permit)
    else:
        paste_portrait(card, picture, PORTRAIT_LEFT_BOX)
        _draw_traveller(ImageDraw.Draw(card), permit)
    return as_pixels(card)


def draw_permit_back(permit: Permit) -> Rgb:
    """The other side, (640, 1016, 3) uint8 RGB: of residence permits authority and validity, otherwise notes."""
    card = _ground(permit, (236, 236, 244), (230, 242, 240))
    draw = ImageDraw.Draw(card)
    if permit.kind == "residence_permit":
        for text, y, size, pitch in (("中华人民共和国", 100, 60, 88), (permit.region_title, 200, 70, 96)):
            middle = 620 - pitch * (len(text) - 1) / 2
            write_spaced(draw, (middle, y), text, font(size, weight="Bold"), pitch=pitch, colour=(40, 36, 36))
        _entry(draw, (228, 487), "签发机关", permit.authority, 180)
        _entry(draw, (228, 569), "有效期限", permit.validity, 180)
        return as_pixels(card)
    write(draw, (60, 70), TITLES[permit.kind], 40, weight="Bold")
    notes = (
        "持证人应当随身携带本证件。",
        "本证件遗失或者损坏的，应当及时向签发机关报告。",
        f"签发机关：{permit.authority}",
    )
    for i, note in enumerate(notes):
        write(draw, (60, 180 + i * 70), note, 30)
    return as_pixels(card)


def _draw_traveller(draw: ImageDraw.ImageDraw, permit: Permit) -> None:
    """Title, then labels with their values below them, to the right of the portrait."""
    write(draw, (52, 60), TITLES[permit.kind], 44 if permit.kind != "foreign_permanent_resident" else 38, weight="Bold")
    is_foreigner = permit.kind == "foreign_permanent_resident"
    _above(draw, (372, 140), "姓名/Name" if is_foreigner else "姓名", permit.name)
    if not is_foreigner:
        write(draw, (372, 214), permit.latin_name, 26)
    _above(draw, (372, 262), "出生日期/Date of Birth" if is_foreigner else "出生日期", f"{permit.birth:%Y.%m.%d}")
    sex = f"{permit.sex}/{'M' if permit.sex == '男' else 'F'}" if is_foreigner else permit.sex
    _above(draw, (720, 262), "性别/Sex" if is_foreigner else "性别", sex)
    _above(draw, (372, 350), "有效期限/Period of Validity" if is_foreigner else "有效期限", permit.validity)
    if is_foreigner:
        nationality = f"{permit.nationality_title}/{permit.nationality}"
        _above(draw, (770, 350), "国籍/Nationality", nationality)
    _above(draw, (372, 438), "签发机关/Issuing Authority" if is_foreigner else "签发机关", permit.authority)
    write(draw, (372, 556), "证件号码/ID No." if is_foreigner else "证件号码", 26, colour=LABEL)
    write_spaced(draw, (572, 556), permit.number, font(40, weight="Bold", face=MONOSPACED), pitch=24)


def _draw_resident(draw: ImageDraw.ImageDraw, permit: Permit) -> None:
    """As on a resident ID, without the ethnic group."""
    _entry(draw, (58, 92), "姓名", permit.name, 124, size=44)
    _entry(draw, (58, 172), "性别", permit.sex, 124)
    _entry(draw, (58, 248), "出生", f"{permit.birth.year}", 124)
    for x, text in ((288, "年"), (396, "月"), (504, "日")):
        write(draw, (x, 248), text, 32, colour=LABEL)
    write(draw, (342, 248), f"{permit.birth.month}", 38)
    write(draw, (446, 248), f"{permit.birth.day}", 38)
    write(draw, (58, 324), "住址", 32, colour=LABEL)
    for i, line in enumerate(address_lines(permit.address)):
        write(draw, (182, 324 + i * 52), line, 38)
    write(draw, (58, 556), "公民身份号码", 32, colour=LABEL)
    write_spaced(draw, (368, 556), permit.number, font(46, weight="Bold", face=MONOSPACED), pitch=33.5)


def _entry(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], label: str, value: str, to_value: int, *, size: int = 38
) -> None:
    write(draw, at, label, 32, colour=LABEL)
    write(draw, (at[0] + to_value, at[1]), value, size)


def _above(draw: ImageDraw.ImageDraw, at: tuple[int, int], label: str, value: str) -> None:
    write(draw, at, label, 22, colour=LABEL)
    write(draw, (at[0], at[1] + 38), value, 34)


def _ground(permit: Permit, left: tuple[int, int, int], right: tuple[int, int, int]) -> Image.Image:
    card = guilloche(CARD_SIZE, left, right, int(permit.number, 36))
    mark_as_sample(card, (974, 26))
    return card


def _resident(rng: random.Random, name: str, sex: str, birth: date) -> Permit:
    region = rng.choice(tuple(REGIONS))
    home = rng.choice(PLACES)
    valid_from, last_day = _term(rng, 5)
    return Permit(
        kind="residence_permit",
        name=name,
        latin_name="",
        number=make_id_number(rng, region, birth, sex),
        birth=birth,
        sex=sex,
        valid_from=valid_from,
        valid_until=last_day + timedelta(days=1),  # printed to the same day, as on resident IDs
        authority=home.authority,
        address=f"{home.prefix}{rng.choice(STREETS)}{rng.randrange(1, 900)}号",
        region_title=REGIONS[region],
    )


def _foreigner(rng: random.Random, birth: date) -> Permit:
    """Numbers of before 2023-12 (three letters and 12 digits) and of since then (18 digits), half and half."""
    latin_name, sex, state, digits, title = rng.choice(FOREIGNERS)
    place = rng.choice(PLACES).code
    if rng.random() < 0.5:
        order = rng.randrange(500) * 2 + (1 if sex == "男" else 0)
        body = f"9{place[:2]}{digits}{birth:%Y%m%d}{order:03d}"
        number = body + resident_check_digit(body)
    else:
        number = f"{state}{place[:4]}{birth:%y%m%d}{rng.randrange(100):02d}"
    valid_from, valid_until = _term(rng, 10)
    return Permit(
        kind="foreign_permanent_resident",
        name=latin_name,
        latin_name=latin_name,
        number=number,
        birth=birth,
        sex=sex,
        valid_from=valid_from,
        valid_until=valid_until,
        authority="中华人民共和国国家移民管理局",
        nationality=state,
        nationality_title=title,
    )


def _chinese_name(rng: random.Random, sex: str) -> tuple[str, str]:
    """Characters, and `SURNAME, GIVEN` in pinyin."""
    surname = rng.choice(tuple(SURNAMES))
    usual = [sign for sign in (GIVEN_MALE if sex == "男" else GIVEN_FEMALE) if sign in SYLLABLES]
    given = rng.sample(usual, rng.choice((1, 2)))
    return surname + "".join(given), f"{SURNAMES[surname]}, {''.join(SYLLABLES[sign] for sign in given)}"


def _term(rng: random.Random, years: int) -> tuple[date, date]:
    """A period of so many years with TODAY in it, its last day the one before the anniversary."""
    start = TODAY - timedelta(days=rng.randrange(30, 365 * years - 200))
    start = start.replace(day=min(start.day, 28))
    return start, start.replace(year=start.year + years) - timedelta(days=1)
