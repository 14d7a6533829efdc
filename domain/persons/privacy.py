"""How personal data looks to somebody who need not see all of it. Pure.

Masks never show the birth date of a document number, and never tell the length of a name's hidden part beyond three.
"""

from __future__ import annotations

from domain.documents.names import MIDDLE_DOT, is_chinese

# Two-character surnames common enough that hiding their second half would mask the wrong part.
_DOUBLE_SURNAMES = frozenset(
    {"欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "令狐", "慕容"}
    | {"司徒", "夏侯", "长孙", "宇文", "轩辕", "端木", "独孤", "南宫", "呼延", "拓跋"}
)


def mask_name(name: str) -> str:
    """张三 → 张*, 欧阳娜娜 → 欧阳**, 阿卜杜拉·买买提 → 阿***, ANNA MARIA → A***."""
    text = name.strip()
    if not text:
        return ""
    if is_chinese(text) and MIDDLE_DOT not in text and len(text) <= 4:
        shown = 2 if len(text) > 2 and text[:2] in _DOUBLE_SURNAMES else 1
        return text[:shown] + "*" * max(1, len(text) - shown)
    return text[0] + "***"


def mask_document_number(number: str) -> str:
    """110105194912310021 → 1101**********0021; a number of up to 10 characters keeps its first and its last two."""
    text = number.strip()
    if len(text) <= 4:
        return "*" * len(text)
    first, last = (4, 4) if len(text) >= 15 else (1, 2)
    return text[:first] + "*" * (len(text) - first - last) + text[-last:]


def mask_phone(phone: str) -> str:
    """13812345678 → 138****5678."""
    text = phone.strip()
    if len(text) < 8:
        return "*" * len(text)
    return text[:3] + "*" * (len(text) - 7) + text[-4:]
