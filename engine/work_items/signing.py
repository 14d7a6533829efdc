"""Signing after one another (加签): somebody signs after the holder, before the case moves on.

`waiting.signers` holds the chain: `+a b c` means that a has signed, b holds the item, c signs last. What a signer decided is
the next one's draft: they sign it as it is, change it, or send it back. Each signature and each refusal is an input of the
case: who, when and what they said stays in the journal, whatever the last one decides. acts.py applies them.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from engine.actors import Actor
from engine.errors import Conflict
from engine.inputs import Variables
from engine.work_items.events import SIGNATURE_REFUSED, SIGNED, SIGNER_ADDED, record_event
from engine.work_items.four_eyes import refuse_same_person
from engine.work_items.rows import change_item, given_to, held_item, sealed_draft
from storage.statements import AnyRow

MOST_SIGNERS = 10


def signers_left(item: AnyRow) -> list[str]:
    """Accounts that sign after who holds the item now."""
    chain = _chain(item)
    return [account for account in chain if not account.startswith("+") and account != item.assignee]


def is_being_signed(item: AnyRow) -> bool:
    """Somebody has signed already."""
    return any(account.startswith("+") for account in _chain(item))


def add_signer(session: Session, item_id: str, *, to: Actor, by: Actor, now: datetime, why: str = "") -> None:
    """`to` signs after whoever signs last so far. by: the holder.

    Raises as held_item(), Conflict("work_item.delegated" | "work_item.signs_already" | "work_item.too_many_signers"),
    Forbidden("work_item.four_eyes").
    """
    item = held_item(session, item_id, by)
    if item.delegated_by is not None:
        raise Conflict("work_item.delegated", item=item_id)
    chain = _chain(item) or [by.id]
    if to.id in {account.lstrip("+") for account in chain}:
        raise Conflict("work_item.signs_already", item=item_id)
    if len(chain) > MOST_SIGNERS:
        raise Conflict("work_item.too_many_signers", item=item_id)
    refuse_same_person(session, item, to.id)
    change_item(session, item_id, signers=" ".join([*chain, to.id]), worked_at=now)
    record_event(session, item.case_id, item_id, SIGNER_ADDED, by=by.id, now=now, target=to.id, why=why)


def pass_to_next_signer(session: Session, item: AnyRow, values: Variables, *, by: Actor, now: datetime) -> None:
    """The holder has signed `values`, which fit the form."""
    signed = ["+" + by.id if account == by.id else account for account in _chain(item)]
    following = next(account for account in signed if not account.startswith("+"))
    change_item(
        session,
        item.id,
        **given_to(following, now, by=by.id),
        signers=" ".join(signed),
        draft=sealed_draft(session, item, values),
    )
    record_event(session, item.case_id, item.id, SIGNED, by=by.id, now=now, target=following)


def pass_to_last_signer(session: Session, item: AnyRow, *, by: Actor, now: datetime, why: str) -> None:
    """Back to who signed before, with the reason; the chain stays. Raises Conflict("work_item.nobody_signed")."""
    chain = _chain(item)
    signed = [account for account in chain if account.startswith("+")]
    if not signed:
        raise Conflict("work_item.nobody_signed", item=item.id)
    before = signed[-1].lstrip("+")
    chain[chain.index(signed[-1])] = before
    change_item(session, item.id, **given_to(before, now, by=by.id), signers=" ".join(chain))
    record_event(session, item.case_id, item.id, SIGNATURE_REFUSED, by=by.id, now=now, target=before, why=why)


def replace_signer(item: AnyRow, new_holder: str) -> str | None:
    """The chain with another holder; somebody who was to sign later signs now."""
    chain = [account for account in _chain(item) if account != new_holder]
    return " ".join(new_holder if account == item.assignee else account for account in chain) or None


def _chain(item: AnyRow) -> list[str]:
    return (item.signers or "").split()
