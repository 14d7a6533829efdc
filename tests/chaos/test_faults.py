"""Whatever is killed, stopped or lost while cases are under way: every case ends, its effects are there exactly once.

Real processes: a worker, a beat, PostgreSQL and Redis, or nothing but files. Faults come in a seeded order while cases are
started; at the end every journal replays to what is kept. The short run has every kind of fault once.
"""

from __future__ import annotations

import base64
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from composition import Platform, compose
from config import load_settings
from database import transaction
from domain.account import find_or_create_wechat_account
from domain.attempts import Attempt
from domain.notice import Notice, NoticeState
from engine.actors import Actor
from engine.deploy import deploy_folder
from engine.hindsight.replay import verify_case
from engine.jobs import ready_jobs
from engine.model.instance import Case
from engine.start import start_case
from migrations import upgrade
from tests.chaos.busy_flow import write_busy_flow
from tests.chaos.platforms import BEAT, BIN, ROOT, WORKER, environment, kill_group, until
from tests.chaos.provider import Provider, sms_provider
from tests.chaos.stoppable import Server, stoppable_postgres, stoppable_redis

LEASE_S = 3  # of busy.read
KEY = base64.b64encode(bytes(range(32))).decode()


@dataclass
class Site:
    """One platform and everything that can go wrong with it. kills: processes ended without warning so far."""

    environ: dict[str, str]
    platform: Platform
    log: Path
    provider: Provider
    database: Server | None = None
    broker: Server | None = None
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: int = 0
    cases: list[str] = field(default_factory=list)

    def run(self, name: str, command: tuple[str, ...]) -> None:
        with self.log.open("ab") as out:
            self.running[name] = subprocess.Popen(
                [str(BIN / command[0]), *command[1:]],
                cwd=ROOT,
                env=self.environ,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, name: str, command: tuple[str, ...]) -> None:
        kill_group(self.running[name])
        self.kills += 1
        self.run(name, command)

    def start_cases(self, count: int) -> None:
        """As a web process would, three tries each: the database may be away."""
        for _ in range(count):
            until(self._starts_one, within_s=60, log=self.log)

    def _starts_one(self) -> bool:
        now = datetime.now(UTC)
        try:
            with transaction(self.platform.sessions) as session:
                account = find_or_create_wechat_account(session, f"openid-{len(self.cases)}", now)
                self.cases.append(start_case(session, "busy", by=Actor(account.id), values={}, now=now))
        except OperationalError:
            return False
        return True

    def ended(self) -> int:
        try:
            with self.platform.sessions() as session:
                return session.scalar(select(func.count()).where(Case.state == "COMPLETED")) or 0
        except OperationalError:
            return 0

    def sent(self) -> int:
        with self.platform.sessions() as session:
            return session.scalar(select(func.count()).where(Notice.state == NoticeState.SENT)) or 0


# --- faults


def kill_worker(site: Site) -> None:
    site.kill("worker", WORKER)


def kill_beat(site: Site) -> None:
    site.kill("beat", BEAT)


def hang_worker_beyond_its_lease(site: Site) -> None:
    group = site.running["worker"].pid
    os.killpg(group, signal.SIGSTOP)
    time.sleep(LEASE_S + 1)
    os.killpg(group, signal.SIGCONT)


def double_messages(site: Site) -> None:
    """What a broker that delivers at least once may do, and late ones at that."""
    with site.platform.sessions() as session:
        jobs = [job.id for job in ready_jobs(session, datetime.now(UTC), 100)]
    send = "import sys; from tasks.dispatch import send_job; [send_job(j, 'default') for j in sys.argv[1:] for _ in range(3)]"
    subprocess.run([str(BIN / "python"), "-c", send, *jobs], cwd=ROOT, env=site.environ, check=True)


def empty_broker(site: Site) -> None:
    assert site.broker is not None
    redis.Redis.from_url(site.broker.url).flushall()


def restart_broker(site: Site) -> None:
    assert site.broker is not None
    site.broker.stop(signal.SIGINT)
    time.sleep(1)
    site.broker.start()


def restart_database(site: Site) -> None:
    assert site.database is not None
    site.database.restart(signal.SIGINT)


def kill_database(site: Site) -> None:
    assert site.database is not None
    site.database.restart(signal.SIGQUIT)  # PostgreSQL's own word for at once, without a checkpoint


def cut_connections(site: Site) -> None:
    """In the middle of whatever transactions are open."""
    assert site.database is not None
    address = site.database.url.replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


