"""The registry of service tasks: Python capabilities a diagram may name.

A task is declared in a light module (a flow's `handlers.py`, `tasks/vision/service_tasks.py`); heavy imports sit inside
its function, so that every process knows every signature and loads no model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel
from sqlalchemy.orm import Session

from engine.errors import NotFound
from engine.retry import Retry
from engine.services.notice_texts import NoticeTexts

# Marks a parameter that names a notice of the flow, so that the check can look it up: Annotated[str, NOTICE].
NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An attachment's decrypted content. media_type was found from the content, not from what the sender said."""

    content: bytes
    media_type: str


class JobContext(Protocol):
    """What an asynchronous service task may use. No transaction is open while it runs."""

    @property
    def case_id(self) -> str: ...

    @property
    def started_by(self) -> str:
        """Account id of the case's starter."""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this job: for providers that can tell a repeat."""

    @property
    def now(self) -> datetime: ...

    def read_attachment(self, attachment_id: str) -> StoredFile:
        """NotFound unless the attachment belongs to this case."""

    def add_attachment(self, content: bytes, media_type: str, kind: str) -> str:
        """Id of a new attachment of this case (evidence, e.g. a rectified card); it exists if the job succeeds."""


class TransactionContext(Protocol):
    """What an in-transaction service task may use: the transaction the token moves in, and nothing slow."""

    @property
    def session(self) -> Session: ...

    @property
    def case_id(self) -> str: ...

    @property
    def started_by(self) -> str: ...

    @property
    def acted_by(self) -> str:
        """Account id of who completed the item or sent the message that led here; "" where time or a job did."""

    @property
    def now(self) -> datetime: ...

    @property
    def notice_texts(self) -> NoticeTexts:
        """What notices say in the version this case runs on."""


@dataclass(frozen=True, slots=True)
class ServiceTask:
    """parameters: pydantic model of what the diagram passes. result: model or JSON type of what comes back, None for nothing.

    errors: codes of the BusinessErrors it may raise; the check wants each caught. queue: Celery queue.
    retry: technical attempts before it becomes an incident. lease_s: how long one attempt may take.
    """

    name: str
    title: str
    parameters: type[BaseModel]
    result: type[BaseModel] | None
    errors: tuple[str, ...]
    queue: str
    in_transaction: bool
    retry: Retry
    lease_s: int
    run: Callable[[Any, Any], Any]


_registry: dict[str, ServiceTask] = {}


def service_task(
    name: str,
    *,
    title: str,
    parameters: type[BaseModel],
    result: type[BaseModel] | None = None,
    errors: tuple[str, ...] = (),
    queue: str = "default",
    in_transaction: bool = False,
    max_attempts: int = 5,
    lease_s: int = 120,
) -> Callable[[Callable[[Any, Any], Any]], Callable[[Any, Any], Any]]:
    """Register `run(parameters, context) -> result | None` under `name` (what `serviceTaskOperator id` says in a diagram).

    context is a TransactionContext where in_transaction, else a JobContext. A second declaration of a name must be the
    same function (a module imported twice); otherwise ValueError.
    """

    def register(run: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        known = _registry.get(name)
        if known is not None and known.run.__code__.co_filename != run.__code__.co_filename:
            raise ValueError(f"service task {name} is declared twice")
        _registry[name] = ServiceTask(
            name, title, parameters, result, errors, queue, in_transaction, Retry(max_attempts), lease_s, run
        )
        return run

    return register


def find_service_task(name: str) -> ServiceTask:
    """Raises NotFound("service_task.unknown")."""
    task = _registry.get(name)
    if task is None:
        raise NotFound("service_task.unknown", name=name)
    return task


def declared_service_tasks() -> dict[str, ServiceTask]:
    return dict(_registry)
