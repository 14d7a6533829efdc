"""Records that were changed behind the platform's back: who asks is told so, nothing is written over them."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from engine.cases.journal import JOURNAL
from engine.model.tables import CASE
from storage.transactions import transaction
from tests.api.conftest import Platform, an_application


def flip_a_bit(platform: Platform, column, where) -> None:
    with transaction(platform.sessions) as session:
        bytes_now = bytearray(session.execute(select(column).where(where)).scalar_one())
        bytes_now[len(bytes_now) // 2] ^= 1
        session.execute(update(column.table).where(where).values({column: bytes(bytes_now)}))


def test_a_flipped_bit_in_the_journal_is_told_to_who_looks_at_the_case(platform: Platform) -> None:
    permit = an_application(platform.citizen())
    permit.send_photo()
    guard = platform.staff("guard")
    first = (JOURNAL.c.case_id == permit.id) & (JOURNAL.c.seq == 1)
    flip_a_bit(platform, JOURNAL.c.payload, first)

    past = guard.get(f"/api/v1/cases/{permit.id}/at/1")
    present = guard.get(f"/api/v1/cases/{permit.id}")
    flip_a_bit(platform, JOURNAL.c.payload, first)

    assert [(answer.status_code, answer.json["code"]) for answer in (past, present)] == [(409, "case.damaged")] * 2
    assert guard.get(f"/api/v1/cases/{permit.id}").status_code == 200


def test_a_damaged_state_stops_the_case_and_nothing_is_lost(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    applicant = platform.citizen()
    permit = an_application(applicant)
    item = permit.item
    flip_a_bit(platform, CASE.c.snapshot, CASE.c.id == permit.id)

    refused = applicant.post(f"/api/v1/applications/{permit.id}/messages/withdraw", {"payload": {}})
    flip_a_bit(platform, CASE.c.snapshot, CASE.c.id == permit.id)

    assert (refused.status_code, refused.json["code"]) == (409, "case.damaged")
    assert "damaged record" in caplog.text
    assert permit.item == item
    permit.send_photo()
