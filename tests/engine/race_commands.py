"""Commands that race for one case, and what is left when they are through: compared with running them one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from engine import jobs
from engine.assignment import hand_over
from engine.claims import claim_next_item
from engine.errors import EngineError
from engine.hindsight.replay import read_inputs, verify_case
from engine.inbox import InboxFilter
from engine.interventions import cancel_case, suspend_case
from engine.jobs import JobResult
from engine.messages import send_message
from engine.queries import case_page
from engine.timers import fire_due_timers
from engine.work_items import release_work_item
from tests.engine.conftest import ANALYST, APPLICANT, NOW, OTHER_REVIEWER, REVIEWER, Store

DEADLINE = NOW + timedelta(days=1)


@dataclass(frozen=True)
class World:
    """One case in the state the commands race for. item: to decide, job: to read; either may be over already."""

    store: Store
    case_id: str
    item: str = ""
    job: str = ""
    leased: jobs.LeasedJob | None = None


Command = Callable[[World], Any]


def claimed(store: Store) -> World:
    """At review, the item claimed by the reviewer."""
    case_id = store.case_at_review()
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER)
    return World(store, case_id, item)


def unclaimed(store: Store) -> World:
    case_id = store.case_at_review()
    return World(store, case_id, store.waiting(case_id, "decide").id)


def running_job(store: Store) -> World:
    """A worker has the job, and its lease has run out for another to take over."""
    world = ready_job(store)
    return World(store, world.case_id, job=world.job, leased=store.lease(world.job))


def ready_job(store: Store) -> World:
    case_id = store.start()
    store.complete(store.waiting(case_id, "fill").id, APPLICANT, number="42-1", office="wuhan")
    return World(store, case_id, job=store.waiting(case_id, "read").id)


def decide(world: World) -> None:
    world.store.complete(world.item, REVIEWER, opinion="yes")


def decide_again(world: World) -> None:
    """A double click."""
    world.store.complete(world.item, REVIEWER, opinion="no")


def claim(world: World) -> None:
    world.store.claim(world.item, REVIEWER)


def claim_other(world: World) -> None:
    world.store.claim(world.item, OTHER_REVIEWER)


def claim_next(world: World) -> bool:
    with world.store.writing() as session:
        return claim_next_item(session, OTHER_REVIEWER, InboxFilter(), now=NOW) is not None


def release(world: World) -> None:
    with world.store.writing() as session:
        release_work_item(session, world.item, by=REVIEWER, now=NOW)


def give_away(world: World) -> None:
    with world.store.writing() as session:
        hand_over(session, world.item, to=OTHER_REVIEWER, by=REVIEWER, now=NOW)


def time_out(world: World) -> None:
    with world.store.writing() as session:
        fire_due_timers(session, world.case_id, DEADLINE + timedelta(seconds=5))


def withdraw(world: World) -> None:
    with world.store.writing() as session:
        send_message(session, world.case_id, "withdraw", by=APPLICANT, payload={}, now=NOW)


def cancel(world: World) -> None:
    with world.store.writing() as session:
        cancel_case(session, world.case_id, by=ANALYST, reason="test", now=NOW)


def suspend(world: World) -> None:
    with world.store.writing() as session:
        suspend_case(session, world.case_id, by=ANALYST, reason="test", now=NOW)


def hand_in(world: World) -> bool:
    assert world.leased is not None
    with world.store.writing() as session:
        return jobs.succeed_job(session, world.leased, JobResult({"length": 3}), now=NOW)


def fail(world: World) -> bool:
    """The same worker's report that it did not work, come late."""
    assert world.leased is not None
    with world.store.writing() as session:
        return jobs.retry_job_later(session, world.leased, "late", now=NOW)


def free(world: World) -> int:
    """Beat takes the worker for dead."""
    with world.store.writing() as session:
        return jobs.free_expired_leases(session, NOW + timedelta(hours=1))


def lease(world: World) -> bool:
    return world.store.lease(world.job) is not None


CLAIMED: tuple[Command, ...] = (decide, decide_again, time_out, withdraw, cancel, suspend, release, give_away)
UNCLAIMED: tuple[Command, ...] = (claim, claim_other, claim_next, time_out, withdraw, cancel)
RUNNING_JOB: tuple[Command, ...] = (hand_in, fail, free, withdraw, cancel, suspend)
READY_JOB: tuple[Command, ...] = (lease, withdraw, cancel, suspend)
RACES = ((claimed, CLAIMED), (unclaimed, UNCLAIMED), (running_job, RUNNING_JOB), (ready_job, READY_JOB))


def told(result: Any) -> str:
    """What a command's caller learns: its answer, or the code of the refusal."""
    if isinstance(result, EngineError):
        return result.code
    assert not isinstance(result, BaseException), repr(result)
    return str(result)


def what_is_left(world: World, results: Sequence[Any]) -> tuple[Any, ...]:
    """Everything but ids: who was told what, how the case stands, what came in, who holds what is open."""
    with world.store.sessions() as session:
        assert verify_case(session, world.case_id).is_sound
        page = case_page(session, world.case_id)
        inputs = tuple(
            (type(given).__name__, getattr(given, "values", "")) for given in read_inputs(session, world.case_id)
        )
    waits = sorted(
        (wait.kind, wait.element, wait.state, wait.assignee or "") for wait in page.waits if not wait.closed_at
    )
    return (tuple(map(told, results)), page.summary.state, page.summary.outcome, str(inputs), str(waits))


def one_after_the_other(
    prepare: Callable[[Store], World], store: Store, commands: Sequence[Command], order: Sequence[int]
) -> Any:
    """What is left when the commands run in this order, each finished before the next."""
    world = prepare(store)
    results: list[Any] = [None] * len(commands)
    for place in order:
        try:
            results[place] = commands[place](world)
        except EngineError as no:
            results[place] = no
    found = what_is_left(world, results)
    settle(world)
    return found


def settle(world: World) -> None:
    """The case is over: claim_next() and free() of the next round must not meet it."""
    try:
        with world.store.writing() as session:
            cancel_case(session, world.case_id, by=ANALYST, reason="over", now=DEADLINE + timedelta(days=1))
    except EngineError:
        pass  # it ended by itself
