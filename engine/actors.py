"""Who acts. The engine knows an id and groups; what an account is, the domain knows."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Actor:
    """id: account id, or `system`. groups: inboxes the actor may work (`real_name.reviewer`, `unit:…`)."""

    id: str
    groups: frozenset[str] = field(default_factory=frozenset)


SYSTEM = Actor("system")
