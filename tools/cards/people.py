"""Made-up people with plausible names, addresses and valid numbers. Everything follows from the random generator given."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta

from tools.cards.places import PLACES, STREETS, VILLAGES, Place

TODAY = date(
    2026, 6, 1
)  # the day the made-up people are photographed: fixed, so that a seed gives the same cards for ever

SURNAMES = tuple(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢"
    "姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
COMPOUND_SURNAMES = ("欧阳", "司马", "诸葛", "上官", "夏侯", "皇甫", "尉迟", "令狐", "东方", "慕容")
GIVEN_MALE = tuple("伟强磊军洋勇杰涛明超刚平辉鹏飞波斌宇浩凯健俊帆雷峰志文建国海林东亮龙成华永康新德")
GIVEN_FEMALE = tuple("芳娜敏静丽艳娟霞秀燕玲桂英兰红梅莉雪颖琳慧倩萍欣婷佳怡思雨梦洁晓云春凤珍玉清")
GIVEN_RARE = tuple("喆堃犇淼翀旻昇玥垚赟婳祎晟珺彧暄煜翊懿璟琰瑄妤彣")
ETHNIC_NAMES = {
    "维吾尔": ("阿依努尔·买买提", "迪力木拉提·艾合买提", "古丽娜尔·吐尔逊", "买买提江·阿布都拉", "热依汗古丽·玉素甫"),
    "藏": ("扎西次仁", "卓玛央宗", "多吉才旦", "格桑旺堆"),
    "蒙古": ("巴特尔", "乌日娜", "其其格", "苏日勒·巴图"),
    "哈萨克": ("叶尔兰·别克", "阿依古丽·哈里木", "努尔兰·萨比提"),
    "彝": ("阿的木呷", "吉克曲布", "沙马阿洛"),
}
ETHNICITIES = ("土家", "回", "苗", "满", "壮", "侗", "瑶", "畲", "布依", "白", "朝鲜", "哈尼", "仡佬", "傣", "黎")


@dataclass(frozen=True, slots=True)
class Person:
    """What is printed on a resident ID. valid_until None means 长期; sex is 男 or 女; ethnicity is without 族."""

    name: str
    sex: str
    ethnicity: str
    birth: date
    address: str
    id_number: str
    authority: str
    valid_from: date
    valid_until: date | None

    @property
    def validity(self) -> str:
        until = f"{self.valid_until:%Y.%m.%d}" if self.valid_until else "长期"
        return f"{self.valid_from:%Y.%m.%d}-{until}"


def make_person(rng: random.Random, *, name: str | None = None, sex: str | None = None) -> Person:
    """A resident of Hubei whose card is valid on TODAY."""
    sex = sex or rng.choice("男女")
    ethnicity = _ethnicity(rng)
    birth = date(1950, 1, 1) + timedelta(days=rng.randrange(365 * 57))
    home = rng.choice(PLACES)
    first_registered = home if rng.random() < 0.7 else rng.choice(PLACES)
    valid_from, valid_until = _validity(rng, birth)
    return Person(
        name=name or _name(rng, sex, ethnicity),
        sex=sex,
        ethnicity=ethnicity,
        birth=birth,
        address=_address(rng, home),
        id_number=make_id_number(rng, first_registered.code, birth, sex),
        authority=home.authority,
        valid_from=valid_from,
        valid_until=valid_until,
    )


def with_expired_card(person: Person) -> Person:
    """The same person with a ten-year card that ended the year before TODAY."""
    return replace(person, valid_from=date(TODAY.year - 11, 3, 2), valid_until=date(TODAY.year - 1, 3, 2))


def make_id_number(rng: random.Random, division: str, birth: date, sex: str) -> str:
    """An 18-character number with a right check digit (GB 11643-1999)."""
    order = rng.randrange(0, 500) * 2 + (1 if sex == "男" else 0)
    body = f"{division}{birth:%Y%m%d}{order:03d}"
    weighted = sum(int(digit) * (2 ** (17 - i) % 11) for i, digit in enumerate(body))
    return body + "10X98765432"[weighted % 11]


def _ethnicity(rng: random.Random) -> str:
    draw = rng.random()
    if draw < 0.85:
        return "汉"
    return rng.choice(ETHNICITIES if draw < 0.95 else tuple(ETHNIC_NAMES))


def _name(rng: random.Random, sex: str, ethnicity: str) -> str:
    if ethnicity in ETHNIC_NAMES:
        return rng.choice(ETHNIC_NAMES[ethnicity])
    surname = rng.choice(COMPOUND_SURNAMES) if rng.random() < 0.06 else rng.choice(SURNAMES)
    given = GIVEN_MALE if sex == "男" else GIVEN_FEMALE
    characters = [rng.choice(given)]
    if rng.random() < 0.7:
        characters.append(rng.choice(given))
    if rng.random() < 0.05:
        characters[-1] = rng.choice(GIVEN_RARE)
    return surname + "".join(characters)


def _address(rng: random.Random, home: Place) -> str:
    if home.is_city_district or rng.random() < 0.5:
        street = f"{rng.choice(STREETS)}{rng.randrange(1, 900)}号"
        draw = rng.random()
        if draw < 0.35:
            return home.prefix + street
        flat = f"{rng.randrange(1, 30)}栋{rng.randrange(1, 5)}单元{rng.randrange(1, 34)}{rng.randrange(1, 5):02d}室"
        return home.prefix + street + (flat if draw < 0.85 else f"附{rng.randrange(1, 60)}号")
    return f"{home.prefix}{rng.choice(VILLAGES)}{rng.randrange(1, 16)}组{rng.randrange(1, 120)}号"


def _validity(rng: random.Random, birth: date) -> tuple[date, date | None]:
    start = TODAY - timedelta(days=rng.randrange(30, 365 * 9))
    start = start.replace(day=min(start.day, 28))
    age = (start - birth).days // 365
    if age >= 46:
        return start, None
    years = 5 if age < 16 else 10 if age < 26 else 20
    if start.replace(year=start.year + years) <= TODAY:  # a child's card has been renewed once
        start, years = start.replace(year=start.year + years), 10
    return start, start.replace(year=start.year + years)
