"""The domain's one way of saying no."""

from __future__ import annotations


class Refused(Exception):
    """A rule said no. `code` is stable (`credential.already_valid`), `facts` hold ids and states, never personal data."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(f"{code} {facts}" if facts else code)
        self.code = code
        self.facts = facts
