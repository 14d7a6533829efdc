"""What tables are declared with: their base, the column types, ids."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, LargeBinary, MetaData, String
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime; naive ones are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without an offset was given to the database")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


ID_LENGTH = 26  # of new_id()
Id = String(ID_LENGTH)
Bytes = LargeBinary

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [
    first + second for first in _CROCKFORD for second in _CROCKFORD
]  # ten bits each, in the order of their values


def new_id() -> str:
    """26 characters: 48 bits of time in ms, then 82 random bits. Sorts by creation, guessable by nobody."""
    value = (time.time_ns() // 1_000_000 << 82) | int.from_bytes(os.urandom(11), "big") >> 6
    return "".join([_PAIRS[value >> place & 1023] for place in range(120, -1, -10)])
