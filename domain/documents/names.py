"""People's names: one way to write them down, and when two readings are the same name. Pure.

A name is compared letter by letter after normalising; nothing here guesses. Chinese names keep every character (a rare
character is not replaced by a look-alike); Latin names are compared as ICAO 9303 writes them in the MRZ.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from itertools import product


class NameAgreement(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    UNREAD = "unread"


MIDDLE_DOT = "·"
# What keyboards, fonts and OCR give for the dot in 阿卜杜拉·买买提: all mean U+00B7.
_DOTS = re.compile("[·••‧∙⋅・･᛫●.．。]")
_BLANKS = re.compile(r"\s+")
_LATIN = re.compile(r"[A-Za-z]")
_HAN = re.compile("[㐀-䶿一-鿿豈-﫿\U00020000-\U000323af〇]")
_HAN_BETWEEN_BLANKS = re.compile(r"(?<=[^\x00-\x7f]) (?=[^\x00-\x7f])")


def normalise_name(name: str) -> str:
    """The name as it is stored: NFKC, one kind of middle dot, no blanks within Chinese, single blanks in Latin, upper case.

    Idempotent. NFKC folds compatibility ideographs and full-width letters, never one unified character into another.
    """
    text = name
    for _ in range(4):  # taking a blank out may let two characters compose; no text needs a third pass
        once = _normalised(text)
        if once == text:
            break
        text = once
    return text


def _normalised(name: str) -> str:
    text = _BLANKS.sub(" ", unicodedata.normalize("NFKC", name)).strip().upper()
    if not is_chinese(text):
        return text
    text = _DOTS.sub(MIDDLE_DOT, text)
    text = re.sub(f" *{MIDDLE_DOT}[ {MIDDLE_DOT}]*", MIDDLE_DOT, text).strip(MIDDLE_DOT + " ")
    return _HAN_BETWEEN_BLANKS.sub("", text)


def is_chinese(name: str) -> bool:
    """Whether the name holds a Chinese character."""
    return bool(_HAN.search(name))


def compare_names(typed: str, read: str | None) -> NameAgreement:
    """Whether the name a person typed is the one read from the document. None or "" → UNREAD.

    A Latin reading (passport, MRZ) is compared by `is_same_latin_name`; a Latin reading of a name typed in Chinese says
    nothing about it: UNREAD.
    """
    if not read or not normalise_name(read):
        return NameAgreement.UNREAD
    mine, theirs = normalise_name(typed), normalise_name(read)
    if is_chinese(mine) != is_chinese(theirs):
        return NameAgreement.UNREAD
    if mine == theirs:
        return NameAgreement.SAME
    if is_chinese(mine):
        # With or without its dots a name is the same: 阿卜杜拉·买买提 is printed both ways.
        is_same = mine.replace(MIDDLE_DOT, "") == theirs.replace(MIDDLE_DOT, "")
    else:
        is_same = is_same_latin_name(mine, theirs)
    return NameAgreement.SAME if is_same else NameAgreement.DIFFERENT


# ICAO 9303-3, section 6: letters with more than one transliteration; the first is the plain one.
_TRANSLITERATIONS: dict[str, tuple[str, ...]] = {
    "Ä": ("A", "AE", "AXX"),
    "Å": ("A", "AA"),
    "Æ": ("AE",),
    "Ð": ("D",),
    "Ñ": ("N", "NXX"),
    "Ö": ("O", "OE", "OXX"),
    "Ø": ("O", "OE"),
    "Œ": ("OE",),
    "ẞ": ("SS",),
    "Þ": ("TH",),
    "Ü": ("U", "UE", "UXX", "UX"),
    "Đ": ("D",),
    "Ħ": ("H",),
    "Ł": ("L",),
    "ſ": ("S",),
}
MRZ_NAME_LENGTH = 39  # characters of the name field of a TD3 MRZ, filling included
_MAX_SPELLINGS = 256


def mrz_spellings(name: str) -> frozenset[str]:
    """Every way ICAO 9303 may write a Latin name, its parts joined by `<`, in the given order."""
    choices = []
    for letter in unicodedata.normalize("NFC", name.upper().replace("ß", "ẞ")):
        if letter in _TRANSLITERATIONS:
            choices.append(_TRANSLITERATIONS[letter])
            continue
        base = unicodedata.normalize("NFD", letter)[0]
        choices.append((base if "A" <= base <= "Z" else ("" if base in "'’ʼ`.," else "<"),))
    total = 1
    for index, options in enumerate(choices):
        total *= len(options)
        if total > _MAX_SPELLINGS:  # a hostile name of many umlauts: plain letters from here on
            choices[index:] = [options[:1] for options in choices[index:]]
            break
    return frozenset(re.sub("<+", "<", "".join(letters)).strip("<") for letters in product(*choices))


def is_same_latin_name(typed: str, read: str) -> bool:
    """Whether two Latin names have the same parts in any order, as the MRZ would write them.

    A reading cut at the MRZ's length counts where it is the beginning of the typed name in the reading's own order.
    """
    if not (_LATIN.search(typed) and _LATIN.search(read)):
        return False
    typed_spellings, read_spellings = mrz_spellings(typed), mrz_spellings(read)
    if {_parts(one) for one in typed_spellings} & {_parts(one) for one in read_spellings}:
        return True
    return any(
        len(theirs) >= MRZ_NAME_LENGTH - 2 and mine.startswith(theirs)
        for mine in typed_spellings
        for theirs in read_spellings
    )


def _parts(spelling: str) -> tuple[str, ...]:
    return tuple(sorted(part for part in spelling.split("<") if part))
