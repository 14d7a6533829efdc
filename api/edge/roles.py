"""What a console account may open beside its inboxes, by the groups it is in."""

from __future__ import annotations

from api.edge.auth import Caller
from api.edge.errors import Rejected
from domain.accounts.account import ADMIN_GROUP, REGISTER_GROUP, AccountKind

SENDER_GROUP = "message.sender"  # accounts of outside systems that send messages to cases
INBOX, REGISTERS, REVEAL = "inbox", "registers", "registers.reveal"


def places_of(caller: Caller) -> list[str]:
    """What the console's menu offers: `inbox`, `registers` (masked), `registers.reveal` (unmasked, recorded)."""
    if caller.kind is not AccountKind.CONSOLE:
        return []
    found = {INBOX: bool(caller.groups - {ADMIN_GROUP, REGISTER_GROUP}), REGISTERS: _reads_registers(caller)}
    return [place for place, is_open in {**found, REVEAL: REGISTER_GROUP in caller.groups}.items() if is_open]


def require_registers(caller: Caller, *, reveal: bool = False) -> None:
    """Raises Rejected("register.may_not_read" | "register.may_not_reveal"): who runs the platform sees masked ones only."""
    if not _reads_registers(caller):
        raise Rejected("register.may_not_read")
    if reveal and REGISTER_GROUP not in caller.groups:
        raise Rejected("register.may_not_reveal")


def _reads_registers(caller: Caller) -> bool:
    return bool(caller.groups & {REGISTER_GROUP, ADMIN_GROUP})


def require_sender(caller: Caller) -> None:
    """Raises Rejected("message.may_not_send") unless the account is an outside system's (or who runs the platform)."""
    if caller.kind is not AccountKind.CONSOLE or not caller.groups & {SENDER_GROUP, ADMIN_GROUP}:
        raise Rejected("message.may_not_send")


def require_operator(caller: Caller) -> None:
    """Raises Rejected("operations.may_not_open") unless the caller runs the platform."""
    if not is_operator(caller):
        raise Rejected("operations.may_not_open")


def is_operator(caller: Caller) -> bool:
    return caller.kind is AccountKind.CONSOLE and ADMIN_GROUP in caller.groups
