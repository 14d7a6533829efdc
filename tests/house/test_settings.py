"""The environment decides between a sandbox on loopback and a real installation; unsafe mixtures are refused."""

from __future__ import annotations

import base64

import pytest

from config import InvalidSettings, load_settings

KEY = base64.b64encode(bytes(range(32))).decode()


def test_nothing_set_gives_a_sandbox_on_loopback(tmp_path):
    settings = load_settings({"VAR_DIR": str(tmp_path)})

    assert settings.sandbox
    assert settings.is_sqlite
    assert settings.broker_url == "filesystem://"


def test_the_master_key_made_on_first_start_is_kept(tmp_path):
    first = load_settings({"VAR_DIR": str(tmp_path)})

    second = load_settings({"VAR_DIR": str(tmp_path)})

    assert len(first.master_key) == 32
    assert first.master_key == second.master_key
    assert (tmp_path / "master.key").stat().st_mode & 0o077 == 0


def test_a_database_without_a_master_key_is_refused(tmp_path):
    with pytest.raises(InvalidSettings, match="MASTER_KEY"):
        load_settings({"VAR_DIR": str(tmp_path), "DATABASE_URL": "postgresql://db/platform", "DEMO": "1"})


def test_a_database_without_wechat_is_refused_unless_it_is_a_demo(tmp_path):
    real = {"VAR_DIR": str(tmp_path), "DATABASE_URL": "postgresql://db/platform", "MASTER_KEY": KEY}

    with pytest.raises(InvalidSettings, match="DEMO=1"):
        load_settings(real)

    assert load_settings({**real, "DEMO": "1"}).sandbox


def test_a_real_installation_has_no_sandbox(tmp_path):
    settings = load_settings(
        {
            "VAR_DIR": str(tmp_path),
            "DATABASE_URL": "postgres://db/platform",
            "MASTER_KEY": KEY,
            "WECHAT_APP_ID": "wx1",
            "WECHAT_SECRET": "s",
        }
    )

    assert not settings.sandbox
    assert settings.database_url == "postgresql+psycopg://db/platform"


def test_an_open_address_without_a_database_is_no_sandbox(tmp_path):
    with pytest.raises(InvalidSettings, match="WECHAT"):
        load_settings({"VAR_DIR": str(tmp_path), "HOST": "0.0.0.0"})


@pytest.mark.parametrize("key", ["kurz", base64.b64encode(b"x" * 16).decode(), "###"])
def test_a_master_key_of_another_shape_is_refused(tmp_path, key):
    with pytest.raises(InvalidSettings, match="MASTER_KEY"):
        load_settings({"VAR_DIR": str(tmp_path), "MASTER_KEY": key})


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "http"), ("PORT", "0"), ("PORT", "70000"), ("DATABASE_URL", "mysql://db/platform")]
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path, name, value):
    with pytest.raises(InvalidSettings, match=name):
        load_settings({"VAR_DIR": str(tmp_path), "MASTER_KEY": KEY, "DEMO": "1", name: value})
