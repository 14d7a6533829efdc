"""One platform of real processes (web, worker, beat, with or without PostgreSQL and Redis) that things are done to."""

from __future__ import annotations

import base64
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from api.edge.auth import open_session
from composition import Platform, compose
from config import load_settings
from domain.accounts.account import find_or_create_wechat_account
from domain.notice import Notice, NoticeState
from engine.deployment.deploy import deploy_folder
from engine.model.instance import Case
from migrations import upgrade
from storage.transactions import transaction
from tests.chaos.busy_flow import write_busy_flow
from tests.chaos.clients import Clients
from tests.chaos.platforms import BEAT, BIN, ROOT, WEB, WORKER, environment, kill_group, until
from tests.chaos.preloads import FullDisk, SetClock, preloads
from tests.chaos.provider import Provider, sms_provider
from tests.chaos.stoppable import Server, stoppable_postgres, stoppable_redis
from tests.servers import free_port

KEY = base64.b64encode(bytes(range(32))).decode()
COMMANDS = {"beat": BEAT, "worker": WORKER, "web": WEB}


@dataclass
class Site:
    """kills: processes ended without warning so far; breaks: what else may have come between sending a notice and noting it.

    disk: of VAR_DIR, and of nothing else.
    """

    environ: dict[str, str]
    platform: Platform
    log: Path
    provider: Provider
    clock: SetClock
    disk: FullDisk
    clients: Clients
    database: Server | None = None
    broker: Server | None = None
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: int = 0
    breaks: int = 0
    pause: str = "PT1S"

    @property
    def now(self) -> datetime:
        """By the clock of its processes."""
        return datetime.now(UTC) + self.clock.ahead

    def run(self, name: str) -> None:
        program, *arguments = COMMANDS[name]
        with self.log.open("ab") as out:
            self.running[name] = subprocess.Popen(
                [str(BIN / program), *arguments],
                cwd=ROOT,
                env=self.environ,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        kill_group(self.running[name])
        self.kills += 1
        self.run(name)

    def bring_in(self, count: int) -> None:
        self.clients.bring_in(count, self.pause)

    def ended(self) -> int:
        try:
            with self.platform.sessions() as session:
                return session.scalar(select(func.count()).where(Case.state == "COMPLETED")) or 0
        except DBAPIError:
            return 0

    def sent(self) -> int:
        with self.platform.sessions() as session:
            return session.scalar(select(func.count()).where(Notice.state == NoticeState.SENT)) or 0

    def all_processes_live(self) -> bool:
        return all(process.poll() is None for process in self.running.values())


@contextmanager
def a_site(
    tmp_path: Path,
    *,
    with_servers: bool,
    most_cases: int,
    write_flow: Callable[[Path], None] = write_busy_flow,
) -> Iterator[Site]:
    """most_cases: how many persons there are to bring one in. write_flow: puts a flow's folder into the one it is given."""
    with ExitStack() as stack:
        provider = stack.enter_context(sms_provider())
        libraries = stack.enter_context(preloads())
        port, clock = free_port(), SetClock(tmp_path / "clock")
        disk = FullDisk(libraries.no_space, tmp_path / "var", tmp_path / "var-is-full")
        more = {"SMS_URL": provider.url, "SMS_TOKEN": "token", "WECHAT_APP_ID": "app", "WECHAT_SECRET": "secret"}
        database = broker = None
        if with_servers:
            database = stack.enter_context(stoppable_postgres(libraries.no_space))
            broker = stack.enter_context(stoppable_redis())
            more |= {"DATABASE_URL": database.url, "REDIS_URL": broker.url, "MASTER_KEY": KEY}
        environ = environment(tmp_path, PORT=str(port), **more)
        write_flow(tmp_path / "flows")
        platform = compose(load_settings(environ))
        upgrade(platform.engine)
        with transaction(platform.sessions) as session:
            deploy_folder(session, platform.settings.flows_dir, datetime.now(UTC))
        clients = Clients(f"http://127.0.0.1:{port}", _signed_in(platform, most_cases))
        environ |= {"LD_PRELOAD": f"{libraries.set_clock} {libraries.no_space}", **clock.environ, **disk.environ}
        site = Site(environ, platform, tmp_path / "log", provider, clock, disk, clients, database, broker)
        for name in COMMANDS:
            site.run(name)
        try:
            yield site
        finally:
            for process in site.running.values():
                kill_group(process)
            clients.pool.shutdown(wait=False, cancel_futures=True)
            platform.engine.dispose()


def _signed_in(platform: Platform, persons: int) -> list[str]:
    """Tokens of so many citizens."""
    now = datetime.now(UTC) - timedelta(seconds=1)
    with transaction(platform.sessions) as session:
        accounts = [find_or_create_wechat_account(session, f"openid-{number}", now) for number in range(persons)]
        return [open_session(session, account, now) for account in accounts]


def work_goes_on(site: Site, within_s: float = 120) -> None:
    """One more comes in, one more ends."""
    before = site.ended()
    site.bring_in(1)
    until(lambda: site.ended() > before, within_s=within_s, log=site.log)


def children_of(pid: int) -> list[int]:
    """Process ids; none for a process that has gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def a_child_of(pid: int, within_s: float = 180) -> int:
    """The first of them, as soon as there is one."""
    deadline = time.monotonic() + within_s
    while not (found := children_of(pid)):
        assert time.monotonic() < deadline, f"process {pid} has no child"
        time.sleep(0.05)
    return found[0]
