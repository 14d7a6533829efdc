"""Clues: hashes under which an institution is found when its name is written a little differently.

Leaving one character out of either name makes any two names equal that are one edit apart (symmetric deletion, as SymSpell
does it), so near names are found by exact look-ups, and words that stand in every second name cost nothing.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, delete, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from domain.institutions.name import NameParts, name_parts
from storage.columns import Base

MAX_VARIED = 40  # of a longer body only these first characters are left out in turn
LEAST_VARIED = 3
LEAST_OWN = 2


class NameClue(Base):
    """What an admitted institution's name is found by when it is written a little differently."""

    __tablename__ = "name_clue"
    __table_args__ = ({"sqlite_with_rowid": False},)

    clue: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    institution_id: Mapped[str] = mapped_column(
        ForeignKey("institution.id", ondelete="CASCADE"), primary_key=True, index=True
    )


def write_clues(session: Session, institution_id: str, name: str) -> None:
    """Make an institution findable by near names, in place of the name it had. It must have been flushed."""
    session.execute(delete(NameClue).where(NameClue.institution_id == institution_id))
    session.execute(insert(NameClue), clue_rows(institution_id, name))


def clue_rows(institution_id: str, name: str) -> list[dict[str, Any]]:
    """Rows of table name_clue for a name, for who writes many institutions at once."""
    return [{"clue": clue, "institution_id": institution_id} for clue in sorted(clues_of(name_parts(name)))]


def clues_of(parts: NameParts) -> frozenset[int]:
    """What an admitted institution is found by: 64-bit integers, about one a character of its body."""
    kept = {*_body_clues(parts.body), *_own_clues(parts)}
    if parts.base:
        kept.add(_hash("has branch", parts.base))
    return frozenset(kept)


def close_clues(parts: NameParts) -> frozenset[int]:
    """Clues of bodies that are at most one edit from this one, and of the body it is a branch of."""
    base = {_hash("body", parts.base)} if parts.base else set()
    return frozenset({*_body_clues(parts.body), *base})


def wide_clues(parts: NameParts) -> frozenset[int]:
    """Clues that many institutions may share: the same own words, the branches of this one."""
    return frozenset({*_own_clues(parts), _hash("has branch", parts.body)})


def _body_clues(body: str) -> set[int]:
    shorter = (
        {body[:n] + body[n + 1 :] for n in range(min(len(body), MAX_VARIED))} if len(body) > LEAST_VARIED else set()
    )
    return {_hash("body", text) for text in {body, *shorter}}


def _own_clues(parts: NameParts) -> set[int]:
    return {_hash("own", parts.own)} if len(parts.own) >= LEAST_OWN else set()


def _hash(kind: str, text: str) -> int:
    digest = blake2b(f"{kind}:{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
