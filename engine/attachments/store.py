"""Photos and scans of a case: a row, and a file encrypted with the case's data key.

The file is written, synced and renamed into place before its row: a row without its file cannot exist; a file without
its row can (a transaction that rolled back, a killed worker) and is swept later.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from sqlalchemy import Table, and_, bindparam, insert, select, update
from sqlalchemy.orm import Session

from engine.deployment.deploy import find_definition
from engine.errors import Conflict, NotFound
from engine.model.definition import DefinitionId
from engine.model.instance import Attachment
from engine.model.tables import CASE, KEY, WAITING
from engine.services.registry import StoredFile
from storage import vault
from storage.columns import ID_LENGTH, new_id
from storage.statements import AnyRow, Statement

ATTACHMENT = cast(Table, Attachment.__table__)
SWEPT_AFTER_S = 24 * 3600  # longer than any job runs: its evidence has a file before it has a row

_directory: Path | None = None


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """An attachment whose file is written and whose row is not. digest: keyed, of the content."""

    id: str
    kind: str
    media_type: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class AttachmentFacts:
    """What is known of an attachment without reading it."""

    id: str
    case_id: str
    kind: str
    media_type: str
    size: int
    created_by: str
    created_at: datetime


def use_directory(path: Path) -> None:
    """Where this process keeps files; called once by a composition root."""
    global _directory  # noqa: PLW0603 - one store per process
    path.mkdir(parents=True, exist_ok=True)
    _directory = path


def store_attachment(
    session: Session, case_id: str, content: bytes, media_type: str, kind: str, *, by: str, now: datetime
) -> str:
    """Keep a file of a case that is still open; returns the attachment's id, to be put into form values.

    content: checked before (size, type). Raises NotFound("case.unknown"), Conflict("case.ended").
    """
    row = session.execute(
        select(CASE.c.definition_id, CASE.c.ended_at, KEY.c.wrapped)
        .join(KEY, KEY.c.owner == "case:" + CASE.c.id)
        .where(CASE.c.id == case_id)
    ).one_or_none()
    if row is None:
        raise NotFound("case.unknown", case=case_id)
    if row.ended_at is not None:
        raise Conflict("case.ended", case=case_id)
    new = write_file(vault.current().unwrap(f"case:{case_id}", row.wrapped), content, media_type, kind)
    add_rows(session, case_id, DefinitionId(row.definition_id), [new], by=by, now=now)
    return new.id


def read_attachment(session: Session, attachment_id: str, *, case_id: str | None = None) -> StoredFile:
    """The decrypted content. The caller has checked that the reader may see the case, or passes its `case_id`.

    Raises NotFound("attachment.unknown") for one of another case, deleted by retention, or erased.
    """
    mine = ATTACHMENT.c.id == attachment_id
    if case_id is not None:
        mine = and_(mine, ATTACHMENT.c.case_id == case_id)
    row = session.execute(
        select(ATTACHMENT.c.case_id, ATTACHMENT.c.media_type, KEY.c.wrapped)
        .join(KEY, KEY.c.owner == "case:" + ATTACHMENT.c.case_id)
        .where(mine, ATTACHMENT.c.deleted_at.is_(None))
    ).one_or_none()
    if row is None or row.wrapped is None:
        raise NotFound("attachment.unknown", attachment=attachment_id)
    cipher = vault.current().unwrap(f"case:{row.case_id}", row.wrapped)
    return StoredFile(read_file(cipher, attachment_id), row.media_type)


def attachment_facts(session: Session, attachment_id: str) -> AttachmentFacts:
    """Whose it is, for the caller to check who may see it. Raises NotFound("attachment.unknown")."""
    found = facts_of(session, ATTACHMENT.c.id == attachment_id)
    if not found:
        raise NotFound("attachment.unknown", attachment=attachment_id)
    return found[0]


def attachments_of(session: Session, case_id: str) -> list[AttachmentFacts]:
    """Oldest first."""
    return facts_of(session, ATTACHMENT.c.case_id == case_id)


_IDS_OF_CASE = Statement(
    select(ATTACHMENT.c.id).where(ATTACHMENT.c.case_id == bindparam("case"), ATTACHMENT.c.deleted_at.is_(None))
)
_CASE_OF_WAIT = select(WAITING.c.case_id).where(WAITING.c.id == bindparam("wait")).scalar_subquery()
_IDS_OF_WAIT = Statement(
    select(ATTACHMENT.c.id).where(ATTACHMENT.c.case_id == _CASE_OF_WAIT, ATTACHMENT.c.deleted_at.is_(None))
)
IsAttachment = Callable[[str], bool]


def is_attachment_of(session: Session, case_id: str) -> IsAttachment:
    """Whether an id is an attachment of the case: one statement however many are asked, none without a question."""
    return _among(lambda: _IDS_OF_CASE.all(session.connection(), {"case": case_id}))


def is_attachment_beside(session: Session, waiting_id: str, values: object) -> IsAttachment:
    """As is_attachment_of(), by one of the case's waits, and asked along with what this transaction asks next (its lock).

    values: what is to be checked, unchecked JSON; without a text that could be an id nothing is asked along.
    """
    wait = {"wait": waiting_id}
    if _may_name_one(values):
        return _among(_IDS_OF_WAIT.ask_behind(session.connection(), wait))
    return _among(lambda: _IDS_OF_WAIT.all(session.connection(), wait))


def _may_name_one(values: object) -> bool:
    flat = values.values() if isinstance(values, dict) else ()
    texts = [item for value in flat for item in (value if isinstance(value, list) else [value])]
    return any(isinstance(text, str) and len(text) == ID_LENGTH for text in texts)


def _among(asked: Callable[[], Iterable[AnyRow]]) -> IsAttachment:
    known: set[str] | None = None

    def is_attachment(attachment_id: str) -> bool:
        nonlocal known
        if known is None:
            known = {row.id for row in asked()}
        return attachment_id in known

    return is_attachment


def facts_of(session: Session, condition: object) -> list[AttachmentFacts]:
    columns = [ATTACHMENT.c[name] for name in AttachmentFacts.__dataclass_fields__]
    found = select(*columns).where(condition, ATTACHMENT.c.deleted_at.is_(None)).order_by(ATTACHMENT.c.id)  # type: ignore[arg-type]
    return [AttachmentFacts(*row) for row in session.execute(found)]


def write_file(cipher: vault.DataCipher, content: bytes, media_type: str, kind: str) -> NewAttachment:
    """Encrypt and keep `content`; it is an attachment once add_rows() has committed."""
    attachment_id = new_id()
    path = _path(attachment_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".part")
    try:
        with written.open("wb") as file:
            file.write(cipher.encrypt(content, _context(attachment_id)))
            file.flush()
            os.fsync(file.fileno())
        written.rename(path)
    except OSError:
        written.unlink(missing_ok=True)  # a full disk needs its room back
        raise
    _sync_directory(path.parent)
    digest = vault.current().master_key.mac("attachment content", content).hex()
    return NewAttachment(attachment_id, kind, media_type, len(content), digest)


def read_file(cipher: vault.DataCipher, attachment_id: str) -> bytes:
    """Raises NotFound("attachment.unknown"), vault.Tampered."""
    try:
        sealed = _path(attachment_id).read_bytes()
    except FileNotFoundError as error:
        raise NotFound("attachment.unknown", attachment=attachment_id) from error
    return cipher.decrypt(sealed, _context(attachment_id))


def add_rows(
    session: Session,
    case_id: str,
    definition_id: DefinitionId,
    new: Iterable[NewAttachment],
    *,
    by: str,
    now: datetime,
) -> None:
    """Rows for files that are written. One statement."""
    days = find_definition(session, definition_id).config.retention.attachments_days
    rows = [
        {
            "id": file.id,
            "case_id": case_id,
            "kind": file.kind,
            "media_type": file.media_type,
            "size": file.size,
            "digest": file.digest,
            "created_by": by,
            "created_at": now,
            "retention_until": now + timedelta(days=days),
        }
        for file in new
    ]
    if rows:
        session.execute(insert(ATTACHMENT), rows)


def delete_expired(session: Session, now: datetime, limit: int) -> int:
    """Apply retention: files past their date go, rows stay with `deleted_at`. Returns how many."""
    due = select(ATTACHMENT.c.id).where(ATTACHMENT.c.deleted_at.is_(None), ATTACHMENT.c.retention_until <= now)
    ids = list(session.execute(due.order_by(ATTACHMENT.c.retention_until).limit(limit)).scalars())
    if ids:
        session.execute(update(ATTACHMENT).where(ATTACHMENT.c.id.in_(ids)).values(deleted_at=now))
    discard_files(ids)
    return len(ids)


def discard_files(attachment_ids: Iterable[str]) -> None:
    for attachment_id in attachment_ids:
        _path(attachment_id).unlink(missing_ok=True)


def sweep_files(session: Session, now: datetime) -> int:
    """Remove files older than a day that no row names. Returns how many."""
    old = [p for p in _root().glob("??/*") if now.timestamp() - p.stat().st_mtime > SWEPT_AFTER_S]
    kept: set[str] = set()
    for start in range(0, len(old), 500):
        names = [path.stem for path in old[start : start + 500]]
        kept.update(session.execute(select(ATTACHMENT.c.id).where(ATTACHMENT.c.id.in_(names))).scalars())
    swept = [path for path in old if path.suffix == ".part" or path.stem not in kept]
    for path in swept:
        path.unlink(missing_ok=True)
    return len(swept)


def _root() -> Path:
    if _directory is None:
        raise RuntimeError("no file store: call attachments.use_directory(settings.files_dir)")
    return _directory


def _path(attachment_id: str) -> Path:
    """Spread over 1,024 folders by the id's random end."""
    if not attachment_id.isalnum():
        raise NotFound("attachment.unknown", attachment=attachment_id)
    return _root() / attachment_id[-2:] / attachment_id


def _context(attachment_id: str) -> bytes:
    return b"attachment:" + attachment_id.encode()


def _sync_directory(folder: Path) -> None:
    """The rename itself must be on disk before a row speaks of it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
