"""How often what can be guessed or abused may be tried. Counted in memory, or in Redis for all processes together."""

from __future__ import annotations

import hashlib

from flask import Flask, Response, request
from flask_limiter import Limiter

from api.edge.auth import COOKIE
from config import Settings


def address() -> str:
    return request.remote_addr or "unknown"


def holder() -> str:
    """The holder of the request's token, without looking it up; the address where there is none."""
    token = request.headers.get("Authorization") or request.cookies.get(COOKIE)
    return hashlib.sha256(token.encode()).hexdigest() if token else address()


def user_name() -> str:
    """The user name a sign-in asks for, hashed: counting must not keep what people type."""
    body = request.get_json(silent=True)
    name = body.get("username") if isinstance(body, dict) else None
    return hashlib.sha256(str(name).strip().lower().encode()).hexdigest()


def phone_number() -> str:
    """The phone a request names, hashed; written in any way, it is the same phone."""
    body = request.get_json(silent=True)
    phone = str(body.get("phone")) if isinstance(body, dict) else ""
    digits = "".join(character for character in phone if character.isdecimal())[-11:]
    return hashlib.sha256(f"phone:{digits}".encode()).hexdigest()


def was_refused(response: Response) -> bool:
    return response.status_code == 401


limiter = Limiter(key_func=holder, strategy="fixed-window", headers_enabled=False)


def use_limits(app: Flask, settings: Settings) -> None:
    app.config["RATELIMIT_STORAGE_URI"] = settings.redis_url or "memory://"
    # Without its counter the platform still answers; the lockout of accounts is in the database.
    app.config["RATELIMIT_SWALLOW_ERRORS"] = True
    limiter.init_app(app)
