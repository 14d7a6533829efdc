"""Call activities: the called flow runs as a scope of the caller's case, with a frame of variables of its own.

It sees what the call gives it (`in.<name>`), the flow's settings and what it writes; when nothing lives in it any more, the
caller takes what `out.<name>` says, evaluated on the called flow's variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.language.expressions import ExpressionFailed
from engine.spiff.process import Expressions
from engine.spiff.rules.evaluation import incident_of
from engine.spiff.rules.scopes import ScopeRules
from engine.spiff.store import NotJson, Store, json_value
from engine.spiff.tree import Scope, Token


class CallRules(ScopeRules):
    def call(self, token: Token) -> None:
        """Open the called flow. Raises ExpressionFailed or NotJson: then the call stands there as an incident."""
        node = token.task_spec.node
        given = evaluated(node.inputs, self.view(token))
        self.open_scope(node.called, token, Store(given, self.store.settings))

    def hand_back(self, scope: Scope, owner: Token) -> bool:
        node = owner.task_spec.node
        if node is None or not node.outputs:
            return True
        try:
            self.give(owner, evaluated(node.outputs, scope.frame.view))
        except (ExpressionFailed, NotJson) as error:
            owner.incident = incident_of(error)
            return False
        return True


def evaluated(expressions: Expressions, view: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ExpressionFailed, or NotJson for a value that is none."""
    return {name: json_value(expression.evaluate(view)) for name, expression in expressions}
