"""Registration numbers of medical practice licences 医疗机构执业许可证登记号. Pure.

22 characters: organisation code 9, division 6, economic kind 2, category 4, class of ownership 1. Where a body had no
organisation code, the first nine are a pseudo code beginning with PDY. Licences of old clinics show 12 digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from domain.institutions.credit_code import compact, organisation_check_character
from domain.refused import Refused

LENGTH = 22
OLD_LENGTH = 12
_FORM = re.compile("[0-9A-Z]{8}[0-9X][0-9]{6}[0-9A-Z]{7}")
_PSEUDO_FORM = re.compile("PDY[0-9A-Z]{6}[0-9]{6}[0-9A-Z]{7}")
_OLD_FORM = re.compile("[0-9]{12}")


class LicenceForm(StrEnum):
    """FULL: an organisation code leads it. PSEUDO: PDY does. OLD: 12 digits of an old clinic."""

    FULL = "full"
    PSEUDO = "pseudo"
    OLD = "old"


@dataclass(frozen=True, slots=True)
class LicenceNumber:
    """organisation_code: None where it holds none. division: where the licence was given, None on old ones."""

    number: str
    form: LicenceForm
    organisation_code: str | None
    division: str | None


def read_licence_number(text: str) -> LicenceNumber:
    """A licence number taken apart.

    Raises Refused: "licence.length" (fact `length`), "licence.form". The check of the organisation code refuses nothing:
    see has_valid_check().
    """
    number = compact(text)
    if len(number) not in {LENGTH, OLD_LENGTH}:
        raise Refused("licence.length", length=len(number))
    if _OLD_FORM.fullmatch(number):
        return LicenceNumber(number, LicenceForm.OLD, None, None)
    if _PSEUDO_FORM.fullmatch(number):
        return LicenceNumber(number, LicenceForm.PSEUDO, None, number[9:15])
    if _FORM.fullmatch(number):
        return LicenceNumber(number, LicenceForm.FULL, number[:9], number[9:15])
    raise Refused("licence.form")


def normalise_licence_number(text: str) -> str:
    """The number as it is stored. Raises as read_licence_number()."""
    return read_licence_number(text).number


def has_valid_check(licence: LicenceNumber) -> bool:
    """Whether the organisation code in front stands its check; true where there is none."""
    code = licence.organisation_code
    return code is None or code[-1] == organisation_check_character(code[:-1])
