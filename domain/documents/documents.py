"""Identity documents: their types and what their numbers say about themselves. Pure.

A problem makes a number unusable for that type; a flag is only worth a reviewer's look and never refuses anybody.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache

from stdnum import numdb


class DocumentType(StrEnum):
    RESIDENT_ID = "resident_id"
    HK_MACAU_PERMIT = "hk_macau_permit"
    TAIWAN_PERMIT = "taiwan_permit"
    RESIDENCE_PERMIT = "residence_permit"
    PASSPORT = "passport"
    FOREIGN_PERMANENT_RESIDENT = "foreign_permanent_resident"


DOCUMENT_LABELS: dict[DocumentType, str] = {
    DocumentType.RESIDENT_ID: "居民身份证",
    DocumentType.HK_MACAU_PERMIT: "港澳居民来往内地通行证",
    DocumentType.TAIWAN_PERMIT: "台湾居民来往大陆通行证",
    DocumentType.RESIDENCE_PERMIT: "港澳台居民居住证",
    DocumentType.PASSPORT: "护照",
    DocumentType.FOREIGN_PERMANENT_RESIDENT: "外国人永久居留身份证",
}


class Sex(StrEnum):
    MALE = "男"
    FEMALE = "女"


@dataclass(frozen=True, slots=True)
class ResidentNumber:
    """What a resident ID number says. division: GB/T 2260 code at the number's first assignment."""

    number: str
    division: str
    birth: date
    sex: Sex


_SEPARATORS = re.compile(r"[\s\-‐‑–—－_.·]+")


def normalise_number(number: str) -> str:
    """The number as it is stored and compared: half-width, upper case, without blanks and hyphens. Idempotent."""
    text = number
    for _ in range(4):  # taking a blank out may let two characters compose; no text needs a third pass
        once = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
        if once == text:
            break
        text = once
    return text


# 2**(17 - i) mod 11 for digit i = 0..16 (GB 11643-1999, ISO 7064 MOD 11-2)
_WEIGHTS = tuple(2 ** (17 - i) % 11 for i in range(17))
_CHECK_DIGITS = "10X98765432"
_RESIDENT = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_LEGACY = re.compile(r"[0-9]{15}", re.ASCII)


