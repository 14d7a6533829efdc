"""Mainland mobile numbers. Pure."""

from __future__ import annotations

import re
import unicodedata

from domain.refused import Refused

_MOBILE = re.compile(r"1[3-9][0-9]{9}", re.ASCII)
_COUNTRY = re.compile(r"^(?:\+|00)86")


def normalise_phone(phone: str) -> str:
    """The 11 digits of a mainland mobile number. Raises Refused("phone.form")."""
    text = re.sub(r"[\s\-()]", "", unicodedata.normalize("NFKC", phone))
    number = _COUNTRY.sub("", text)
    if not _MOBILE.fullmatch(number):
        raise Refused("phone.form")
    return number
