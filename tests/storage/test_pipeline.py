"""What is sent to PostgreSQL together, what waits, and what is left when a pipeline fails."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import psycopg
import pytest
from sqlalchemy import make_url

from storage.pipeline import Connection
from storage.plans import PLANS_KEPT, PREPARED_AT
from tests.storage.ending_server import EndingServer

KEEP, KEPT = "INSERT INTO seat VALUES ($1)", "SELECT who FROM seat ORDER BY who"


@pytest.fixture
def connection(postgres_url: str) -> Iterator[Connection]:
    """In autocommit, with an empty table `seat` whose every row is another."""
    with Connection.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as opened:
        opened.script("CREATE TABLE IF NOT EXISTS seat (who text PRIMARY KEY); TRUNCATE seat")
        yield opened
        if not opened.closed:
            opened.rollback()


@pytest.fixture
def round_trips(connection: Connection, tmp_path: Path) -> Iterator[Callable[[], int]]:
    """How often the connection has waited for the server since it was last asked: each wait ends a message `Sync`."""
    with (tmp_path / "protocol.txt").open("w+") as written:
        connection.pgconn.trace(written.fileno())
        seen = 0

        def since() -> int:
            nonlocal seen
            written.flush()
            written.seek(0)
            before, seen = seen, written.read().count("Sync")
            return seen - before

        yield since
        connection.pgconn.untrace()


def kept(connection: Connection) -> list[str]:
    return [who for (who,) in connection.script(KEPT).rows]


def test_a_transaction_begins_with_its_first_statement_and_ends_with_its_last(connection, round_trips):
    connection.control.begin()
    connection.answer(KEEP, ["first"])
    connection.defer(KEEP, ["second"])
    connection.commit()

    assert round_trips() == 2  # BEGIN and an INSERT, an INSERT and COMMIT
    assert kept(connection) == ["first", "second"]


def test_a_transaction_or_savepoint_without_a_statement_sends_nothing(connection, round_trips):
    connection.control.begin()
    connection.control.savepoint("of a task")
    connection.control.release("of a task")
    connection.control.savepoint("of another")
    connection.control.rollback_to("of another")
    connection.commit()

    assert round_trips() == 0


def test_what_waits_is_done_before_what_is_asked_next(connection):
    connection.control.begin()
    connection.defer(KEEP, ["first"])

    assert connection.answer("SELECT count(*) FROM seat WHERE who = $1", ["first"]).rows == [(1,)]
    connection.commit()


def test_what_waits_and_fails_is_told_with_the_commit_and_nothing_is_kept(connection):
    connection.control.begin()
    connection.answer(KEEP, ["one"])
    connection.defer(KEEP, ["two"])
    connection.defer(KEEP, ["one"])

    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.commit()
    connection.rollback()

    assert kept(connection) == []


def test_what_waits_and_fails_is_told_to_who_asks_next(connection):
    connection.control.begin()
    connection.answer(KEEP, ["one"])
    connection.defer(KEEP, ["one"])

    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.answer(KEPT + " LIMIT $1", [1])


def test_a_savepoint_that_is_rolled_back_takes_along_what_waits(connection):
    connection.control.begin()
    connection.answer(KEEP, ["before"])
    connection.control.savepoint("outer")
    connection.defer(KEEP, ["outer"])
    connection.control.savepoint("inner")
    connection.defer(KEEP, ["inner"])
    connection.control.rollback_to("inner")
    connection.control.release("outer")
    connection.control.savepoint("last")
    connection.defer(KEEP, ["last"])
    connection.control.rollback_to("last")
    connection.commit()

    assert kept(connection) == ["before", "outer"]


def test_a_statement_that_fails_in_its_savepoint_leaves_what_was_before(connection):
    connection.control.begin()
    for attempt in range(PREPARED_AT + 2):  # as it is sent plainly, prepared, and known
        connection.control.savepoint("each")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.each(KEEP, [["twice"], ["twice"]])
        connection.control.rollback_to("each")
        connection.answer(KEEP, [f"attempt {attempt}"])
    connection.commit()

    assert kept(connection) == [f"attempt {attempt}" for attempt in range(PREPARED_AT + 2)]


def test_what_is_asked_behind_another_goes_with_it_and_sees_what_it_did(connection, round_trips):
    connection.control.begin()
    count = connection.ask_behind("SELECT count(*) FROM seat WHERE who <> $1", [""])
    names = connection.ask_behind("SELECT who FROM seat WHERE who <> $1", [""])
    assert (count.answer, names.answer) == (None, None)

    assert connection.answer(KEEP + " RETURNING who", ["first"]).rows == [("first",)]

    assert (count.answer.rows, names.answer.rows) == ([(1,)], [("first",)])
    assert round_trips() == 1


def test_the_error_of_what_was_asked_behind_another_is_that_ones(connection):
    connection.control.begin()
    asked = connection.ask_behind("SELECT 1 / ($1::int - 1)", [1])

    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.answer(KEEP, ["first"])
    connection.rollback()

    assert asked.answer is None
    assert kept(connection) == []


@pytest.mark.parametrize("end", [Connection.commit, Connection.rollback])
def test_what_is_asked_behind_nothing_is_not_asked_of_the_next_transaction(connection, end):
    connection.control.begin()
    asked = connection.ask_behind("SELECT 1 / ($1::int - 1)", [1])
    end(connection)

    assert connection.answer(KEPT + " LIMIT $1", [1]).rows == []
    assert asked.answer is None


def test_one_commit_need_not_wait_for_the_disk_and_the_next_one_does(connection):
    connection.script("SET synchronous_commit TO on")  # the tests' server has it off
    connection.control.begin()
    connection.control.commit_unsynced()
    assert connection.answer("SHOW synchronous_commit", []).rows == [("off",)]
    connection.answer(KEEP, ["first"])
    connection.commit()

    assert connection.script("SHOW synchronous_commit").rows == [("on",)]
    assert kept(connection) == ["first"]


def test_one_statement_for_many_rows_is_one_round_trip(connection, round_trips):
    changed = connection.each(KEEP, [[f"{row:04d}"] for row in range(3_000)])

    assert (changed, round_trips()) == (3_000, 1)
    assert len(kept(connection)) == 3_000


def test_for_no_rows_nothing_is_changed_and_what_waits_is_not_counted(connection):
    connection.control.begin()
    connection.defer(KEEP, ["waits"])

    assert connection.each(KEEP, []) == 0
    connection.commit()
    assert kept(connection) == ["waits"]


@pytest.mark.parametrize(
    "value",
    [
        *("true", "7", "70000", "7000000000", "'text'", "'\\x00ff'::bytea", "1.25::float8", "10.50::numeric"),
        *("NULL::text", "NULL::timestamptz", "'2026-11-30 08:00:00.123456+08'::timestamptz", "'2026-11-30'::date"),
        *("ARRAY['a', NULL]", "'{\"a\": [1]}'::jsonb", "'pg_class'::regclass"),
    ],
)
def test_a_value_is_the_same_before_and_after_its_statement_is_prepared(connection, value):
    """Rows of prepared statements come in binary, where psycopg reads all their types so."""
    seen = [connection.answer(f"SELECT {value}, $1::text", ["x"]).rows[0] for _ in range(PREPARED_AT + 3)]

    assert len({repr(row) for row in seen}) == 1


def test_a_connection_remembers_so_many_plans_and_the_server_no_more(connection):
    for place in range(PLANS_KEPT + 50):
        for _ in range(PREPARED_AT):
            assert connection.answer(f"SELECT $1::int + {place}", [1]).rows == [(place + 1,)]

    ((prepared,),) = connection.script("SELECT count(*) FROM pg_prepared_statements").rows
    assert prepared <= PLANS_KEPT
    assert connection.answer("SELECT $1::int + 0", [1]).rows == [(1,)]  # one that was forgotten


@pytest.mark.parametrize("change", ["ALTER TABLE seat ADD COLUMN since text", "DEALLOCATE ALL"])
def test_a_plan_that_is_gone_fails_once(connection, change):
    for _ in range(PREPARED_AT + 1):
        connection.answer("SELECT * FROM seat WHERE who = $1", ["nobody"])
    connection.script(change)

    with pytest.raises((psycopg.errors.FeatureNotSupported, psycopg.errors.InvalidSqlStatementName)):
        connection.answer("SELECT * FROM seat WHERE who = $1", ["nobody"])
    for _ in range(PREPARED_AT + 1):
        assert connection.answer("SELECT * FROM seat WHERE who = $1", ["nobody"]).rows == []
    connection.script("ALTER TABLE seat DROP COLUMN IF EXISTS since")


class TimeIsUp(Exception):
    """As Celery's soft time limit: raised by a signal's handler, wherever the process is."""


@pytest.mark.parametrize("is_in_transaction", [False, True])
def test_a_statement_that_is_interrupted_gives_its_connection_up(connection, is_in_transaction):
    """What the server still answers must not be taken for the answer to something else."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        if is_in_transaction:
            connection.control.begin()
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(TimeIsUp):
            connection.answer("SELECT pg_sleep($1)", [30])
    finally:
        signal.signal(signal.SIGALRM, before)

    assert connection.closed
    with pytest.raises(psycopg.OperationalError):
        connection.answer("SELECT $1::int", [1])