def resident_check_digit(first_17: str) -> str:
    """The 18th digit that belongs to the first 17 (GB 11643-1999)."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first_17, strict=True))
    return _CHECK_DIGITS[total % 11]


def parse_resident_number(number: str) -> ResidentNumber | None:
    """What an 18-digit resident number says; None unless its form, its date and its check digit hold.

    Does not judge whether the date lies in the future or the division is known: `number_problems`, `number_flags`.
    """
    text = normalise_number(number)
    if not _RESIDENT.fullmatch(text) or resident_check_digit(text[:17]) != text[17]:
        return None
    birth = _compact_date(text[6:14])
    if birth is None:
        return None
    return ResidentNumber(text, text[:6], birth, Sex.MALE if int(text[16]) % 2 else Sex.FEMALE)


def lookup_forms(document_type: DocumentType, number: str) -> tuple[str, ...]:
    """Every number under which the same document may be registered: today's form first.

    A 15-digit resident number of before 1999 is good for look-up only; it maps to its 18-digit form (century 19).
    """
    text = normalise_number(number)
    if document_type is DocumentType.RESIDENT_ID and _LEGACY.fullmatch(text):
        first_17 = f"{text[:6]}19{text[6:]}"
        return (first_17 + resident_check_digit(first_17), text)
    return (text,)


def number_problems(document_type: DocumentType, number: str, today: date) -> tuple[str, ...]:
    """Codes of what is wrong with the number for this type, worst first; empty when nothing is.

    Codes: number.empty, number.legacy (15 digits), number.form, number.birth, number.birth_in_future, number.check_digit,
    number.prefix.
    """
    text = normalise_number(number)
    if not text:
        return ("number.empty",)
    if document_type is DocumentType.RESIDENT_ID:
        return ("number.legacy",) if _LEGACY.fullmatch(text) else _eighteen_digit_problems(text, today)
    if document_type is DocumentType.RESIDENCE_PERMIT:
        problems = _eighteen_digit_problems(text, today)
        return problems or (() if text[:6] in _RESIDENCE_REGIONS else ("number.prefix",))
    if document_type is DocumentType.FOREIGN_PERMANENT_RESIDENT and len(text) == 18:
        problems = _eighteen_digit_problems(text, today)
        return problems or (() if text.startswith("9") else ("number.prefix",))
    return () if _PATTERNS[document_type].fullmatch(text) else ("number.form",)


# Hong Kong, Macau, Taiwan (GB 11643 numbers of residence permits since 2018)
_RESIDENCE_REGIONS = frozenset({"810000", "820000", "830000"})

_PATTERNS: dict[DocumentType, re.Pattern[str]] = {
    # 8 digits a person; older booklets print two more, the count of renewals
    DocumentType.HK_MACAU_PERMIT: re.compile(r"[HM][0-9]{8}(?:[0-9]{2})?", re.ASCII),
    DocumentType.TAIWAN_PERMIT: re.compile(r"[0-9]{8}", re.ASCII),
    # ICAO 9303: up to 9 characters of A-Z and 0-9 in the MRZ; no state issues fewer than 5
    DocumentType.PASSPORT: re.compile(r"(?=.*[0-9])[A-Z0-9]{5,9}", re.ASCII),
    # cards before 2023-12: three letters of the nationality, then 12 digits
    DocumentType.FOREIGN_PERMANENT_RESIDENT: re.compile(r"[A-Z]{3}[0-9]{12}", re.ASCII),
}


def _eighteen_digit_problems(text: str, today: date) -> tuple[str, ...]:
    if not _RESIDENT.fullmatch(text):
        return ("number.form",)
    problems = []
    birth = _compact_date(text[6:14])
    if birth is None:
        problems.append("number.birth")
    elif birth > today:
        problems.append("number.birth_in_future")
    if resident_check_digit(text[:17]) != text[17]:
        problems.append("number.check_digit")
    return tuple(problems)


def number_flags(document_type: DocumentType, number: str) -> tuple[str, ...]:
    """Codes of what a reviewer should know though it refuses nothing: number.unknown_division."""
    if document_type is not DocumentType.RESIDENT_ID:
        return ()
    parsed = parse_resident_number(number)
    if parsed is None or is_known_division(parsed.division):
        return ()
    return ("number.unknown_division",)


@lru_cache(maxsize=4096)
def is_known_division(division: str) -> bool:
    """Whether GB/T 2260 ever had this six-digit code. The list is never complete: unknown is a flag, not a fault."""
    return any(facts for _, facts in numdb.get("cn/loc").info(division) if "county" in facts)


def _compact_date(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def mrz_check_digit(field: str) -> str:
    """The check digit of an MRZ field: weights 7 3 1, A-Z are 10-35, `<` is 0 (ICAO 9303-3, 4.9)."""
    total = 0
    for position, character in enumerate(field):
        value = 0 if character == "<" else int(character, 36)
        total += value * (7, 3, 1)[position % 3]
    return str(total % 10)


NUMBER_PROBLEM_TEXTS: dict[str, str] = {
    "number.empty": "请填写证件号码",
    "number.legacy": "15 位旧身份证号码已停用，请填写 18 位身份证号码",
    "number.form": "证件号码的位数或格式不符合所选证件类型",
    "number.birth": "证件号码中的出生日期不存在",
    "number.birth_in_future": "证件号码中的出生日期晚于今天",
    "number.check_digit": "证件号码校验位不正确，请逐位核对",
    "number.prefix": "证件号码的开头不符合所选证件类型",
    "number.unknown_division": "证件号码的行政区划代码不在已知名录中",
}
