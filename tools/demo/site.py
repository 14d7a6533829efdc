"""A whole platform with its console in a folder of its own, for browser tests, screenshots and benchmarks."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from composition import compose
from config import load_settings
from domain.accounts.account import create_console_account
from storage.transactions import transaction
from tools import supervisor
from tools.demo.desk import Desk
from tools.prepare import prepare
from tools.web import build_console

PASSWORD = "correct-horse-9"  # noqa: S105 - of accounts that end with the folder
SEED = 20261123
KEPT_OUTSIDE = ("DATABASE_URL", "REDIS_URL", "MASTER_KEY", "HOST")  # a site is a sandbox of its own


@dataclass
class Site:
    """address: of the web process. desk: where work for reviewers comes from."""

    address: str
    sessions: sessionmaker[Session]
    desk: Desk
    _staff: set[str] = field(default_factory=set)

    def page_of(self, path: str) -> str:
        return f"{self.address}/console{path}"

    def staff(self, username: str, *groups: str, display_name: str = "") -> str:
        """A console account with PASSWORD, made at its first mention; a reviewer unless told otherwise."""
        if username not in self._staff:
            with transaction(self.sessions) as session:
                create_console_account(
                    session,
                    username,
                    PASSWORD,
                    datetime.now(UTC),
                    display_name=display_name or username,
                    groups=frozenset(groups or {"real_name.reviewer"}),
                )
            self._staff.add(username)
        return username


@contextmanager
def a_site(folder: Path, *, is_quick: bool = False) -> Iterator[Site]:
    """Web process, workers and clock on a free port, everything they keep in `folder`. is_quick: see Desk.

    Raises supervisor.NotReady with the end of their log.
    """
    port = supervisor.free_port()
    environ = {name: value for name, value in os.environ.items() if name not in KEPT_OUTSIDE}
    environ |= {"VAR_DIR": str(folder / "var"), "PORT": str(port), "WORKERS": "1"}
    build_console(print)
    platform = compose(load_settings(environ))
    prepare(platform, print)
    desk = Desk(platform.sessions, random.Random(SEED), is_quick)
    address, log = f"http://127.0.0.1:{port}", folder / "log"
    try:
        with supervisor.running(environ, address, log):
            yield Site(address, platform.sessions, desk)
    except supervisor.NotReady as failure:
        raise supervisor.NotReady(f"{failure}\n{log.read_text()[-2000:]}") from failure
    finally:
        platform.engine.dispose()