def test_the_librarys_own_cursor_comes_after_what_waits(connection):
    connection.control.begin()
    connection.defer(KEEP, ["first"])
    with connection.cursor() as cursor, cursor.copy("COPY seat FROM STDIN") as copy:
        copy.write_row(["second"])
    connection.commit()

    assert kept(connection) == ["first", "second"]


@pytest.mark.parametrize("keeps", [0, -1], ids=["before it answers", "behind its answer"])
@pytest.mark.parametrize("statements", range(3))
def test_a_server_that_says_farewell_is_a_connection_that_ended(postgres_url, keeps, statements):
    """Behind an answer a farewell is one result too many: no mistake of the caller, and nothing to be read as an answer."""
    place = make_url(postgres_url)
    server = EndingServer(place.host or "", place.port or 5432, keeps)
    user, database = place.username, place.database
    connection = Connection.connect(
        host="127.0.0.1", port=server.listen(), user=user, dbname=database, sslmode="disable", autocommit=True
    )
    connection.control.begin()
    connection.answer("SELECT 1", [])
    for number in range(statements):
        connection.defer("SELECT $1::int", [number])

    server.ends.set()
    try:
        connection.commit()
    except psycopg.OperationalError:
        assert connection.closed
    else:
        assert keeps == -1  # all was answered; the farewell is met by who asks next

    with pytest.raises(psycopg.OperationalError):
        connection.answer("SELECT 1", [])
    assert connection.closed
