"""The sheet 单位 of an import: new units below the importer's, and contacts of known ones."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy.orm import Session

from domain.imports.rows import ImportRun, RowOutcome, looked_over
from domain.imports.unit_seed import admit_unit
from domain.imports.workbook import SheetRow
from domain.refused import Refused
from domain.units.unit import Unit, UnitLevel


def import_units(session: Session, rows: Sequence[SheetRow], run: ImportRun) -> list[RowOutcome]:
    """One after the other: units are few, and a later row may stand below an earlier one."""
    return [_import_unit(session, row, run) for row in rows]


def _import_unit(session: Session, row: SheetRow, run: ImportRun) -> RowOutcome:
    outcome = looked_over(row)
    if outcome.reasons:
        return outcome
    code, name = row.cells["code"], row.cells["name"]
    if not re.fullmatch("[0-9]{6}", code):
        outcome.refuse("import.unit_code_form")
    if not 2 <= len(name) <= 100:
        outcome.refuse("import.unit_name_form")
    if outcome.reasons:
        return outcome
    known = session.get(Unit, code)
    if known is not None:
        _update(session, known, outcome, run)
    else:
        _create(session, outcome, run)
    return outcome


def _update(session: Session, unit: Unit, outcome: RowOutcome, run: ImportRun) -> None:
    cells = outcome.row.cells
    if unit.code not in run.units:
        outcome.refuse("import.outside_scope", unit=unit.code)
    if cells["parent"] != (unit.parent_code or unit.code):
        outcome.refuse("import.unit_moved", parent=unit.parent_code or unit.code)
    if cells["name"] != unit.name:
        outcome.refuse("import.unit_renamed", name=unit.name)
    if outcome.reasons:
        return
    for column in ("contact_name", "contact_phone"):
        typed = cells[column] or None
        if typed is not None and typed != getattr(unit, column):
            setattr(unit, column, typed)
            outcome.is_written = True
    session.flush()


def _create(session: Session, outcome: RowOutcome, run: ImportRun) -> None:
    cells = outcome.row.cells
    parent = session.get(Unit, cells["parent"])
    if cells["parent"] not in run.units:
        outcome.refuse("import.outside_scope", unit=cells["parent"])
    elif parent is not None and parent.level == UnitLevel.COUNTY:
        outcome.refuse("import.unit_below_county")
    elif parent is not None:
        _admit(session, outcome, parent, run)
    elif cells["parent"] in run.planned_units:  # of this dry run, taken back already
        _plan(outcome, run)
    else:
        outcome.refuse("unit.unknown", unit=cells["parent"])


def _admit(session: Session, outcome: RowOutcome, parent: Unit, run: ImportRun) -> None:
    cells = outcome.row.cells
    is_city = parent.level == UnitLevel.PROVINCE and cells["code"].endswith("00")
    unit = Unit(
        code=cells["code"],
        name=cells["name"],
        level=UnitLevel.CITY if is_city else UnitLevel.COUNTY,
        parent_code=parent.code,
        contact_name=cells["contact_name"] or None,
        contact_phone=cells["contact_phone"] or None,
    )
    try:
        with session.begin_nested():
            session.add(unit)
            session.flush()
            admit_unit(session, unit, run.now)
    except Refused as refused:
        outcome.refuse_with(refused)
    else:
        _plan(outcome, run)


def _plan(outcome: RowOutcome, run: ImportRun) -> None:
    outcome.is_written = True
    run.units.add(outcome.row.cells["code"])
    if run.is_dry_run:
        run.planned_units.add(outcome.row.cells["code"])
