"""Data keys: what is personal is readable only while its owner's data key exists.

Envelope encryption: every owner (`case:<id>`, `person:<id>`) has a random AES-256 data key, kept wrapped by the master
key in table `data_key`. Destroying the wrapped key erases everything encrypted with it, in backups of other tables too.
AES-256-GCM with random 96-bit nonces (NIST SP 800-38D); a ciphertext is nonce, then the sealed bytes with their tag.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import String, Table, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.columns import Base, Bytes, UtcTime
from storage.deferred_rows import NewRow, defer_insert
from storage.master_key import MasterKey

ALGORITHM = "AES-256-GCM"
NONCE_BYTES = 12
KEPT_CIPHERS = 2048
_HELD = "held ciphers"  # in session.info


class KeyDestroyed(Exception):
    """The owner's data key was destroyed: what it encrypted is erased."""

    def __init__(self, owner: str) -> None:
        super().__init__(f"the data key of {owner} was destroyed")
        self.owner = owner


class KeyMissing(Exception):
    """The owner never had a data key."""


class Tampered(Exception):
    """A ciphertext, its context, or the key it is opened with was changed."""


class DataKey(Base):
    """`wrapped` is NULL once destroyed; the row stays, so that an owner never gets a second key by accident."""

    __tablename__ = "data_key"

    owner: Mapped[str] = mapped_column(String(64), primary_key=True)
    wrapped: Mapped[bytes | None] = mapped_column(Bytes)
    algorithm: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    destroyed_at: Mapped[datetime | None] = mapped_column(UtcTime)


KEY = cast(Table, DataKey.__table__)
_INSERT = insert(KEY)


@dataclass(frozen=True, slots=True)
class DataCipher:
    """Encrypts and decrypts for one owner. `context` says what the bytes are (`journal:3`) and must be given again."""

    owner: str
    _aead: AESGCM

    def encrypt(self, plain: bytes, context: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, self._bound(context))

    def decrypt(self, sealed: bytes, context: bytes) -> bytes:
        """Raises Tampered unless `sealed` came from encrypt() with this owner's key and this context."""
        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._bound(context))
        except (InvalidTag, ValueError) as error:
            raise Tampered(f"{self.owner}: {context!r} does not open") from error

    def _bound(self, context: bytes) -> bytes:
        return self.owner.encode() + b"\0" + context


class Vault:
    """Makes, opens and destroys data keys. Holds the master key; everything else about keys is in the database."""

    def __init__(self, master_key: bytes) -> None:
        """master_key: 32 random bytes."""
        self.master_key = MasterKey(master_key)
        self._wrapping = AESGCM(self.master_key.derived("wrap data keys"))
        self._ciphers: OrderedDict[tuple[str, bytes], DataCipher] = OrderedDict()
        self._lock = threading.Lock()

    def create_data_key(self, session: Session, owner: str, now: datetime) -> DataCipher:
        """Make and keep a data key for an owner that has none. Raises IntegrityError for a second one, destroyed or not."""
        return self.create_data_keys(session, [owner], now)[owner]

    def add_data_key(self, session: Session, owner: str, now: datetime) -> DataCipher:
        """As create_data_key, for an owner that nobody else can know yet: its row is written with the rest (defer_insert).

        Until then cipher() gives the key to this session alone.
        """
        cipher, row = self._new_key(owner, now)
        defer_insert(session, KEY, row)
        return self.hold(session, cipher)

    def create_data_keys(self, session: Session, owners: Sequence[str], now: datetime) -> dict[str, DataCipher]:
        """As create_data_key, for many owners with one statement."""
        made = [self._new_key(owner, now) for owner in owners]
        rows = [row for _, row in made]
        if rows:
            # One row as such: a list of one would go the slower way of many.
            session.connection().execute(_INSERT, rows if len(rows) > 1 else rows[0])
        return {cipher.owner: cipher for cipher, _ in made}

    def _new_key(self, owner: str, now: datetime) -> tuple[DataCipher, NewRow]:
        key = AESGCM.generate_key(bit_length=256)
        nonce = os.urandom(NONCE_BYTES)
        wrapped = nonce + self._wrapping.encrypt(nonce, key, owner.encode())
        row = {"owner": owner, "wrapped": wrapped, "algorithm": ALGORITHM, "created_at": now, "destroyed_at": None}
        return DataCipher(owner, AESGCM(key)), row

    def cipher(self, session: Session, owner: str) -> DataCipher:
        """The owner's cipher. The row is read every time, so a destroyed key is noticed at once; not again where this
        session holds it.

        Raises KeyDestroyed, KeyMissing.
        """
        held: DataCipher | None = session.info.get(_HELD, {}).get(owner)
        if held is not None:
            return held
        row = session.execute(select(DataKey.wrapped).where(DataKey.owner == owner)).one_or_none()
        if row is None:
            raise KeyMissing(f"{owner} has no data key")
        return self.unwrap(owner, row.wrapped)

    def hold(self, session: Session, cipher: DataCipher) -> DataCipher:
        """Let cipher() give this one for the rest of the session: its row is locked by the same transaction."""
        session.info.setdefault(_HELD, {})[cipher.owner] = cipher
        return cipher

    def unwrap(self, owner: str, wrapped: bytes | None) -> DataCipher:
        """The cipher of a wrapped key that the caller has just read (in a join). Raises KeyDestroyed for None."""
        if wrapped is None:
            raise KeyDestroyed(owner)
        place = (owner, wrapped)
        with self._lock:
            kept = self._ciphers.get(place)
            if kept is not None:
                self._ciphers.move_to_end(place)
                return kept
        try:
            key = self._wrapping.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], owner.encode())
        except (InvalidTag, ValueError) as error:
            raise Tampered(f"the data key of {owner} does not open with this master key") from error
        opened = DataCipher(owner, AESGCM(key))
        with self._lock:
            self._ciphers[place] = opened
            while len(self._ciphers) > KEPT_CIPHERS:
                self._ciphers.popitem(last=False)
        return opened

    def destroy_data_key(self, session: Session, owner: str, now: datetime) -> bool:
        """Erase all that was encrypted for the owner, once this transaction commits. False if it was erased before."""
        destroyed = session.execute(
            update(DataKey)
            .where(DataKey.owner == owner, DataKey.wrapped.is_not(None))
            .values(wrapped=None, destroyed_at=now)
            .returning(DataKey.owner),
            execution_options={"synchronize_session": False},
        ).all()
        session.info.get(_HELD, {}).pop(owner, None)
        with self._lock:
            for place in [place for place in self._ciphers if place[0] == owner]:
                del self._ciphers[place]
        return bool(destroyed)


_current: Vault | None = None


def use(vault: Vault) -> None:
    """Make `vault` the process's own; called once by a composition root."""
    global _current  # noqa: PLW0603 - one master key per process
    _current = vault


def current() -> Vault:
    if _current is None:
        raise RuntimeError("no vault: call vault.use(Vault(settings.master_key)) where the process is composed")
    return _current
