"""A deterministic scheduler over real transactions: several commands run in threads of their own, one database step at a time.

Each statement and each commit is a step. A command that waits for another's lock is seen in pg_stat_activity and is not
offered until the lock is free; so a list of choices names one interleaving, and all lists are all interleavings.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Engine, event, text

Choose = Callable[[Sequence[int]], int]
BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid AND wait_event_type = 'Lock'")
LONGEST_STEP_S = 20.0


class At(Enum):
    GATE = "gate"  # before a step, waiting to be let through
    RUNNING = "running"
    DONE = "done"


@dataclass
class Worker:
    run: Callable[[], Any]
    result: Any = None
    at: At = At.RUNNING
    pid: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def main(self) -> None:
        _workers[threading.get_ident()] = self
        try:
            self.result = self.run()
        except Exception as error:
            self.result = error
        finally:
            del _workers[threading.get_ident()]
            self._now(At.DONE)

    def step(self, pid: int) -> None:
        """Called in the worker's own thread before a step."""
        self.pid = pid
        self._now(At.GATE)
        with self.changed:
            self.changed.wait_for(lambda: self.at is At.RUNNING, LONGEST_STEP_S)

    def let_through(self) -> None:
        self._now(At.RUNNING)

    def has_settled(self, within_s: float) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.at is not At.RUNNING, within_s)

    def _now(self, at: At) -> None:
        with self.changed:
            self.at = at
            self.changed.notify_all()


_workers: dict[int, Worker] = {}


@contextmanager
def stepping(engine: Engine) -> Iterator[Connection]:
    """While the block lasts, threads of `interleaved` stop before each statement and commit. Gives the scheduler's connection."""

    def pause(connection: Connection) -> None:
        worker = _workers.get(threading.get_ident())
        if worker is not None:
            worker.step(connection.connection.dbapi_connection.info.backend_pid)

    def before(connection: Connection, *_: Any) -> None:
        pause(connection)

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "commit", pause)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watching:
            yield watching
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "commit", pause)


def interleaved(watching: Connection, runs: Sequence[Callable[[], Any]], choose: Choose) -> list[Any]:
    """What each run gave or raised. choose: which of those that may take a step takes it, given their places in `runs`."""
    workers = [Worker(run) for run in runs]
    threads = [threading.Thread(target=worker.main, daemon=True) for worker in workers]
    for worker, thread in zip(workers, threads, strict=True):
        thread.start()
        _settle(watching, worker)  # one at a time: even the first steps come in a known order
    while any(worker.at is not At.DONE for worker in workers):
        ready = [place for place, worker in enumerate(workers) if worker.at is At.GATE]
        if ready:
            workers[choose(ready)].let_through()
        for worker in workers:
            _settle(watching, worker)
    for thread in threads:
        thread.join(LONGEST_STEP_S)
    return [worker.result for worker in workers]


def _settle(watching: Connection, worker: Worker) -> None:
    """Until the worker stands at its next step, is done, or waits for a lock."""
    waited_s = 0.0
    while not worker.has_settled(0.002):
        waited_s += 0.002
        if worker.pid and watching.execute(BLOCKED, {"pid": worker.pid}).scalar():
            return
        assert waited_s < LONGEST_STEP_S, "a step hangs"


def every_interleaving(run: Callable[[Choose], None], most: int = 500) -> int:
    """Call `run` with a choose for every interleaving there is, depth first; returns how many there were."""
    path: list[int] = []  # index among the offered, at each step
    for count in range(1, most + 1):
        offered: list[int] = []

        def choose(ready: Sequence[int], offered: list[int] = offered) -> int:
            place = len(offered)
            if place == len(path):
                path.append(0)
            offered.append(len(ready))
            return ready[min(path[place], len(ready) - 1)]

        run(choose)
        del path[len(offered) :]
        while path and path[-1] + 1 >= offered[len(path) - 1]:
            path.pop()
        if not path:
            return count
        path[-1] += 1
    raise AssertionError(f"more than {most} interleavings")
