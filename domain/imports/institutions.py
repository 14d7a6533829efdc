"""The sheet 机构 of an import: new institutions, admitted in bulk, and changes of known ones by their code.

What the flow of admission asks a reviewer (near names, contradictions) is not asked here: who imports answers for the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from domain.imports.bulk import admit_institutions
from domain.imports.rows import REASON, ImportRun, RowOutcome, looked_over
from domain.imports.workbook import SheetRow
from domain.institutions.category import CATEGORY_LABELS, Category
from domain.institutions.credit_code import compact
from domain.institutions.editing import Editor, InstitutionEdit, edit_institution
from domain.institutions.institution import (
    Contact,
    Institution,
    NewInstitution,
    admit_institution,
    prepared_institution,
)
from domain.institutions.name import name_key
from domain.refused import Refused

_CATEGORIES = {name_key(label): category for category, label in CATEGORY_LABELS.items()} | {
    category.value: category for category in Category
}
_FREELY_CHANGED = ("licence_number", "filing_number", "address", "confirmation_code")


@dataclass(slots=True)
class _Draft:
    """A row on its way: `known` is the institution it changes, `new` what it brings."""

    outcome: RowOutcome
    key: str
    category: Category
    known: Institution | None = None
    new: NewInstitution | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """Institutions this batch may mean, by code, name key and credit code."""

    by_code: dict[str, Institution]
    by_name: dict[str, Institution]
    by_credit_code: dict[str, Institution]


def import_institutions(session: Session, rows: Sequence[SheetRow], run: ImportRun) -> list[RowOutcome]:
    """Rows with a code change what they name; the others are new."""
    outcomes = [looked_over(row) for row in rows]
    known = _known(session, rows)
    drafts = [draft for outcome in outcomes if (draft := _draft(outcome, known, run)) is not None]
    for draft in drafts:
        if draft.known is not None:
            _change(session, draft, draft.known, run)
    _admit(session, [draft for draft in drafts if draft.known is None and not draft.outcome.reasons], run)
    return outcomes


def _known(session: Session, rows: Sequence[SheetRow]) -> _Known:
    codes = {row.cells["code"] for row in rows} - {""}
    keys = {name_key(row.cells["name"]) for row in rows} - {""}
    credit_codes = {compact(row.cells["credit_code"]) for row in rows} - {""}
    found = session.scalars(
        select(Institution).where(
            Institution.code.in_(codes) | Institution.name_key.in_(keys) | Institution.credit_code.in_(credit_codes)
        )
    ).all()
    return _Known(
        {each.code: each for each in found},
        {each.name_key: each for each in found},
        {each.credit_code: each for each in found if each.credit_code},
    )


def _draft(outcome: RowOutcome, known: _Known, run: ImportRun) -> _Draft | None:
    cells = outcome.row.cells
    category = _CATEGORIES.get(name_key(cells["category"]))
    if cells["category"] and category is None:
        outcome.refuse("import.category_unknown", category=cells["category"])
    if cells["unit"] and cells["unit"] not in run.units:
        outcome.refuse("import.outside_scope", unit=cells["unit"])
    if bool(cells["contact_name"]) != bool(cells["contact_phone"]):
        outcome.refuse("import.contact_incomplete")
    if outcome.reasons or category is None:
        return None
    draft = _Draft(outcome, name_key(cells["name"]), category)
    _refuse_repeated(draft, run)
    if cells["code"]:
        draft.known = known.by_code.get(cells["code"])
        if draft.known is None:
            outcome.refuse("import.institution_code_unknown", code=cells["code"])
    else:
        _prepare_new(draft, known, run)
    return None if outcome.reasons else draft


def _refuse_repeated(draft: _Draft, run: ImportRun) -> None:
    number = draft.outcome.row.number
    for seen, key in ((run.names, draft.key), (run.credit_codes, compact(draft.outcome.row.cells["credit_code"]))):
        if key and seen.setdefault(key, number) != number:
            draft.outcome.refuse("import.repeated", row=seen[key])


def _prepare_new(draft: _Draft, known: _Known, run: ImportRun) -> None:
    """What the row brings, once its values stand."""
    cells, outcome = draft.outcome.row.cells, draft.outcome
    if draft.category is Category.HEALTH_COMMISSION:
        outcome.refuse("import.category_of_units")
    taken = known.by_name.get(draft.key)
    if taken is not None:
        outcome.refuse("import.institution_exists", code=taken.code)
    elif compact(cells["credit_code"]) in known.by_credit_code:
        outcome.refuse("institution.credit_code_taken")
    if "*" in cells["contact_name"] + cells["contact_phone"]:
        outcome.refuse("import.masked", column="申请人手机")
    if outcome.reasons:
        return
    draft.new = NewInstitution(
        name=cells["name"],
        supervising_unit=cells["unit"],
        category=draft.category,
        address=cells["address"],
        credit_code=cells["credit_code"] or None,
        licence_number=cells["licence_number"] or None,
        filing_number=cells["filing_number"][:60] or None,
        confirmation_code=cells["confirmation_code"][:60] or None,
        contact=_contact(draft),
    )
    try:
        prepared_institution(draft.new, None, run.now)
    except Refused as refused:
        outcome.refuse_with(refused)


def _contact(draft: _Draft) -> Contact | None:
    cells = draft.outcome.row.cells
    if not cells["contact_name"] or "*" in cells["contact_name"] + cells["contact_phone"]:
        return None  # masked as exports mask it: stays as it is
    return Contact(cells["contact_name"], cells["contact_phone"])


def _change(session: Session, draft: _Draft, institution: Institution, run: ImportRun) -> None:
    """The row's differences from the register; a row without any is taken and changes nothing."""
    cells, outcome = draft.outcome.row.cells, draft.outcome
    if institution.supervising_unit not in run.units:
        outcome.refuse("import.institution_code_unknown", code=institution.code)
    elif draft.key != institution.name_key:
        outcome.refuse("import.name_changed", name=institution.name)
    elif cells["credit_code"] and compact(cells["credit_code"]) != institution.credit_code:
        outcome.refuse("import.credit_code_changed")
    if outcome.reasons:
        return
    edit = InstitutionEdit(
        category=draft.category if draft.category != institution.category else None,
        supervising_unit=cells["unit"] if cells["unit"] != institution.supervising_unit else None,
        contact=_contact(draft),
        **{key: cells[key] for key in _FREELY_CHANGED if cells[key] and cells[key] != getattr(institution, key)},
    )
    try:
        with session.begin_nested():
            edit_institution(session, institution.id, edit, Editor(by=run.by, reason=REASON), run.now)
    except Refused as refused:
        if refused.code != "institution.unchanged":
            outcome.refuse_with(refused)
    else:
        outcome.is_written = True


def _admit(session: Session, drafts: Sequence[_Draft], run: ImportRun) -> None:
    """All at once; if another transaction took a name or a code meanwhile, one by one."""
    wanted = [draft for draft in drafts if draft.new is not None]
    writable = [draft for draft in wanted if draft.outcome.row.cells["unit"] not in run.planned_units]
    new = [draft.new for draft in writable if draft.new is not None]
    try:
        with session.begin_nested():
            admit_institutions(session, new, by=run.by, reason=REASON, now=run.now)
    except (IntegrityError, Refused):
        for draft in writable:
            _admit_one(session, draft, run)
    for draft in wanted:
        if not draft.outcome.reasons:
            draft.outcome.is_written = True
            if run.is_dry_run:
                run.planned_institutions[draft.key] = draft.outcome.row.cells["unit"]


def _admit_one(session: Session, draft: _Draft, run: ImportRun) -> None:
    assert draft.new is not None
    try:
        with session.begin_nested():
            admit_institution(session, draft.new, case_id=None, by=run.by, now=run.now)
    except Refused as refused:
        draft.outcome.refuse_with(refused)
