"""What an operator's move and a return mean on a block tree (docs/interventions.md), for the reference.

No tokens and no graph: a move ends the innermost run that holds both places and begins it again in the middle, at the target.
What can be ended and begun again so is a part: the body of a scope, a branch of a parallel or inclusive gateway, the handler
of a non-interrupting boundary event. One part holds one way at a time (and, inside it, whole parts), so nothing else is left.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.engine.random import blocks
from tests.engine.random.blocks import Block, Boundary, Scope, Tree
from tests.engine.random.composites import ParRun
from tests.engine.random.insides import inner_blocks
from tests.engine.random.instances import EachRun
from tests.engine.random.leaves import Leaf
from tests.engine.random.reference import Reference, ScopeRun
from tests.engine.random.run import Landed, Run

Parts = tuple[tuple[str, int], ...]  # gateway and branch, or non-interrupting boundary event, from the outside in
_NO_TARGETS = (blocks.Par, blocks.Or, blocks.Race)


@dataclass(frozen=True)
class Refused:
    code: str


class Places:
    """Where the elements of a tree are: by scope, what a token may stand at, with the parts that is in."""

    def __init__(self, tree: Tree) -> None:
        self.of: dict[int, dict[str, Parts]] = {}  # by the scope's identity
        self.others: set[str] = set()  # elements a token may not be moved to
        self.user_tasks: set[str] = set()
        self.besides: set[str] = set()
        self._scope(tree.scope)

    @property
    def targets(self) -> list[str]:
        return [name for scope in self.of.values() for name in scope if name and name not in self.others]

    def _scope(self, scope: Scope) -> None:
        self.of[id(scope)] = {}
        self._block(scope.body, (), self.of[id(scope)])
        for handler in scope.handlers:
            self.others |= {handler.id, handler.start}
            self._scope(handler.scope)

    def _block(self, block: Block, parts: Parts, found: dict[str, Parts]) -> None:
        name = getattr(block, "id", "")
        if isinstance(block, _NO_TARGETS):
            self.others.add(name)
        found[name] = parts
        if isinstance(block, blocks.Loop):
            found[f"{name}_in"] = parts
        for number, inner in enumerate(inner_blocks(block)):
            apart = isinstance(block, blocks.Par | blocks.Or)
            self._block(inner, (*parts, (name, number)) if apart else parts, found)
        for boundary in getattr(block, "boundaries", ()):
            self._boundary(boundary, parts, found)
        activity = block.inner if isinstance(block, blocks.Many) else block
        if isinstance(activity, blocks.User):
            self.user_tasks.add(name)
        if isinstance(activity, blocks.Sub | blocks.Call):
            self._scope(activity.scope)

    def _boundary(self, boundary: Boundary, parts: Parts, found: dict[str, Parts]) -> None:
        self.others.add(boundary.id)
        if not boundary.interrupting:
            self.besides.add(boundary.id)
        self._block(boundary.handler, parts if boundary.interrupting else ((boundary.id, 0),), found)


def landing(case: Reference, places: Places, address: str, to: str) -> Landed | Refused:
    """Where the token that waits at this address comes down when it is moved to `to`."""
    way = way_to(case.top, address)
    if not isinstance(way[-1], Leaf):
        return Refused("move.not_a_token")
    if to in places.others:
        return Refused("move.bad_target")
    if to not in places.targets:
        return Refused("move.unknown_target")
    for depth in range(len(way) - 1, -1, -1):
        scope = way[depth]
        if not isinstance(scope, ScopeRun) or isinstance(scope, EachRun) or to not in places.of[id(scope.block)]:
            continue
        below = way[depth + 1]
        if any(below is run for run in scope.body):  # not from one of its event subprocesses: those are no part of it
            return _landing_in(scope, way[depth + 1 :], places, address, to)
    return Refused("move.out_of_reach")


def _landing_in(scope: ScopeRun, way: list[Run], places: Places, address: str, to: str) -> Landed | Refused:
    of = places.of[id(scope.block)]
    standing = address.removeprefix(scope.path).split("/")[0].rpartition(":")[0]
    here, there = of[standing], of[to]
    if here[: len(there)] != there:
        return Refused("move.into_parallel")
    if any(opener in places.besides for opener, _ in here[len(there) :]):
        return Refused("move.out_of_handler")
    root = way[0]  # the body, or the handler of a non-interrupting boundary event
    if there and there[-1][0] not in places.besides:
        gateway = next(n for n, run in enumerate(way) if isinstance(run, ParRun) and run.block.id == there[-1][0])
        root = way[gateway + 1]
    return Landed(wait=address, root=root, to=to, scope=scope)


def returning(case: Reference, places: Places, address: str, to: str) -> Landed | Refused:
    """As landing(), for a user task given back to an earlier one of the same activation of its scope."""
    found = landing(case, places, address, to)
    if isinstance(found, Refused):
        return found
    wait = case.waits[address]
    is_earlier = to in places.user_tasks and to != wait.element and found.scope.counts[to] > 0
    return found if is_earlier and wait.kind == "user" else Refused("return.not_earlier")


def way_to(run: Run, address: str) -> list[Run]:
    """The runs from this one down to the one that waits at the address itself."""
    for inner in run.under():
        if any(wait.address == address for wait in inner.open()):
            return [run, *way_to(inner, address)]
    return [run]
