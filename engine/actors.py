"""Who acts. The engine knows an id and groups; what an account is, the domain knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Actor:
    """id: account id, or `system`. groups: inboxes the actor may work (`real_name.reviewer`, `unit:…`)."""

    id: str
    groups: frozenset[str] = field(default_factory=frozenset)


SYSTEM = Actor("system")

AccountsOfPerson = Callable[[Session, str], frozenset[str]]


def _only_itself(session: Session, account_id: str) -> frozenset[str]:
    return frozenset({account_id})


_accounts_of_person: AccountsOfPerson = _only_itself


def know_persons_by(find: AccountsOfPerson | None) -> None:
    """How this process tells that two accounts are one human's; called once by a composition root. None: no two are."""
    global _accounts_of_person  # noqa: PLW0603 - one register per process
    _accounts_of_person = find or _only_itself


def accounts_of_person(session: Session, account_id: str) -> frozenset[str]:
    """Ids of every account that is or was the same human's as this one, this one included."""
    return _accounts_of_person(session, account_id)
