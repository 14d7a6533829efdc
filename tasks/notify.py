"""Sends queued notices: by SMS where a phone is known, otherwise they stay to be read in the application (`in_app`).

A notice to a group goes to every account that is in it when it is sent, each with an idempotency key of its own.

The row is leased in one transaction, the provider called with none open, the outcome written in another. A worker that
dies in between sends again: the provider gets the notice's id as idempotency key.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import requests
from sqlalchemy.orm import Session

from config import Settings
from domain import notice
from domain.accounts import account
from domain.acting import accounts_of_group
from domain.persons.person import person_phone
from storage import vault
from storage.transactions import transaction
from tasks.app import app
from tasks.process import platform

log = logging.getLogger(__name__)
BATCH = 50
PROVIDER_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Outgoing:
    """phones: idempotency key → number; empty for a notice that is only read in the application. text: what the SMS says."""

    notice_id: str
    phones: Mapping[str, str]
    text: str


@app.task(name="send_notices")
def send_notices() -> None:
    sessions, settings = platform().sessions, platform().settings
    with transaction(sessions) as session:
        outgoing = [_addressed(session, leased) for leased in notice.lease_notices(session, datetime.now(UTC), BATCH)]
    for one in outgoing:
        if one is None:
            continue
        try:
            channel = deliver(settings, one)
        except requests.RequestException as error:
            with transaction(sessions) as session:
                notice.mark_failed(session, one.notice_id, type(error).__name__, datetime.now(UTC))
        else:
            with transaction(sessions) as session:
                notice.mark_sent(session, one.notice_id, channel, datetime.now(UTC))


def deliver(settings: Settings, one: Outgoing) -> str:
    """The channel a notice went by. Raises requests.RequestException when the provider did not take it."""
    if not one.phones:
        return "in_app"
    if settings.sandbox or settings.sms_url is None:
        log.info("notice %s: sandbox, no SMS was sent", one.notice_id)
        return "sandbox"
    for key, phone in one.phones.items():
        answer = requests.post(
            settings.sms_url,
            json={"phone": phone, "text": one.text, "key": key},
            headers={"Authorization": f"Bearer {settings.sms_token}"},
            timeout=PROVIDER_TIMEOUT_S,
        )
        answer.raise_for_status()
    return "sms"


def _addressed(session: Session, leased: notice.Notice) -> Outgoing | None:
    """Phones and text of a notice; None where its case was erased meanwhile (nothing is left to send)."""
    try:
        text = notice.read_notice(session, leased)
    except vault.KeyDestroyed:
        notice.mark_failed(session, leased.id, "erased", datetime.now(UTC))
        return None
    return Outgoing(leased.id, _phones(session, leased, text.phone), f"【{text.title}】{text.text}")


def _phones(session: Session, leased: notice.Notice, given: str | None) -> dict[str, str]:
    if given is not None:
        return {leased.id: given}
    if leased.account_id is not None:
        phone = _phone_of(session, leased.account_id)
        return {leased.id: phone} if phone else {}
    members = accounts_of_group(session, leased.group_key) if leased.group_key else []
    found = {f"{leased.id}:{member}": _phone_of(session, member) for member in members}
    return {key: phone for key, phone in found.items() if phone}


def _phone_of(session: Session, account_id: str) -> str | None:
    """The account's phone, else the one its person proved; None where either was erased."""
    try:
        phone = account.phone_of(session, account_id)
        person_id = account.find_account(session, account_id).person_id
        return phone or (person_phone(session, person_id) if person_id else None)
    except vault.KeyDestroyed:
        return None
