"""A case told in the flow's own words: real engine, real database, real in-transaction tasks; asynchronous results by hand."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from domain.accounts.account import find_or_create_wechat_account
from engine.actors import Actor
from engine.attachments.store import store_attachment
from engine.cases.start import start_case
from engine.errors import BusinessError
from engine.jobs.leases import fail_job, lease_job, succeed_job
from engine.jobs.runs import JobResult, LeasedJob, execute
from engine.messages.send import send_message
from engine.model.tables import CASE, WAITING
from engine.model.waiting_row import WaitKind
from engine.periodic.timers import fire_due_timers
from engine.replay.rebuild import verify_case
from engine.work_items.acts import claim_work_item, complete_work_item
from storage.transactions import transaction
from tests.engine.rebuilding import rebuild

STAFF = Actor("staff", frozenset({"real_name.reviewer", "real_name.supervisor"}))


@dataclass
class Town:
    """One database with all its people. now: moves only when a story says so."""

    sessions: sessionmaker[Session]
    now: datetime

    def writing(self) -> AbstractContextManager[Session]:
        return transaction(self.sessions)

    def somebody(self, openid: str) -> Actor:
        """A WeChat user who has signed in."""
        with self.writing() as session:
            account = find_or_create_wechat_account(session, openid, self.now)
            return Actor(account.id, frozenset({"applicant"}))

    def start(self, flow: str, by: Actor, **values: Any) -> Story:
        """values: of the flow's start form."""
        with self.writing() as session:
            case_id = start_case(session, flow, by=by, values=values, now=self.now)
        return Story(self, case_id, by)

    def passes(self, time: timedelta) -> None:
        self.now += time


@dataclass
class Job:
    """A service task the case waits for. Leasing it is part of answering."""

    story: Story
    leased: LeasedJob
    parameters: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.parameters = self.leased.parameters

    def returns(self, value: Any) -> None:
        with self.story.town.writing() as session:
            assert succeed_job(session, self.leased, JobResult(value), now=self.story.town.now)

    def fails(self, code: str) -> None:
        with self.story.town.writing() as session:
            assert fail_job(session, self.leased, BusinessError(code), now=self.story.town.now)

    def runs(self) -> None:
        """The real handler, as a worker would run it."""
        result = execute(self.story.town.sessions, self.leased)
        with self.story.town.writing() as session:
            assert succeed_job(session, self.leased, result, now=self.story.town.now)


@dataclass
class Story:
    """One case."""

    town: Town
    case_id: str
    starter: Actor

    def completes(self, form: str, *, by: Actor | None = None, **values: Any) -> Story:
        """Somebody (default: the starter, or staff where the item is a group's) fills in the open form."""
        item = self._open(WaitKind.WORK_ITEM, WAITING.c.form == form)
        assert item is not None, f"no open form {form!r}; open: {self.open_forms()}"
        who = by or (self.starter if item.assignee == self.starter.id else STAFF)
        with self.town.writing() as session:
            if item.assignee is None:
                claim_work_item(session, item.id, by=who, now=self.town.now)
            complete_work_item(session, item.id, by=who, values=values, now=self.town.now)
        return self

    def job(self, service: str) -> Job:
        row = self._open(WaitKind.JOB, WAITING.c.service == service)
        assert row is not None, f"no job {service!r}; open forms: {self.open_forms()}"
        with self.town.writing() as session:
            leased = lease_job(session, row.id, worker="story", now=self.town.now)
        assert leased is not None
        return Job(self, leased)

    def passes(self, time: timedelta) -> Story:
        """Time goes by; the clock of the platform fires what is due."""
        self.town.passes(time)
        with self.town.writing() as session:
            fire_due_timers(session, self.case_id, self.town.now)
        return self

    def message(self, name: str, *, by: Actor | None = None) -> Story:
        with self.town.writing() as session:
            send_message(session, self.case_id, name, by=by or self.starter, payload={}, now=self.town.now)
        return self

    def photo(self, content: bytes = b"photo", media_type: str = "image/jpeg") -> str:
        """Id of a photo the starter has uploaded to the case."""
        with self.town.writing() as session:
            return store_attachment(
                session, self.case_id, content, media_type, "photo", by=self.starter.id, now=self.town.now
            )

    def waits_for(self, element: str, *, group: str | None = None) -> bool:
        """Whether an open work item or job stands at this element (in this group's inbox)."""
        row = self._open(WaitKind.WORK_ITEM, WAITING.c.element == element) or self._open(
            WaitKind.JOB, WAITING.c.element == element
        )
        assert row is not None, f"not at {element!r}; open forms: {self.open_forms()}, outcome: {self.outcome}"
        return group is None or row.group_name == group

    def open_forms(self) -> list[str]:
        open_items = select(WAITING.c.form).where(self._mine(), WAITING.c.kind == WaitKind.WORK_ITEM)
        with self.town.sessions() as session:
            return list(session.scalars(open_items))

    def incidents(self) -> list[str]:
        query = select(WAITING.c.element, WAITING.c.code, WAITING.c.note)
        with self.town.sessions() as session:
            rows = session.execute(query.where(self._mine(), WAITING.c.kind == WaitKind.INCIDENT)).all()
        return [f"{row.element}: {row.code} {row.note}" for row in rows]

    @property
    def outcome(self) -> str | None:
        with self.town.sessions() as session:
            return session.scalar(select(CASE.c.outcome).where(CASE.c.id == self.case_id))

    @property
    def variables(self) -> dict[str, Any]:
        """From the journal alone."""
        with self.town.sessions() as session:
            return dict(rebuild(session, self.case_id).variables)

    def is_sound(self) -> bool:
        """Journal, snapshot and waits agree, and nothing went wrong on the way."""
        with self.town.sessions() as session:
            return verify_case(session, self.case_id).is_sound and not self.incidents()

    def _mine(self) -> Any:
        return (WAITING.c.case_id == self.case_id) & WAITING.c.closed_at.is_(None)

    def _open(self, kind: WaitKind, condition: Any) -> Any:
        with self.town.sessions() as session:
            return session.execute(select(WAITING).where(self._mine(), WAITING.c.kind == kind, condition)).one_or_none()
