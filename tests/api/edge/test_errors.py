from __future__ import annotations

import ast
import errno
import threading
from pathlib import Path

import pytest
from sqlalchemy import event, text

from api.edge.problem_texts import KNOWN
from storage.engines import make_engine
from tests.api.conftest import Platform, a_platform

ROOT = Path(__file__).resolve().parents[3]
# Raised where no request is: in service tasks, the command line, or where it would be a defect of the program.
INSIDE = {
    "account.locked", "account.unknown", "account.username_taken", "account.weak_password", "account.wrong_password",
    "credential.already_valid", "credential.none", "credential.not_valid", "definition.unknown",
    "notice.unknown_template", "person.unknown", "scenario.migrated", "scenario.other_flow", "scenario.path_differs",
    "service_task.unknown", "time.backwards", "timer.not_due",
    "wait.other_kind", "wait.unknown",
}  # fmt: skip
SAYING_NO = {"NotFound", "Conflict", "Forbidden", "Refused", "Rejected", "InvalidUpload", "problem"}


def test_every_refusal_has_a_title_and_an_advice() -> None:
    raised = {
        call.args[0].value
        for folder in ("engine", "domain", "api")
        for path in (ROOT / folder).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in SAYING_NO
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }

    assert raised - INSIDE - set(KNOWN) == set()
    assert all(one.title and one.detail.endswith(("。", "；")) for one in KNOWN.values())


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/api/v1/nothing", None, 404, "http.404"),
        ("PATCH", "/healthz", None, 405, "http.405"),
        ("POST", "/api/v1/session/wechat", b"{", 400, "http.400"),
        ("POST", "/api/v1/session/wechat", b"[1]", 422, "request.invalid"),
        ("POST", "/api/v1/session/wechat", b'{"code": "x", "admin": true}', 422, "request.invalid"),
    ],
)
def test_a_request_that_makes_no_sense_gets_a_problem(
    platform: Platform, method: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    answer = platform.app.test_client().open(path, method=method, data=body, content_type="application/json")

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["instance"] == f"urn:request:{answer.headers['X-Request-Id']}"


def test_a_defect_is_logged_by_place_and_never_quotes_a_value(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    @platform.app.get("/defect")
    def defect() -> str:
        raise ValueError("11010519491231002" + "x".upper())

    answer = platform.app.test_client().get("/defect")

    assert (answer.status_code, answer.json["code"]) == (500, "platform.failed")
    assert "ValueError" in caplog.text
    assert "test_errors.py" in caplog.text
    assert "11010519491231002X" not in caplog.text + answer.text


def test_a_full_disk_is_said_in_words_and_may_be_tried_again(platform: Platform) -> None:
    @platform.app.get("/full")
    def full() -> str:
        try:
            raise OSError(errno.ENOSPC, "no space left on device", "/secret/path")
        except OSError as error:
            raise RuntimeError("could not keep the photo") from error

    answer = platform.app.test_client().get("/full")

    assert (answer.status_code, answer.json["code"]) == (503, "platform.no_space")
    assert answer.headers["Retry-After"] == "30"
    assert "secret" not in answer.text


@pytest.fixture
def impatient(tmp_path: Path) -> Platform:
    """A platform that waits 50 ms for SQLite's write lock instead of ten seconds."""
    engine = make_engine(f"sqlite:///{tmp_path / 'platform.db'}")
    platform = a_platform(tmp_path, engine)
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=50"))
    return platform


def test_a_busy_database_is_tried_three_times_and_then_said_to_be_busy(impatient: Platform) -> None:
    citizen = impatient.citizen()
    statements: list[str] = []
    event.listen(impatient.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with impatient.engine.connect() as other:
        other.execution_options(writes=True).execute(text("SELECT 1"))  # holds the write lock
        statements.clear()

        answer = citizen.post("/api/v1/applications", {"flow": "parking_permit", "values": {}})

    assert (answer.status_code, answer.json["code"]) == (503, "platform.busy")
    assert answer.headers["Retry-After"] == "2"
    assert statements == ["BEGIN IMMEDIATE"] * 3


def test_a_lock_that_goes_away_in_time_costs_the_client_nothing(impatient: Platform) -> None:
    citizen = impatient.citizen()
    held, answered = threading.Event(), threading.Event()

    def hold() -> None:
        with impatient.engine.connect().execution_options(writes=True) as other:
            other.execute(text("SELECT 1"))
            held.set()
            answered.wait(0.06)  # longer than one try waits, shorter than three do

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    answer = citizen.post("/api/v1/sms-codes", {"phone": "13812345678"})
    answered.set()
    holder.join()

    assert answer.status_code == 201
