"""Scopes: how a process, a subprocess or a called flow opens, is done and is taken away."""

from __future__ import annotations

from typing import cast

from SpiffWorkflow.util.task import TaskState

from engine.spiff.rules.state import CANCELLED, COMPLETED, ENTERED, CaseState
from engine.spiff.store import Store
from engine.spiff.tree import NO_INSTANCE, Scope, ScopeHost, Token


class ScopeRules(CaseState):
    """A scope is done when nothing lives in it; what is taken away takes its scopes along."""

    def open_scope(self, name: str, owner: Token | None, frame: Store | None = None, index: int = NO_INSTANCE) -> None:
        """frame: the variables seen inside, where they are not those around the owner. index: of a multi-instance owner."""
        if owner is not None:
            self.note(owner, ENTERED)
            frame = frame or owner.workflow.frame
        scope = Scope(cast(ScopeHost, self), name, owner, self.path_inside(owner, index), frame or self.store, index)
        if owner is not None:
            owner.inner.append(scope)
        self.scopes.append(scope)
        Token(scope, scope.spec.start)._ready()

    def path_inside(self, owner: Token | None, index: int = NO_INSTANCE) -> str:
        """Prefix of the addresses in this token's scope; what the compiler added leaves no trace in it."""
        if owner is None:
            return ""
        if owner.task_spec.node is None:
            return str(owner.workflow.path)
        key = "" if index == NO_INSTANCE else f"@{owner.instances.items[index][0]}"
        return f"{self.address_of(owner)}{key}/"

    def is_done(self, scope: Scope) -> bool:
        """A scope is done when no live token is in it."""
        return not any(token._state < TaskState.COMPLETED for token in scope.tasks.values())

    def close_if_done(self, scope: Scope) -> None:
        if scope not in self.scopes or not self.is_done(scope):
            return
        owner = scope.owner
        if owner is not None and not self.hand_back(scope, owner):
            return
        self.scopes.remove(scope)
        if owner is not None:
            self.keep(scope, owner)
            owner.inner.remove(scope)
            self.leave_if_done(owner)

    def leave_if_done(self, owner: Token) -> None:
        """The activity of a scope that was left goes on."""
        if self.after_scope(owner):
            owner.complete()
            self.remember(owner)
            self.note(owner, COMPLETED)
            self.close_if_done(owner.workflow)

    def keep(self, scope: Scope, owner: Token) -> None:
        """A scope of this activity is done (compensation.py)."""

    def remember(self, token: Token) -> None:
        """An activity is completed (compensation.py)."""

    def hand_back(self, scope: Scope, owner: Token) -> bool:
        """What a scope that is done gives to its owner. False: that failed, the owner stands in an incident."""
        return True

    def after_scope(self, owner: Token) -> bool:
        """True: nothing else is to run in this activity."""
        return True

    def cancelled(self, token: Token) -> None:
        """A token was taken away: its scope goes with it, innermost first."""
        for inner in list(token.inner):
            self.cancel_scope(inner)
        token.inner = []
        self.note(token, CANCELLED)

    def terminate(self, token: Token) -> None:
        """End the scope this token stands in at once: all else in it is taken away, what the compiler put around it too."""
        kept, scope = token, token.workflow
        while True:
            for other in list(scope.tasks.values()):
                if other is not kept:
                    other.cancel()
            if scope.owner is None or scope.owner.task_spec.node is not None:
                return
            kept, scope = scope.owner, scope.owner.workflow

    def cancel_scope(self, scope: Scope) -> None:
        for token in list(scope.tasks.values()):
            token.cancel()
        if scope in self.scopes:
            self.scopes.remove(scope)
