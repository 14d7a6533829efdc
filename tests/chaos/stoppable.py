"""Servers that can be stopped, killed and started again at the same address, with what they had on disk."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from tests import servers
from tests.chaos.preloads import FullDisk


@dataclass
class Server:
    """command: as it is started; answers: raises `not_yet` until it does."""

    url: str
    command: list[str]
    folder: Path
    user: str | None
    answers: Callable[[], object]
    not_yet: type[Exception]
    process: subprocess.Popen[bytes] | None = None
    disk: FullDisk | None = None

    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, user=self.user, cwd=self.folder, stdout=log, stderr=log, env=self._environ()
            )
        servers._wait(self.process, self.answers, self.not_yet, self.folder / "log")

    def _environ(self) -> dict[str, str] | None:
        if self.disk is None:
            return None
        return {**os.environ, "LD_PRELOAD": str(self.disk.library), **self.disk.environ}

    def stop(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(30)

    def restart(self, how: signal.Signals) -> None:
        """SIGINT: at once, as an operator does it. SIGKILL: as a machine that loses its power."""
        self.stop(how)
        self.start()


@contextmanager
def stoppable_postgres(no_space: Path) -> Iterator[Server]:
    """With fsync: what was committed is there after a kill. no_space: the library of a disk that can be full."""
    programs, user = servers._postgres_programs(), "postgres" if os.geteuid() == 0 else None
    with servers._folder(user) as folder:
        data, port = folder / "data", servers.free_port()
        made = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            "platform",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]
        subprocess.run(made, user=user, cwd=folder, capture_output=True, check=True)
        options = {"unix_socket_directories": folder, "listen_addresses": "127.0.0.1", "port": port}
        command = [programs / "postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())]
        address = f"postgresql://platform@127.0.0.1:{port}/postgres"

        def answers() -> None:
            with psycopg.connect(address, autocommit=True, connect_timeout=2) as connection:
                if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'platform'").fetchone() is None:
                    connection.execute("CREATE DATABASE platform")

        url = f"postgresql+psycopg://platform@127.0.0.1:{port}/platform"
        server = Server(url, [str(part) for part in command], folder, user, answers, psycopg.OperationalError)
        server.disk = FullDisk(no_space, data, no_space.with_name("database-is-full"))
        with _started(server):
            yield server


@contextmanager
def stoppable_redis() -> Iterator[Server]:
    """Without a file: a restart loses every message."""
    with servers._folder(None) as folder:
        port = servers.free_port()
        client = redis.Redis(port=port)
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        url = f"redis://127.0.0.1:{port}/0"
        with _started(Server(url, command, folder, None, client.ping, redis.ConnectionError)) as server:
            yield server
        client.close()


@contextmanager
def _started(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop(signal.SIGINT)
