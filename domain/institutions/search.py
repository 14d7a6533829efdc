"""Who in the register has this name already, exactly or nearly. Two statements, whatever the register's size."""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz.fuzz import partial_ratio, ratio
from rapidfuzz.process import extract
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from domain.institutions.clues import NameClue, close_clues, wide_clues
from domain.institutions.institution import Institution, InstitutionState
from domain.institutions.likeness import likeness
from domain.institutions.name import name_key, name_parts

# Candidates of each of the two statements: bounds the work for names as common as 安康诊所. Of them the most alike are
# looked at closely.
CLOSE_LIMIT = 1_500
WIDE_LIMIT = 500
LOOKED_AT = 40


@dataclass(frozen=True, slots=True)
class NearName:
    """similarity: 0..1. reason: a sentence for the reviewer. is_branch: one looks like the other's branch."""

    institution_id: str
    name: str
    similarity: float
    reason: str
    is_branch: bool = False


def find_by_name(session: Session, name: str) -> Institution | None:
    """The institution of this very name, whatever its width, brackets or 繁简; removed ones too (their name stays taken)."""
    return session.scalar(select(Institution).where(Institution.name_key == name_key(name)))


def find_by_credit_code(session: Session, credit_code: str) -> Institution | None:
    """credit_code: normalised (domain/institutions/credit_code.py)."""
    return session.scalar(select(Institution).where(Institution.credit_code == credit_code))


def near_duplicates(session: Session, name: str, limit: int = 10, *, besides: str | None = None) -> list[NearName]:
    """Institutions whose name is near this one, the nearest first; the one of exactly this name is not among them.

    besides: the id of the institution whose new name is being checked. Removed institutions are left out.
    """
    key, parts = name_key(name), name_parts(name)
    found: dict[str, Row[str, str, str]] = {}
    for clues, most in ((wide_clues(parts), WIDE_LIMIT), (close_clues(parts), CLOSE_LIMIT)):
        found |= {row.id: row for row in _holders(session, clues, most)}
    near = []
    for row in _most_alike(key, [row for row in found.values() if row.id != besides and row.name_key != key]):
        alike = likeness(name, row.name)
        if alike is not None:
            near.append(NearName(row.id, row.name, alike.similarity, alike.reason, alike.is_branch))
    return sorted(near, key=lambda each: (-each.similarity, each.institution_id))[:limit]


def _most_alike(key: str, rows: list[Row[str, str, str]]) -> list[Row[str, str, str]]:
    """The rows whose whole name is most like the key, and those that hold most of it (a legal form or a branch more)."""
    if len(rows) <= LOOKED_AT:
        return rows
    keys = [row.name_key for row in rows]
    chosen = {
        place for scorer in (ratio, partial_ratio) for _, _, place in extract(key, keys, scorer=scorer, limit=LOOKED_AT)
    }
    return [rows[place] for place in sorted(chosen)]


def _holders(session: Session, clues: frozenset[int], most: int) -> list[Row[str, str, str]]:
    # The limit stands inside: PostgreSQL then goes from clue to clue, and never reads the register from end to end.
    holders = select(NameClue.institution_id).where(NameClue.clue.in_(sorted(clues))).limit(most)
    wanted = select(Institution.id, Institution.name, Institution.name_key).where(
        Institution.id.in_(holders), Institution.state != InstitutionState.REMOVED
    )
    return list(session.execute(wanted).all())
