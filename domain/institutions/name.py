"""Institutions' names: when two are the same, and what a name is made of. Pure.

A name is a place (武汉市江汉区), a body (仁爱口腔医院) and sometimes a legal form (有限公司). What is compared drops what people
write one way today and another tomorrow: width, blanks, brackets, 繁简, case, 市 after 武汉, 1 for 一.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from domain.units.divisions import division_names

MAX_NAME = 100

_DROPPED = re.compile(r"[\s()\[\]{}<>《》〈〉【】〔〕「」『』“”‘’\"'`·•‧・,，.。、;；:：_\u200b-\u200f\u2060\ufeff]+")
_DASHES = re.compile("[‐‑‒–—―−－~～]+")
_LEGAL_FORM = re.compile(
    r"(?:有限责任公司|股份有限公司|有限公司|公司|有限合伙|普通合伙|特殊普通合伙|合伙企业|个人独资企业|个体工商户|个体)$"
)
_PLACE_IN_BRACKETS = re.compile(r"[(\[【〔（]([^()\[\]【】〔〕（）]{2,9})[)\]】〕）]")
_BRANCH = re.compile(
    r"^(.{2,}?(?:医院|卫生院|保健院|疗养院|护理院|康复院|门诊部|诊所|卫生服务中心|防治院|中心|大学|学院))"
    r"(.{1,12}?(?:分院|院区|分部|分中心|分诊所|分站|门诊部|卫生服务站|社区站)|[东西南北新老本]院|第?[一二三四五六七八九十]+(?:分院|门诊部))$"
)
_KIND_WORDS = re.compile(
    "社区卫生服务中心|社区卫生服务站|卫生服务中心|卫生服务站|服务中心|服务站|妇幼保健院|妇幼保健计划生育服务中心|保健院|疾病预防控制中心"
    "|卫生健康委员会|卫生健康局|卫生监督所|卫生监督局|卫生院|卫生室|卫生所|门诊部|分院|院区|医院|诊所|医务室|街道办事处|街道|人民|中心"
    "|红十字|第[一二三四五六七八九十百]+"
)
_DIGITS = re.compile("[0-9]{1,2}(?![0-9])")
NUMERALS = "一二三四五六七八九十百"


@dataclass(frozen=True, slots=True)
class NameParts:
    """place: divisions at its head, shortened (武汉, 江汉). body: without place and legal form. own: without words of kind.

    base, branch: 仁爱医院 and 东湖分院 of 仁爱医院东湖分院; both "" where the name is no branch's.
    """

    place: tuple[str, ...]
    body: str
    legal_form: str
    own: str
    base: str
    branch: str


def tidy_name(name: str) -> str:
    """The name as it is stored and shown: NFKC, Chinese brackets, single blanks, none beside Chinese characters. Idempotent."""
    return _settled(_tidied, name)


def name_key(name: str) -> str:
    """What two names have in common that are the same name: width, blanks, brackets, quotes, 繁简 and case dropped.

    Idempotent. "" for a name that holds nothing to compare.
    """
    return _settled(_key, name)


def _settled(normalise: Callable[[str], str], text: str) -> str:
    """`normalise` until it changes nothing: dropping a blank may let two characters compose; no text needs a fourth pass."""
    for _ in range(4):
        once = normalise(text)
        if once == text:
            break
        text = once
    return text


def _tidied(name: str) -> str:
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", name)).strip()
    text = re.sub(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])", "", text)
    text = re.sub(r" ?\( ?", "（", text)
    return re.sub(r" ?\) ?", "）", text)


def _key(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold()
    text = _DASHES.sub("-", "".join(map(simplified, text)))
    return unicodedata.normalize("NFKC", _DROPPED.sub("", text))


@cache
def simplified(character: str) -> str:
    """One character in 简体; every other one unchanged."""
    if not "\u3400" <= character <= "\U000323af":
        return character
    return _converter()(character)


@cache
def _converter() -> Callable[[str], str]:
    import opencc

    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert


@lru_cache(maxsize=4096)
def name_parts(name: str) -> NameParts:
    """A name taken apart. A division in brackets (仁爱医院（武汉）有限公司) counts as its place."""
    bracketed = [found for found in _PLACE_IN_BRACKETS.findall(name) if name_key(found) in _stems()]
    for found in bracketed:
        name = re.sub(rf"[(\[【〔（]{re.escape(found)}[)\]】〕）]", "", name)
    rest, legal_form = _without_legal_form(name_key(name))
    place, body = _without_place(rest)
    place = (*place, *(_stems()[name_key(found)] for found in bracketed))
    body = _DIGITS.sub(lambda digits: _in_chinese(int(digits.group())), body)
    branch = _BRANCH.match(body)
    base, of_base = (branch.group(1), branch.group(2)) if branch else ("", "")
    return NameParts(place, body, legal_form, _KIND_WORDS.sub("", body), base, of_base)


def _without_legal_form(key: str) -> tuple[str, str]:
    rest = key
    while (shorter := _LEGAL_FORM.sub("", rest)) != rest and len(shorter) >= 2:
        rest = shorter
    return rest, key[len(rest) :]


def _without_place(rest: str) -> tuple[tuple[str, ...], str]:
    place: list[str] = []
    while True:
        longest = next((n for n in range(min(12, len(rest) - 2), 1, -1) if rest[:n] in _stems()), None)
        if longest is None:
            return tuple(one for one in place if one), rest
        place.append(_stems()[rest[:longest]])
        rest = rest[longest:]


@cache
def _stems() -> dict[str, str]:
    """Ways to write a division → its short name; the province's is "", for every name here may begin with it."""
    stems = {"湖北省": "", "湖北": ""}
    for name in division_names():
        short = re.sub("(?:土家族苗族自治州|土家族自治县|林区|市|区|县)$", "", name)
        stems[name] = short
        if short == "公安" or len(short) < 2:  # 公安医院 is the police's, 房 and 随 are too short to be sure
            continue
        stems[short] = short
        if "自治" in name:
            stems[short + name[-1]] = short
    return stems


def _in_chinese(number: int) -> str:
    tens, ones = divmod(number, 10)
    if number == 0:
        return "零"
    head = "" if tens == 0 else "十" if tens == 1 else NUMERALS[tens - 1] + "十"
    return head + (NUMERALS[ones - 1] if ones else "")
