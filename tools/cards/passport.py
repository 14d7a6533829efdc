"""Made-up passports: the data page (ICAO 9303-4, TD3: 125 × 88 mm, drawn at 10 pixels a millimetre) with a valid MRZ."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from PIL import Image, ImageDraw

from domain.documents.documents import mrz_check_digit
from tools.cards.lettering import LABEL, MONOSPACED, Colour, font, write, write_spaced
from tools.cards.paper import Rgb, as_pixels, guilloche, mark_as_sample, paste_portrait
from tools.cards.people import TODAY
from tools.cards.portrait import draw_portrait

PAGE_SIZE = (1250, 880)
PORTRAIT_BOX = (50, 170, 400, 620)
MRZ_LENGTH = 44
MRZ_PITCH = 25.4  # pixels: 2.54 mm (ICAO 9303-3, 4.2)
MRZ_ROWS = (745, 810)  # middles of the two lines
MRZ_LEFT = 80
VALUE_INK: Colour = (28, 28, 36)


@dataclass(frozen=True, slots=True)
class State:
    """Who issues passports. code: ICAO 9303-3 section 5. number: `A` a letter, `9` a digit."""

    code: str
    title: str
    number: str
    surnames: tuple[str, ...]
    given_male: tuple[str, ...]
    given_female: tuple[str, ...]


STATES = (
    State(
        "FRA",
        "RÉPUBLIQUE FRANÇAISE",
        "99AA99999",
        ("LEFEVRE", "MOREAU", "DUBOIS", "DE LA TOUR"),
        ("JEAN PIERRE", "LUC", "ANTOINE"),
        ("CAMILLE", "MARIE CLAIRE"),
    ),
    State(
        "USA",
        "UNITED STATES OF AMERICA",
        "999999999",
        ("WALKER", "JOHNSON", "OCONNOR", "SMITH-JONES"),
        ("ALAN", "MICHAEL JAMES", "BRIAN"),
        ("EMILY", "GRACE ANN", "KAREN"),
    ),
    State(
        "KOR",
        "REPUBLIC OF KOREA",
        "M99999999",
        ("KIM", "PARK", "CHOI", "LEE"),
        ("MINJUN", "SEOJUN", "DOYUN"),
        ("SEOYEON", "JIWOO", "HAEUN"),
    ),
    State(
        "JPN",
        "JAPAN",
        "AA9999999",
        ("TANAKA", "SUZUKI", "YAMAMOTO", "ITO"),
        ("HIROSHI", "KENJI", "SHOTA"),
        ("YUKI", "SAKURA", "NAOMI"),
    ),
    State(
        "RUS",
        "RUSSIAN FEDERATION",
        "999999999",
        ("SOKOLOV", "KUZNETSOV", "POPOV"),
        ("DMITRII", "ALEKSEI"),
        ("OLGA", "ELENA"),
    ),
    State(
        "NGA",
        "FEDERAL REPUBLIC OF NIGERIA",
        "A99999999",
        ("ADEYEMI", "OKAFOR", "BELLO"),
        ("CHINEDU", "TUNDE SAMUEL"),
        ("AMAKA", "NGOZI GRACE"),
    ),
    State(
        "D",
        "BUNDESREPUBLIK DEUTSCHLAND",
        "C9AAA9999",
        ("SCHMIDT", "WEBER", "HOFFMANN"),
        ("LUKAS", "JONAS MAXIMILIAN"),
        ("LENA", "ANNA SOPHIE"),
    ),
    State(
        "NZL",
        "NEW ZEALAND",
        "AA999999",
        ("TAYLOR", "NGATA", "WILSON"),
        ("LIAM", "OLIVER JACK"),
        ("ISLA", "AMELIA ROSE"),
    ),
)


@dataclass(frozen=True, slots=True)
class Passport:
    """What a data page says. name: surname, then given names, as printed; latin_name the same in the MRZ's letters.

    nationality: three letters of ICAO 9303-3 (or D). sex: 男 or 女.
    """

    name: str
    surname: str
    given: str
    number: str
    nationality: str
    title: str
    birth: date
    sex: str
    valid_from: date
    valid_until: date

    @property
    def latin_name(self) -> str:
        return self.name.replace("-", " ")

    @property
    def mrz(self) -> tuple[str, str]:
        """Its two lines of 44 characters."""
        return mrz_lines(
            self.surname, self.given, self.number, self.nationality, self.birth, self.sex, self.valid_until
        )


def make_passport(rng: random.Random) -> Passport:
    """A foreigner's passport, valid on TODAY for at least half a year."""
    state = rng.choice(STATES)
    sex = rng.choice("男女")
    surname = rng.choice(state.surnames)
    given = rng.choice(state.given_male if sex == "男" else state.given_female)
    valid_from = TODAY - timedelta(days=rng.randrange(60, 365 * 9))
    valid_from = valid_from.replace(day=min(valid_from.day, 28))
    return Passport(
        name=f"{surname} {given}",
        surname=surname,
        given=given,
        number=_number(rng, state.number),
        nationality=state.code,
        title=state.title,
        birth=date(1950, 1, 1) + timedelta(days=rng.randrange(365 * 55)),
        sex=sex,
        valid_from=valid_from,
        valid_until=valid_from.replace(year=valid_from.year + 10),
    )


