"""Work on a reviewer's desk, ready in seconds: real cases of 实名认证, brought there by the engine with readings by hand.

For browser tests, screenshots and benchmarks. Where reading itself matters, play tools/demo/stories.py instead.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from domain.accounts.account import bind_phone, find_or_create_wechat_account
from engine.actors import Actor
from engine.attachments.store import store_attachment
from engine.cases.start import start_case
from engine.jobs.leases import lease_job, succeed_job
from engine.jobs.runs import JobResult
from engine.model.tables import WAITING
from engine.model.waiting_row import WaitKind
from engine.work_items.acts import claim_work_item, complete_work_item
from storage.transactions import transaction
from tools.cards.passport import Passport, make_passport
from tools.cards.people import Person, make_person
from tools.cards.portrait import draw_portrait
from tools.cards.scene import to_jpeg
from tools.demo.papers import (
    Json,
    Page,
    a_reading,
    back_fields,
    front_fields,
    pages_of_card,
    pages_of_passport,
    passport_fields,
)

REVIEWERS = frozenset({"real_name.reviewer", "real_name.supervisor"})
SELFIE_SIZE = (720, 912)
AGREED = {"read_consent": "read_document/2026-01"}


@dataclass
class Desk:
    """sessions: of a prepared platform. rng: gives the people; the same seed, the same desk.

    is_quick: draw one document of a kind and show its photographs for everybody; what is read stays each person's own.
    Drawing and photographing is three quarters of the time a case takes.
    """

    sessions: sessionmaker[Session]
    rng: random.Random
    is_quick: bool = False
    _card: tuple[Page, Page] | None = field(default=None, init=False)
    _passport: tuple[Page] | None = field(default=None, init=False)
    _count: int = field(default=0, init=False)

    def person(self, name: str | None = None) -> Person:
        return make_person(self.rng, name=name)

    def card(self, person: Person) -> tuple[Page, Page]:
        """Both sides of the person's card."""
        if not self.is_quick:
            return pages_of_card(person, self.rng)
        self._card = self._card or pages_of_card(person, self.rng)
        front, back = self._card
        return replace(front, fields=front_fields(person)), replace(back, fields=back_fields(person))

    def passport(self, passport: Passport) -> tuple[Page]:
        """Its data page."""
        if not self.is_quick:
            return pages_of_passport(passport, self.rng)
        self._passport = self._passport or pages_of_passport(passport, self.rng)
        return (replace(self._passport[0], fields=passport_fields(passport)),)

    def begin(self, *, ago: timedelta, name: str, number: str, document: str = "resident_id") -> Application:
        """An application of somebody new, begun `ago` before now, whose photographs are asked for next."""
        self._count += 1
        at = datetime.now(UTC) - ago
        with transaction(self.sessions) as session:
            account = find_or_create_wechat_account(session, f"desk-{self.rng.getrandbits(64):x}-{self._count}", at)
            who = Actor(account.id, frozenset({"applicant"}))
            case_id = start_case(session, "real_name", by=who, values={}, now=at)
        application = Application(self.sessions, case_id, who, at)
        application.completes("consent", AGREED)
        method = "automatic" if document == "resident_id" else "manual"
        typed = {"name": name, "document_type": document, "document_number": number, "method": method}
        application.completes("information", typed)
        return application


@dataclass
class Application:
    """One case. at: when its next step happens."""

    sessions: sessionmaker[Session]
    case_id: str
    applicant: Actor
    at: datetime

    @contextmanager
    def _step(self) -> Iterator[Session]:
        with transaction(self.sessions) as session:
            yield session

    def completes(self, form: str, values: Mapping[str, Any], *, by: Actor | None = None) -> None:
        """The open item of that form, by the applicant unless told otherwise."""
        item = self._open(WAITING.c.form == form)
        who = by or self.applicant
        with self._step() as session:
            if item.assignee is None:
                claim_work_item(session, item.id, by=who, now=self.at)
            complete_work_item(session, item.id, by=who, values=dict(values), now=self.at)

    def sends(self, pages: Sequence[Page], *, form: str = "scan", **reading: Any) -> None:
        """The photographs, and what the reader makes of them (see tools/demo/papers.py)."""
        photos = [self.keep(page.photo, "document-scan") for page in pages]
        self.completes(form, dict(zip(("front", "back"), photos, strict=False)))
        read = [(page, photo, self.keep(page.flat, "rectified")) for page, photo in zip(pages, photos, strict=True)]
        self.returns("document.read", a_reading(read, **reading))

    def returns(self, service: str, value: Json) -> None:
        """The waiting job's result."""
        job = self._open(WAITING.c.service == service)
        with self._step() as session:
            leased = lease_job(session, job.id, worker="desk", now=self.at)
            assert leased is not None, f"{service} of case {self.case_id} was taken by a worker"
            assert succeed_job(session, leased, JobResult(value), now=self.at)

    def keep(self, content: bytes, kind: str) -> str:
        with self._step() as session:
            return store_attachment(
                session, self.case_id, content, "image/jpeg", kind, by=self.applicant.id, now=self.at
            )

    def open_item(self) -> str:
        """Id of the one thing that is asked for now."""
        return str(self._open(WAITING.c.kind == WaitKind.WORK_ITEM).id)

    def _open(self, condition: Any) -> Any:  # Any: a row of the table of waits
        mine = (WAITING.c.case_id == self.case_id) & WAITING.c.closed_at.is_(None)
        with self.sessions() as session:
            return session.execute(select(WAITING).where(mine, condition)).one()


