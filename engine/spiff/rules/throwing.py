"""What a token throws: errors and escalations walk outward, messages and signals go out with what was applied."""

from __future__ import annotations

from SpiffWorkflow.util.task import TaskState

from engine.flow.vocabulary import ERROR, ESCALATION, MESSAGE, SIGNAL, TERMINATE
from engine.spiff.rules.calls import evaluated
from engine.spiff.rules.events import EventRules
from engine.spiff.rules.standing import correlation_text
from engine.spiff.rules.state import COMPLETED, FAILED, SentMessage
from engine.spiff.specs import Stopped, boundary_events_of
from engine.spiff.tree import Token


class ThrowRules(EventRules):
    # --- errors

    def throw(self, token: Token, code: str, message: str) -> bool:
        """Give the error to the nearest catcher, from the token's own boundary events outward. False: nobody catches it."""
        standing: Token | None = token
        failed = []
        while standing is not None:
            if standing is token or standing.task_spec.node is not None:
                failed.append(standing)
            catcher = self.catcher_at(standing, code)
            if catcher is not None:
                for left in failed:
                    self.note(left, COMPLETED if left is token and self._is_end(left) else FAILED)
                self.fire(catcher, {"code": code, "message": message})
                return True
            standing = standing.workflow.owner
        return False

    @staticmethod
    def _is_end(token: Token) -> bool:
        return bool(token.task_spec.node.kind == "endEvent")

    def escalate(self, token: Token) -> bool:
        """Give an escalation to the nearest catcher around its scope. False: that interrupted the scope, the thrower is gone."""
        code = token.task_spec.node.error_code
        catcher = self._escalation_catcher(token, code)
        if catcher is None:
            return True
        is_interrupting = bool(catcher.task_spec.cancel_activity)
        if is_interrupting:
            self.note(token, COMPLETED)
        self.fire(catcher, {"code": code})
        return not is_interrupting

    def _escalation_catcher(self, token: Token, code: str) -> Token | None:
        """The event subprocesses of one scope are asked together: the compiler put those that do not interrupt further inside."""
        catches_all = None
        standing = token.workflow.owner
        while standing is not None:
            is_drawn = standing.task_spec.node is not None
            if is_drawn and catches_all is not None:
                break
            catcher = self.catcher_at(standing, code, ESCALATION)
            if catcher is not None and (is_drawn or catcher.task_spec.node.error_code):
                return catcher
            catches_all = catches_all or catcher
            standing = standing.workflow.owner
        return catches_all

    def catcher_at(self, token: Token, code: str, trigger: str = ERROR) -> Token | None:
        """The waiting error boundary event of this one activity: one with the code, else one that catches all."""
        catches_all = None
        for event in boundary_events_of(token):
            node = event.task_spec.node
            if node.trigger != trigger or event._state != TaskState.WAITING:
                continue
            if node.error_code == code:
                return event
            if not node.error_code and catches_all is None:
                catches_all = event
        return catches_all

    # --- what goes out

    def send(self, token: Token) -> None:
        """A message leaves the case. Raises ExpressionFailed or NotJson: then the thrower stands there as an incident."""
        node = token.task_spec.node
        view = self.view(token)
        correlation = correlation_text(node.correlation.evaluate(view)) if node.correlation else ""
        payload = evaluated(node.payload, view)
        self.sent.append(SentMessage(node.trigger, node.message, correlation, payload))

    def throw_on(self, token: Token) -> bool | None:
        """An intermediate throw event or send task. None: its scope is gone."""
        if token.task_spec.node.trigger == ESCALATION:
            return True if self.escalate(token) else None
        self.send(token)
        return True

    def end(self, token: Token) -> bool | None:
        """An end event: what it throws, its outcome. True: the token is consumed here; None: its scope is gone."""
        node = token.task_spec.node
        if node is None:
            return True
        if node.trigger == ERROR:
            if not self.throw(token, node.error_code, ""):
                raise Stopped("error.not_caught", node.error_code)
            return None
        if node.trigger in (MESSAGE, SIGNAL):
            self.send(token)
        if node.trigger == ESCALATION and not self.escalate(token):
            return None
        self.reach(token)
        if node.trigger == TERMINATE:
            self.terminate(token)
        return True

    def reach(self, token: Token) -> None:
        """The outcome of an end event becomes the case's; other elements have none."""
        node = token.task_spec.node
        if node.outcome and node.is_outcome:
            self.outcome = node.outcome
