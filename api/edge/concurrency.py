"""ETag and If-Match: who decides on what they saw may say so, and is refused when it has changed since."""

from __future__ import annotations

import hashlib

from flask import request

from api.edge.errors import Rejected
from engine.queries.views import CaseSummary, WorkItemView


def work_item_tag(item: WorkItemView) -> str:
    return tag(item.id, item.state, item.assignee or "", str(item.claimed_at))


def case_tag(case: CaseSummary) -> str:
    return tag(case.id, case.state, str(case.revision))


def wants_match() -> bool:
    return bool(request.if_match)


def refuse_stale(tag: str) -> None:
    """Raises Rejected("request.if_match") unless the request's If-Match, where it has one, names `tag`."""
    if request.if_match and not request.if_match.contains(tag.strip('"')):
        raise Rejected("request.if_match")


def tag(*facts: str) -> str:
    """An ETag that changes with any of `facts`."""
    return f'"{hashlib.sha256("|".join(facts).encode()).hexdigest()[:20]}"'
