"""Applicants whose requests are cut off, refused for want of room or never answered, and who send them until they are."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import requests

from tests.api.conftest import a_jpeg

PATIENCE_S = 120.0
TRY_LATER = {429, 503}


class WrongAnswer(AssertionError):
    """Something no client should ever read."""


@dataclass
class Sent:
    """A command as it was sent, and its first answer."""

    path: str
    options: dict[str, Any]
    headers: dict[str, str]
    status: int
    text: str


@dataclass
class Clients:
    """told: problem codes met on the way, "no answer" where the connection ended first. cases: as they were answered."""

    address: str
    tokens: list[str]
    told: Counter[str] = field(default_factory=Counter)
    cases: list[str] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    pending: list[Future[None]] = field(default_factory=list)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4))
    _lock: Lock = field(default_factory=Lock)

    def bring_in(self, count: int, pause: str) -> None:
        """So many cases from now on, each by a person of its own, a few at a time."""
        for _ in range(count):
            number = len(self.pending)
            self.pending.append(self.pool.submit(self._one_case, number, pause))

    def is_idle(self) -> bool:
        return all(future.done() for future in self.pending)

    def have_brought_in(self) -> None:
        """All of them. Raises WrongAnswer for the first that went wrong."""
        for future in self.pending:
            future.result(PATIENCE_S + 60)

    def ask_again(self) -> None:
        """Every command once more with its key: the same answer, byte by byte."""
        for sent in self.sent:
            again = requests.post(self.address + sent.path, headers=sent.headers, timeout=30, **sent.options)
            if (again.status_code, again.text) != (sent.status, sent.text):
                raise WrongAnswer(f"{sent.path}: {sent.status} {sent.text}, then {again.status_code} {again.text}")
            if again.headers.get("Idempotency-Replayed") != "true":
                raise WrongAnswer(f"{sent.path} was done a second time")

    def _one_case(self, number: int, pause: str) -> None:
        started = self._command(number, "/api/v1/applications", json={"flow": "busy", "values": {}})
        [item] = started["work_items"]
        form = {"work_item": item, "field": "photo"}
        photo = self._command(
            number, "/api/v1/attachments", data=form, files={"file": ("photo.jpg", a_jpeg(), "image/jpeg")}
        )
        values = {"number": number, "pause": pause, "photo": photo["id"]}
        self._command(number, f"/api/v1/work-items/{item}/complete", json={"values": values})
        self.cases.append(started["id"])

    def _command(self, number: int, path: str, **options: Any) -> dict[str, Any]:
        key = f"{path.rsplit('/', 1)[-1]}-of-{number:08}"
        headers = {"Authorization": f"Bearer {self.tokens[number]}", "Idempotency-Key": key}
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            try:
                answer = requests.post(self.address + path, headers=headers, timeout=30, **options)
            except requests.RequestException:
                self._note("no answer")
            else:
                if answer.ok:
                    self.sent.append(Sent(path, options, headers, answer.status_code, answer.text))
                    given: dict[str, Any] = answer.json()
                    return given
                self._note(problem_code(answer))
            time.sleep(0.2)
        raise WrongAnswer(f"{path} had no answer within {PATIENCE_S} s: {self.told}")

    def _note(self, code: str) -> None:
        with self._lock:
            self.told[code] += 1


def problem_code(answer: requests.Response) -> str:
    """Of a refusal that says "later". Raises WrongAnswer for any other and for one that is no problem details."""
    if answer.status_code not in TRY_LATER or answer.headers.get("Content-Type") != "application/problem+json":
        raise WrongAnswer(f"{answer.url}: {answer.status_code} {answer.text[:500]}")
    code: str = answer.json()["code"]
    return code
