"""In-transaction service tasks: run where the token reaches them, in the transaction that moves it, each in a savepoint."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from traceback import format_tb

from sqlalchemy.orm import Session

from engine.deployment.deploy import Definition
from engine.errors import BusinessError
from engine.inputs import Input, JobFailed, JobGivenUp, JobSucceeded
from engine.machine_state import MachineState
from engine.services.calls import CallRefused, call_service_task
from engine.services.notice_texts import NoticeTexts
from engine.services.registry import ServiceTask
from engine.waits import JobWait
from storage.deferred_rows import savepoint
from storage.failures import is_machines_fault

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InTransaction:
    """TransactionContext of engine/services/registry.py."""

    session: Session
    case_id: str
    started_by: str
    acted_by: str
    now: datetime
    definition: Definition

    @property
    def notice_texts(self) -> NoticeTexts:
        return self.definition.notice_texts


def first_in_transaction(
    machine: MachineState, declared: Mapping[str, ServiceTask]
) -> tuple[JobWait, ServiceTask] | None:
    """The first job the case waits for whose service task runs in the transaction, with that task."""
    for wait in machine.waits.values():
        if isinstance(wait, JobWait):
            task = declared.get(wait.service)
            if task is not None and task.in_transaction:
                return wait, task
    return None


def answer_of(task: ServiceTask, wait: JobWait, context: InTransaction, *, at: datetime) -> Input:
    """What the task says, as an input. Effects of a task that says no are rolled back to its savepoint."""
    try:
        with savepoint(context.session):
            result = call_service_task(task, wait.parameters, context)
    except BusinessError as no:
        return JobFailed(at=at, wait=wait.address, code=no.code, message=no.message)
    except CallRefused as refused:
        return JobGivenUp(at=at, wait=wait.address, reason=str(refused))
    except Exception as error:
        if is_machines_fault(error):
            raise
        # Whatever else is a defect of the task: the case stands there as an incident. The error's own message stays
        # out of journal and log: it may quote what a person typed.
        where = "".join(format_tb(error.__traceback__))
        _log.error("%s in case %s failed: %s\n%s", task.name, context.case_id, type(error).__name__, where)
        return JobGivenUp(at=at, wait=wait.address, reason=type(error).__name__)
    return JobSucceeded(at=at, wait=wait.address, result=result)
