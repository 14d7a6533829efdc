"""What a document's number and dates say when they are held against the rest of the card. Sentences for a reviewer. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from stdnum import numdb

from domain.documents.comparison import is_lawful_term
from domain.documents.documents import (
    NUMBER_PROBLEM_TEXTS,
    DocumentType,
    ResidentNumber,
    normalise_number,
    number_problems,
    parse_resident_number,
)


class CheckState(StrEnum):
    """PROBLEM: does not fit. NOTICE: worth a look. UNKNOWN: could not be checked."""

    OK = "ok"
    PROBLEM = "problem"
    NOTICE = "notice"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """code: stable, e.g. `number`, `division`. sentence: Chinese, holds personal data."""

    code: str
    label: str
    state: CheckState
    sentence: str


def document_checks(
    document_type: DocumentType, number: str, fields: Mapping[str, str], today: date
) -> tuple[Check, ...]:
    """number: as typed. fields: as read, by name; empty without a reading. In the order a reviewer looks."""
    found = [_number_check(document_type, number, today)]
    parsed = parse_resident_number(number)
    if parsed is not None and document_type is DocumentType.RESIDENT_ID:
        found += [_division_check(parsed), _birth_check(parsed, fields), _sex_check(parsed, fields)]
        found.append(_age_check(parsed, today))
    found += _term_checks(parsed, fields, today)
    return tuple(found)


def _number_check(document_type: DocumentType, number: str, today: date) -> Check:
    problems = number_problems(document_type, number, today)
    if problems:
        sentence = "；".join(NUMBER_PROBLEM_TEXTS[code] for code in problems) + "。"
        return Check("number", "号码", CheckState.PROBLEM, sentence)
    is_checked = len(normalise_number(number)) == 18
    sentence = "号码格式和校验位正确。" if is_checked else "号码格式正确；这种号码没有校验位。"
    return Check("number", "号码", CheckState.OK, sentence)


def _division_check(parsed: ResidentNumber) -> Check:
    places = [facts for _, facts in numdb.get("cn/loc").info(parsed.division)]
    # Names carry the years they were in use: `[1983-]江岸区`.
    names = [re.sub(r"\[[^]]*\]", "", str(name)) for each in places for name in each.values()]
    if not any("county" in each for each in places):
        sentence = f"行政区划代码 {parsed.division} 不在已知名录中，请核对首次登记地。"
        return Check("division", "行政区划", CheckState.NOTICE, sentence)
    shown = "".join(name.replace(",", "、") for name in names)
    return Check("division", "行政区划", CheckState.OK, f"{parsed.division} 为{shown}（首次登记地）。")


def _birth_check(parsed: ResidentNumber, fields: Mapping[str, str]) -> Check:
    read = fields.get("birth")
    if not read:
        return Check("birth", "出生日期", CheckState.UNKNOWN, f"号码中为 {parsed.birth}；证件上没有读出出生日期。")
    if _date(read) == parsed.birth:
        return Check("birth", "出生日期", CheckState.OK, f"号码与证件上均为 {parsed.birth}。")
    return Check("birth", "出生日期", CheckState.PROBLEM, f"号码中为 {parsed.birth}，证件上为 {read}。")


def _sex_check(parsed: ResidentNumber, fields: Mapping[str, str]) -> Check:
    read = fields.get("sex")
    if not read:
        return Check("sex", "性别", CheckState.UNKNOWN, f"号码中为{parsed.sex}；证件上没有读出性别。")
    if read == parsed.sex:
        return Check("sex", "性别", CheckState.OK, f"号码与证件上均为{parsed.sex}。")
    return Check("sex", "性别", CheckState.PROBLEM, f"号码中为{parsed.sex}，证件上为{read}。")


def _age_check(parsed: ResidentNumber, today: date) -> Check:
    age = today.year - parsed.birth.year - ((today.month, today.day) < (parsed.birth.month, parsed.birth.day))
    state = CheckState.OK if 16 <= age <= 100 else CheckState.NOTICE
    note = "" if state is CheckState.OK else "，请核对"
    return Check("age", "年龄", state, f"{age} 周岁{note}。")


_TERM = re.compile(r"(\d{4}\.\d{2}\.\d{2})-(\d{4}\.\d{2}\.\d{2}|长期)")


def _term_checks(parsed: ResidentNumber | None, fields: Mapping[str, str], today: date) -> list[Check]:
    text = fields.get("validity")
    term = _TERM.fullmatch(text) if text else None
    starts = _date(term[1]) if term else None
    until = _date(term[2]) if term and term[2] != "长期" else None
    if term is None or starts is None or (until is None and term[2] != "长期"):
        last = _date(fields.get("expiry", ""))
        if last is None:
            return [Check("validity", "有效期", CheckState.UNKNOWN, "没有读出有效期限。")] if fields else []
        return [_validity_check(None, last, today)]
    checks = [_validity_check(starts, until, today)]
    if parsed is not None and not is_lawful_term(parsed.birth, starts, until):
        checks.append(
            Check(
                "term",
                "有效期长度",
                CheckState.PROBLEM,
                f"有效期 {text} 与持证人签发时的年龄不符，正反面可能不是同一张。",
            )
        )
    return checks


def _validity_check(starts: date | None, until: date | None, today: date) -> Check:
    if until is not None and until < today:
        return Check("validity", "有效期", CheckState.PROBLEM, f"证件已于 {until} 到期。")
    if starts is not None and starts > today:
        return Check("validity", "有效期", CheckState.PROBLEM, f"证件自 {starts} 起才有效。")
    return Check("validity", "有效期", CheckState.OK, f"有效期至 {until}。" if until else "长期有效。")


def _date(text: str) -> date | None:
    """Of `1949.12.31`, `1949-12-31`, `1949年12月31日` or `19491231`."""
    digits = re.findall(r"\d+", text)
    joined = digits[0] if len(digits) == 1 and len(digits[0]) == 8 else ""
    parts = [joined[:4], joined[4:6], joined[6:]] if joined else digits
    try:
        year, month, day = (int(part) for part in parts)
        return date(year, month, day)
    except ValueError:
        return None
