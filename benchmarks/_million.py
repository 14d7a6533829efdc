"""A platform full of cases, written by the database itself: what lists and steps cost is what matters, not how the rows came.

Open items of 120 units' groups and of two groups of the real-name reviewers, in the order they came in; a journal entry,
a data key and a search hash for each case.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, text

from engine.sync import search_hash

UNITS = 120
SEARCHED = 50  # even numbers: items of the reviewers
REVIEWERS, SUPERVISORS = "real_name.reviewer", "real_name.supervisor"

# 26 characters that sort by number, as real ids sort by time
_ID = "lpad(CAST(n AS text), 26, '0')"
_NUMBERS = "generate_series(1, :items) AS n"
# Half of the items are the real-name reviewers', half the units'; one in ten is the supervisors'.
_GROUP = f"""CASE WHEN n % 10 = 0 THEN '{SUPERVISORS}' WHEN n % 2 = 0 THEN '{REVIEWERS}'
  ELSE 'unit:42' || lpad(CAST(n / 2 % {UNITS} AS text), 4, '0') END"""
_FLOW = "CASE WHEN n % 2 = 0 THEN 'real_name' WHEN n % 3 = 0 THEN 'business_grant' ELSE 'institution_admission' END"
_ELEMENT = """CASE WHEN n % 10 = 0 THEN 'review_escalated' WHEN n % 2 = 0 THEN 'review'
  WHEN n % 3 = 0 THEN 'confirm' WHEN n % 101 = 0 THEN 'review_forwarded' ELSE 'review' END"""
_FACET = "CASE WHEN n % 97 = 0 THEN 'passport' WHEN n % 7 = 0 THEN 'hk_macau_permit' ELSE 'resident_id' END"
# The oldest has waited for 60 days; a few are due tomorrow only, one in fifty is overdue.
_AT = "CAST(:now AS timestamptz) - make_interval(secs => (:items - n) * 5184000.0 / :items)"
_DUE = f"CASE WHEN n % 50 = 0 THEN {_AT} + interval '1 day' ELSE CAST(:now AS timestamptz) + make_interval(hours => n % 400) END"

_FILL = (
    f"""INSERT INTO data_key (owner, wrapped, algorithm, created_at)
    SELECT 'case:' || {_ID}, decode(repeat(md5(CAST(n AS text)), 4), 'hex'), 'AES-256-GCM', {_AT} FROM {_NUMBERS}""",
    f"""INSERT INTO process_instance (id, flow_key, definition_id, state, revision, started_by, is_exclusive, snapshot, head,
      last_at, created_at)
    SELECT {_ID}, 'real_name', (SELECT id FROM process_definition LIMIT 1), 'RUNNING', 1, {_ID}, true,
      decode(repeat(md5(CAST(n AS text)), 30), 'hex'), decode(repeat(md5(CAST(n AS text)), 2), 'hex'), {_AT}, {_AT}
    FROM {_NUMBERS}""",
    f"""INSERT INTO journal (case_id, seq, kind, at, actor, payload, digest)
    SELECT {_ID}, 1, 'Started', {_AT}, {_ID}, decode(repeat(md5(CAST(n AS text)), 10), 'hex'), decode(md5('d'), 'hex')
    FROM {_NUMBERS}""",
    # A number hash is as wide as a real one; those of the first cases are real (searched()).
    f"""INSERT INTO search_variable (case_id, name, hash)
    SELECT {_ID}, 'document_number', md5('number ' || n) || md5('number') FROM {_NUMBERS}""",
    f"""INSERT INTO waiting (id, case_id, flow_key, kind, address, element, state, created_at, due_at, group_name, assignee,
      claimed_at, priority, facet, form)
    SELECT {_ID}, {_ID}, {_FLOW}, 'WORK_ITEM', 'review:1', {_ELEMENT}, CASE WHEN n % 499 = 0 THEN 'CLAIMED' ELSE 'OPEN' END,
      {_AT}, {_DUE}, {_GROUP}, CASE WHEN n % 499 = 0 THEN 'colleague' END, CASE WHEN n % 499 = 0 THEN {_AT} END,
      CASE WHEN n % 10 = 0 THEN 80 ELSE 50 END, {_FACET}, 'review'
    FROM {_NUMBERS}""",
)


def fill(engine: Engine, items: int, now: datetime) -> None:
    """`items` cases with an open item each. A definition must be deployed."""
    with engine.begin() as connection:
        for statement in _FILL:
            connection.execute(text(statement), {"items": items, "now": now})
        for number in range(1, SEARCHED + 1):
            row = {"case": f"{number * 2:026d}", "hash": search_hash("document_number", searched(number))}
            connection.execute(text("UPDATE search_variable SET hash = :hash WHERE case_id = :case"), row)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
        connection.exec_driver_sql("CHECKPOINT")  # nobody waits for the disk to take what the filling wrote


def unit_groups() -> frozenset[str]:
    """What a clerk of the province carries."""
    return frozenset(f"unit:42{unit:04d}" for unit in range(UNITS))


def searched(number: int) -> str:
    """A value that one case is found by."""
    return f"42010119900101{number:04d}"
