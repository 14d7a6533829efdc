"""The Celery application: its broker, its queues, its tasks. What a process of it works with: process.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from celery import Celery

from config import Settings, load_settings
from tasks.filesystem_broker import use_whole_files


def _filesystem_transport(broker_dir: Path) -> dict[str, Any]:  # Any: Celery's own option types
    """Kombu's broker without a server: one folder that everybody reads from and writes to."""
    messages, control = broker_dir / "messages", broker_dir / "control"
    for folder in (messages, control):
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "data_folder_in": str(messages),
        "data_folder_out": str(messages),
        "control_folder": str(control),
        "polling_interval": 0.05,
    }


def make_app(settings: Settings) -> Celery:
    """Celery as this platform uses it: messages are hints (the job table is the outbox), so losing one is harmless."""
    use_whole_files()
    made = Celery(
        "tasks",
        broker=settings.broker_url if settings.redis_url else "filesystem://localhost//",
        include=[
            "tasks.process",  # no task: what a worker's process does when it begins
            "tasks.run_job",
            "tasks.periodic",
            "tasks.notify",
            "tasks.self_check",
            "tasks.imports",
            "tasks.what_if",
        ],
    )
    embedded = settings.redis_url is None
    made.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=False,  # the lease brings a killed worker's job back; twice would be one too many
        task_default_queue="default",
        task_queues=None,
        task_create_missing_queues=True,
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=500,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=not embedded,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options=_filesystem_transport(settings.broker_dir)
        if embedded
        else {"visibility_timeout": 600},
        beat_scheduler="tasks.steady_beat:SteadyScheduler",
        beat_schedule_filename=str(settings.var_dir / "beat-schedule"),
        timezone="UTC",
    )
    return made


app = make_app(load_settings())
