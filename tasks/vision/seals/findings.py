"""What a stamped form says for or against an application: agreements, warning codes and sentences for the reviewer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from domain.documents.reading_texts import WARNING_TEXTS
from domain.institutions import labels
from domain.institutions.name import name_key
from tasks.vision.seals.stamped_form import FormField, FormPage, FoundSeal, plain_text

SURE = 0.9  # what is read with less is not held against anybody
SURE_OF_A_SLIP = 0.985  # nor with less than this a name that differs in one character only: 口 read as 门 was at 0.97
LEAST_FOR_SAME = 0.8  # a name guessed from a smear may be guessed right
LEAST_LINES = 5

Agreement = Literal["same", "different", "unread"]
SealAgreement = Literal["same", "different", "unread", "none"]


@dataclass(frozen=True, slots=True)
class Expected:
    """What was typed. None: not to be compared."""

    institution_name: str
    credit_code: str | None = None
    applicant_name: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """seal, name: what the agreements are about, with the number of their page from 1; None where there is none."""

    seal: tuple[int, FoundSeal] | None
    name: tuple[int, FormField] | None
    seal_agreement: SealAgreement
    text_agreement: Agreement
    warnings: tuple[str, ...]
    findings: tuple[str, ...]


def judge_form(pages: Sequence[FormPage], expected: Expected) -> Judgement:
    """pages: those that were read, in their order."""
    seal = _seal_for(pages, expected.institution_name)
    name = next(
        ((n, p.text.fields["institution_name"]) for n, p in _numbered(pages) if "institution_name" in p.text.fields),
        None,
    )
    found = seal[1].text if seal else None
    seal_agreement: SealAgreement = (
        agreement(found.text, found.confidence, expected.institution_name) if found else "none"
    )
    text_agreement = agreement(name[1].value, name[1].confidence, expected.institution_name) if name else "unread"
    told = [
        *(_about_seal(seal[1], seal_agreement, expected) if seal else _without_seal(pages)),
        *_about_text(pages, name[1] if name else None, text_agreement, expected),
    ]
    return Judgement(seal, name, seal_agreement, text_agreement, tuple(c for c, _ in told), tuple(s for _, s in told))


def agreement(read: str, confidence: float, expected: str) -> Agreement:
    """Whether what was read is the expected name. "different" only where the reading is beyond doubt."""
    one, other = name_key(read), name_key(expected)
    if one == other and confidence >= LEAST_FOR_SAME:
        return "same"
    is_slip = _differs_in_one(one, other)
    return (
        "different"
        if confidence >= (SURE_OF_A_SLIP if is_slip else SURE) and one != other and len(one) > 1
        else "unread"
    )


def _differs_in_one(one: str, other: str) -> bool:
    """Whether one character, changed, added or left out, makes one the other."""
    if abs(len(one) - len(other)) > 1:
        return False
    ahead = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return (
        one[ahead + 1 :] == other[ahead + 1 :] or one[ahead + 1 :] == other[ahead:] or one[ahead:] == other[ahead + 1 :]
    )


def _seal_for(pages: Sequence[FormPage], name: str) -> tuple[int, FoundSeal] | None:
    """Of several seals one that is the institution's, else the one read most surely: others may have stamped the page too."""
    found = [(number, seal) for number, page in _numbered(pages) for seal in page.seals]
    own = [one for one in found if agreement(one[1].text.text, one[1].text.confidence, name) == "same"]
    return max(own or found, key=lambda one: one[1].text.confidence, default=None)


def _numbered(pages: Sequence[FormPage]) -> Iterable[tuple[int, FormPage]]:
    return enumerate(pages, 1)


def _without_seal(pages: Sequence[FormPage]) -> list[tuple[str, str]]:
    copied = any(page.has_copied_seal for page in pages)
    return [_told("seal_missing"), *([_told("seal_copied")] if copied else [])]


def _about_seal(seal: FoundSeal, agreed: SealAgreement, expected: Expected) -> list[tuple[str, str]]:
    told = []
    if agreed == "different":
        text = f"公章文字“{seal.text.text}”与机构名称“{expected.institution_name}”不一致。"
        told.append(("seal_differs", text))
    if agreed == "unread":
        read = f"（读作“{seal.text.text}”）" if len(seal.text.text) > 1 else ""
        told.append(("seal_unread", WARNING_TEXTS["seal_unread"].removesuffix("。") + read + "。"))
    if seal.text.below:
        told.append(("seal_special", f"盖的是“{seal.text.below}”，不是单位公章。"))
    return told


def _about_text(
    pages: Sequence[FormPage], name: FormField | None, agreed: Agreement, expected: Expected
) -> list[tuple[str, str]]:
    if sum(page.text.sure_lines for page in pages) < LEAST_LINES:
        return [_told("form_unreadable")]
    told = [] if any(page.text.has_title for page in pages) else [_told("form_other")]
    if agreed == "unread":
        told.append(_told("form_name_unread"))
    elif agreed == "different" and name:
        text = f"申请表上的机构名称“{name.value}”与填写的“{expected.institution_name}”不一致。"
        told.append(("form_name_differs", text))
    for key, typed, code, label in (
        ("credit_code", expected.credit_code, "form_code_differs", labels.CREDIT_CODE),
        ("applicant_name", expected.applicant_name, "form_applicant_differs", "申请人姓名"),
    ):
        read = next((page.text.fields[key] for page in pages if key in page.text.fields), None)
        if typed and read and _is_surely_another(key, read, typed):
            told.append((code, f"申请表上的{label}“{read.value}”与填写的“{typed}”不一致。"))
    return told


def _is_surely_another(key: str, read: FormField, typed: str) -> bool:
    one, other = plain_text(read.value).upper(), plain_text(typed).upper()
    has_form = len(one) == len(other) if key == "credit_code" else 1 < len(one) <= 20
    return one != other and has_form and read.confidence >= (SURE_OF_A_SLIP if _differs_in_one(one, other) else SURE)


def _told(code: str) -> tuple[str, str]:
    return code, WARNING_TEXTS[code]
