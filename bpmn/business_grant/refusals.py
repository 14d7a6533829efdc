"""How a rule of the register that says no becomes the way out of a service task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from domain.refused import Refused
from engine.errors import BusinessError
from engine.services.registry import TransactionContext

# What the register's verbs may answer; every service task that calls one has a boundary event for all of them.
REFUSALS = (
    "grant.already_active",
    "grant.attempts_locked",
    "grant.business_closed",
    "grant.code_not_valid",
    "grant.institution_not_admitted",
    "grant.is_auxiliary",
    "grant.is_manager",
    "grant.no_open_code",
    "grant.no_tenure",
    "grant.not_active",
    "grant.not_auxiliary",
    "grant.not_suspended",
    "grant.own_number",
    "grant.person_not_verified",
    "grant.stopped",
    "grant.tenure_running",
    "grant.too_many_auxiliaries",
    "grant.wrong_unit",
)


@contextmanager
def refusals() -> Iterator[None]:
    """Raises the BusinessError of the Refused raised inside."""
    try:
        yield
    except Refused as no:
        raise BusinessError(no.code) from no


def actor(context: TransactionContext) -> str:
    """By whom the register notes what happens: an account's id, `system` where time or another case moved this one."""
    return context.acted_by or "system"
