"""Beat on a machine whose clock is set back: it goes on at once. Celery's own would be silent until the clock has caught up."""

from __future__ import annotations

import errno
from datetime import timedelta

import pytest
from celery import Celery
from celery.beat import PersistentScheduler

from tasks.app import app as platform_app
from tasks.steady_beat import SteadyScheduler


@pytest.fixture
def celery(tmp_path):
    made = Celery("t", broker="memory://")
    made.conf.beat_schedule = {
        "often": {"task": "often", "schedule": 1.0},
        "hourly": {"task": "hourly", "schedule": 3600.0},
    }
    return made


class Recorder:
    """What a scheduler of this kind sends."""

    def __init__(self, kind, celery, folder):
        self.sent = sent = []

        class Recording(kind):
            def apply_async(self, entry, producer=None, advance=True, **options):
                sent.append(entry.name)

        self.scheduler = Recording(celery, schedule_filename=str(folder / kind.__name__))

    def ticks(self, count):
        for _ in range(count):
            self.scheduler.tick()
        return list(self.sent)

    def clock_is_set_back(self, **span):
        """As it looks from the new time: everything that was done lies ahead."""
        for entry in self.scheduler.schedule.values():
            entry.last_run_at += timedelta(**span)
        self.scheduler._heap = [
            (at + timedelta(**span).total_seconds(), rank, entry) for at, rank, entry in self.scheduler._heap
        ]
        self.sent.clear()


@pytest.mark.parametrize(("kind", "goes_on"), [(SteadyScheduler, True), (PersistentScheduler, False)])
def test_a_clock_set_back_by_an_hour_does_not_stop_beat(celery, tmp_path, kind, goes_on):
    beat = Recorder(kind, celery, tmp_path)
    beat.ticks(2)

    beat.clock_is_set_back(hours=1)
    beat.scheduler.tick()
    waits_s = beat.scheduler.tick()

    assert (waits_s <= 1.0) is goes_on
    beat.scheduler.close()


def test_a_schedule_that_cannot_be_kept_does_not_end_beat(celery, tmp_path, caplog):
    beat = Recorder(SteadyScheduler, celery, tmp_path)

    class Full(dict):
        def sync(self):
            raise OSError(errno.ENOSPC, "no space")

        def close(self):
            pass

    beat.scheduler._store = Full(beat.scheduler._store)
    beat.scheduler._do_sync()

    assert "could not be kept" in caplog.text


def test_the_platforms_beat_is_the_steady_one():
    assert platform_app.conf.beat_scheduler == "tasks.steady_beat:SteadyScheduler"
