"""Celery's scheduler, on a machine whose clock is set back or whose disk is full."""

from __future__ import annotations

import dbm
import logging
from typing import Any

from celery.beat import PersistentScheduler
from celery.utils.time import maybe_make_aware

log = logging.getLogger(__name__)


class SteadyScheduler(PersistentScheduler):
    """What is due does not wait for a clock that was set back to catch up; a schedule that cannot be kept ends nothing."""

    def tick(self, *args: Any, **options: Any) -> float:  # Any: Celery's own defaults
        self._forget_the_future()
        return float(super().tick(*args, **options))

    def sync(self) -> None:
        """Without it a restarted beat sends a few things early; without beat no timer fires."""
        try:
            super().sync()
        except (OSError, *dbm.error) as failure:
            log.warning("the schedule could not be kept: %s", type(failure).__name__)

    def _forget_the_future(self) -> None:
        """An entry that last ran later than now: the clock was set back, and Celery would be silent for as long."""
        for entry in self.schedule.values():
            now, last = entry.default_now(), entry.last_run_at
            if last is not None and maybe_make_aware(last) > maybe_make_aware(now):
                entry.last_run_at = now
                self._heap = None  # its times lie in the future as well; the next tick makes it anew
