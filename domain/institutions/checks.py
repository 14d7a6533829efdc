"""Cross-checks of what an institution says of itself. Each explains itself; a contradiction is shown, it refuses nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from domain.institutions import labels
from domain.institutions.category import CATEGORY_LABELS, Category
from domain.institutions.credit_code import (
    division_of,
    has_valid_organisation_code,
    kind_of,
    normalise_credit_code,
    organisation_code,
)
from domain.institutions.practice_licence import LicenceForm, LicenceNumber, has_valid_check, read_licence_number
from domain.refused import Refused
from domain.units.divisions import PROVINCE, divisions, superior_division


class Verdict(StrEnum):
    """AGREES, CONTRADICTS, or a NOTE that needs a look; what cannot be compared is not mentioned."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """code: stable, for decision tables (`organisation_code`, `credit_division`, …). sentence: for the reviewer."""

    code: str
    verdict: Verdict
    sentence: str


@dataclass(frozen=True, slots=True)
class CheckFindings:
    """Everything that could be compared, in the order it was."""

    findings: tuple[CheckFinding, ...]

    @property
    def contradictions(self) -> tuple[CheckFinding, ...]:
        return tuple(each for each in self.findings if each.verdict is Verdict.CONTRADICTS)

    @property
    def has_contradiction(self) -> bool:
        return bool(self.contradictions)


_KINDS = {
    "11": "机关",
    "12": "事业单位",
    "13": "编制机关直接管理的群众团体",
    "51": "社会团体",
    "52": "民办非企业单位",
    "53": "基金会",
    "54": "基层群众性自治组织",
    "55": "农村集体经济组织",
    "91": "企业",
    "92": "个体工商户",
    "93": "农民专业合作社",
    "A1": "军队事业单位",
    "Y1": "其他机构",
}
_PUBLIC = frozenset({"12"})
_ANY_HOUSE = frozenset({"12", "52", "91", "92", "A1"})
_SMALL_HOUSE = _ANY_HOUSE | {"54", "93"}
# Who may register a body of this category; what is not listed may be registered by anybody.
_EXPECTED: dict[Category, frozenset[str]] = {
    Category.HEALTH_COMMISSION: frozenset({"11"}),
    Category.CDC: _PUBLIC | {"11"},
    Category.HEALTH_SUPERVISION: _PUBLIC | {"11"},
    Category.EMERGENCY_CENTRE: _PUBLIC,
    Category.BLOOD_STATION: _PUBLIC,
    Category.TOWNSHIP_HEALTH: _PUBLIC | {"52"},
    Category.MATERNAL_CHILD: _PUBLIC | {"52", "91"},
    Category.SPECIAL_PREVENTION: _PUBLIC | {"52"},
    Category.HOSPITAL: frozenset({"12", "52", "91", "A1"}),
    Category.NURSING_HOME: frozenset({"12", "52", "91"}),
    Category.COMMUNITY_HEALTH: frozenset({"12", "52", "91", "92"}),
    Category.OUTPATIENT: _ANY_HOUSE,
    Category.CLINIC: _SMALL_HOUSE,
    Category.FILED_CLINIC: _SMALL_HOUSE,
    Category.VILLAGE_CLINIC: _SMALL_HOUSE,
    Category.SCHOOL: frozenset({"12", "52"}),
    Category.RESEARCH: frozenset({"12", "52", "91"}),
}


def check_institution(
    *,
    supervising_unit: str,
    category: Category,
    credit_code: str | None = None,
    licence_number: str | None = None,
) -> CheckFindings:
    """What credit code, licence number, supervising unit and category say about each other.

    Numbers as typed or read from a form: one that is malformed is a finding, too.
    """
    findings: list[CheckFinding] = []
    code = _readable(findings, "credit_code", labels.CREDIT_CODE, credit_code, normalise_credit_code)
    licence = _readable(findings, "licence_number", "执业许可证登记号", licence_number, read_licence_number)
    if code is not None:
        findings += _credit_code_findings(code, supervising_unit, category)
    if licence is not None:
        findings += _licence_findings(licence, code, supervising_unit)
    return CheckFindings(tuple(findings))


def _credit_code_findings(code: str, supervising_unit: str, category: Category) -> list[CheckFinding]:
    found = []
    if not has_valid_organisation_code(code):
        found.append(
            CheckFinding(
                "organisation_check",
                Verdict.NOTE,
                f"信用代码中的组织机构代码 {organisation_code(code)} 校验位不符，请核对证书原件",
            )
        )
    found.append(_division_finding("credit_division", "信用代码的登记机关", division_of(code), supervising_unit))
    expected = _EXPECTED.get(category)
    if expected is not None:
        kind = kind_of(code)
        said = f"信用代码以 {kind} 开头（{_KINDS.get(kind, '未知类别')}）"
        label = CATEGORY_LABELS[category]
        if kind in expected:
            found.append(CheckFinding("credit_kind", Verdict.AGREES, f"{said}，与机构类别“{label}”相符"))
        else:
            usual = "、".join(_KINDS[each] for each in sorted(expected))
            found.append(CheckFinding("credit_kind", Verdict.CONTRADICTS, f"{said}，而“{label}”通常登记为{usual}"))
    return found


def _licence_findings(licence: LicenceNumber, code: str | None, supervising_unit: str) -> list[CheckFinding]:
    if licence.form is LicenceForm.OLD:
        return [
            CheckFinding(
                "licence_form", Verdict.NOTE, "执业许可证登记号为 12 位旧号，不含组织机构代码，无法与信用代码核对"
            )
        ]
    found = []
    if licence.form is LicenceForm.PSEUDO:
        found.append(
            CheckFinding("licence_form", Verdict.NOTE, "登记号以 PDY 开头（没有组织机构代码），无法与信用代码核对")
        )
    elif code is not None:
        found.append(_organisation_finding(licence.number[:9], organisation_code(code)))
    elif not has_valid_check(licence):
        found.append(
            CheckFinding("licence_check", Verdict.NOTE, f"登记号前九位 {licence.number[:9]} 不是有效的组织机构代码")
        )
    if licence.division is not None:
        found.append(_division_finding("licence_division", "执业许可证的发证地", licence.division, supervising_unit))
    return found


def _organisation_finding(of_licence: str, of_code: str) -> CheckFinding:
    if of_licence == of_code:
        return CheckFinding(
            "organisation_code", Verdict.AGREES, f"登记号前九位与信用代码中的组织机构代码一致（{of_code}）"
        )
    return CheckFinding(
        "organisation_code",
        Verdict.CONTRADICTS,
        f"登记号前九位是 {of_licence}，信用代码中的组织机构代码是 {of_code}，两者应当一致",
    )


def _division_finding(code: str, what: str, division: str, supervising_unit: str) -> CheckFinding:
    """Registered by the supervising unit's own division, or by one above or below it: agrees."""
    said, unit = f"{what}区划是 {_division_name(division)}", _division_name(supervising_unit)
    if division == supervising_unit or division in _above(supervising_unit) or supervising_unit in _above(division):
        return CheckFinding(code, Verdict.AGREES, f"{said}，与主管单位（{unit}）相符")
    return CheckFinding(code, Verdict.CONTRADICTS, f"{said}，主管单位却是 {unit}")


