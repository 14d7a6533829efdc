"""Making a scenario of a case: its journal, with a stand-in for every text that could be somebody's.

What the diagram, the tables and the forms themselves say (choices, codes, constants) stays, for the way depends on it; all
else that is text is replaced, the same text by the same stand-in. The result is run before it is given out: a scenario that
takes another way than the case did is refused, never bent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from engine.deployment.deploy import Definition, find_definition
from engine.errors import Conflict
from engine.flow.flow import Flow
from engine.forms.form import load_form
from engine.inputs import CaseMigrated, Input, Started
from engine.machine import Process, compile_process
from engine.model.definition import DefinitionId
from engine.queries.activities import activity_views
from engine.replay.input_record import as_recorded
from engine.replay.rebuild import case_row, read_inputs, walked
from engine.replay.rerun import standing_at
from engine.replay.scenarios.playing import Scenario, run_scenario
from storage import vault

Json = Any  # a JSON value

WEEK_OF_SCENARIOS = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday without holidays near it

_CODE = re.compile(r"[a-z0-9]+(?:[_.][a-z0-9]+)+")
_QUOTED = re.compile(r"\"([^\"\n]{1,80})\"|'([^'\n]{1,80})'|&quot;([^&\n]{1,80})&quot;")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
_ID = re.compile(r"[0-9a-z]{26}")
# Names of the engine's and the diagram's own, and accounts, which have their own stand-ins.
_OWN = frozenset({"at", "computed", "settings", "wait", "message", "code", "to", "place", "start"})


def record_scenario(session: Session, case_id: str, flow: Flow, title: str) -> Scenario:
    """The case as a scenario of `flow` (the files as they are now, whatever version the case ran on).

    Raises NotFound("case.unknown"), Conflict("case.erased" | "scenario.other_flow" | "scenario.migrated" |
    "scenario.path_differs").
    """
    row = case_row(session, case_id)
    definition = find_definition(session, DefinitionId(row.definition_id))
    if definition.flow_key != flow.key:
        raise Conflict("scenario.other_flow", flow=flow.key, found=definition.flow_key)
    try:
        inputs = read_inputs(session, case_id)
    except vault.KeyDestroyed as gone:
        raise Conflict("case.erased", case=case_id) from gone
    if any(isinstance(given, CaseMigrated) for given in inputs):
        raise Conflict("scenario.migrated", case=case_id)  # its first half ran on files that are not these
    course = walked(session, row.definition_id, inputs).course
    machine = course.machine
    path = tuple(view.element for view in activity_views(definition.process, (e for _, e in course.activities)))
    standing = () if machine.is_ended else standing_at(machine)
    recorded = Scenario(
        title=title,
        outcome=machine.outcome or "" if machine.is_ended else "",
        standing=standing,
        path=path,
        settings=_other_settings(definition, flow),
        inputs=tuple(given for _, given in as_recorded(inputs, {})),
    )
    return anonymised(recorded, flow, compile_process(flow.bpmn, flow.decisions, flow.called))


def anonymised(recorded: Scenario, flow: Flow, process: Process) -> Scenario:
    """With stand-ins, moved to one and the same week where the calendar allows. Raises Conflict("scenario.path_differs")."""
    constants = constants_of(flow)
    began = recorded.inputs[0].at
    monday = (began - timedelta(days=began.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    problem = ""
    for later in (WEEK_OF_SCENARIOS - monday, timedelta()):
        stand_ins = StandIns(constants, later)
        scenario = replace(recorded, inputs=tuple(stand_ins.of_input(given) for given in recorded.inputs))
        problem = run_scenario(flow, process, scenario).problem
        if not problem:
            return scenario
    raise Conflict("scenario.path_differs", problem=problem)


class StandIns:
    """Text → stand-in, the same for the same text."""

    def __init__(self, constants: frozenset[str], later: timedelta = timedelta()) -> None:
        """constants: texts that stay. later: what every instant is moved by, those among the values as well."""
        self._constants = constants
        self._later = later
        self._given: dict[str, str] = {}
        self._accounts: dict[str, str] = {}

    def of_input(self, given: Input) -> Input:
        changed: dict[str, Json] = {"at": given.at + self._later, "computed": {}}
        for each in fields(given):
            value = getattr(given, each.name)
            if each.name == "by":
                changed["by"] = self._accounts.setdefault(value, f"person-{len(self._accounts) + 1}") if value else ""
            elif each.name == "message" and not hasattr(given, "payload"):
                changed["message"] = self.of(value)  # a sentence, not a message's name
            elif each.name not in _OWN:
                changed[each.name] = self.of(value)
        if isinstance(given, Started):
            changed["settings"] = {}
        return replace(given, **changed)

    def of(self, value: Json) -> Json:
        if isinstance(value, Mapping):
            return {key: self.of(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.of(inner) for inner in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        if not text or text in self._constants or _CODE.fullmatch(text):
            return text
        if _INSTANT.fullmatch(text):
            return (datetime.fromisoformat(text) + self._later).isoformat()
        if _DATE.fullmatch(text):
            return "2030-01-01"
        word = "文件" if _ID.fullmatch(text) else "文字"
        return self._given.setdefault(text, f"{word}{len(self._given) + 1}")


def constants_of(flow: Flow) -> frozenset[str]:
    """Texts the flow's own files compare with or offer: what is quoted in diagrams, tables and flow.toml, choices of forms."""
    found: set[str] = set()
    for path, content in flow.files.items():
        if not path.startswith("forms/"):
            found.update(part for match in _QUOTED.findall(content.decode()) for part in match if part)
    for content in flow.forms.values():
        form = load_form(content)
        found.update(choice for field in form.fields.values() for choice in _choices(field.schema))
    return frozenset(found)


def _choices(schema: Json) -> Iterable[str]:
    """Values of `enum` and `const` at any depth."""
    if isinstance(schema, Mapping):
        options = [*schema.get("enum", ()), schema.get("const")]
        yield from (option for option in options if isinstance(option, str))
        for inner in schema.values():
            yield from _choices(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _choices(inner)


def _other_settings(definition: Definition, flow: Flow) -> dict[str, Json]:
    """Settings of the case's version that the flow now has otherwise."""
    own = flow.config.settings
    return {name: value for name, value in definition.config.settings.items() if own.get(name) != value}
