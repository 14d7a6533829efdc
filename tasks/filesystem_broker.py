"""Kombu's filesystem transport with whole files only.

Kombu 5 creates a message's file and writes into it afterwards: a reader in between takes an empty file and the worker
ends with JSONDecodeError (celery/kombu#1551; seen here within a minute under load). The same holds for the table of an
exchange when two workers start at once. Here a file appears under its name only when it is complete.
"""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kombu.transport
from kombu.transport import filesystem
from kombu.transport.filesystem import exchange_queue_t
from kombu.utils.encoding import bytes_to_str, str_to_bytes
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):
    """Messages and exchange tables are written beside their place and moved into it."""

    def _put(self, queue: str, message: Any, **_: Any) -> None:  # type: ignore[override]  # Any: kombu's message and its properties
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        _write_whole(Path(self.data_folder_out) / name, message)

    def get_table(self, exchange: str) -> list[exchange_queue_t]:  # type: ignore[override]  # the stubs disagree with each other
        try:
            rows = loads(bytes_to_str(self._table_file(exchange).read_bytes()))
        except FileNotFoundError:
            return []
        return [exchange_queue_t(*row) for row in rows]

    def _queue_bind(self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None) -> None:
        binding = exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._changing(exchange):
            table = self.get_table(exchange)
            if binding not in table:
                _write_whole(self._table_file(exchange), [binding, *table])

    def _table_file(self, exchange: str) -> Path:
        file: Path = self._exchange_file(exchange)  # type: ignore[attr-defined]  # newer than the published stubs
        return file

    @contextmanager
    def _changing(self, exchange: str) -> Iterator[None]:
        """One process at a time; the lock is the kernel's and goes with its holder."""
        self.control_folder.mkdir(exist_ok=True)
        with self._table_file(exchange).with_suffix(".lock").open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield


class Transport(filesystem.Transport):
    Channel = Channel


def use_whole_files() -> None:
    """From now on `filesystem://` means this transport in this process."""
    kombu.transport.TRANSPORT_ALIASES["filesystem"] = "tasks.filesystem_broker:Transport"


def _write_whole(path: Path, content: object) -> None:
    """A name that ends neither in .msg nor .exchange is read by nobody until it is moved."""
    beside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    beside.write_bytes(str_to_bytes(dumps(content)))
    os.replace(beside, path)