def _above(division: str) -> frozenset[str]:
    """The divisions above one of this province; of another province's code nothing is known but that it is elsewhere."""
    above = set()
    step: str | None = division if division.startswith(PROVINCE[:2]) else None
    while step is not None:
        step = superior_division(step)
        if step is not None:
            above.add(step)
    return frozenset(above)


def _division_name(code: str) -> str:
    name = divisions().get(code)
    return f"{code}（{name}）" if name else code


Read = TypeVar("Read")

_MALFORMED = {
    "credit_code.length": "应为 18 位",
    "credit_code.letters": "含有 I、O、S、V、Z 中的字母，这些字母不用于信用代码",
    "credit_code.form": "格式不符：前两位为登记机关和类别，第三至八位为数字",
    "credit_code.check": "校验位不符，可能抄错一位",
    "licence.length": "应为 22 位（旧号 12 位）",
    "licence.form": "格式不符：组织机构代码 9 位、区划 6 位、经济类型等 7 位",
}


def _readable(
    findings: list[CheckFinding], code: str, label: str, text: str | None, read: Callable[[str], Read]
) -> Read | None:
    if not text:
        return None
    try:
        return read(text)
    except Refused as refused:
        findings.append(CheckFinding(code, Verdict.CONTRADICTS, f"{label}{_MALFORMED[refused.code]}"))
        return None
