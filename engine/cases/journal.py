"""The journal: every input of every case, in order, encrypted, each entry's digest covering the one before it.

The chain is an HMAC over the ciphertext under a key of its own: who can write the database but does not hold the
master key cannot change an entry unnoticed, and the chain still verifies after the case's data key was destroyed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

import orjson
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from engine.errors import Conflict
from engine.inputs import KINDS, Input
from engine.model.instance import JournalEntry
from storage import vault

JOURNAL = cast(Table, JournalEntry.__table__)
GENESIS = b"\0" * 32


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal row as stored. payload: ciphertext. digest: 32 bytes."""

    seq: int
    kind: str
    at: datetime
    actor: str
    payload: bytes
    digest: bytes


class BrokenChain(Exception):
    """Entry `seq` of the case's journal is missing, out of place or changed."""

    def __init__(self, case_id: str, seq: int) -> None:
        super().__init__(f"the journal of case {case_id} does not hold at entry {seq}")
        self.case_id = case_id
        self.seq = seq


def encode_input(given: Input) -> bytes:
    """JSON of the input's fields; instants in ISO 8601 UTC. The kind is a column of its own."""
    return orjson.dumps({name: _plain(name, getattr(given, name)) for name in _names_of(cast(Any, type(given)))})


def decode_input(kind: str, payload: bytes) -> Input:
    """The input that encode_input() was given. Raises Conflict("case.newer_release") for a kind or a field unknown here."""
    values: dict[str, Any] = orjson.loads(payload)  # Any: JSON
    values["at"] = datetime.fromisoformat(values["at"])
    values["computed"] = {place: datetime.fromisoformat(at) for place, at in values["computed"].items()}
    if values.get("noticed"):
        values["noticed"] = datetime.fromisoformat(values["noticed"])
    try:
        return KINDS[kind](**values)
    except (KeyError, TypeError) as unknown:
        raise Conflict("case.newer_release", kind=kind) from unknown


def seal_inputs(
    cipher: vault.DataCipher, case_id: str, inputs: Iterable[Input], *, after: int, head: bytes
) -> list[Entry]:
    """Entries after+1, after+2, … for `inputs`, chained onto `head`."""
    entries: list[Entry] = []
    for seq, given in enumerate(inputs, start=after + 1):
        kind = type(given).__name__
        payload = cipher.encrypt(encode_input(given), payload_context(seq))
        at, actor = given.at.astimezone(UTC), actor_of(given)
        head = _digest(case_id, seq, kind, at, actor, payload, head)
        entries.append(Entry(seq, kind, at, actor, payload, head))
    return entries


def entry_rows(case_id: str, entries: Iterable[Entry]) -> list[dict[str, Any]]:  # Any: column values
    return [{"case_id": case_id, **{name: getattr(entry, name) for name in _names_of(Entry)}} for entry in entries]


def read_entries(session: Session, case_id: str) -> list[Entry]:
    columns = [JOURNAL.c[name] for name in _names_of(Entry)]
    rows = session.execute(select(*columns).where(JOURNAL.c.case_id == case_id).order_by(JOURNAL.c.seq))
    return [Entry(*row) for row in rows]


def check_chain(case_id: str, entries: Sequence[Entry], *, revision: int, head: bytes) -> None:
    """Raises BrokenChain at the first entry that does not follow from the one before it, or when the end is missing."""
    last = GENESIS
    for seq, entry in enumerate(entries, start=1):
        if entry.seq != seq or digest_of(case_id, entry, last) != entry.digest:
            raise BrokenChain(case_id, seq)
        last = entry.digest
    if len(entries) != revision or last != head:
        raise BrokenChain(case_id, min(len(entries), revision) + 1)


def open_inputs(cipher: vault.DataCipher, entries: Iterable[Entry]) -> Iterator[Input]:
    """The inputs in order. Raises vault.Tampered for a payload that this case's key did not write at this place."""
    for entry in entries:
        yield decode_input(entry.kind, cipher.decrypt(entry.payload, payload_context(entry.seq)))


def actor_of(given: Input) -> str:
    """Account id of who gave the input, "" for the engine itself."""
    return getattr(given, "by", "")


def _plain(name: str, value: Any) -> Any:
    if name in ("at", "noticed") and value is not None:
        return value.astimezone(UTC).isoformat()
    if name == "computed":
        return {place: at.astimezone(UTC).isoformat() for place, at in value.items()}
    return value if not hasattr(value, "items") else dict(value)


def payload_context(seq: int) -> bytes:
    """What binds a payload to its place."""
    return b"journal:%d" % seq


def digest_of(case_id: str, entry: Entry, before: bytes) -> bytes:
    """The digest that this entry has after one with the digest `before`, whatever it says itself."""
    return _digest(case_id, entry.seq, entry.kind, entry.at, entry.actor, entry.payload, before)


def _digest(case_id: str, seq: int, kind: str, at: datetime, actor: str, payload: bytes, before: bytes) -> bytes:
    covered = orjson.dumps([case_id, seq, kind, at.isoformat(), actor])
    return vault.current().master_key.mac("journal chain", before + len(covered).to_bytes(4) + covered + payload)


@cache
def _names_of(kind: type[Any]) -> tuple[str, ...]:
    """Of the fields of a dataclass."""
    return tuple(field.name for field in fields(kind))
