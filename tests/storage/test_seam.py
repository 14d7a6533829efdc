"""What storage/seam.py relies on is still there and does what it did; nobody else relies on anything of the kind."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.pq import ExecStatus, Format
from sqlalchemy import Connection, Engine, Row, event, func, literal, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from config import ROOT
from storage import seam
from storage.dialect import Cursor
from storage.engines import make_engine

# --- SQLAlchemy


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    made = make_engine(postgres_url, pool_size=1, max_overflow=0)
    yield made
    made.dispose()


def fail(connection: Connection, error: BaseException) -> None:
    try:
        raise error
    except BaseException as raised:
        seam.raise_wrapped(connection, raised, "SELECT $1", ["value"])


def test_an_error_of_the_driver_is_raised_as_sqlalchemys(engine):
    with engine.connect() as connection:
        with pytest.raises(IntegrityError) as told:
            fail(connection, psycopg.errors.UniqueViolation("there is one"))

        assert (told.value.statement, told.value.params) == ("SELECT $1", ["value"])
        assert isinstance(told.value.orig, psycopg.errors.UniqueViolation)
        assert not told.value.connection_invalidated
        assert connection.scalar(select(literal(1))) == 1


def test_a_broken_connection_is_invalidated_with_its_error(engine):
    with engine.connect() as connection:
        broken = connection.connection.dbapi_connection
        broken.close()

        with pytest.raises(DBAPIError) as told:
            fail(connection, psycopg.OperationalError("the connection is closed"))

        assert told.value.connection_invalidated
        assert connection.invalidated
    with engine.connect() as connection:
        assert connection.connection.dbapi_connection is not broken


def test_an_interruption_is_raised_as_it_is_and_its_connection_dropped(engine):
    with engine.connect() as connection:
        with pytest.raises(KeyboardInterrupt):
            fail(connection, KeyboardInterrupt())

        assert connection.invalidated


def test_an_error_of_a_value_is_told_with_its_statement(engine):
    """As one that a value cannot be sent."""
    with engine.connect() as connection, pytest.raises(Exception, match="SELECT") as told:
        fail(connection, ValueError("a NUL in a text"))

    assert told.value.__cause__.args == ("a NUL in a text",)


def test_who_listens_to_the_engine_or_to_the_connection_hears_of_a_statement(engine):
    heard: list[tuple[str, str, list[Any]]] = []

    def listen_to(place: Engine | Connection, name: str) -> None:
        event.listen(
            place, "before_cursor_execute", lambda _c, _cu, text, values, *_: heard.append((name, text, values))
        )

    with engine.connect() as connection:
        seam.tell_listeners(connection, "SELECT 0", [])
        listen_to(engine, "engine")
        seam.tell_listeners(connection, "SELECT $1", [1])
    with engine.connect() as connection:
        listen_to(connection, "connection")
        seam.tell_listeners(connection, "SELECT $1", [2])

    assert heard[0] == ("engine", "SELECT $1", [1])
    assert sorted(heard[1:]) == [("connection", "SELECT $1", [2]), ("engine", "SELECT $1", [2])]


def test_rows_are_sqlalchemys(engine):
    with engine.connect() as connection:
        known = connection.execute(select(literal(1).label("count"), literal("x").label("name"))).one()

    made = seam.row_maker(["count", "name"])([1, "x"])

    assert isinstance(made, Row)
    assert made == known
    assert (made.name, made[0], made._mapping) == ("x", 1, known._mapping)


def test_a_statement_of_sqlalchemy_asks_the_context_for_its_cursor(engine):
    """Ours in autocommit, psycopg's own without."""
    with engine.connect() as connection:
        assert isinstance(connection.execute(select(func.now())).context.cursor, Cursor)
        assert isinstance(connection.exec_driver_sql("SELECT 1").context.cursor, Cursor)
    with engine.connect().execution_options(isolation_level="READ COMMITTED") as connection:
        assert isinstance(connection.execute(select(func.now())).context.cursor, psycopg.RawCursor)


# --- psycopg


