"""What is remembered of completed activities, in the ledger of the scope they stood in (ledger.py), for their compensation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.spiff.ledger import AROUND, LOCAL, OWN, Completed, Part
from engine.spiff.rules.throwing import ThrowRules
from engine.spiff.store import json_value
from engine.spiff.tree import NO_INSTANCE, Scope, Token


class LedgerRules(ThrowRules):
    def write(self, token: Token, values: Mapping[str, Any]) -> None:
        super().write(token, values)
        if self.process.undoing.kept:
            self.trace(token.workflow, values)

    def trace(self, scope: Scope, names: Iterable[str]) -> None:
        """Remember in the subprocesses around what was written in them, by a handler that ran in them as well."""
        while scope.owner is not None and scope.frame.home is scope.owner.workflow.frame.home:
            if self.is_kept(scope.owner):
                scope.wrote.update(names)
            scope = scope.owner.workflow

    def is_kept(self, token: Token) -> bool:
        """Some throw event may ask for this activity once it is completed."""
        node = token.task_spec.node
        return node is not None and node.id in self.process.undoing.kept and not token.task_spec.is_each

    def ledger_scope(self, scope: Scope) -> Scope:
        """Whose ledger takes what completes here: an event subprocess, and what the compiler added, have none of their own."""
        while scope.owner is not None:
            node = scope.owner.task_spec.node
            if node is not None and node.kind != "eventSubProcess":
                break
            scope = scope.owner.workflow
        return scope

    def keep(self, scope: Scope, owner: Token) -> None:
        """A scope inside an activity is done: what it wrote, and what was completed in it and not undone."""
        if not self.is_kept(owner):
            return
        node, view = owner.task_spec.node, scope.frame.view
        wrote = {name: json_value(view[name]) for name in sorted(scope.wrote) if name in view}
        if node.kind == "subProcess" and node.many is None:
            owner.given = wrote
        if not scope.ledger or node.id in self.process.undoing.handlers:
            return
        if node.called:
            owner.parts.append(Part(OWN, scope.frame.variables, scope.ledger))
        elif scope.index != NO_INSTANCE:
            owner.parts.append(Part(LOCAL, scope.frame.variables, scope.ledger))
        else:
            owner.parts.append(Part(AROUND, wrote, scope.ledger))

    def remember(self, token: Token) -> None:
        """An activity is completed."""
        given, parts = dict(token.given or {}), token.parts
        token.given, token.parts = None, []
        if not self.is_kept(token) or (token.task_spec.node.id not in self.process.undoing.handlers and not parts):
            return
        given.pop("settings", None)  # no variable's name
        entry = Completed(
            token.task_spec.node.id, self.address_of(token), self.at.isoformat(), json_value(given), parts
        )
        self.ledger_scope(token.workflow).ledger.append(entry)
