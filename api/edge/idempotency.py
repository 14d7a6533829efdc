"""Repeats get the first answer: a POST that creates or decides runs once for an account and its `Idempotency-Key`.

The key's row is inserted before the work in the same transaction. A second request with the key waits at the primary key
until the first has committed, then reads its answer; a request that fails leaves no row, so it can be tried again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Request, Response, current_app, g
from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.edge.auth import Caller
from api.edge.errors import Rejected
from api.edge.model import IdempotentAnswer
from storage import vault

KEPT_FOR = timedelta(hours=24)
KEY_HEADER = "Idempotency-Key"
_KEPT_HEADERS = ("ETag", "Location")


def answer_once(
    session: Session, request: Request, caller: Caller, now: datetime, work: Callable[[], Response]
) -> Response:
    """What `work` answers, or what it answered the first time.

    Raises Rejected: idempotency.key_required, idempotency.key_invalid, idempotency.other_request; KeyDestroyed when the
    first answer's case was erased since.
    """
    key = _key_of(request)
    digest = _digest(request)
    if not _reserve(session, caller, key, digest, now):
        return _first_answer(session, caller, key, digest)
    response = work()
    owner = g.get("answer_owner") or f"account:{caller.account_id}"
    session.execute(
        update(IdempotentAnswer)
        .where(IdempotentAnswer.account_id == caller.account_id, IdempotentAnswer.key == key)
        .values(owner=owner, answer=_cipher(session, owner, now).encrypt(_pack(response), _context(caller, key)))
    )
    return response


def answer_belongs_to_case(case_id: str) -> None:
    """Encrypt this request's kept answer with the case's data key, so that erasing the case erases it too."""
    g.answer_owner = f"case:{case_id}"


def forget_answer(session: Session, caller: Caller, key: str) -> None:
    """Let a repeat with this key be worked out anew."""
    mine = (IdempotentAnswer.account_id == caller.account_id) & (IdempotentAnswer.key == key)
    session.execute(delete(IdempotentAnswer).where(mine))


def forget_old_answers(session: Session, now: datetime, limit: int = 200) -> int:
    """Delete up to `limit` answers older than KEPT_FOR; returns how many."""
    place = tuple_(IdempotentAnswer.account_id, IdempotentAnswer.key)
    old = (
        select(IdempotentAnswer.account_id, IdempotentAnswer.key)
        .where(IdempotentAnswer.created_at < now - KEPT_FOR)
        .order_by(IdempotentAnswer.created_at)
        .limit(limit)
    )
    found = [tuple(row) for row in session.execute(old)]
    if found:
        session.execute(
            delete(IdempotentAnswer).where(place.in_(found)), execution_options={"synchronize_session": False}
        )
    return len(found)


def _key_of(request: Request) -> str:
    key = request.headers.get(KEY_HEADER)
    if key is None:
        raise Rejected("idempotency.key_required")
    if not (8 <= len(key) <= 80 and key.isascii() and key.isprintable()):
        raise Rejected("idempotency.key_invalid")
    return key


def _digest(request: Request) -> bytes:
    """What makes two requests the same: method, path and every byte of the body."""
    seal = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    if request.mimetype == "multipart/form-data":  # boundaries differ between repeats
        for name, value in sorted(request.form.items(multi=True)):
            seal.update(f"{name}={value}\n".encode())
        for name, file in sorted(request.files.items(multi=True)):
            content = file.stream.read()
            file.stream.seek(0)
            seal.update(f"{name}:{hashlib.sha256(content).hexdigest()}\n".encode())
    else:
        seal.update(request.get_data())
    return seal.digest()


def _reserve(session: Session, caller: Caller, key: str, digest: bytes, now: datetime) -> bool:
    """Whether this request is the first with its key. An answer past its time makes room."""
    row = {
        "account_id": caller.account_id,
        "key": key,
        "request_digest": digest,
        "owner": None,
        "answer": None,
        "created_at": now,
    }
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(IdempotentAnswer).values(row)
    claimed = session.execute(
        insert.on_conflict_do_update(
            index_elements=[IdempotentAnswer.account_id, IdempotentAnswer.key],
            set_={name: insert.excluded[name] for name in ("request_digest", "owner", "answer", "created_at")},
            where=IdempotentAnswer.created_at < now - KEPT_FOR,
        ).returning(IdempotentAnswer.key)
    )
    return claimed.first() is not None


def _first_answer(session: Session, caller: Caller, key: str, digest: bytes) -> Response:
    kept = session.execute(
        select(IdempotentAnswer.request_digest, IdempotentAnswer.owner, IdempotentAnswer.answer).where(
            IdempotentAnswer.account_id == caller.account_id, IdempotentAnswer.key == key
        )
    ).one()
    if kept.request_digest != digest:
        raise Rejected("idempotency.other_request")
    assert kept.owner is not None, "a committed answer has an owner"
    assert kept.answer is not None, "a committed row has its answer"
    plain = vault.current().cipher(session, kept.owner).decrypt(kept.answer, _context(caller, key))
    response = _unpack(plain)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _cipher(session: Session, owner: str, now: datetime) -> vault.DataCipher:
    keys = vault.current()
    try:
        return keys.cipher(session, owner)
    except vault.KeyMissing:  # the first kept answer of a staff account
        try:
            with session.begin_nested():
                return keys.create_data_key(session, owner, now)
        except IntegrityError:  # two first answers at once
            return keys.cipher(session, owner)


def _context(caller: Caller, key: str) -> bytes:
    return f"answer:{caller.account_id}:{key}".encode()


def _pack(response: Response) -> bytes:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    head = json.dumps({"status": response.status_code, "mimetype": response.mimetype, "headers": headers})
    return head.encode() + b"\n" + response.get_data()


def _unpack(plain: bytes) -> Response:
    head, _, body = plain.partition(b"\n")
    facts = json.loads(head)
    response: Response = current_app.response_class(body, facts["status"], mimetype=facts["mimetype"])
    response.headers.extend(facts["headers"])
    return response
