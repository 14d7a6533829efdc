"""Real servers for tests and benchmarks: on a free port, in a temporary folder, ended with the block.

PostgreSQL refuses to run as root: there it runs as the user `postgres`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis

START_TIMEOUT_S = 60


class ServerMissing(Exception):
    """The program is not installed; the message is one line and names the Debian package."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def start_postgres(*, fsync: bool = False, on_socket: bool = False) -> Iterator[str]:
    """The URL of an empty database `platform` (`postgresql+psycopg://…`). fsync: as in production, for benchmarks.

    on_socket: through the Unix socket, as a database on the same machine is best reached.
    """
    programs = _postgres_programs()
    user = "postgres" if os.geteuid() == 0 else None
    with _folder(user) as folder:
        data = folder / "data"
        made = subprocess.run(
            [programs / "initdb", "-D", data, "-U", "platform", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            user=user,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr.strip()}")
        port = free_port()
        options = {"unix_socket_directories": folder, "listen_addresses": "127.0.0.1", "port": port}
        if not fsync:
            options |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        command = [programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())]
        address = f"postgresql://platform@127.0.0.1:{port}/postgres"

        def answers() -> None:
            with psycopg.connect(address, autocommit=True, connect_timeout=2) as connection:
                connection.execute("CREATE DATABASE platform")

        with _running(command, folder, user, answers, psycopg.OperationalError):
            if on_socket:
                yield f"postgresql+psycopg://platform@/platform?host={folder}&port={port}"
            else:
                yield f"postgresql+psycopg://platform@127.0.0.1:{port}/platform"


@contextmanager
def start_redis() -> Iterator[str]:
    """The URL of an empty Redis (`redis://127.0.0.1:…/0`)."""
    program = shutil.which("redis-server")
    if program is None:
        raise ServerMissing("redis-server is missing: apt-get install redis-server")
    with _folder(None) as folder:
        port = free_port()
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command += ["--dir", str(folder)]
        client = redis.Redis(port=port)
        with _running(command, folder, None, client.ping, redis.ConnectionError):
            yield f"redis://127.0.0.1:{port}/0"
        client.close()


def _postgres_programs() -> Path:
    """The newest installed version's folder; Debian keeps initdb off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).resolve().parent
    raise ServerMissing("PostgreSQL is missing: apt-get install postgresql")


@contextmanager
def _folder(user: str | None) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="server-"))
    try:
        if user is not None:
            account = pwd.getpwnam(user)
            os.chown(path, account.pw_uid, account.pw_gid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _running(
    command: Sequence[object], folder: Path, user: str | None, answers: Callable[[], object], not_yet: type[Exception]
) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(part) for part in command], user=user, cwd=folder, stdout=log, stderr=log)
    try:
        _wait(process, answers, not_yet, folder / "log")
        yield
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL: end at once, do not wait for clients
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], answers: Callable[[], object], not_yet: type[Exception], log: Path) -> None:
    give_up = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            answers()
            return
        except not_yet:
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"the server did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.05)
