"""One process under many machines: threads share it, its snapshots fit no other, and a machine that broke is out of use."""

from __future__ import annotations

import threading

import pytest

from engine.inputs import JobSucceeded, Started, WorkItemCompleted
from engine.machine import Machine, MachineBroken
from engine.spiff.rules.host import Host
from tests.engine.case_under_test import MONDAY
from tests.engine.diagrams import Diagram, two_tasks
from tests.engine.graph_digest import spec_digest


def test_one_process_is_shared_by_threads() -> None:
    process = two_tasks().compile()
    shape = spec_digest(process)
    outcomes: list[str | None] = []

    def run() -> None:
        for n in range(50):
            machine, _ = Machine.start(process, Started(at=MONDAY, by="x"))
            machine.apply(WorkItemCompleted(at=MONDAY, wait="first:1", by="x", values={"n": n}))
            machine = Machine.load(process, machine.dump())
            machine.apply(JobSucceeded(at=MONDAY, wait="second:1", result=n))
            assert machine.variables == {"n": n, "result": n}
            outcomes.append(machine.outcome)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes == ["done"] * 200
    assert spec_digest(process) == shape


def test_a_machine_that_failed_inside_is_never_used_again() -> None:
    class Failing(Host):
        def prune(self) -> None:
            if self.store.variables:
                raise ZeroDivisionError

    class FailingMachine(Machine):
        host_class = Failing

    machine, _ = FailingMachine.start(two_tasks().compile(), Started(at=MONDAY, by="x"))
    with pytest.raises(ZeroDivisionError):
        machine.apply(WorkItemCompleted(at=MONDAY, wait="first:1", by="x", values={"n": 1}))

    with pytest.raises(MachineBroken):
        machine.dump()
    with pytest.raises(MachineBroken):
        machine.apply(JobSucceeded(at=MONDAY, wait="second:1"))


def test_a_snapshot_holds_no_random_id() -> None:
    process = two_tasks().compile()

    snapshots = {Machine.start(process, Started(at=MONDAY, by="x"))[0].dump() for _ in range(3)}

    assert len(snapshots) == 1


def test_a_snapshot_of_another_process_is_refused() -> None:
    machine, _ = Machine.start(two_tasks().compile(), Started(at=MONDAY, by="x"))
    d = Diagram()
    d.start("other")
    d.user("task")
    d.end("end")
    d.flow("other", "task", "end")

    with pytest.raises(KeyError):
        Machine.load(d.compile(), machine.dump())


def test_a_mutated_definition_would_be_noticed() -> None:
    process = two_tasks().compile()
    shape = spec_digest(process)

    process.specs["process"].task_specs["first"]._outputs.append("done")

    assert spec_digest(process) != shape
