"""Imports of units, institutions and managers from one workbook: who asked, how far it is, what was refused and why.

The workbook names people, so it and the refused rows are sealed with the import's own data key; the workbook is dropped
when the import ends, the key a month later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, delete, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.accounts.account import Account
from domain.refused import Refused
from storage import vault
from storage.columns import Base, Bytes, Id, UtcTime, new_id

LEASE = timedelta(minutes=2)
KEPT_FOR = timedelta(days=30)
MAX_WAITING = 3  # of one account


class ImportState(StrEnum):
    """REFUSED: the workbook as a whole could not be taken. FAILED: the platform's fault; what was written stays."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    REFUSED = "REFUSED"
    FAILED = "FAILED"


class RegisterImport(Base):
    """rows_*: data rows over all sheets; rows_total as counted before reading, blank ones included.

    is_dry_run: every row is written and taken back. refusal: code of a REFUSED workbook, refusal_place its sheet and cell.
    lease_until: until when a worker has it; one that died is followed by another, after the last row that was done.
    """

    __tablename__ = "register_import"
    __table_args__ = (
        Index("ix_register_import_account_id", "account_id", "id"),
        Index("ix_register_import_state", "state", "queued_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey(Account.id))
    is_dry_run: Mapped[bool]
    state: Mapped[ImportState] = mapped_column(String(10), default=ImportState.QUEUED)
    file_sealed: Mapped[bytes | None] = mapped_column(Bytes)
    rows_total: Mapped[int] = mapped_column(default=0)
    rows_done: Mapped[int] = mapped_column(default=0)
    rows_refused: Mapped[int] = mapped_column(default=0)
    units_written: Mapped[int] = mapped_column(default=0)
    institutions_written: Mapped[int] = mapped_column(default=0)
    managers_queued: Mapped[int] = mapped_column(default=0)
    refusal: Mapped[str | None] = mapped_column(String(60))
    refusal_place: Mapped[str | None] = mapped_column(String(60))
    queued_at: Mapped[datetime] = mapped_column(UtcTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)


class RefusedRows(Base):
    """Rows of one batch that were not taken. sealed: JSON list of [sheet title, row number, cells, reason]."""

    __tablename__ = "refused_rows"

    import_id: Mapped[str] = mapped_column(ForeignKey(RegisterImport.id, ondelete="CASCADE"), primary_key=True)
    first_row: Mapped[int] = mapped_column(primary_key=True)
    sealed: Mapped[bytes] = mapped_column(Bytes)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """sheet: its title. number: as the spreadsheet counts. reason: one or more sentences."""

    sheet: str
    number: int
    cells: Mapping[str, str]
    reason: str


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of `rows` rows."""

    rows: int
    refused: Sequence[RefusedRow] = ()
    units: int = 0
    institutions: int = 0
    managers: int = 0


def queue_import(
    session: Session, account_id: str, content: bytes, rows: int, *, is_dry_run: bool, now: datetime
) -> RegisterImport:
    """An import for a worker to run. rows: of `inspect_workbook`. Raises Refused("import.too_many_waiting")."""
    waiting = select(RegisterImport.id).where(
        RegisterImport.account_id == account_id,
        RegisterImport.state.in_([ImportState.QUEUED, ImportState.RUNNING]),
    )
    if len(session.scalars(waiting).all()) >= MAX_WAITING:
        raise Refused("import.too_many_waiting", limit=MAX_WAITING)
    import_id = new_id()
    cipher = vault.current().create_data_key(session, data_owner(import_id), now)
    queued = RegisterImport(
        id=import_id,
        account_id=account_id,
        is_dry_run=is_dry_run,
        state=ImportState.QUEUED,
        file_sealed=cipher.encrypt(content, b"workbook"),
        rows_total=rows,
        rows_done=0,
        rows_refused=0,
        units_written=0,
        institutions_written=0,
        managers_queued=0,
        queued_at=now,
    )
    session.add(queued)
    session.flush()
    return queued


def lease_import(session: Session, now: datetime) -> RegisterImport | None:
    """The next import to run, or one whose worker has not been heard of; None when there is nothing to do."""
    open_states = RegisterImport.state.in_([ImportState.QUEUED, ImportState.RUNNING])
    until = RegisterImport.lease_until
    is_free = or_(until.is_(None), until < now, until > now + LEASE)  # the last: taken before the clock was set back
    wanted = select(RegisterImport).where(open_states, is_free).order_by(RegisterImport.queued_at).limit(1)
    leased = session.scalar(wanted.with_for_update(skip_locked=True))
    if leased is not None:
        leased.state, leased.lease_until = ImportState.RUNNING, now + LEASE
        session.flush()
    return leased


def read_workbook(session: Session, running: RegisterImport) -> bytes:
    """The file as it was sent. Raises vault.KeyDestroyed."""
    assert running.file_sealed is not None, "it is dropped when the import ends, and an import that ended is not leased"
    return vault.current().cipher(session, data_owner(running.id)).decrypt(running.file_sealed, b"workbook")


def note_batch(session: Session, import_id: str, after: int, result: BatchResult, now: datetime) -> bool:
    """Count a batch in the transaction that wrote it. after: rows done before it.

    False where another worker has taken the import over meanwhile: roll back.
    """
    running = session.get(RegisterImport, import_id, with_for_update=True, populate_existing=True)
    if running is None or running.state != ImportState.RUNNING or running.rows_done != after:
        return False
    if result.refused:
        cipher = vault.current().cipher(session, data_owner(import_id))
        rows = [[row.sheet, row.number, dict(row.cells), row.reason] for row in result.refused]
        sealed = cipher.encrypt(json.dumps(rows, ensure_ascii=False).encode(), _context(running.rows_done))
        session.add(RefusedRows(import_id=import_id, first_row=running.rows_done, sealed=sealed))
    running.rows_done += result.rows
    running.rows_refused += len(result.refused)
    running.units_written += result.units
    running.institutions_written += result.institutions
    running.managers_queued += result.managers
    running.lease_until = now + LEASE
    session.flush()
    return True


def finish_import(
    session: Session, import_id: str, now: datetime, *, refusal: Refused | None = None, failed: bool = False
) -> None:
    """The import is over and its workbook dropped. refusal: the workbook could not be taken."""
    running = session.get(RegisterImport, import_id, with_for_update=True, populate_existing=True)
    if running is None or running.finished_at is not None:
        return
    running.state = ImportState.REFUSED if refusal else ImportState.FAILED if failed else ImportState.DONE
    if refusal is not None:
        place = refusal.facts.get("place")
        running.refusal, running.refusal_place = refusal.code, str(place)[:60] if place else None
    if running.state == ImportState.DONE:
        running.rows_total = running.rows_done  # blank rows were counted before
    running.file_sealed, running.lease_until, running.finished_at = None, None, now
    session.flush()


def find_import(session: Session, import_id: str, account_id: str) -> RegisterImport:
    """One's own import. Raises Refused("import.unknown") for anybody else's too."""
    found = session.get(RegisterImport, import_id)
    if found is None or found.account_id != account_id:
        raise Refused("import.unknown")
    return found


def imports_of(
    session: Session, account_id: str, *, cursor: str | None = None, limit: int = 20
) -> tuple[list[RegisterImport], str | None]:
    """One's own imports, newest first, and the cursor of the next page."""
    wanted = select(RegisterImport).where(RegisterImport.account_id == account_id)
    if cursor is not None:
        wanted = wanted.where(RegisterImport.id < cursor)
    found = list(session.scalars(wanted.order_by(RegisterImport.id.desc()).limit(limit + 1)))
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def refused_rows(session: Session, import_id: str) -> Iterator[RefusedRow]:
    """In the order of the file. Raises vault.KeyDestroyed once the import was forgotten."""
    cipher = vault.current().cipher(session, data_owner(import_id))
    batches = select(RefusedRows.first_row, RefusedRows.sealed).where(RefusedRows.import_id == import_id)
    for first_row, sealed in session.execute(batches.order_by(RefusedRows.first_row)):
        for sheet, number, cells, reason in json.loads(cipher.decrypt(sealed, _context(first_row))):
            yield RefusedRow(sheet, number, cells, reason)


def forget_old_imports(session: Session, now: datetime, limit: int = 50) -> int:
    """Delete imports that ended more than 30 days ago with their refused rows and keys; returns how many."""
    old = select(RegisterImport.id).where(RegisterImport.finished_at < now - KEPT_FOR).limit(limit)
    ids = session.scalars(old).all()
    for import_id in ids:
        vault.current().destroy_data_key(session, data_owner(import_id), now)
    session.execute(delete(RefusedRows).where(RefusedRows.import_id.in_(ids)))
    session.execute(delete(RegisterImport).where(RegisterImport.id.in_(ids)))
    return len(ids)


def data_owner(import_id: str) -> str:
    """Owner of the import's data key in the vault."""
    return f"import:{import_id}"


def _context(first_row: int) -> bytes:
    return f"refused rows:{first_row}".encode()
