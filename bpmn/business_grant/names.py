"""What Python calls of this flow's diagrams and of its flow.toml by name; tests/flows/test_names.py holds them together."""

from __future__ import annotations

from enum import StrEnum

FLOW = "business_grant"
DESK = "business_grant.desk"  # nobody's group: who acts in it has checked who asks


class TenureMessage(StrEnum):
    """What a running tenure is told: by whoever asks for it over HTTP, or by a register when something ended."""

    REDEEM = "redeem"
    BIND = "bind"
    EXTEND = "extend"
    REPLACE_CODE = "replace_code"
    REVOKE = "revoke"
    SUSPEND = "suspend"
    RESUME = "resume"
    TRANSFER = "transfer"
    CANCEL_TRANSFER = "cancel_transfer"
    ADD_AUXILIARY = "add_auxiliary"
    CANCEL_AUXILIARY = "cancel_auxiliary"
    REMOVE_AUXILIARY = "remove_auxiliary"
    RESIGN = "resign"
    TAKEOVER = "takeover"
    MANAGER_LOST = "manager_lost"
    AUXILIARY_LOST = "auxiliary_lost"