def insisting_on_a_name(
    desk: Desk, ago: timedelta, *, typed: str | None = None, printed: str | None = None, person: Person | None = None
) -> Application:
    """The typed name differs from the printed one in its last character, and the applicant stands by it."""
    person = person or desk.person(printed)
    name = typed or person.name[:-1] + ("源" if person.name[-1] != "源" else "远")
    application = desk.begin(ago=ago, name=name, number=person.id_number)
    application.sends(desk.card(person))
    application.completes("correct", {"next_step": "review", "name": name, "document_number": person.id_number})
    return application


def with_a_doubtful_card(desk: Desk, ago: timedelta) -> Application:
    """Everything agrees, but the date of birth that was read is not the number's."""
    person = desk.person()
    application = desk.begin(ago=ago, name=person.name, number=person.id_number)
    wrong = person.birth.replace(
        year=person.birth.year - 1 if (person.birth.month, person.birth.day) != (2, 29) else 1952
    )
    application.sends(
        desk.card(person),
        warnings=[["birth_disagrees", "glare"]],
        confidences={"birth": 0.71},
        instead={"birth": wrong.isoformat()},
    )
    return application


def with_a_passport(desk: Desk, ago: timedelta) -> Application:
    passport = make_passport(desk.rng)
    application = desk.begin(ago=ago, name=passport.name, number=passport.number, document="passport")
    application.sends(desk.passport(passport), form="scan_page")
    return application


def after_new_photos(desk: Desk, ago: timedelta) -> Application:
    """The first photographs were not good enough for a reviewer: a second attempt is there to be looked at."""
    person = desk.person()
    application = insisting_on_a_name(desk, ago, person=person)
    reviewer = Actor("desk", REVIEWERS)
    asked = {"review_decision": "new_photos", "new_photos": ["back"], "opinion": "反面有反光，请避开灯光重拍。"}
    application.completes("review", asked, by=reviewer)
    application.at += timedelta(minutes=20)
    application.sends(desk.card(person), form="retake")
    return application


def with_two_faces(desk: Desk, ago: timedelta) -> Application:
    """Somebody verified comes with another WeChat account, and the selfie is not surely theirs."""
    person, number = desk.person(), desk.rng.randrange(10**7)
    first = desk.begin(ago=ago, name=person.name, number=person.id_number)
    with transaction(desk.sessions) as session:
        bind_phone(session, first.applicant.id, f"1381{number:07}")
    first.sends(desk.card(person))
    again = desk.begin(ago=ago, name=person.name, number=person.id_number)
    again.sends(desk.card(person))
    again.completes("choose_proof", {"proof": "face"})
    again.completes("face_consent", {"face_choice": "agree", "face_consent_version": "compare_face/2026-01"})
    # Nobody's face: pictures of these pages may be kept and shown.
    drawn = np.asarray(draw_portrait(random.Random(person.id_number)).resize(SELFIE_SIZE))
    selfie = again.keep(to_jpeg(drawn), "face-capture")
    again.completes("selfie", {"selfie": selfie})
    again.returns(
        "face.match",
        {
            "engine": "by hand",
            "score": 0.41,
            "band": "unsure",
            "may_pass": True,
            "boxes": {"portrait": [713, 138, 863, 336], "selfie": [195, 165, 525, 600]},
            "quality": {
                "portrait": {"size_px": 200.0, "sharpness": 140.0, "yaw": 1.0, "pitch": 2.0, "roll": 0.0},
                "selfie": {"size_px": 300.0, "sharpness": 35.0, "yaw": 14.0, "pitch": -3.0, "roll": 4.0},
            },
        },
    )
    return again


KINDS = (insisting_on_a_name, with_a_doubtful_card, with_a_passport, after_new_photos, with_two_faces)


def fill(desk: Desk, count: int, *, spread: timedelta = timedelta(hours=6)) -> list[Application]:
    """`count` cases waiting for a reviewer, oldest first, of every kind in turn."""
    return [KINDS[i % len(KINDS)](desk, spread * (count - i) / count) for i in range(count)]
