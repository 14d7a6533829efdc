"""The run of a leased job: its service task with no transaction open, what the task sees, what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session, sessionmaker

from engine.attachments import store as attachments
from engine.attachments.store import NewAttachment
from engine.inputs import Json
from engine.services.calls import call_service_task
from engine.services.registry import StoredFile, find_service_task
from storage import vault


@dataclass(frozen=True, slots=True)
class LeasedJob:
    """A worker's right to run a job until `lease_until`. attempt: 1 for the first. parameters: as the diagram computed them."""

    id: str
    case_id: str
    wait: str
    service: str
    parameters: Mapping[str, Json] = field(repr=False)
    attempt: int
    lease_id: str
    lease_until: datetime
    started_by: str
    now: datetime


@dataclass(frozen=True, slots=True)
class JobResult:
    """What execute() gives and succeed_job() takes. added: attachments whose files are written."""

    value: Json = field(repr=False)
    added: tuple[NewAttachment, ...] = ()


@dataclass(slots=True)
class WorkerContext:
    """JobContext of engine/services/registry.py: reads in short transactions of its own, writes files, no rows."""

    sessions: sessionmaker[Session]
    leased: LeasedJob
    added: list[NewAttachment] = field(default_factory=list)

    @property
    def case_id(self) -> str:
        return self.leased.case_id

    @property
    def started_by(self) -> str:
        return self.leased.started_by

    @property
    def idempotency_key(self) -> str:
        return self.leased.id

    @property
    def now(self) -> datetime:
        return self.leased.now

    def read_attachment(self, attachment_id: str) -> StoredFile:
        for new in self.added:
            if new.id == attachment_id:
                return StoredFile(attachments.read_file(self._cipher(), new.id), new.media_type)
        with self.sessions() as session:
            return attachments.read_attachment(session, attachment_id, case_id=self.case_id)

    def add_attachment(self, content: bytes, media_type: str, kind: str) -> str:
        self.added.append(attachments.write_file(self._cipher(), content, media_type, kind))
        return self.added[-1].id

    def _cipher(self) -> vault.DataCipher:
        with self.sessions() as session:
            return vault.current().cipher(session, f"case:{self.case_id}")


def execute(sessions: sessionmaker[Session], leased: LeasedJob) -> JobResult:
    """Run the leased job's service task, no transaction open.

    Raises what the task raises (BusinessError, RetryLater, anything), NotFound("service_task.unknown"), CallRefused. The
    files of a run that failed are removed.
    """
    context = WorkerContext(sessions, leased)
    try:
        task = find_service_task(leased.service)
        value = call_service_task(task, leased.parameters, context)
    except BaseException:
        attachments.discard_files(new.id for new in context.added)
        raise
    return JobResult(value, tuple(context.added))
