"""Starts what Procfile lists under honcho, waits until the web process answers, ends all of it again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 60
ENDS_WITHIN_S = 20


class NotReady(Exception):
    """The web process did not answer in time, or the supervisor ended; its log says why."""


def port_is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(environ: Mapping[str, str], log: Path | None = None) -> subprocess.Popen[bytes]:
    """The supervisor of web, worker and beat, in a session of its own: a Ctrl-C reaches it through `stop` alone.

    log: where the processes' output goes; None for this terminal.
    """
    out = log.open("ab") if log else None
    try:
        return subprocess.Popen(
            [ROOT / ".venv/bin/honcho", "start", "--no-prefix"],
            cwd=ROOT,
            env=dict(environ),
            stdout=out,
            stderr=subprocess.STDOUT if out else None,
            start_new_session=True,
        )
    finally:
        if out:
            out.close()


def stop(supervisor: subprocess.Popen[bytes]) -> None:
    """End the supervisor and whatever it started, gently first."""
    if supervisor.poll() is None:
        supervisor.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            supervisor.wait(ENDS_WITHIN_S)
    with contextlib.suppress(ProcessLookupError):  # honcho's children stay in its session: none outlives it
        os.killpg(supervisor.pid, signal.SIGKILL)
    supervisor.wait()


def wait_until_healthy(
    address: str, supervisor: subprocess.Popen[bytes], *, until: Callable[[], bool] = lambda: False
) -> None:
    """Returns when the web process answers, or when `until` says that nobody waits any more. Raises NotReady."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and supervisor.poll() is None and not until():
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2):  # noqa: S310  # our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    if not until():
        raise NotReady(address)


@contextlib.contextmanager
def running(environ: Mapping[str, str], address: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The platform, up at `address` for the length of the block. The database must be prepared."""
    supervisor = start(environ, log)
    try:
        wait_until_healthy(address, supervisor)
        yield supervisor
    finally:
        stop(supervisor)
