"""Which weights gave a result: SHA-256 by name, taken when a process loads them and journalled with what they gave."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path


def sha256_of(file: Path) -> str:
    """64 hex digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def fingerprints(files: Iterable[Path]) -> Mapping[str, str]:
    """By file name, in the order of the names."""
    return {file.name: sha256_of(file) for file in sorted(files, key=lambda file: file.name)}
