"""The broker without a server: readers see whole messages, however many write at once."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from kombu import Connection, Queue

from tasks.filesystem_broker import Transport

MESSAGES = 300


def _connection(folder: Path) -> Connection:
    for name in ("messages", "control"):
        (folder / name).mkdir(exist_ok=True)
    options = {"data_folder_in": str(folder / "messages"), "data_folder_out": str(folder / "messages")}
    return Connection(transport=Transport, transport_options={**options, "control_folder": str(folder / "control")})


def test_every_message_written_beside_a_reader_is_read_whole(tmp_path):
    def write() -> None:
        with _connection(tmp_path) as connection, connection.SimpleQueue("jobs") as queue:
            for number in range(MESSAGES):
                queue.put({"number": number, "weight": "x" * 2000})

    writers = [threading.Thread(target=write) for _ in range(2)]
    read = []
    # Declared before anybody writes: connections of one process share what they believe is bound.
    with _connection(tmp_path) as connection, connection.SimpleQueue("jobs") as queue:
        for writer in writers:
            writer.start()
        while len(read) < 2 * MESSAGES:
            message = queue.get(timeout=60)
            read.append(message.payload["number"])
            message.ack()
    for writer in writers:
        writer.join()

    assert sorted(read) == sorted([*range(MESSAGES), *range(MESSAGES)])


def test_workers_that_start_at_once_agree_on_the_queues_of_an_exchange(tmp_path):
    def bind(name: str) -> None:
        with _connection(tmp_path) as connection:
            Queue(name, exchange="shared", channel=connection.channel()).declare()

    names = [f"queue-{number}" for number in range(12)]
    starting = [threading.Thread(target=bind, args=(name,)) for name in names]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()

    table = json.loads((tmp_path / "control" / "shared.exchange").read_text())
    assert sorted(row[2] for row in table) == sorted(names)
