"""Multi-instance activities: one activation of an element, many instances of it, each with a local frame of variables.

The activity's own token stays STARTED. Each instance is a scope inside it: the subprocess or called flow itself, or for a
task a scope the compiler wrapped around it (rewrite.py). Instances are known by the key of their item, not by their place in
the list, and so are their addresses: `vote:1@li` is the instance for item `li`.
"""

from __future__ import annotations

import hashlib
from collections import ChainMap
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from engine.language.expressions import ExpressionFailed
from engine.spiff.process import Many, Node
from engine.spiff.rules.calls import CallRules, evaluated
from engine.spiff.rules.evaluation import incident_of
from engine.spiff.specs import Stopped
from engine.spiff.store import Local, NotJson, Store, json_value
from engine.spiff.tree import Instances, Scope, Token

MOST_INSTANCES = 1_000
LONGEST_KEY = 60


class MultiInstanceRules(CallRules):
    def begin_many(self, token: Token) -> bool | None:
        """Open the first instance, or all of them. True: there is none to open.

        Raises Stopped, ExpressionFailed or NotJson, and has opened nothing then: the activity stands there as an incident.
        """
        items = self.items_of(token)
        token.instances = Instances(items)
        if not items:
            self.collect(token)
            return True
        first = 1 if token.task_spec.node.many.is_sequential else len(items)
        try:
            frames = [self.instance_frame(token, index) for index in range(first)]
        except (ExpressionFailed, NotJson):
            token.instances = None
            raise
        for index, frame in enumerate(frames):
            self.open_instance(token, index, frame)
        return None

    def items_of(self, token: Token) -> list[tuple[str, Any]]:
        """Key and value of every item, in the order of the list."""
        node = token.task_spec.node
        many: Many = node.many
        view = self.view(token)
        if many.cardinality is not None:
            items: Any = many.cardinality.evaluate(view)
            if isinstance(items, bool) or not isinstance(items, int) or items < 0:
                raise Stopped("multi_instance.no_number", "次数应为不小于 0 的整数")
            if items <= MOST_INSTANCES:
                items = list(range(1, items + 1))
        else:
            assert many.collection is not None, "the reader lets none through without both"
            items = many.collection.evaluate(view)
            if not isinstance(items, list):
                raise Stopped("multi_instance.not_a_list", "集合应为列表")
        count = items if isinstance(items, int) else len(items)
        if count > MOST_INSTANCES:
            raise Stopped("multi_instance.too_many", f"最多 {MOST_INSTANCES} 个，现有 {count} 个")
        return list(zip(_keys(many, items, view), map(json_value, items), strict=True))

    def instance_frame(self, token: Token, index: int) -> Store:
        """The variables an instance sees: its item before those around, or what a call gives to its called flow."""
        node: Node = token.task_spec.node
        item = node.many.item if node.many else ""
        local = Local({item: json_value(token.instances.items[index][1])} if item else {}, token.workflow.frame)
        return Store(evaluated(node.inputs, local.view), self.store.settings) if node.called else local

    def open_instance(self, token: Token, index: int, frame: Store) -> None:
        self.spread += 1
        token.instances.opened = index + 1
        self.open_scope(token.task_spec.node.called or token.task_spec.spec, token, frame, index)

    def hand_back(self, scope: Scope, owner: Token) -> bool:
        if owner.instances is None:
            return super().hand_back(scope, owner)
        try:
            owner.instances.results[scope.index] = self.result_of(scope, owner)
        except (ExpressionFailed, NotJson) as error:
            owner.incident = incident_of(error)
            return False
        return True

    def result_of(self, scope: Scope, owner: Token) -> Any:
        """What is collected of an instance that is done: its key and all it wrote, or the one variable asked for."""
        node: Node = owner.task_spec.node
        assert node.many is not None
        if node.called:
            written = evaluated(node.outputs, scope.frame.view)
        else:
            written = {name: value for name, value in scope.frame.variables.items() if name != node.many.item}
        if node.many.output_item:
            return written.get(node.many.output_item)
        return {**written, "key": owner.instances.items[scope.index][0]}

    def after_scope(self, owner: Token) -> bool:
        """True: the activity is done. Else its next instance is open, or it waits for others, or for an operator."""
        if owner.instances is None:
            return True
        try:
            return self.is_enough(owner) or not self.go_on(owner)
        except (ExpressionFailed, NotJson) as error:
            owner.incident = incident_of(error)
            return False

    def is_enough(self, owner: Token) -> bool:
        """Every instance is done, or the completion condition holds; then the others are taken away."""
        many: Many = owner.task_spec.node.many
        done, total = len(owner.instances.results), len(owner.instances.items)
        if done < total:
            results = owner.instances.collected()
            seen = {"done": done, "total": total, "results": results}
            if many.output:
                seen[many.output] = results
            if many.condition is None or not many.condition.evaluate(ChainMap(seen, self.view(owner))):  # type: ignore[arg-type]
                return False
        for scope in list(owner.inner):
            self.cancel_scope(scope)
        owner.inner = []
        owner.incident = None
        owner.wait = None
        self.collect(owner)
        return True

    def go_on(self, owner: Token) -> bool:
        """Open the next of a sequence. False: there is nothing left to wait for."""
        if owner.task_spec.node.many.is_sequential and not owner.inner:
            index = owner.instances.opened
            self.open_instance(owner, index, self.instance_frame(owner, index))
        return True

    def collect(self, owner: Token) -> None:
        many: Many = owner.task_spec.node.many
        if many.output:
            self.give(owner, {many.output: owner.instances.collected()})

    def retry_inside(self, owner: Token, variables: Mapping[str, Any]) -> None:
        """Retry of an activity whose scope, or an instance of it, was done and could not be left."""
        stuck = [scope for scope in owner.inner if self.is_done(scope)]
        for scope in stuck:
            scope.frame.write(variables)
            self.close_if_done(scope)
        if not stuck:
            self.write(owner, variables)
            self.leave_if_done(owner)


def _keys(many: Many, items: list[Any], view: Mapping[str, Any]) -> list[str]:
    """A key for every item, each once. Raises ExpressionFailed, or Stopped for one that is neither text nor number."""
    keys: list[str] = []
    seen: dict[str, int] = {}
    for number, item in enumerate(items, 1):
        if many.item_key is not None:
            value = many.item_key.evaluate(ChainMap({many.item: item}, view) if many.item else view)  # type: ignore[arg-type]
        elif isinstance(item, dict):
            value = next((item[name] for name in ("key", "id") if isinstance(item.get(name), str | int)), number)
        else:
            value = item if isinstance(item, str | int) and item != "" else number
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise Stopped("multi_instance.bad_key", "项目的键应为文本或整数")
        key = _spelled(str(value))
        seen[key] = seen.get(key, 0) + 1
        keys.append(key if seen[key] == 1 else f"{key}~{seen[key]}")
    return keys


def _spelled(key: str) -> str:
    """A key as it may stand in an address: nothing of `/`, `:`, `@` and `~`, and not long."""
    spelled = quote(key, safe="").replace("~", "%7E")
    return spelled if len(spelled) <= LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()[:32]
