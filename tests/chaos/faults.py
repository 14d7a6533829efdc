"""What can happen to a platform, one function each; they return when it is over."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
import redis
from sqlalchemy import select

from engine.jobs.leases import ready_jobs
from engine.model.tables import WAITING
from engine.model.waiting_row import WaitKind
from tests.chaos.platforms import BIN, ROOT
from tests.chaos.preloads import FullDisk
from tests.chaos.site import Site, a_child_of

LEASE_S = 3  # of busy.read
FULL_FOR_S = 2.0


def kill_worker(site: Site) -> None:
    site.kill("worker")


def kill_beat(site: Site) -> None:
    site.kill("beat")


def kill_web(site: Site) -> None:
    """All of it, with whatever it is answering."""
    site.kill("web")


def kill_web_process(site: Site) -> None:
    """One of those that answer; gunicorn starts another."""
    os.kill(a_child_of(site.running["web"].pid), signal.SIGKILL)
    site.kills += 1


def hang_worker_beyond_its_lease(site: Site) -> None:
    group = site.running["worker"].pid
    os.killpg(group, signal.SIGSTOP)
    time.sleep(LEASE_S + 1)
    os.killpg(group, signal.SIGCONT)


def double_and_late_messages(site: Site) -> None:
    """What a broker that delivers at least once may do: three for each job that is ready, one for jobs done long ago."""
    with site.platform.sessions() as session:
        ready = [job.id for job in ready_jobs(session, site.now, 100)]
        old = select(WAITING.c.id).where(WAITING.c.kind == WaitKind.JOB, WAITING.c.closed_at.is_not(None))
        late = list(session.execute(old.limit(20)).scalars())
    send = "import sys; from tasks.dispatch import send_job; [send_job(job, 'default') for job in sys.argv[1:]]"
    subprocess.run([str(BIN / "python"), "-c", send, *ready * 3, *late], cwd=ROOT, env=site.environ, check=True)


def step_the_clock(site: Site) -> None:
    """Ahead by an hour, or back again."""
    site.breaks += 1  # leases end early
    site.clock.set(timedelta() if site.clock.ahead else timedelta(hours=1))
    time.sleep(0.2)  # seen by everybody


def fill_the_disk(site: Site) -> None:
    """The one of VAR_DIR: photos, crops; without servers the database and the broker, too."""
    _has_no_room(site, site.disk)


def fill_the_databases_disk(site: Site) -> None:
    assert site.database is not None
    assert site.database.disk is not None
    _has_no_room(site, site.database.disk)
    if not site.database.lives():  # its log could not grow: an operator starts it again once there is room
        site.database.start()


def _has_no_room(site: Site, disk: FullDisk) -> None:
    """Until a client has been told so, and a little longer."""
    site.breaks += 1
    told = site.clients.told["platform.no_space"]
    with disk.is_full():
        deadline = time.monotonic() + 60
        while site.clients.told["platform.no_space"] == told:
            assert time.monotonic() < deadline, f"nobody was told: {site.clients.told}"
            if site.clients.is_idle():
                site.bring_in(1)
            time.sleep(0.1)
        time.sleep(FULL_FOR_S)
    assert site.all_processes_live()


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
    site.breaks += 1
    site.database.restart(signal.SIGINT)


def kill_database(site: Site) -> None:
    assert site.database is not None
    site.breaks += 1
    site.database.restart(signal.SIGQUIT)  # PostgreSQL's own word for at once, without a checkpoint


def cut_connections(site: Site) -> None:
    """In the middle of whatever transactions are open."""
    assert site.database is not None
    site.breaks += 1
    address = site.database.url.replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


Fault = Callable[[Site], None]
ON_FILES: list[Fault] = [
    kill_worker,
    kill_web_process,
    kill_beat,
    kill_web,
    hang_worker_beyond_its_lease,
    double_and_late_messages,
    step_the_clock,
    fill_the_disk,
    step_the_clock,
]
ON_SERVERS: list[Fault] = [
    *ON_FILES,
    fill_the_databases_disk,
    empty_broker,
    restart_broker,
    restart_database,
    kill_database,
    cut_connections,
]