@pytest.fixture
def connection(postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as opened:
        yield opened


VALUES = [7, 2**40, "张三", b"\x00\xff", 1.25, True, None, [7, None]]


def test_values_and_rows_are_those_of_the_drivers_cursor(connection):
    adaptation = seam.adaptation_of(connection)
    texts = ", ".join(f"${place}" for place in range(1, len(VALUES) + 1))
    given, types, formats = seam.dump(adaptation, VALUES)

    connection.pgconn.send_query_params(f"SELECT {texts}".encode(), given, types, formats, Format.BINARY)
    (result,) = seam.results_of_query(connection)

    known = psycopg.RawCursor(connection).execute(f"SELECT {texts}", VALUES).fetchall()
    assert seam.load(adaptation, result) == known == [tuple(VALUES)]


def test_the_types_of_values_can_be_the_key_of_a_plan(connection):
    adaptation = seam.adaptation_of(connection)

    first, second = (seam.dump(adaptation, [value, "x"])[1] for value in (1, 2))

    assert {first: "known"}[second] == "known"
    assert seam.dump(adaptation, ["1", "x"])[1] != first
    assert [list(part) for part in seam.dump(adaptation, [])] == [[], [], []]


def test_a_query_gives_its_results_and_its_failure_as_one(connection):
    connection.pgconn.send_query(b"SELECT 1; SELECT 1/0; SELECT 2")

    first, second = seam.results_of_query(connection)

    assert (first.status, second.status) == (ExecStatus.TUPLES_OK, ExecStatus.FATAL_ERROR)
    error = seam.error_of(second)
    assert isinstance(error, psycopg.errors.DivisionByZero)
    assert error.sqlstate == "22012"


def test_a_pipeline_gives_one_result_a_command_and_skips_those_after_a_failure(connection):
    connection.pgconn.enter_pipeline_mode()
    for text in (b"SELECT 1", b"SELECT 1/0", b"SELECT 2"):
        connection.pgconn.send_query_params(text, ())
    connection.pgconn.pipeline_sync()

    results = seam.results_of_pipeline(connection, 3)
    connection.pgconn.exit_pipeline_mode()

    wanted = [ExecStatus.TUPLES_OK, ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED]
    assert [result.status for result in results] == wanted
    assert connection.execute("SELECT 3").fetchone() == (3,)


# --- nobody else

SEAM = ROOT / "storage" / "seam.py"
SOURCES = ("api", "bpmn", "domain", "engine", "storage", "tasks", "tools", "benchmarks", "migrations")
DOCUMENTED = {
    "_mapping",
    "_asdict",
    "_replace",
    "_fields",
}  # of rows and of named tuples, as their documentation has them
# Without an underscore, and promised nowhere
UNPROMISED = {
    "dispatch", "error_from_result", "generators", "result_tuple",
    "PGDialect_psycopg", "PGExecutionContext_psycopg", "dump_sequence", "load_rows", "set_pgresult",
}  # fmt: skip


def unpromised(source: str) -> set[str]:
    """Names of SQLAlchemy's and psycopg's that a module uses and that they do not promise."""
    tree = ast.parse(source)
    if not {"sqlalchemy", "psycopg"} & {name.split(".")[0] for name in imported(tree)}:
        return set()
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    used |= {
        part for name in imported(tree) if name.split(".")[0] in {"sqlalchemy", "psycopg"} for part in name.split(".")
    }
    private = {name for name in used if name.startswith("_") and not name.startswith("__")}
    return (private - own_names(tree) - DOCUMENTED) | (used & UNPROMISED)


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def own_names(tree: ast.Module) -> set[str]:
    """What the module itself defines or assigns: its own private parts."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
    return found


def test_only_the_seam_touches_what_the_libraries_do_not_promise():
    paths = [path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")] + list(ROOT.glob("*.py"))
    touched = {path: names for path in paths if (names := unpromised(path.read_text()))}

    assert {place(path): names for path, names in touched.items() if path != SEAM} == {}
    assert touched[SEAM] == UNPROMISED | {"_handle_dbapi_exception", "_has_events"}


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    "line",
    [
        "connection._dbapi_connection",
        "from psycopg._cmodule import x",
        "session.bind.dispatch",
        "from psycopg import generators",
    ],
)
def test_a_line_that_touches_such_a_part_is_seen(line):
    assert unpromised(f"import sqlalchemy\n{line}\n")
    assert not unpromised("import sqlalchemy\nrow._mapping\nself._own = 1\nself._own.x()\n")
