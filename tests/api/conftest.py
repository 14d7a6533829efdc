"""A platform of its own for every test: SQLite on disk, real flows, a clock that the test moves."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from api.app import create_app
from api.edge.auth import COOKIE, open_session
from config import Settings, load_settings
from domain.accounts.account import Account, AccountGroup, AccountKind
from domain.accounts.passwords import hash_password
from engine.actors import SYSTEM
from engine.attachments import store as attachments
from engine.deployment.deploy import deploy_flow
from engine.flow.flow import load_flow
from migrations.tables import every_table
from storage import vault
from storage.columns import Base, new_id
from storage.engines import make_engine
from storage.transactions import session_factory, transaction

FLOWS = Path(__file__).parent / "flows"
PASSWORD = "correct-horse-9"
_keys = itertools.count(1)


@dataclass
class Clock:
    at: datetime = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_time(self, **span: float) -> None:
        self.at += timedelta(**span)


@dataclass
class Person:
    """Somebody with a browser or a mini-program: sends what a client would send."""

    client: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)
    name: str = ""

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, headers={**self.headers, **options.pop("headers", {})}, **options)

    def post(self, path: str, json: Any = None, *, key: str | None = None, **options: Any) -> TestResponse:
        """With a fresh Idempotency-Key unless one is given."""
        sent = {"Idempotency-Key": key or f"key-{next(_keys):08}", **self.headers, **options.pop("headers", {})}
        body = {} if "data" in options else {"json": json if json is not None else {}}
        return self.client.post(path, headers=sent, **body, **options)

    def put(self, path: str, json: Any) -> TestResponse:
        return self.client.put(path, json=json, headers=self.headers)

    def delete(self, path: str) -> TestResponse:
        return self.client.delete(path, headers=self.headers)

    def upload(
        self, item: str, content: bytes, *, name: str = "photo.jpg", form_field: str = "photo", **options: Any
    ) -> TestResponse:
        file = (io.BytesIO(content), name)
        return self.post("/api/v1/attachments", data={"work_item": item, "field": form_field, "file": file}, **options)


@cache
def password_hash() -> str:
    """Of PASSWORD."""
    return hash_password(PASSWORD)


@dataclass
class Platform:
    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    clock: Clock
    app: Any

    def citizen(self, name: str = "zhangsan") -> Person:
        client = self.app.test_client()
        answer = client.post("/api/v1/session/wechat", json={"code": f"sandbox:{name}"})
        assert answer.status_code == 201, answer.text
        return Person(client, {"Authorization": f"Bearer {answer.json['token']}"}, name)

    def staff(self, name: str = "guard", *groups: str) -> Person:
        with transaction(self.sessions) as session:
            account = Account(
                id=new_id(),
                kind=AccountKind.CONSOLE,
                username=name,
                password_hash=password_hash(),
                display_name=name,
                created_at=self.clock(),
            )
            session.add(account)
            session.flush()
            for group in groups or ("parking.guard",):
                session.add(AccountGroup(account_id=account.id, group_key=group))
        return self.comes_back(name)

    def comes_back(self, name: str) -> Person:
        """The member of staff with a session opened now; checking a password takes longer than most tests."""
        with transaction(self.sessions) as session:
            account = session.scalars(select(Account).where(Account.username == name)).one()
            token = open_session(session, account, self.clock())
        client = self.app.test_client()
        client.set_cookie(COOKIE, token)
        return Person(client, {"X-Requested-With": "console"}, name)

    def sign_in(self, name: str) -> Person:
        """With the password, as the console does."""
        client = self.app.test_client()
        header = {"X-Requested-With": "console"}
        answer = client.post("/api/v1/session/password", json={"username": name, "password": PASSWORD}, headers=header)
        assert answer.status_code == 201, answer.text
        return Person(client, header, name)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = make_engine(f"sqlite:///{tmp_path / 'platform.db'}", hide_parameters=True)
    yield made
    made.dispose()


@pytest.fixture
def platform(tmp_path: Path, engine: Engine) -> Platform:
    return a_platform(tmp_path, engine)


def a_platform(tmp_path: Path, engine: Engine, *flow_folders: Path) -> Platform:
    """A platform with the parking permit (or `flow_folders`) deployed."""
    settings = load_settings({"VAR_DIR": str(tmp_path), "FLOWS_DIR": str(FLOWS)})
    settings.broker_dir.mkdir(parents=True, exist_ok=True)
    vault.use(vault.Vault(settings.master_key))
    attachments.use_directory(settings.files_dir)
    every_table()
    Base.metadata.create_all(engine)
    sessions, clock = session_factory(engine), Clock()
    with transaction(sessions) as session:
        for folder in flow_folders or (FLOWS / "parking_permit",):
            deploy_flow(session, load_flow(folder), by=SYSTEM, reason="test", now=clock())
    return Platform(settings, engine, sessions, clock, create_app(settings, sessions, clock=clock))


def a_jpeg(width: int = 64, height: int = 48) -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (width, height), (20, 120, 90)).save(picture, "JPEG")
    return picture.getvalue()


@dataclass
class PermitApplication:
    """A parking permit on its way."""

    id: str
    applicant: Person

    @property
    def item(self) -> str:
        return self.applicant.get(f"/api/v1/applications/{self.id}").json["work_items"][0]

    def send_photo(self) -> str:
        """Uploads and completes; returns the attachment's id."""
        item = self.item
        photo = self.applicant.upload(item, a_jpeg()).json["id"]
        answer = self.applicant.post(f"/api/v1/work-items/{item}/complete", {"values": {"photo": photo}})
        assert answer.status_code == 200, answer.text
        return photo


def an_application(applicant: Person, plate: str = "鄂A12345", owner: str = "张三丰") -> PermitApplication:
    body = {"flow": "parking_permit", "values": {"plate": plate, "owner": owner}}
    answer = applicant.post("/api/v1/applications", body)
    assert answer.status_code == 201, answer.text
    return PermitApplication(answer.json["id"], applicant)
