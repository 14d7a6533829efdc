"""Runs imports of registers: one at a time a worker, a transaction a batch, each followed by where the import stands."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice

from sqlalchemy.orm import Session

from bpmn.business_grant.names import DESK, FLOW
from domain.acting import acting_groups
from domain.grants.grant import BusinessGrant, granting_unit
from domain.imports.institutions import import_institutions
from domain.imports.managers import import_managers
from domain.imports.rows import Bind, ImportRun, RowOutcome
from domain.imports.run import BatchResult, finish_import, forget_old_imports, lease_import, note_batch, read_workbook
from domain.imports.units import import_units
from domain.imports.workbook import INSTITUTIONS, MANAGERS, UNITS, SheetRow, read_rows
from domain.refused import Refused
from domain.units.unit import unit_scope
from engine.actors import Actor
from engine.cases.outbox import start_later
from storage import vault
from storage.failures import retry_deadlocks
from storage.transactions import transaction
from tasks.app import app
from tasks.process import platform

log = logging.getLogger(__name__)
BATCH = 200

_IMPORTS: dict[str, Callable[[Session, Sequence[SheetRow], ImportRun], list[RowOutcome]]] = {
    UNITS.title: import_units,
    INSTITUTIONS.title: import_institutions,
    MANAGERS.title: import_managers,
}


class _TakenOver(Exception):
    """Another worker goes on with this import: this one was thought dead."""


@dataclass(frozen=True, slots=True)
class _Leased:
    import_id: str
    content: bytes
    rows_done: int
    run: ImportRun


@app.task(name="run_imports")
def run_imports() -> None:
    """Imports that wait, one after the other; nothing to do where another worker has them."""
    while (leased := _lease()) is not None:
        try:
            _run(leased)
        except Refused as refused:  # the workbook as a whole
            _finish(leased, refusal=refused)
        except _TakenOver:
            log.warning("import %s: another worker has taken over", leased.import_id)
        except Exception as error:
            # What was written stays written; the message may quote a row.
            log.error("import %s failed: %s", leased.import_id, type(error).__name__)
            _finish(leased, failed=True)
        else:
            _finish(leased)


@app.task(name="forget_old_imports")
def forget_imports() -> None:
    """Refused rows name people: they go a month after their import ended."""
    with transaction(platform().sessions) as session:
        forgotten = forget_old_imports(session, datetime.now(UTC))
    if forgotten:
        log.info("%d old imports forgotten", forgotten)


def _lease() -> _Leased | None:
    now = datetime.now(UTC)
    with transaction(platform().sessions) as session:
        leased = lease_import(session, now)
        if leased is None:
            return None
        try:
            content = read_workbook(session, leased)
        except vault.KeyDestroyed:
            finish_import(session, leased.id, now, failed=True)
            return None
        units = unit_scope(acting_groups(session, leased.account_id))
        run = ImportRun(
            by=leased.account_id,
            units=set(units),
            is_dry_run=leased.is_dry_run,
            now=now,
            bind=binding(leased.id, leased.account_id),
        )
        return _Leased(leased.id, content, leased.rows_done, run)


def binding(import_id: str, account_id: str) -> Bind:
    """Makes a person manager through the flow: the register holds the state, a case carries the tenure."""

    def bind(session: Session, grant: BusinessGrant, person_id: str) -> None:
        values = {
            "grant": grant.id,
            "institution": grant.institution_id,
            "business": grant.business_key,
            "unit": granting_unit(session, grant),
            "how": "direct",
            "person": person_id,
            "why": "imported",
        }
        start_later(
            session,
            FLOW,
            values,
            by=Actor(account_id, frozenset({DESK})),
            dedup_key=f"import:{import_id}:{grant.id}",
            now=datetime.now(UTC),
        )

    return bind


def _run(leased: _Leased) -> None:
    done = leased.rows_done
    for batch in batches(islice(read_rows(leased.content), done, None)):
        retry_deadlocks(lambda batch=batch, done=done: _write(leased, batch, done))  # type: ignore[misc]  # bound now
        done += len(batch)


def batches(rows: Iterator[SheetRow], size: int = BATCH) -> Iterator[list[SheetRow]]:
    """Rows of one sheet together, at most `size`."""
    for _, of_sheet in groupby(rows, key=lambda row: row.sheet.title):
        while batch := list(islice(of_sheet, size)):
            yield batch


def _write(leased: _Leased, batch: Sequence[SheetRow], done: int) -> None:
    with transaction(platform().sessions) as session:
        savepoint = session.begin_nested()
        outcomes = _IMPORTS[batch[0].sheet.title](session, batch, leased.run)
        if leased.run.is_dry_run:
            savepoint.rollback()
        else:
            savepoint.commit()
        if not note_batch(session, leased.import_id, done, _result(outcomes), datetime.now(UTC)):
            raise _TakenOver


def _result(outcomes: Sequence[RowOutcome]) -> BatchResult:
    title = outcomes[0].row.sheet.title
    refused = [row for outcome in outcomes if (row := outcome.refused) is not None]
    written = sum(outcome.is_written for outcome in outcomes)
    return BatchResult(
        len(outcomes),
        refused,
        units=written if title == UNITS.title else 0,
        institutions=written if title == INSTITUTIONS.title else 0,
        managers=written if title == MANAGERS.title else 0,
    )


def _finish(leased: _Leased, *, refusal: Refused | None = None, failed: bool = False) -> None:
    with transaction(platform().sessions) as session:
        finish_import(session, leased.import_id, datetime.now(UTC), refusal=refusal, failed=failed)


SCHEDULE = {"run_imports": 2.0, "forget_old_imports": 3600.0}  # seconds

app.conf.beat_schedule = (app.conf.beat_schedule or {}) | {
    name: {"task": name, "schedule": every_s, "options": {"expires": 2 * every_s}} for name, every_s in SCHEDULE.items()
}
