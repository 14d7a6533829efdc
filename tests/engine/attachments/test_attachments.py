"""Attachments: encrypted on disk, scoped to their case, gone after retention."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from engine.attachments import store as attachments
from engine.attachments.store import attachment_facts, delete_expired, read_attachment, store_attachment, sweep_files
from engine.errors import Conflict, InvalidForm, NotFound
from engine.operators.interventions import cancel_case
from storage import vault
from tests.engine.conftest import ANALYST, APPLICANT, NOW, STRANGER, Store

PHOTO = b"\xff\xd8 a photo of a card " * 50


def stored(store: Store, case_id: str) -> str:
    with store.writing() as session:
        return store_attachment(session, case_id, PHOTO, "image/jpeg", "scan", by=APPLICANT.id, now=NOW)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.glob("files/*/*") if path.is_file()]


def test_a_photo_is_kept_encrypted_and_comes_back(any_store: Store, tmp_path: Path) -> None:
    any_store.deploy()
    case_id = any_store.start()

    photo = stored(any_store, case_id)

    (file,) = files_in(tmp_path)
    assert b"photo of a card" not in file.read_bytes()
    with any_store.sessions() as session:
        assert read_attachment(session, photo).content == PHOTO
        assert attachment_facts(session, photo).size == len(PHOTO)


def test_a_photo_of_another_case_is_unknown(any_store: Store) -> None:
    any_store.deploy()
    mine, other = any_store.start(), any_store.start(by=STRANGER)
    photo = stored(any_store, mine)

    with any_store.sessions() as session, pytest.raises(NotFound, match=r"attachment\.unknown"):
        read_attachment(session, photo, case_id=other)
    with pytest.raises(InvalidForm):
        any_store.complete(any_store.waiting(other, "fill").id, STRANGER, number="1", photo=photo)
    any_store.complete(any_store.waiting(mine, "fill").id, APPLICANT, number="1", photo=photo)


@pytest.mark.parametrize("name", ["nothing", "../../etc/passwd", ""])
def test_an_id_that_is_none_is_unknown(store: Store, name: str) -> None:
    with store.sessions() as session, pytest.raises(NotFound, match=r"attachment\.unknown"):
        read_attachment(session, name)


def test_a_changed_or_swapped_file_is_not_shown(store: Store, tmp_path: Path) -> None:
    store.deploy()
    case_id = store.start()
    first, second = stored(store, case_id), stored(store, case_id)
    paths = {path.stem: path for path in files_in(tmp_path)}

    paths[first].write_bytes(paths[second].read_bytes())

    with store.sessions() as session, pytest.raises(vault.Tampered):
        read_attachment(session, first)


def test_an_ended_case_takes_no_more_photos(store: Store) -> None:
    store.deploy()
    case_id = store.start()
    with store.writing() as session:
        cancel_case(session, case_id, by=ANALYST, reason="x", now=NOW)

    with pytest.raises(Conflict, match=r"case\.ended"):
        stored(store, case_id)
    with pytest.raises(NotFound, match=r"case\.unknown"):
        stored(store, "nothing")


def test_retention_removes_files_at_their_date(any_store: Store, tmp_path: Path) -> None:
    any_store.deploy()
    photo = stored(any_store, any_store.start())

    with any_store.writing() as session:
        assert delete_expired(session, NOW + timedelta(days=179), 10) == 0
        assert delete_expired(session, NOW + timedelta(days=180), 10) == 1

    assert files_in(tmp_path) == []
    with any_store.sessions() as session, pytest.raises(NotFound):
        read_attachment(session, photo)


def test_files_without_a_row_are_swept_when_they_are_old(store: Store, tmp_path: Path) -> None:
    store.deploy()
    case_id = store.start()
    kept = stored(store, case_id)
    with store.sessions() as session:
        cipher = vault.current().cipher(session, f"case:{case_id}")
    fresh = attachments.write_file(cipher, b"fresh", "image/jpeg", "scan").id
    orphan = attachments.write_file(cipher, b"orphan", "image/jpeg", "scan").id
    for path in files_in(tmp_path):
        if path.stem in (kept, orphan):
            os.utime(path, (NOW.timestamp() - 90_000,) * 2)
        else:
            os.utime(path, (NOW.timestamp(),) * 2)

    with store.writing() as session:
        assert sweep_files(session, NOW) == 1

    assert {path.stem for path in files_in(tmp_path)} == {kept, fresh}
