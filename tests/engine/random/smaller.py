"""Trees with one thing less than another: what a failing process is made smaller by.

Kept is what the generator keeps out (its docstring says why): a smaller tree that breaks one of those rules would fail for a
reason of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from tests.engine.random import blocks
from tests.engine.random.blocks import Block, Boundary, Scope, Tree
from tests.engine.random.insides import inner_blocks

_DETAILS: dict[type, tuple[dict[str, Any], ...]] = {
    blocks.Scope: ({"outcome": ""},),
    blocks.Many: ({"enough": None}, {"output": "", "output_item": ""}),
    blocks.User: ({"due": None}, {"lane": ""}),
    blocks.Timer: ({"pauses": ()},),
    blocks.Job: ({"parameters": ()},),
    blocks.Call: ({"outputs": ()},),
}


def smaller_trees(tree: Tree) -> Iterator[Tree]:
    for scope in smaller(tree.scope):
        made = replace(tree, scope=scope)
        if is_sound(made):
            yield made


def smaller(part: Any) -> Iterator[Any]:
    """The part with one thing less in it, the biggest things first."""
    if isinstance(part, tuple):
        for place, item in enumerate(part):
            for less in smaller(item):
                yield (*part[:place], less, *part[place + 1 :])
    elif is_dataclass(part):
        yield from _less(part)
        for field in fields(part):
            for less in smaller(getattr(part, field.name)):
                yield replace(part, **{field.name: less})


def _less(part: Any) -> Iterator[Any]:
    match part:
        case blocks.Seq():
            for place, block in enumerate(part.blocks):
                yield blocks.Seq((*part.blocks[:place], *part.blocks[place + 1 :]))
                for instead in _instead_of(block):
                    yield blocks.Seq((*part.blocks[:place], *instead, *part.blocks[place + 1 :]))
        case blocks.Xor() | blocks.Or() | blocks.Par() | blocks.Race():
            for branches in _without_one(part.branches) if len(part.branches) > 1 else ():
                yield replace(part, branches=branches)
        case blocks.Scope():
            for handlers in _without_one(part.handlers):
                yield replace(part, handlers=handlers)
    for nothing in _DETAILS.get(type(part), ()):
        yield from _without(part, **nothing)
    for boundaries in _without_one(getattr(part, "boundaries", ())):
        yield replace(part, boundaries=boundaries)


def _without(part: Any, **nothing: Any) -> Iterator[Any]:
    less = replace(part, **nothing)
    if less != part:
        yield less


def _without_one(items: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for place in range(len(items)):
        yield (*items[:place], *items[place + 1 :])


def _instead_of(block: Block) -> Iterator[tuple[Block, ...]]:
    """What may stand in a block's place: one of its ways, what it holds, what follows one of its events."""
    yield from ((boundary.handler,) for boundary in getattr(block, "boundaries", ()))
    match block:
        case blocks.Sub() | blocks.Call():
            yield (block.scope.body,)
        case blocks.Many(inner=blocks.Sub() | blocks.Call()):
            yield (block.inner.scope.body,)
        case blocks.Many():
            yield (block.inner,)
        case blocks.Race():
            yield from block.branches
        case blocks.Seq():
            yield block.blocks
        case _:
            yield from ((inner,) for inner in inner_blocks(block))


@dataclass(frozen=True)
class _Place:
    """is_alone: nothing runs beside. may_end, may_fail, may_fork: a plain end, an error, a gateway that forks may stand here."""

    is_alone: bool = True
    may_end: bool = True
    may_fail: bool = True
    may_fork: bool = True


def is_sound(tree: Tree) -> bool:
    return _sound_scope(tree.scope, _Place())


def _sound_scope(scope: Scope, place: _Place) -> bool:
    inside = replace(place, may_end=True, may_fail=True, may_fork=True)
    return _sound(scope.body, inside) and all(
        _sound_scope(handler.scope, inside)
        and _waits_if_raised(handler.event, handler.interrupting, handler.scope.body)
        for handler in scope.handlers
    )


def _sound(block: Block, place: _Place, *, after_a_person: bool = False) -> bool:
    if not all(_sound_handler(boundary, place) for boundary in getattr(block, "boundaries", ())):
        return False
    match block:
        case blocks.Seq():
            before = (None, *block.blocks)
            return all(
                _sound(inner, place, after_a_person=isinstance(last, blocks.User))
                for last, inner in zip(before, block.blocks, strict=False)
            )
        case blocks.End():
            throws = block.error or block.escalation or block.terminates
            in_time = place.is_alone or after_a_person
            return (place.may_fail or not block.error) and (in_time if throws else place.may_end)
        case blocks.Send():
            return place.may_end or block.kind != "endEvent"
        case blocks.Escalate():
            return place.is_alone or after_a_person
        case blocks.Xor():
            return all(_sound(way, place, after_a_person=after_a_person) for way in inner_blocks(block))
        case blocks.Par() | blocks.Or():
            may_fail = place.may_fail and isinstance(block, blocks.Par)
            inside = replace(place, is_alone=False, may_end=False, may_fail=may_fail)
            ways = inner_blocks(block)
            return place.may_fork and all(_is_something(way) and _sound(way, inside) for way in ways)
        case blocks.Loop():
            return _ends_with_a_person(block.body) and _sound(block.body, place)
        case blocks.Sub() | blocks.Call():
            return _sound_scope(block.scope, place)
        case blocks.Many():
            return _sound_instances(block.inner, replace(place, is_alone=False))
        case _:
            return all(_sound(inner, place) for inner in inner_blocks(block))


def _sound_instances(inner: Block, place: _Place) -> bool:
    if isinstance(inner, blocks.Sub | blocks.Call):
        return _begins_with_a_person(inner.scope.body) and not inner.scope.handlers and _sound_scope(inner.scope, place)
    return True


def _sound_handler(boundary: Boundary, place: _Place) -> bool:
    inside = place if boundary.interrupting else _Place(may_fork=False)
    return _sound(boundary.handler, inside) and _waits_if_raised(
        boundary.event, boundary.interrupting, boundary.handler
    )


def _waits_if_raised(event: Any, interrupting: bool, handler: Block) -> bool:
    return interrupting or not isinstance(event, blocks.Escalation) or _begins_with_a_person(handler)


def _is_something(block: Block) -> bool:
    return not isinstance(block, blocks.Seq) or any(map(_is_something, block.blocks))


def _begins_with_a_person(block: Block) -> bool:
    return isinstance(block, blocks.User) or (
        isinstance(block, blocks.Seq) and bool(block.blocks) and _begins_with_a_person(block.blocks[0])
    )


def _ends_with_a_person(block: Block) -> bool:
    return isinstance(block, blocks.Seq) and bool(block.blocks) and isinstance(block.blocks[-1], blocks.User)