def mrz_lines(
    surname: str,
    given: str,
    number: str,
    nationality: str,
    birth: date,
    sex: str,
    valid_until: date,
    personal: str = "",
) -> tuple[str, str]:
    """The MRZ of a TD3 document issued by the holder's own state (ICAO 9303-4, 4.2). personal: up to 14 characters."""
    name = f"{_filled(surname)}<<{_filled(given)}"
    first = f"P<{nationality:<<3}{name}"[:MRZ_LENGTH].ljust(MRZ_LENGTH, "<")
    document = _checked(number.ljust(9, "<"))
    born, until = _checked(f"{birth:%y%m%d}"), _checked(f"{valid_until:%y%m%d}")
    own = _checked(personal.ljust(14, "<"))
    composite = mrz_check_digit(document + born + until + own)
    letter = {"男": "M", "女": "F"}.get(sex, "<")
    return first, f"{document}{nationality:<<3}{born}{letter}{until}{own}{composite}"


def draw_passport(passport: Passport, portrait: Image.Image | None = None) -> Rgb:
    """The data page, (880, 1250, 3) uint8 RGB. portrait: any RGB picture, resized to its place."""
    page = guilloche(PAGE_SIZE, (236, 240, 232), (226, 232, 244), int(passport.number, 36))
    draw = ImageDraw.Draw(page)
    paste_portrait(page, portrait or draw_portrait(random.Random(passport.number)), PORTRAIT_BOX)
    write(draw, (50, 60), "PASSPORT", 34, weight="Bold", colour=LABEL)
    write(draw, (300, 60), passport.title, 38, weight="Bold")
    for place, label, value in _entries(passport):
        write(draw, place, label, 20, colour=LABEL)
        write(draw, (place[0], place[1] + 34), value, 32, colour=VALUE_INK)
    letters = font(38, face=MONOSPACED)
    for y, line in zip(MRZ_ROWS, passport.mrz, strict=True):
        write_spaced(draw, (MRZ_LEFT, y), line, letters, pitch=MRZ_PITCH, colour=VALUE_INK)
    mark_as_sample(page, (1190, 860))
    return as_pixels(page)


def _entries(passport: Passport) -> tuple[tuple[tuple[int, int], str, str], ...]:
    """(left middle of the label, label, value), the value right below its label."""
    return (
        ((440, 130), "Type", "P"),
        ((620, 130), "Code of issuing State", passport.nationality),
        ((920, 130), "Passport No.", passport.number),
        ((440, 220), "Surname", passport.surname),
        ((440, 310), "Given names", passport.given),
        ((440, 400), "Nationality", passport.nationality),
        ((800, 400), "Sex", "M" if passport.sex == "男" else "F"),
        ((440, 490), "Date of birth", _printed(passport.birth)),
        ((440, 580), "Date of issue", _printed(passport.valid_from)),
        ((800, 580), "Date of expiry", _printed(passport.valid_until)),
    )


def _printed(day: date) -> str:
    months = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
    return f"{day.day:02d} {months[day.month - 1]} {day.year}"


def _number(rng: random.Random, pattern: str) -> str:
    """Digits for 9, letters for A; other characters stand for themselves."""
    return "".join(
        rng.choice("0123456789") if sign == "9" else rng.choice("ABCDEFGHJKLMNPRTUVWXYZ") if sign == "A" else sign
        for sign in pattern
    )


def _filled(name: str) -> str:
    return name.replace("-", "<").replace(" ", "<")


def _checked(field: str) -> str:
    return field + mrz_check_digit(field)
