"""Data keys: who opens what, and that a destroyed key opens nothing ever again."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from storage import vault
from tests.engine.conftest import NOW, Store


def test_a_ciphertext_opens_only_for_its_owner_and_context(any_store: Store) -> None:
    with any_store.writing() as session:
        mine = vault.current().create_data_key(session, "person:1", NOW)
        other = vault.current().create_data_key(session, "person:2", NOW)

    sealed = mine.encrypt(b"11010519491231002X", b"number")

    assert b"1101" not in sealed
    assert mine.encrypt(b"11010519491231002X", b"number") != sealed
    with any_store.sessions() as session:
        assert vault.current().cipher(session, "person:1").decrypt(sealed, b"number") == b"11010519491231002X"
    for cipher, context in ((mine, b"name"), (other, b"number")):
        with pytest.raises(vault.Tampered):
            cipher.decrypt(sealed, context)
    with pytest.raises(vault.Tampered):
        mine.decrypt(b"short", b"number")


def test_destruction_is_noticed_by_a_process_that_has_the_key_in_memory(any_store: Store) -> None:
    mine, elsewhere = vault.Vault(b"m" * 32), vault.Vault(b"m" * 32)
    with any_store.writing() as session:
        sealed = mine.create_data_key(session, "person:1", NOW).encrypt(b"x", b"c")
    with any_store.sessions() as session:
        assert mine.cipher(session, "person:1").decrypt(sealed, b"c") == b"x"

    with any_store.writing() as session:
        assert elsewhere.destroy_data_key(session, "person:1", NOW)
        assert not elsewhere.destroy_data_key(session, "person:1", NOW)

    with any_store.sessions() as session, pytest.raises(vault.KeyDestroyed):
        mine.cipher(session, "person:1")
    with any_store.sessions() as session, pytest.raises(vault.KeyMissing):
        mine.cipher(session, "person:2")


def test_an_erased_owner_gets_no_second_key(any_store: Store) -> None:
    with any_store.writing() as session:
        vault.current().create_data_key(session, "person:1", NOW)
    with any_store.writing() as session:
        vault.current().destroy_data_key(session, "person:1", NOW)

    with any_store.sessions() as session, pytest.raises(IntegrityError):
        vault.current().create_data_key(session, "person:1", NOW)


def test_another_master_key_opens_nothing_and_finds_nothing(any_store: Store) -> None:
    with any_store.writing() as session:
        vault.current().create_data_key(session, "person:1", NOW)
    thief = vault.Vault(b"t" * 32)

    with any_store.sessions() as session, pytest.raises(vault.Tampered):
        thief.cipher(session, "person:1")

    assert thief.master_key.keyed_hash("phone", "13800000000") != vault.current().master_key.keyed_hash(
        "phone", "13800000000"
    )
    assert vault.current().master_key.keyed_hash("phone", "1") != vault.current().master_key.keyed_hash("number", "1")
    with pytest.raises(ValueError, match="32 bytes"):
        vault.Vault(b"short")
