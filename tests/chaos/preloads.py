"""What the kernel tells a process, changed while it runs: a clock that is set (set_clock.c), a disk without room (no_space.c).

Both are libraries loaded before the C library (LD_PRELOAD): no special rights, and everything above them is the real thing.
libfaketime 0.9.10 cannot be used for the clock: with the monotonic clock left alone every time.sleep() of Python 3.11 fails with
EINVAL (its clock_nanosleep), without that threads hang when the clock is set back.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.servers import ServerMissing


@dataclass
class SetClock:
    """The clock of every process with `environ`. ahead: of the true time."""

    file: Path
    ahead: timedelta = timedelta()

    def __post_init__(self) -> None:
        self.set(self.ahead)

    def set(self, ahead: timedelta) -> None:
        self.ahead = ahead
        beside = self.file.with_suffix(".new")
        beside.write_text(f"{ahead.total_seconds():+.0f}\n")
        beside.rename(self.file)  # read by others at any moment

    @property
    def environ(self) -> dict[str, str]:
        return {"SET_CLOCK_FILE": str(self.file)}


@dataclass(frozen=True)
class FullDisk:
    """No file under `folder` grows while `is_full` lasts, for processes with `environ`."""

    library: Path
    folder: Path
    flag: Path

    @contextmanager
    def is_full(self) -> Iterator[None]:
        self.flag.touch()
        try:
            yield
        finally:
            self.flag.unlink()

    @property
    def environ(self) -> dict[str, str]:
        return {"FULL_DISK_DIR": str(self.folder), "FULL_DISK_FLAG": str(self.flag)}


@dataclass(frozen=True)
class Preloads:
    """Compiled, in a folder that every user may read."""

    set_clock: Path
    no_space: Path


@contextmanager
def preloads() -> Iterator[Preloads]:
    """Raises ServerMissing without a compiler."""
    if shutil.which("gcc") is None:
        raise ServerMissing("gcc is missing: apt-get install gcc libc6-dev")
    folder = Path(tempfile.mkdtemp(prefix="preloads-"))
    try:
        folder.chmod(0o755)
        yield Preloads(_compiled("set_clock", folder), _compiled("no_space", folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _compiled(name: str, folder: Path) -> Path:
    library = folder / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library
