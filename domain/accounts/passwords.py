"""Passwords of staff: argon2id with the settings of RFC 9106's low-memory profile, and what is too weak to be one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.refused import Refused

MIN_LENGTH = 10


@dataclass(frozen=True, slots=True)
class CheckedPassword:
    """A typed password held against `known_hash`. new_hash: of the same password, where argon2's settings have moved on."""

    username: str
    known_hash: str
    is_right: bool
    new_hash: str | None = None


def check_password(username: str, known_hash: str, password: str) -> CheckedPassword:
    """argon2's work: tens of milliseconds and 64 MiB. Call it with no transaction open."""
    try:
        _hasher().verify(known_hash, password)
    except (VerificationError, InvalidHashError):
        return CheckedPassword(username, known_hash, is_right=False)
    new_hash = hash_password(password) if _hasher().check_needs_rehash(known_hash) else None
    return CheckedPassword(username, known_hash, is_right=True, new_hash=new_hash)


def hash_password(password: str) -> str:
    return _hasher().hash(password)


@lru_cache(maxsize=1)
def hash_of_nobody() -> str:
    """A hash that nothing fits: an unknown user name costs as much time as a wrong password."""
    return hash_password(secrets.token_hex(16))


def refuse_weak_password(username: str, password: str) -> None:
    """Raises Refused("account.weak_password")."""
    is_weak = len(password) < MIN_LENGTH or username in password.lower() or len(set(password)) < 5
    if is_weak:
        raise Refused("account.weak_password", min_length=MIN_LENGTH)


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher()
