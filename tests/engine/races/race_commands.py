"""Commands that race for one case, and what is left when they are through: compared with running them one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from engine.actors import Actor
from engine.errors import EngineError
from engine.inbox.claims import claim_next_item
from engine.inbox.page import InboxFilter
from engine.jobs import leases, runs
from engine.jobs.runs import JobResult
from engine.messages.send import send_message
from engine.operators.interventions import (
    cancel_case,
    edit_variables,
    move_token,
    resume_case,
    retry_incident,
    skip_element,
    suspend_case,
)
from engine.periodic.timers import fire_due_timers
from engine.queries.pages import case_page
from engine.replay.rebuild import read_inputs, verify_case
from engine.work_items.acts import refuse_signature, release_work_item
from engine.work_items.assignment import LEAD, assign_work_item, delegate_work_item, give_back, hand_over
from engine.work_items.returning import return_work_item
from engine.work_items.signing import add_signer
from tests.engine.conftest import ANALYST, APPLICANT, NOW, OTHER_REVIEWER, REVIEWER, Store

DEADLINE = NOW + timedelta(days=1)
LEADER = Actor("leader-1", frozenset({"leave.reviewer:wuhan", f"leave.reviewer:wuhan{LEAD}"}))


@dataclass(frozen=True)
class World:
    """One case in the state the commands race for. item: to decide, job: to read; either may be over already.

    incident: id of the wait it stands in.
    """

    store: Store
    case_id: str
    item: str = ""
    job: str = ""
    leased: runs.LeasedJob | None = None
    incident: str = ""


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


def suspended(store: Store) -> World:
    """Claimed, then an operator stopped the case."""
    world = claimed(store)
    suspend(world)
    return world


def delegated(store: Store) -> World:
    world = claimed(store)
    delegate(world)
    return world


def half_signed(store: Store) -> World:
    """The reviewer has signed, the other signs last."""
    world = claimed(store)
    sign_after(world)
    decide(world)
    return world


def failed(store: Store) -> World:
    """Decided; what should have recorded the decision did not work and stands there as an incident."""
    world = claimed(store)
    store.complete(world.item, REVIEWER, opinion="fails")
    return World(store, world.case_id, world.item, incident=store.waiting(world.case_id, "record").id)


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


def resume(world: World) -> None:
    with world.store.writing() as session:
        resume_case(session, world.case_id, by=ANALYST, reason="test", now=NOW)


def edit(world: World) -> None:
    with world.store.writing() as session:
        edit_variables(session, world.case_id, {"number": "43"}, by=ANALYST, reason="test", now=NOW)


def skip(world: World) -> None:
    with world.store.writing() as session:
        wait = world.incident or world.item or world.job
        skip_element(session, world.case_id, wait, {"opinion": "skipped"}, by=ANALYST, reason="test", now=NOW)


def move(world: World) -> None:
    with world.store.writing() as session:
        wait = world.incident or world.item or world.job
        move_token(session, world.case_id, wait, "unreadable", by=ANALYST, reason="test", now=NOW)


def give_back_to_applicant(world: World) -> None:
    with world.store.writing() as session:
        return_work_item(session, world.item, to="fill", by=REVIEWER, now=NOW, why="test")


def delegate(world: World) -> None:
    with world.store.writing() as session:
        delegate_work_item(session, world.item, to=OTHER_REVIEWER, by=REVIEWER, now=NOW)


def delegate_answers(world: World) -> None:
    with world.store.writing() as session:
        give_back(session, world.item, by=OTHER_REVIEWER, now=NOW, why="fine")


def take_back(world: World) -> None:
    with world.store.writing() as session:
        give_back(session, world.item, by=REVIEWER, now=NOW)


def sign_after(world: World) -> None:
    with world.store.writing() as session:
        add_signer(session, world.item, to=OTHER_REVIEWER, by=REVIEWER, now=NOW)


def sign_last(world: World) -> None:
    world.store.complete(world.item, OTHER_REVIEWER, opinion="yes, too")


def refuse_to_sign(world: World) -> None:
    with world.store.writing() as session:
        refuse_signature(session, world.item, by=OTHER_REVIEWER, now=NOW, why="test")


def assign(world: World) -> None:
    with world.store.writing() as session:
        assign_work_item(session, world.item, to=OTHER_REVIEWER, by=LEADER, now=NOW)


def retry(world: World) -> None:
    with world.store.writing() as session:
        retry_incident(session, world.incident, by=ANALYST, now=NOW, variables={"opinion": "mended"})


def hand_in(world: World) -> bool:
    assert world.leased is not None
    with world.store.writing() as session:
        return leases.succeed_job(session, world.leased, JobResult({"length": 3}), now=NOW)


def fail(world: World) -> bool:
    """The same worker's report that it did not work, come late."""
    assert world.leased is not None
    with world.store.writing() as session:
        return leases.retry_job_later(session, world.leased, "late", now=NOW)


def free(world: World) -> int:
    """Beat takes the worker for dead."""
    with world.store.writing() as session:
        return leases.free_expired_leases(session, NOW + timedelta(hours=1))


def lease(world: World) -> bool:
    return world.store.lease(world.job) is not None


# What every run of the tests takes through every interleaving of every pair.
CLAIMED: tuple[Command, ...] = (decide, decide_again, time_out, withdraw, cancel, suspend, release, give_away)
UNCLAIMED: tuple[Command, ...] = (claim, claim_other, claim_next, time_out, withdraw, cancel)
RUNNING_JOB: tuple[Command, ...] = (hand_in, fail, free, withdraw, cancel, suspend)
READY_JOB: tuple[Command, ...] = (lease, withdraw, cancel, suspend)
# What the full run adds: everything an operator does, and the verbs of work items.
OPERATORS: tuple[Command, ...] = (cancel, suspend, resume, edit, skip, move)
ALL_CLAIMED = (*CLAIMED, resume, edit, skip, move, give_back_to_applicant, delegate, sign_after, assign)
ALL_UNCLAIMED = (*UNCLAIMED, assign, skip, move)
ALL_RUNNING_JOB = (hand_in, fail, free, withdraw, *OPERATORS)
ALL_READY_JOB = (lease, withdraw, *OPERATORS)
SUSPENDED: tuple[Command, ...] = (decide, time_out, withdraw, release, *OPERATORS)
DELEGATED: tuple[Command, ...] = (delegate_answers, take_back, decide, time_out, withdraw, assign, suspend, skip)
HALF_SIGNED: tuple[Command, ...] = (sign_last, refuse_to_sign, decide, time_out, withdraw, suspend, skip, move)
FAILED: tuple[Command, ...] = (retry, withdraw, *OPERATORS)
RACES: tuple[tuple[Callable[[Store], World], tuple[Command, ...]], ...] = (
    (claimed, ALL_CLAIMED),
    (unclaimed, ALL_UNCLAIMED),
    (running_job, ALL_RUNNING_JOB),
    (ready_job, ALL_READY_JOB),
    (suspended, SUSPENDED),
    (delegated, DELEGATED),
    (half_signed, HALF_SIGNED),
    (failed, FAILED),
)


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
    """The case is over: claim_next() and free() of the next round must not meet it.

    Cancelled before its deadline: an operator who comes after it is refused, and what fired for it is taken back with that.
    """
    try:
        with world.store.writing() as session:
            cancel_case(session, world.case_id, by=ANALYST, reason="over", now=NOW)
    except EngineError:
        pass  # it ended by itself
    with world.store.sessions() as session:
        assert case_page(session, world.case_id).summary.ended_at is not None
