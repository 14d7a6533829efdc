"""Unified social credit codes 统一社会信用代码, GB 32100-2015, with the organisation code inside (GB 11714-1997). Pure.

Character 1: registering authority, 2: kind of body, 3-8: division, 9-17: organisation code with its own check, 18: check.
"""

from __future__ import annotations

import re
import unicodedata

from stdnum.cn import uscc

from domain.refused import Refused

LENGTH = 18
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LEFT_OUT = "IOSVZ"  # GB 32100 leaves these letters out: they look like 1, 0, 5, U and 2
_FORM = re.compile(f"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}")
_ORGANISATION = re.compile("[0-9A-Z]{8}[0-9X]")
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714: sum mod 11


def normalise_credit_code(text: str) -> str:
    """The 18 characters of a credit code that stands its check.

    Raises Refused: "credit_code.length" (fact `length`), "credit_code.letters" (fact `letters`: those of I O S V Z that it
    holds), "credit_code.form", "credit_code.check".
    """
    code = compact(text)
    if len(code) != LENGTH:
        raise Refused("credit_code.length", length=len(code))
    left_out = sorted(set(code) & set(LEFT_OUT))
    if left_out:
        raise Refused("credit_code.letters", letters="".join(left_out))
    if not _FORM.fullmatch(code):
        raise Refused("credit_code.form")
    if code[-1] != check_character(code[:-1]):
        raise Refused("credit_code.check")
    return code


def compact(text: str) -> str:
    """Upper case, half width, without blanks and hyphens: how codes are typed and stamped."""
    return re.sub(r"[\s\-‐-―]", "", unicodedata.normalize("NFKC", text)).upper()


def check_character(first_17: str) -> str:
    """The 18th character: weights 3^(i-1) mod 31, 31 minus the sum mod 31.

    python-stdnum computes it; its validate() is not used, because it refuses codes beginning with A, N or Y.
    """
    check: str = uscc.calc_check_digit(first_17)
    return check


def organisation_code(credit_code: str) -> str:
    """Characters 9-17 of a normalised credit code."""
    return credit_code[8:17]


def division_of(credit_code: str) -> str:
    """Characters 3-8: the division of the authority that registered the body."""
    return credit_code[2:8]


def kind_of(credit_code: str) -> str:
    """Characters 1 and 2: who registered what (12: 事业单位, 91: 企业)."""
    return credit_code[:2]


def organisation_check_character(first_8: str) -> str:
    """The 9th character of an organisation code: 11 minus the weighted sum mod 11; X for 10, 0 for 11."""
    total = sum(int(character, 36) * weight for character, weight in zip(first_8, _ORGANISATION_WEIGHTS, strict=True))
    check = (11 - total % 11) % 11
    return "X" if check == 10 else str(check)


def has_valid_organisation_code(credit_code: str) -> bool:
    """Whether characters 9-17 stand their own check. Some codes given since 2015 do not: worth showing, no reason to refuse."""
    code = organisation_code(credit_code)
    return bool(_ORGANISATION.fullmatch(code)) and code[-1] == organisation_check_character(code[:-1])
