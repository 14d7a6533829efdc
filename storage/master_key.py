"""What the master key alone gives, without the database: keyed hashes, message authentication codes, signatures.

Each purpose has a key of its own, derived from the master key (HKDF, RFC 5869).
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


class MasterKey:
    """The platform's; storage/vault.py wraps data keys with it."""

    def __init__(self, key: bytes) -> None:
        """key: 32 random bytes."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes, this one {len(key)}")
        self._key = key
        self._keyed: dict[str, hmac.HMAC] = {}

    def keyed_hash(self, purpose: str, value: str) -> str:
        """64 hex digits, for finding a value (`document_number`) without keeping it. The caller normalises the value."""
        return self.mac(f"hash {purpose}", value.encode()).hex()

    def mac(self, purpose: str, content: bytes) -> bytes:
        """HMAC-SHA256 (32 bytes) under a key of its own for each purpose."""
        keyed = self._keyed.get(purpose)
        if keyed is None:
            keyed = self._keyed[purpose] = hmac.new(self.derived(f"mac {purpose}"), digestmod=hashlib.sha256)
        begun = keyed.copy()  # OpenSSL looks an algorithm up by its name each time it begins with a key
        begun.update(content)
        return begun.digest()

    def sign(self, content: bytes) -> bytes:
        """Ed25519 signature (64 bytes, RFC 8032) that anybody with `public_key` can check, without this key."""
        return self._signing_key().sign(content)

    @property
    def public_key(self) -> bytes:
        """32 bytes; the same as long as the master key is."""
        return self._signing_key().public_key().public_bytes_raw()

    def derived(self, purpose: str) -> bytes:
        """32 bytes, the key of this purpose."""
        return HKDF(hashes.SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(self._key)

    def _signing_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.derived("sign evidence"))


def is_signed(public_key: bytes, content: bytes, signature: bytes) -> bool:
    """Whether sign() of the master key with this public key gave the signature. Needs no master key."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True
