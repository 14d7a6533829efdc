"""Entries of an evidence file's JSON members, each with a digest of its own, so that an altered one is named by its place."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

Json = Any  # a JSON value


def has_items(name: str) -> bool:
    """JSON members that are lists of entries, or objects whose entries are; the journal has a chain instead."""
    return name.endswith(".json") and "/" not in name


def item_digests(name: str, content: bytes) -> list[str]:
    """SHA-256 of every entry, in order. Raises ValueError for a member that is no JSON."""
    return [hashlib.sha256(orjson.dumps(item, option=orjson.OPT_SORT_KEYS)).hexdigest() for item in _items(content)]


def first_altered(name: str, content: bytes, digests: Sequence[str]) -> str:
    """Which entry is not as it was, as a Chinese sentence; "" where all are, or where the member cannot be read."""
    try:
        items, found = _items(content), item_digests(name, content)
    except ValueError:
        return ""
    for number, (digest, other) in enumerate(zip(digests, found, strict=False), 1):
        if digest != other:
            return f"{name} 第 {number} 条{_named(items[number - 1])}的内容被改动"
    if len(found) < len(digests):
        return f"{name} 第 {len(found) + 1} 条缺失"
    return f"{name} 第 {len(digests) + 1} 条是多出来的" if len(found) > len(digests) else ""


def _items(content: bytes) -> list[Json]:
    told = orjson.loads(content)
    if isinstance(told, dict):
        return [
            [part, item] for part, items in told.items() for item in (items if isinstance(items, list) else [items])
        ]
    return told if isinstance(told, list) else [told]


def _named(item: Json) -> str:
    inner = item[1] if isinstance(item, list) and len(item) == 2 else item
    element = inner.get("element") if isinstance(inner, dict) else None
    return f"（{element}）" if isinstance(element, str) and element else ""
