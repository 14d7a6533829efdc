"""What really happened to a case, read from the platform's database and not from the page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, update

from api.edge.auth import close_all_sessions
from api.edge.model import EvidenceLook
from domain.accounts.account import Account
from engine.attachments.store import ATTACHMENT
from engine.messages.send import send_message
from engine.model.tables import CASE, WAITING
from engine.model.waiting_row import WaitKind
from storage.transactions import transaction
from tests.engine.rebuilding import rebuild
from tools.demo.desk import Application
from tools.demo.site import Site


def outcome_of(site: Site, application: Application) -> str | None:
    with site.sessions() as session:
        return session.scalar(select(CASE.c.outcome).where(CASE.c.id == application.case_id))


def open_item_of(site: Site, case_id: str) -> str:
    mine = (WAITING.c.case_id == case_id) & WAITING.c.closed_at.is_(None)
    with site.sessions() as session:
        return session.scalars(select(WAITING.c.id).where(mine, WAITING.c.kind == WaitKind.WORK_ITEM)).one()


def stands_at(site: Site, application: Application) -> list[str]:
    """The elements whose forms are open."""
    mine = (WAITING.c.case_id == application.case_id) & WAITING.c.closed_at.is_(None)
    with site.sessions() as session:
        return list(session.scalars(select(WAITING.c.element).where(mine, WAITING.c.kind == WaitKind.WORK_ITEM)))


def variables_of(site: Site, application: Application) -> dict[str, Any]:
    with site.sessions() as session:
        return dict(rebuild(session, application.case_id).variables)


def holder_of(site: Site, application: Application) -> str | None:
    """The user name of whoever has claimed the case's open item."""
    return holder_of_item(site, application.open_item())


def holder_of_item(site: Site, item_id: str) -> str | None:
    claimed = select(Account.username).join(WAITING, WAITING.c.assignee == Account.id).where(WAITING.c.id == item_id)
    with site.sessions() as session:
        return session.scalar(claimed)


def state_of_item(site: Site, item_id: str) -> tuple[str, str]:
    """Its state, and the user name of who holds or held it."""
    asked = select(WAITING.c.state, Account.username).join(Account, WAITING.c.assignee == Account.id)
    with site.sessions() as session:
        row = session.execute(asked.where(WAITING.c.id == item_id)).one()
    return row.state, row.username


def looks_at(site: Site, application: Application, username: str) -> int:
    """How often this account was shown the case unmasked, or one of its images."""
    with site.sessions() as session:
        looks = select(func.count()).select_from(EvidenceLook).join(Account, Account.id == EvidenceLook.account_id)
        mine = looks.where(EvidenceLook.case_id == application.case_id, Account.username == username)
        return session.scalar(mine) or 0


def ends_session_of(site: Site, username: str) -> None:
    """As the clock does after half an hour."""
    with transaction(site.sessions) as session:
        account_id = session.scalars(select(Account.id).where(Account.username == username)).one()
        close_all_sessions(session, account_id)


def withdraws(site: Site, application: Application) -> None:
    """The applicant thinks better of it, meanwhile."""
    with transaction(site.sessions) as session:
        send_message(
            session, application.case_id, "withdraw", by=application.applicant, payload={}, now=datetime.now(UTC)
        )


def loses_its_images(site: Site, application: Application) -> None:
    """As retention leaves a case: the rows say that there was an image, and nothing can be opened."""
    with transaction(site.sessions) as session:
        mine = ATTACHMENT.c.case_id == application.case_id
        session.execute(update(ATTACHMENT).where(mine).values(deleted_at=datetime.now(UTC)))
