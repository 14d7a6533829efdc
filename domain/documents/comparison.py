"""What was typed against what was read from the document: facts for a decision table, sentences for people. Pure.

Nothing here decides: `decide.dmn` does. A reading that is not sure never counts as a difference, only as unread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from domain.documents.documents import DocumentType, normalise_number, number_problems, parse_resident_number
from domain.documents.names import NameAgreement, compare_names


@dataclass(frozen=True, slots=True)
class PageSeen:
    """One photographed page. warnings: codes of docs/warnings.md. rectified: attachment id of the card laid flat."""

    attachment: str
    rectified: str | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the reader found. fields, confidences: by field name, all pages together."""

    pages: tuple[PageSeen, ...]
    fields: Mapping[str, str]
    confidences: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """name_agreement, number_agreement: same | different | unread. sides_agree: agree | disagree | unknown.

    validity: valid | expired | not_yet | unread. quality: good | fair | poor (a better photo is needed). defects: what a
    better photo mends. differences: typed against read. flags: what a reviewer should look at. valid_until: ISO, None: 长期
    or unread. portrait: attachment to take the face from.
    """

    name_agreement: str
    number_agreement: str
    sides_agree: str
    validity: str
    quality: str
    defects: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    read_name: str | None = None
    read_number: str | None = None
    valid_until: str | None = None
    portrait: str | None = None
    can_crop_portrait: bool = False

    @property
    def has_flags(self) -> bool:
        return bool(self.flags)


DEFECT_TEXTS: dict[str, str] = {
    "blurred": "照片模糊，请对焦后再拍",
    "cut": "证件没有拍全，请把四角都放进取景框",
    "low_resolution": "证件在照片中太小，请靠近一些",
    "glare": "证件上有反光，请避开灯光",
    "wrong_side": "正反面放反了",
    "wrong_document": "拍摄的不是所选类型的证件",
    "not_a_document": "照片中没有找到证件",
    "unreadable": "照片上的文字无法辨认",
    "mrz_check_failed": "机读码没有读清",
}
_POOR = frozenset(DEFECT_TEXTS) - {"glare", "mrz_check_failed"}
FLAG_TEXTS: dict[str, str] = {
    "birth_disagrees": "证件上的出生日期与证件号码不符",
    "sex_disagrees": "证件上的性别与证件号码不符",
    "authority": "签发机关与住址不在同一地区",
}
_UNREAD_TEXTS = {"name": "没有读清姓名", "number": "没有读清证件号码", "validity": "没有读清有效期限"}
_PAGE_NAMES = ("正面", "反面")
_NAME_FIELDS = ("name",)
_NUMBER_FIELDS = ("id_number", "document_number", "passport_number")


def compare(
    document_type: DocumentType, name: str, number: str, seen: Seen, *, confident_from: float, today: date
) -> Comparison:
    """The facts of one reading. confident_from: 0-1, from where on a reading that differs is taken at its word."""
    read_name, name_agreement = _agreement_of_name(name, seen, confident_from)
    read_number, number_agreement = _agreement_of_number(document_type, number, seen, confident_from, today)
    starts, until, validity = _validity(seen, today)
    warnings = {code for page in seen.pages for code in page.warnings}
    unread = {
        "name": name_agreement == "unread",
        "number": number_agreement == "unread",
        "validity": validity == "unread",
    }
    front = seen.pages[0] if seen.pages else None
    return Comparison(
        name_agreement=name_agreement,
        number_agreement=number_agreement,
        sides_agree=_sides(read_number, starts, until, is_read=validity != "unread"),
        validity=validity,
        quality="poor" if warnings & _POOR else "fair" if warnings & set(DEFECT_TEXTS) else "good",
        defects=_defects(seen.pages, [text for key, text in _UNREAD_TEXTS.items() if unread[key]]),
        differences=_differences(name_agreement, read_name, number_agreement, read_number),
        flags=_flags(seen, warnings),
        read_name=read_name,
        read_number=read_number,
        valid_until=until.isoformat() if until else None,
        portrait=(front.rectified or front.attachment) if front else None,
        can_crop_portrait=bool(document_type is DocumentType.RESIDENT_ID and front and front.rectified),
    )


def nothing_seen(page_count: int) -> Comparison:
    """When a photo's file could not be opened at all."""
    pages = "、".join(_PAGE_NAMES[:page_count]) if page_count > 1 else "照片"
    return Comparison(
        name_agreement="unread",
        number_agreement="unread",
        sides_agree="unknown",
        validity="unread",
        quality="poor",
        defects=(f"{pages}的文件无法打开，请重新拍摄",),
    )


