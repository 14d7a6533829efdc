"""Names of provinces, prefectures and counties, to put right one misread character at the head of an address.

硚口区 is read 研口区 or 硕口区 now and then; no such district exists in 武汉市, and only one name there differs in one
character. A value put right this way is given as unsure, so that a person looks at it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib import resources

LEAST_LENGTH = 5  # shorter names differ in one character too easily
_ENTRY = re.compile(r'^( ?)\s*(\d+) (?:province|county)="([^"]*)"')


def mended_address(address: str) -> str:
    """`address` with its head as the one known division name that differs in a single character; unchanged otherwise."""
    return _mended(address, _address_heads())


def has_known_head(address: str) -> bool:
    """Whether an address begins with a province, or with a city or county (some cards leave the province out)."""
    return any(address.startswith(name) for name in _first_words())


def mended_authority(authority: str) -> str:
    """The same for the police bureau that issues cards."""
    return _mended(authority, _bureaus(), whole=True)


def is_known_authority(authority: str) -> bool:
    return authority in _bureaus().get(len(authority), frozenset())


def _mended(text: str, names: dict[int, frozenset[str]], *, whole: bool = False) -> str:
    lengths = [n for n in sorted(names, reverse=True) if (n == len(text) if whole else n <= len(text))]
    if any(text[:n] in names[n] for n in lengths):
        return text
    for n in lengths:
        head = text[:n]
        near = [name for name in names[n] if sum(a != b for a, b in zip(name, head, strict=True)) == 1]
        if near:
            return near[0] + text[n:] if len(near) == 1 else text
    return text


@cache
def _divisions() -> tuple[tuple[str, str, str], ...]:
    """(province, prefecture or "", county) of every county-level division, past ones too (GB/T 2260, from python-stdnum)."""
    found: list[tuple[str, str, str]] = []
    province = ""
    prefectures: dict[str, set[str]] = {}
    for code, name in _entries():
        if len(code) == 2:
            province, prefectures = name, {}
        elif code.endswith("00"):
            prefectures.setdefault(code[:2], set()).add(name)
        elif name not in ("市辖区", "市区", "县"):
            cities = prefectures.get(code[:2], set()) - {"市辖区"}
            is_urban = name.endswith("区") and bool(cities)  # a city's district is never written without its city
            found += [(province, upper, name) for upper in (*cities, *(() if is_urban else ("",)))]
    return tuple(found)


def _entries() -> Iterator[tuple[str, str]]:
    for line in resources.files("stdnum.cn").joinpath("loc.dat").read_text("utf-8").splitlines():
        entry = _ENTRY.match(line)
        if entry:
            for name in entry[3].split(","):
                yield entry[2], re.sub(r"^\[[^]]*\]", "", name)


@cache
def _address_heads() -> dict[int, frozenset[str]]:
    return _by_length(province + upper + county for province, upper, county in _divisions())


@cache
def _first_words() -> frozenset[str]:
    return frozenset(name for division in _divisions() for name in division if len(name) >= 2)


@cache
def _bureaus() -> dict[int, frozenset[str]]:
    names = set()
    for _, upper, county in _divisions():
        names.add(f"{county}公安局")
        if upper and county.endswith("区"):
            names.add(f"{upper}公安局{county.removesuffix('区')}分局")
            names.add(f"{upper}公安局{county}分局")
    return _by_length(iter(names))


def _by_length(names: Iterator[str]) -> dict[int, frozenset[str]]:
    grouped: dict[int, set[str]] = defaultdict(set)
    for name in names:
        if len(name) >= LEAST_LENGTH:
            grouped[len(name)].add(name)
    return {length: frozenset(group) for length, group in grouped.items()}
