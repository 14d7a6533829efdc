"""Compensation: undoing completed activities, the last one first, each by its handler (docs/elements.md, docs/adr/0017).

A throw event claims what its scope's ledger holds and stays STARTED. Each handler runs as a scope inside it, the next one
begins when that is done. The ledger itself says how far that is: the last claimed completion, in a subprocess the last one
inside, is the one whose handler runs. What begins is not begun again, whatever becomes of it.
"""

from __future__ import annotations

from datetime import datetime

from engine.spiff.ledger import LOCAL, OWN, Completed
from engine.spiff.process import UNDO
from engine.spiff.rules.remembering import LedgerRules
from engine.spiff.rules.state import COMPENSATED, ENTERED, ActivityEvent
from engine.spiff.store import Local, Recalled, Store
from engine.spiff.tree import Scope, Token


class CompensationRules(LedgerRules):
    def compensate(self, token: Token) -> bool | None:
        """A throw or end event. True: nothing is left to undo; None: handlers run."""
        activity, claimed_by = token.task_spec.node.activity, self.address_of(token)
        for entry in self.ledger_scope(token.workflow).ledger:
            if not entry.claimed and activity in ("", entry.element):
                entry.claimed = claimed_by
        if self.undo_next(token):
            return None
        self.reach(token)
        return True

    def undo_next(self, token: Token) -> bool:
        """Begin the handler of the last completion this event has claimed. False: there is none left."""
        claimed = self.claimed_last(token)
        if not claimed:
            return False
        self.note(token, ENTERED)
        self.spread += 1
        handler = self.process.undoing.handlers[claimed[-1].element]
        scope = self.handler_scope(token, UNDO + handler)
        token.inner.append(scope)
        self.scopes.append(scope)
        Token(scope, scope.spec.start)._ready()
        return True

    def claimed_last(self, token: Token) -> list[Completed]:
        """The last claimed completion; where it is undone by its parts, what is last in those, down to one with a handler."""
        claimed_by, ledger = self.address_of(token), self.ledger_scope(token.workflow).ledger
        found = next((entry for entry in reversed(ledger) if entry.claimed == claimed_by), None)
        path = [found] if found is not None else []
        while path and path[-1].parts:
            path.append(path[-1].parts[-1].ledger[-1])
        return path

    def handler_scope(self, token: Token, name: str) -> Scope:
        """The scope of the handler that this event's last claim asks for, where the completed activity stood.

        A handler's activation has the ordinal of the completion it undoes: `undo:3` undoes `book:3`.
        """
        *whole, entry = self.claimed_last(token)
        frame: Store = token.workflow.frame
        for outer in whole:
            part = outer.parts[-1]
            if part.frame == OWN:
                frame = Store(part.variables, self.store.settings)
            else:
                frame = (Local if part.frame == LOCAL else Recalled)(part.variables, frame)
        place, _, ordinal = entry.address.rpartition(":")
        path = f"{place.removesuffix(entry.element)}{name.removeprefix(UNDO)}:{ordinal}/"
        return Scope(self, name, token, path, Recalled(entry.given, frame))  # type: ignore[arg-type]  # the Host

    def after_scope(self, owner: Token) -> bool:
        if not owner.task_spec.is_undoing:
            return super().after_scope(owner)
        self.strike(owner, is_undone=True)
        if self.undo_next(owner):
            return False
        self.reach(owner)
        return True

    def strike(self, token: Token, *, is_undone: bool) -> None:
        """Take the completion whose handler ran out of the ledger, and what has nothing left to undo with it."""
        *whole, entry = self.claimed_last(token)
        if is_undone:
            self.tell_undone(entry)
        for outer in reversed(whole):
            part = outer.parts[-1]
            part.ledger.pop()
            if not part.ledger:
                outer.parts.pop()
            if outer.parts:
                return
            if is_undone:
                self.tell_undone(outer)
        ledger = self.ledger_scope(token.workflow).ledger
        ledger.remove(whole[0] if whole else entry)

    def tell_undone(self, entry: Completed) -> None:
        kind = self.process.elements[entry.element].kind
        at = datetime.fromisoformat(entry.at)
        self.events.append(ActivityEvent(entry.address, entry.element, kind, COMPENSATED, at))

    def cancelled(self, token: Token) -> None:
        """A throw event that is taken away lets go of what it has not begun to undo."""
        is_running = token.task_spec.is_undoing and bool(token.inner)
        super().cancelled(token)
        if is_running:
            self.strike(token, is_undone=False)
            claimed_by = self.address_of(token)
            for entry in self.ledger_scope(token.workflow).ledger:
                if entry.claimed == claimed_by:
                    entry.claimed = ""