def _agreement_of_name(name: str, seen: Seen, confident_from: float) -> tuple[str | None, str]:
    read, confidence = _field(seen, _NAME_FIELDS)
    agreement = compare_names(name, read)
    if agreement is NameAgreement.DIFFERENT and confidence < confident_from:
        agreement = NameAgreement.UNREAD
    return read, str(agreement)


def _agreement_of_number(
    document_type: DocumentType, number: str, seen: Seen, confident_from: float, today: date
) -> tuple[str | None, str]:
    read, confidence = _field(seen, _NUMBER_FIELDS)
    if read is None or number_problems(document_type, read, today):
        return read, "unread"  # a number that fails its own check was misread
    if normalise_number(read) == normalise_number(number):
        return read, "same"
    return read, "different" if confidence >= confident_from else "unread"


def _field(seen: Seen, names: Sequence[str]) -> tuple[str | None, float]:
    for name in names:
        if seen.fields.get(name):
            return seen.fields[name], seen.confidences.get(name, 0.0)
    return None, 0.0


_TERM = re.compile(r"(\d{4}\.\d{2}\.\d{2})-(\d{4}\.\d{2}\.\d{2}|长期)")


def _validity(seen: Seen, today: date) -> tuple[date | None, date | None, str]:
    """First day (None: not told), last day (None: 长期), and where today lies."""
    term = _TERM.fullmatch(seen.fields.get("validity", ""))
    starts: date | None = None
    until: date | None
    try:
        if term is None:  # passports tell only their last day
            until = date.fromisoformat(seen.fields.get("expiry", ""))
        else:
            starts = date.fromisoformat(term[1].replace(".", "-"))
            until = None if term[2] == "长期" else date.fromisoformat(term[2].replace(".", "-"))
    except ValueError:
        return None, None, "unread"
    if until is not None and until < today:
        return starts, until, "expired"
    return starts, until, "not_yet" if starts is not None and starts > today else "valid"


def _sides(read_number: str | None, starts: date | None, until: date | None, *, is_read: bool) -> str:
    """Whether front (number) and back (term) can belong to one resident ID."""
    parsed = parse_resident_number(read_number) if read_number else None
    if parsed is None or starts is None or not is_read:
        return "unknown"
    return "agree" if is_lawful_term(parsed.birth, starts, until) else "disagree"


def is_lawful_term(birth: date, starts: date, until: date | None) -> bool:
    """Whether a resident ID of this term may have been issued to somebody born then (居民身份证法 article 5).

    Under 16: 5 years; 16 to 25: 10; 26 to 45: 20; from 46 on: 长期. The age is that of the application, up to a year
    before the card's first day.
    """
    age = starts.year - birth.year - ((starts.month, starts.day) < (birth.month, birth.day))
    return (until.year - starts.year if until else None) in {_lawful_years(age), _lawful_years(age - 1)}


def _lawful_years(age: int) -> int | None:
    for below, years in ((16, 5), (26, 10), (46, 20)):
        if age < below:
            return years
    return None


def _defects(pages: Sequence[PageSeen], unread: Sequence[str]) -> tuple[str, ...]:
    """Every defect at once, page by page, then what could not be read."""
    found = []
    for index, page in enumerate(pages):
        where = f"{_PAGE_NAMES[index]}：" if len(pages) == 2 else ""
        found += [where + DEFECT_TEXTS[code] for code in page.warnings if code in DEFECT_TEXTS]
    return tuple(dict.fromkeys([*found, *unread]))


def _differences(name: str, read_name: str | None, number: str, read_number: str | None) -> tuple[str, ...]:
    found = []
    if number == "different":
        found.append(f"填写的证件编号与证件上的 {read_number} 不一致")
    if name == "different":
        found.append(f"填写的姓名与证件上的“{read_name}”不一致")
    return tuple(found)


def _flags(seen: Seen, warnings: set[str]) -> tuple[str, ...]:
    codes: list[str] = [code for code in ("birth_disagrees", "sex_disagrees") if code in warnings]
    authority, address = seen.fields.get("authority"), seen.fields.get("address")
    if authority and address and not _is_same_area(authority, address):
        codes.append("authority")
    return tuple(FLAG_TEXTS[code] for code in codes)


def _is_same_area(authority: str, address: str) -> bool:
    """武汉市公安局江岸分局 issues to 湖北省武汉市江岸区…: one of its places begins like one in the address."""
    places = [part for part in re.split("公安局|公安分局|分局|派出所|局", authority) if len(part) >= 2]
    return not places or any(place[:2] in address for place in places)
