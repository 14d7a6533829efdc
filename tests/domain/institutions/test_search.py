"""Near names found in the register: the nearest first, and with how many questions."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from domain.institutions.clues import NameClue
from domain.institutions.editing import InstitutionEdit, edit_institution
from domain.institutions.search import find_by_name, near_duplicates
from domain.institutions.state import remove_institution
from tests.domain.admitting import EDITOR, WUCHANG, admit, seed_units


@pytest.fixture(autouse=True)
def units(session: Session) -> None:
    seed_units(session)


def test_near_names_come_nearest_first_with_the_reason(session: Session, now: datetime) -> None:
    first = admit(session, now, "武汉仁爱医院")
    admit(session, now, "武汉仁爱医院东湖分院")
    admit(session, now, "武汉同济堂医院")

    near = near_duplicates(session, "武汉市仁爱医院有限公司", 5)

    assert [(each.name, each.is_branch) for each in near] == [("武汉仁爱医院", False), ("武汉仁爱医院东湖分院", True)]
    assert (near[0].institution_id, near[0].reason) == (first.id, "仅差“有限公司”")
    assert near[0].similarity > near[1].similarity


def test_neither_the_same_name_nor_oneself_nor_a_removed_one_is_near(session: Session, now: datetime) -> None:
    admit(session, now, "武汉仁爱医院")
    mine = admit(session, now, "武汉人爱医院")
    removed = admit(session, now, "武汉仁爱总医院")
    remove_institution(session, removed.id, EDITOR, now)

    assert near_duplicates(session, "武汉（仁爱）医院", besides=mine.id) == []


def test_after_a_new_name_the_old_one_is_near_no_more(session: Session, now: datetime) -> None:
    renamed = admit(session, now, "武汉仁爱医院")
    edit_institution(session, renamed.id, InstitutionEdit(name="武汉同济堂医院"), EDITOR, now)

    assert near_duplicates(session, "武汉人爱医院") == []
    assert [each.name for each in near_duplicates(session, "武汉同济堂医院有限公司")] == ["武汉同济堂医院"]
    assert find_by_name(session, "武汉仁爱医院") is None


def test_the_search_asks_two_questions_whatever_there_is(session: Session, now: datetime) -> None:
    for number in range(60):
        admit(session, now, f"武昌区{chr(0x4E00 + number * 7)}康诊所", unit=WUCHANG)
    asked: list[str] = []
    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    near = near_duplicates(session, "武昌区健康诊所", 10)

    assert len(asked) == 2
    assert len(near) == 10
    assert {each.similarity for each in near} == {near[0].similarity}


def test_a_name_leaves_about_one_clue_a_character(session: Session, now: datetime) -> None:
    admitted = admit(session, now, "武汉市江汉区仁爱口腔医院有限公司")

    clues = session.scalar(select(func.count()).where(NameClue.institution_id == admitted.id))

    assert clues == len("仁爱口腔医院") + 2  # the body, each character left out once, its own words
