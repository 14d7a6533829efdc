"""What the rows of an import have in common: who imports, what the file itself has brought so far, what became of a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from domain.grants.grant import BusinessGrant
from domain.imports.run import RefusedRow
from domain.imports.texts import sentence
from domain.imports.workbook import SheetRow
from domain.refused import Refused

Bind = Callable[[Session, BusinessGrant, str], None]
REASON = "批量导入"


@dataclass(slots=True)
class ImportRun:
    """One import. units: codes the importer acts for; units the file makes come to them.

    bind: has a person made manager of a grant that has none (session, grant, person id); called in the batch's transaction.
    names, credit_codes, bound: what earlier rows brought, by key → row number: a file may not bring a thing twice.
    only_planned: institutions (name key → supervising unit) and units that a dry run has taken back.
    """

    by: str
    units: set[str]
    is_dry_run: bool
    now: datetime
    bind: Bind
    names: dict[str, int] = field(default_factory=dict)
    credit_codes: dict[str, int] = field(default_factory=dict)
    bound: dict[tuple[str, str], int] = field(default_factory=dict)
    planned_institutions: dict[str, str] = field(default_factory=dict)
    planned_units: set[str] = field(default_factory=set)


@dataclass(slots=True)
class RowOutcome:
    """reasons: Chinese sentences, why the row was not taken. is_written: something changed; a row may also say what is so."""

    row: SheetRow
    reasons: list[str] = field(default_factory=list)
    is_written: bool = False

    def refuse(self, code: str, /, **facts: object) -> None:
        reason = sentence(code, facts)
        if reason not in self.reasons:
            self.reasons.append(reason)

    def refuse_with(self, refused: Refused) -> None:
        self.refuse(refused.code, **refused.facts)

    @property
    def refused(self) -> RefusedRow | None:
        if not self.reasons:
            return None
        return RefusedRow(self.row.sheet.title, self.row.number, self.row.cells, "".join(self.reasons))


def looked_over(row: SheetRow) -> RowOutcome:
    """The row with what any sheet asks of its cells: required ones filled, none that cannot be taken as it is."""
    outcome = RowOutcome(row)
    for column in row.sheet.columns:
        if column.key in row.odd:
            outcome.refuse(row.odd[column.key], column=column.title)
        elif column.is_required and not row.cells[column.key]:
            outcome.refuse("import.cell_required", column=column.title)
    return outcome
