"""Settings of the platform, read once from the environment. The only reader of os.environ."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent


class InvalidSettings(Exception):
    """The environment asks for something unsafe or unreadable; the message says what to set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between two installations.

    master_key: 32 bytes; wraps every data key (storage/vault.py). Without DATABASE_URL it is made once, in `var_dir/master.key`.
    message_days: how long a message between cases waits for somebody to take it before operators are told.
    sandbox: WeChat and SMS are simulated, demo accounts exist. True on loopback without DATABASE_URL, or with DEMO=1.
    """

    var_dir: Path
    flows_dir: Path
    database_url: str
    broker_url: str
    redis_url: str | None
    master_key: bytes
    sandbox: bool
    public_host: str
    port: int
    wechat_app_id: str | None
    wechat_secret: str | None
    sms_url: str | None
    sms_token: str | None
    ocr_model_dir: Path | None
    face_model_dir: Path
    time_zone: str
    message_days: int

    @property
    def files_dir(self) -> Path:
        return self.var_dir / "files"

    @property
    def broker_dir(self) -> Path:
        return self.var_dir / "broker"

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from `environ` (default: the process's environment).

    Raises InvalidSettings with DATABASE_URL and no MASTER_KEY, with a MASTER_KEY that is not 32 bytes of base64,
    with a PORT or DATABASE_URL that cannot be used, or when neither a sandbox nor WeChat credentials are there.
    """
    env = os.environ if environ is None else environ
    var_dir = Path(env.get("VAR_DIR") or ROOT / "var").resolve()
    external = env.get("DATABASE_URL") or None
    redis_url = env.get("REDIS_URL") or None
    host = env.get("HOST") or "127.0.0.1"
    demo = env.get("DEMO") == "1"
    loopback = host in {"127.0.0.1", "localhost", "::1"}
    sandbox = demo or (external is None and loopback)
    settings = Settings(
        var_dir=var_dir,
        flows_dir=Path(env.get("FLOWS_DIR") or ROOT / "bpmn").resolve(),
        database_url=_driver(external) if external else f"sqlite:///{var_dir / 'platform.db'}",
        broker_url=redis_url or "filesystem://",
        redis_url=redis_url,
        master_key=_master_key(env, var_dir, required=external is not None),
        sandbox=sandbox,
        public_host=host,
        port=_port(env.get("PORT") or "8000"),
        wechat_app_id=env.get("WECHAT_APP_ID") or None,
        wechat_secret=env.get("WECHAT_SECRET") or None,
        sms_url=env.get("SMS_URL") or None,
        sms_token=env.get("SMS_TOKEN") or None,
        ocr_model_dir=Path(env["OCR_MODEL_DIR"]) if env.get("OCR_MODEL_DIR") else None,
        face_model_dir=Path(env.get("FACE_MODEL_DIR") or var_dir / "models" / "insightface"),
        time_zone=env.get("TIME_ZONE") or "Asia/Shanghai",
        message_days=_days(env.get("MESSAGE_DAYS") or "7"),
    )
    if not sandbox and not (settings.wechat_app_id and settings.wechat_secret):
        raise InvalidSettings(
            "没有配置微信登录：请设置 WECHAT_APP_ID 和 WECHAT_SECRET；仅供演示时设置 DEMO=1 使用沙箱登录。"
        )
    return settings


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 366):
        raise InvalidSettings("MESSAGE_DAYS 应为 1 至 366 的整数（天）。")
    return int(text)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise InvalidSettings("PORT 应为 1 至 65535 的整数。")
    return int(text)


def _driver(url: str) -> str:
    """`postgresql://` and `postgres://` mean psycopg 3 here. Raises InvalidSettings for a database nobody tested."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    if not url.startswith(("postgresql+psycopg://", "sqlite:///")):
        raise InvalidSettings("DATABASE_URL 应以 postgresql:// 开头；不设置则使用 SQLite。")
    return url


def _master_key(env: Mapping[str, str], var_dir: Path, *, required: bool) -> bytes:
    given = env.get("MASTER_KEY")
    if given:
        try:
            key = base64.b64decode(given, validate=True)
        except ValueError as error:
            raise InvalidSettings("MASTER_KEY 不是有效的 base64。") from error
        if len(key) != 32:
            raise InvalidSettings(f"MASTER_KEY 应为 32 字节的 base64，实际为 {len(key)} 字节。")
        return key
    if required:
        raise InvalidSettings(
            "设置了 DATABASE_URL 却没有 MASTER_KEY：拒绝启动。生成一个：openssl rand -base64 32，并妥善保管。"
        )
    return _kept_key(var_dir / "master.key")


def _kept_key(path: Path) -> bytes:
    """The key in `path`, made on first use; two processes starting at once agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    candidate = path.with_name(f".{path.name}.{os.getpid()}")
    if not path.exists():
        candidate.touch(mode=0o600)
        candidate.write_bytes(base64.b64encode(os.urandom(32)))
        try:
            os.link(candidate, path)  # fails when another process was first: then its key counts
        except FileExistsError:
            pass
        finally:
            candidate.unlink()
    return base64.b64decode(path.read_bytes())
