"""The database session of a request: Flask-SQLAlchemy over the platform's own engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from storage.columns import Base


class RequestDatabase(SQLAlchemy):
    """Takes the engine that the composition root made (with its pragmas) instead of making one from a URL."""

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Flask) -> Engine:
        return cast(Engine, app.extensions["platform.engine"])


db = RequestDatabase(model_class=Base, session_options={"autoflush": False, "expire_on_commit": False})


def use_engine_of(app: Flask, sessions: sessionmaker[Session]) -> None:
    """Let `db.session` of this application read and write where `sessions` does."""
    engine = sessions.kw["bind"]
    app.extensions["platform.engine"] = engine
    app.config["SQLALCHEMY_DATABASE_URI"] = str(engine.url)
    db.init_app(app)


def request_session() -> Session:
    """This request's session, closed when the request ends."""
    return db.session()


def now() -> datetime:
    """The time of this request's transaction (aware UTC); tests hand the application a clock of their own."""
    return cast(datetime, current_app.extensions["platform.clock"]())


def utc_now() -> datetime:
    return datetime.now(UTC)