Fault = Callable[[Site], None]
ON_FILES: list[Fault] = [kill_worker, kill_beat, hang_worker_beyond_its_lease, double_messages]
ON_SERVERS: list[Fault] = [*ON_FILES, empty_broker, restart_broker, restart_database, kill_database, cut_connections]


@contextmanager
def a_site(tmp_path: Path, *, with_servers: bool) -> Iterator[Site]:
    with ExitStack() as stack:
        provider = stack.enter_context(sms_provider())
        more = {"SMS_URL": provider.url, "SMS_TOKEN": "token", "WECHAT_APP_ID": "app", "WECHAT_SECRET": "secret"}
        database = broker = None
        if with_servers:
            database, broker = stack.enter_context(stoppable_postgres()), stack.enter_context(stoppable_redis())
            more |= {"DATABASE_URL": database.url, "REDIS_URL": broker.url, "MASTER_KEY": KEY}
        environ = environment(tmp_path, **more)
        write_busy_flow(tmp_path / "flows")
        platform = compose(load_settings(environ))
        upgrade(platform.engine)
        with transaction(platform.sessions) as session:
            deploy_folder(session, platform.settings.flows_dir, datetime.now(UTC))
        site = Site(environ, platform, tmp_path / "log", provider, database, broker)
        site.run("beat", BEAT)
        site.run("worker", WORKER)
        try:
            yield site
        finally:
            for process in site.running.values():
                kill_group(process)
            platform.engine.dispose()


def suffers(site: Site, faults: list[Fault], cases: int, *, within_s: float) -> None:
    """Cases are started between the faults; afterwards all of them end by themselves."""
    share = max(cases // (len(faults) + 1), 1)
    site.start_cases(share)
    until(lambda: site.ended() > 0, within_s=90, log=site.log)  # the worker is up
    for fault in faults:
        print(f"{datetime.now(UTC):%H:%M:%S} {fault.__name__}, {site.ended()} of {len(site.cases)} ended")
        fault(site)
        site.start_cases(share)
        before = site.ended()
        until(
            lambda before=before: site.ended() > before, within_s=120, log=site.log
        )  # work goes on: the next may come
    until(lambda: site.ended() == len(site.cases), within_s=within_s, log=site.log)


def is_as_if_nothing_had_happened(site: Site) -> None:
    with site.platform.sessions() as session:
        verdicts = {case_id: verify_case(session, case_id) for case_id in site.cases}
        counted = dict(session.execute(select(Attempt.case_id, func.count()).group_by(Attempt.case_id)).all())
        notices = dict(session.execute(select(Notice.case_id, func.count()).group_by(Notice.case_id)).all())
    assert [case_id for case_id, verdict in verdicts.items() if not verdict.is_sound] == []
    assert counted == dict.fromkeys(site.cases, 2)
    assert notices == dict.fromkeys(site.cases, 1)
    assert site.provider.repeated <= site.kills, site.provider.taken


@pytest.mark.server
@pytest.mark.timeout(600)
def test_every_case_ends_once_whatever_happens_to_files(tmp_path: Path) -> None:
    with a_site(tmp_path, with_servers=False) as site:
        suffers(site, list(ON_FILES), 10, within_s=180)

        is_as_if_nothing_had_happened(site)


@pytest.mark.server
@pytest.mark.timeout(600)
def test_every_case_ends_once_whatever_happens_to_postgres_and_redis(tmp_path: Path) -> None:
    with a_site(tmp_path, with_servers=True) as site:
        suffers(site, list(ON_SERVERS), 20, within_s=180)

        is_as_if_nothing_had_happened(site)


@pytest.mark.full
@pytest.mark.server
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("with_servers", [False, True], ids=["files", "servers"])
def test_two_hundred_cases_and_a_hundred_kills(tmp_path: Path, with_servers: bool) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    faults = [kill_worker] * 60 + [kill_beat] * 40 + chance.choices(ON_SERVERS if with_servers else ON_FILES, k=40)
    chance.shuffle(faults)

    with a_site(tmp_path, with_servers=with_servers) as site:
        suffers(site, faults, 200, within_s=900)

        is_as_if_nothing_had_happened(site)
        # A notice in the hands of a killed worker is tried again when its lease is over.
        until(lambda: site.sent() == len(site.cases), within_s=600, log=site.log)
        assert set(site.provider.taken.values()) <= {1, 2}
