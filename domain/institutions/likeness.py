"""Whether two institutions' names are near, and why, in words a reviewer understands. Pure.

Near is what one body might be called by two people: a legal form more, a place less, one character mistyped, a branch.
Not near is what units number and place on purpose: 第一医院 and 第二医院, 江汉区 and 江岸区, 东院 and 西院.
"""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from domain.institutions.name import NUMERALS, NameParts, name_key, name_parts

_DIRECTIONS = "东南西北中上下前后"
_ON_PURPOSE = (frozenset(NUMERALS), frozenset(_DIRECTIONS))


@dataclass(frozen=True, slots=True)
class Likeness:
    """similarity: 0..1, 1 for names that differ in nothing but form. is_branch: one is the other's branch."""

    similarity: float
    reason: str
    is_branch: bool = False


def likeness(name: str, known: str) -> Likeness | None:
    """How a name is near to a known one; None where it is not. Of two equal names: "名称相同"."""
    mine, theirs = name_parts(name), name_parts(known)
    similarity = round(Levenshtein.normalized_similarity(name_key(name), name_key(known)), 2)
    if name_key(name) == name_key(known):
        return Likeness(1.0, "名称相同，仅全半角、空格、括号、繁简或大小写写法不同")
    if not _may_be_one_place(mine, theirs):
        return None
    if mine.body == theirs.body:
        return Likeness(max(similarity, 0.9), _form_reason(mine, theirs, name, known))
    branch = _branch_reason(mine, theirs, known)
    if branch is not None:
        return Likeness(similarity, branch, is_branch=True)
    if _is_close(mine, theirs):
        distance = Levenshtein.distance(mine.body, theirs.body)
        return Likeness(similarity, f"编辑距离 {distance}：{_differences(mine.body, theirs.body)}")
    if _has_same_own(mine, theirs):
        return Likeness(similarity, f"字号“{theirs.own}”相同，{_differences(mine.body, theirs.body)}")
    return None


def _may_be_one_place(mine: NameParts, theirs: NameParts) -> bool:
    """Neither names a division the other contradicts; 人民医院 alone says nothing, so there the places must meet."""
    here, there = set(mine.place), set(theirs.place)
    if not (here <= there or there <= here):
        return False
    says_nothing = not (mine.own and theirs.own)
    return bool(here & there) or here == there or not says_nothing


def _is_close(mine: NameParts, theirs: NameParts) -> bool:
    shorter = min(len(mine.body), len(theirs.body))
    most = 0 if shorter < 4 else 1 if shorter < 8 else 2 if shorter < 12 else 3
    distance = Levenshtein.distance(mine.body, theirs.body, score_cutoff=most)
    if distance > most or _differs_on_purpose(mine.body, theirs.body):
        return False
    if mine.base and mine.base == theirs.base and distance > 1:
        return False  # two branches of one body
    # 王明诊所 and 李明诊所 are two people; in one place they are still worth a look.
    is_short = min(len(mine.own), len(theirs.own)) <= 2 and mine.own != theirs.own
    return not is_short or bool(set(mine.place) & set(theirs.place))


def _differs_on_purpose(mine: str, theirs: str) -> bool:
    """Whether every edit swaps one numeral for another, or one direction for another."""
    edits = Levenshtein.editops(mine, theirs)
    return all(
        edit.tag == "replace"
        and any(mine[edit.src_pos] in kind and theirs[edit.dest_pos] in kind for kind in _ON_PURPOSE)
        for edit in edits
    )


def _has_same_own(mine: NameParts, theirs: NameParts) -> bool:
    """The same own words with another kind of house: 仁爱口腔诊所, 仁爱口腔门诊部. Short ones count within one place."""
    if mine.own != theirs.own or len(mine.own) < 2 or _differs_on_purpose(mine.body, theirs.body):
        return False
    return len(mine.own) >= 4 or bool(set(mine.place) & set(theirs.place))


def _branch_reason(mine: NameParts, theirs: NameParts, known: str) -> str | None:
    if mine.base and mine.base == theirs.body:
        return f"像是“{known}”的分支机构（“{mine.branch}”）"
    if theirs.base and theirs.base == mine.body:
        return f"机构库中已有像是它的分支机构（“{theirs.branch}”）"
    return None


def _form_reason(mine: NameParts, theirs: NameParts, name: str, known: str) -> str:
    """Bodies agree: what else differs."""
    only: list[str] = []
    if mine.legal_form != theirs.legal_form:
        forms = [f"“{form}”" for form in (mine.legal_form, theirs.legal_form) if form]
        only.append("与".join(forms))
    if mine.place != theirs.place:
        places = "、".join(sorted(set(mine.place) ^ set(theirs.place)) or theirs.place)
        only.append(f"地名“{places}”")
    if only:
        return "仅差" + "和".join(only)
    if sorted(name_key(name)) == sorted(name_key(known)):
        return f"仅地名“{'、'.join(theirs.place)}”的位置不同"
    return f"仅写法不同：{_differences(name_key(name), name_key(known))}"


def _differences(mine: str, theirs: str) -> str:
    """Where the typed name differs from the known one: “社区”为多出, “人”与“仁”不同."""
    said = []
    for step in Levenshtein.opcodes(mine, theirs):
        here, there = mine[step.src_start : step.src_end], theirs[step.dest_start : step.dest_end]
        if step.tag == "replace":
            said.append(f"“{here}”与“{there}”不同")
        elif step.tag == "delete":
            said.append(f"多出“{here}”")
        elif step.tag == "insert":
            said.append(f"缺少“{there}”")
    return "，".join(said)
