"""The snapshot: a case's state as bytes, compact, with every value's type kept.

JSON (orjson): `[version, at, variables, settings, outcome, scopes]`, and true for a suspended case. A scope is `[name, owner's
scope, owner's token, counters, tokens]`, and the variables of its frame where that is its own, its place among the
instances of its owner, and what compensation needs: the names written in it and its ledger. The scope of a compensation
handler has no frame here: the ledger gives it. A token is `[spec, state, parent, ordinal, flags, what of its wait is stored,
its instances]`, the last two where there are any. Tokens are counted from 0 in their scope, -1 for none. Where a value is
beyond orjson (an integer over 64 bits, half a surrogate pair) Python's own json writes it, marked by a first byte. A snapshot
is a cache: the journal can always give it again.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import orjson

from engine.errors import Conflict
from engine.spiff.ledger import ledger_of, parts_of, plain, plain_parts
from engine.spiff.process import UNDO, Process
from engine.spiff.rules.host import Host
from engine.spiff.rules.standing import restored, stored
from engine.spiff.store import Local, Store
from engine.spiff.tree import NO_INSTANCE, Instances, Scope, Token

VERSION = 2
WITH_LEDGER = 3  # what a release that knows no compensation must not load
WITH_CLOCKS = 4  # nor one that knows no clocks that stand still
_READABLE = (1, VERSION, WITH_LEDGER, WITH_CLOCKS)  # 1 knows no frames
_PLAIN = b"j"  # orjson's output begins with "["

_ENTERED, _INCIDENT, _WAITS, _INSTANCES = 1, 2, 4, 8


def dump(host: Host) -> bytes:
    places = {id(scope): number for number, scope in enumerate(host.scopes)}
    numbers: list[dict[int | None, int]] = [
        {token_id: number for number, token_id in enumerate(scope.tasks)} for scope in host.scopes
    ]
    scopes = []
    for scope, own in zip(host.scopes, numbers, strict=True):
        owner = scope.owner
        outer = -1 if owner is None else places[id(owner.workflow)]
        place = -1 if owner is None else numbers[outer][owner.id]
        tokens = [_token(token, own.get(token._parent, -1)) for token in scope.tasks.values()]
        scopes.append([scope.name, outer, place, scope.counters, tokens, *_own(scope)])
    store = host.store
    state = [_version(host.process), host.at.isoformat(), store.variables, store.settings, host.outcome, scopes]
    return to_bytes([*state, True] if host.is_suspended else state)


def _version(process: Process) -> int:
    """The oldest format whose readers understand every snapshot of this process."""
    if process.has_clocks:
        return WITH_CLOCKS
    return WITH_LEDGER if process.undoing.kept else VERSION


def _own(scope: Scope) -> list[Any]:
    """What not every scope has: [variables, place among the instances, [names written, ledger]], cut after the last there is."""
    owner, variables = scope.owner, None
    if owner is not None and scope.frame is not owner.workflow.frame and not scope.is_undoing:
        variables = scope.frame.variables
    if scope.wrote or scope.ledger:
        return [variables, scope.index, [sorted(scope.wrote), plain(scope.ledger)]]
    if scope.index != NO_INSTANCE:
        return [variables, scope.index]
    return [] if variables is None else [variables]


def _token(token: Token, parent: int) -> list[Any]:
    wait = token.wait
    flags = token.is_entered * _ENTERED | (token.incident is not None) * _INCIDENT | (wait is not None) * _WAITS
    instances = token.instances if token.is_live else None
    flags |= (instances is not None) * _INSTANCES
    kept = [token.task_spec.name, token._state, parent, token.ordinal, flags]
    if wait is not None:
        kept.append(stored(wait))
    if instances is not None:
        parts = [plain_parts(token.parts)] if token.parts else []
        kept.append([instances.items, list(instances.results.items()), instances.opened, *parts])
    return kept


def load(host_class: type[Host], process: Process, snapshot: bytes) -> Host:
    """Raises Conflict("case.newer_release") for a later release's format, ValueError for one that never was, KeyError for a
    snapshot of another process.
    """
    version, *state = from_bytes(snapshot)
    if isinstance(version, int) and version > max(_READABLE):
        raise Conflict("case.newer_release", version=version)
    if version not in _READABLE:
        raise ValueError(f"snapshot version {version}, expected one of {_READABLE}")
    at, variables, settings, outcome, scopes, *suspended = state
    host = host_class(process, Store(variables, settings), datetime.fromisoformat(at))
    host.outcome = outcome
    host.is_suspended = bool(suspended)
    opened: list[list[Token]] = []
    for name, outer, place, counters, tokens, *own in scopes:
        owner = opened[outer][place] if outer >= 0 else None
        scope = _scope(host, name, owner, own)
        scope.counters = counters
        host.scopes.append(scope)
        specs = scope.spec.task_specs
        made: list[Token] = []
        for kept in tokens:
            made.append(_restore(host, scope, specs[kept[0]], made[kept[2]] if kept[2] >= 0 else None, kept))
        opened.append(made)
        if owner is not None:
            owner.inner.append(scope)
    return host


def _scope(host: Host, name: str, owner: Token | None, own: list[Any]) -> Scope:
    if owner is not None and name.startswith(UNDO):
        return host.handler_scope(owner, name)
    index = own[1] if len(own) > 1 else NO_INSTANCE
    frame = _frame(host, owner, own[0] if own else None, index)
    scope = Scope(host, name, owner, host.path_inside(owner, index), frame, index)
    if len(own) > 2:
        scope.wrote, scope.ledger = set(own[2][0]), ledger_of(own[2][1])
    return scope


def _frame(host: Host, owner: Token | None, variables: dict[str, Any] | None, index: int) -> Store:
    around: Store = owner.workflow.frame if owner is not None else host.store
    if owner is None or variables is None:
        return around
    is_local = index != NO_INSTANCE and not owner.task_spec.node.called
    return Local(variables, around) if is_local else Store(variables, host.store.settings)


def _restore(host: Host, scope: Scope, spec: Any, parent: Token | None, kept: list[Any]) -> Token:
    flags = kept[4]
    token = Token(scope, spec, parent, kept[1])
    token.ordinal = kept[3]
    token.is_entered = bool(flags & _ENTERED)
    if flags & _WAITS:
        is_incident = bool(flags & _INCIDENT)
        if is_incident:
            token.incident = (kept[5][0], kept[5][1])
        token.wait = restored(spec.node, host.address_of(token), is_incident, kept[5])
    if flags & _INSTANCES:
        items, results, opened, *parts = kept[-1]
        token.parts = parts_of(parts[0]) if parts else []
        token.instances = Instances([(key, item) for key, item in items], dict(results), opened)
    return token


def canonical(host: Host) -> bytes:
    """What makes two states equal: variables, waits, counters, live tokens, ledgers. No ids, no history, no order of tokens."""
    counters: dict[str, dict[str, int]] = {}
    frames = {}
    instances = {}
    ledgers = {}
    tokens = []
    for scope in host.scopes:
        counters.setdefault(scope.path, {}).update(scope.counters)
        if scope.frame is not host.store:
            # a call activity that is a compensation handler opens a second scope of this path, with a frame of its own
            frames[scope.path + (scope.name if scope.is_undoing else "")] = scope.frame.variables
        if scope.wrote or scope.ledger:
            ledgers[scope.path] = [sorted(scope.wrote), plain(scope.ledger)]
        for token in scope.tasks.values():
            if token.is_live:
                came_by = token.parent.task_spec.name if token.parent is not None else ""
                tokens.append([scope.path, scope.name, token.task_spec.name, token._state, token.ordinal, came_by])
                if token.instances is not None:
                    kept = [token.instances.items, token.instances.collected(), *plain_parts(token.parts)]
                    instances[host.address_of(token)] = kept
    waits = {address: [type(wait).__name__, stored(wait)] for address, (_, wait) in host.waits().items()}
    state = {
        "at": host.at.isoformat(),
        "variables": host.store.variables,
        "frames": frames,
        "instances": instances,
        "ledgers": ledgers,
        "settings": host.store.settings,
        "outcome": host.outcome,
        "suspended": host.is_suspended,
        "waits": waits,
        "counters": counters,
        "tokens": sorted(tokens),
    }
    return to_bytes(state, sort_keys=True)


def to_bytes(value: Any, *, sort_keys: bool = False) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS if sort_keys else None)
    except TypeError:
        return _PLAIN + json.dumps(value, sort_keys=sort_keys, separators=(",", ":"), allow_nan=False).encode()


def from_bytes(content: bytes) -> Any:
    return json.loads(content[1:]) if content.startswith(_PLAIN) else orjson.loads(content)
