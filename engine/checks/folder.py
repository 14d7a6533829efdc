"""What stands beside the diagram: flow.toml, decision tables and forms, read as far as they can be."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.errors import InvalidDiagram, Problem
from engine.flow.codes import CODES, found
from engine.flow.flow import Flow, FlowConfig
from engine.forms.form import Form, load_form
from engine.language.decisions import DecisionTable, read_decisions


@dataclass(slots=True)
class Folder:
    """config: None for a diagram checked alone; then nothing is said about what a folder would hold.

    forms: by stem. broken_forms: stems of files that are there and cannot be read. tables: by decision id.
    """

    config: FlowConfig | None = None
    forms: dict[str, Form] = field(default_factory=dict)
    broken_forms: set[str] = field(default_factory=set)
    tables: dict[str, DecisionTable] = field(default_factory=dict)
    has_broken_tables: bool = False
    problems: list[Problem] = field(default_factory=list)

    def choices(self) -> dict[str, list[str]]:
        """The values of each variable that forms let people choose and nothing else writes, as far as forms tell."""
        choices: dict[str, list[str]] = {}
        open_ended: set[str] = set()
        for form in self.forms.values():
            for name, shown in form.fields.items():
                values = shown.schema.get("enum")
                if isinstance(values, list) and all(isinstance(value, str) for value in values):
                    choices[name] = [*choices.get(name, []), *values]
                else:
                    open_ended.add(name)
        return {name: values for name, values in choices.items() if name not in open_ended}

    @property
    def is_alone(self) -> bool:
        return self.config is None


def open_folder(flow: Flow) -> Folder:
    """Reads every decision table and form; what cannot be read is among `problems`."""
    folder = Folder(config=flow.config)
    for stem, content in sorted(flow.forms.items()):
        try:
            folder.forms[stem] = load_form(content)
        except InvalidDiagram as error:
            folder.broken_forms.add(stem)
            folder.problems += placed(f"forms/{stem}.json", error.problems)
    for path, content in sorted(flow.decisions.items()):
        try:
            tables = read_decisions(content)
        except InvalidDiagram as error:
            folder.has_broken_tables = True
            folder.problems += placed(path, error.problems)
            continue
        for decision, table in tables.items():
            if decision in folder.tables:
                folder.problems.append(found(decision, "decision.id", f"两个决策的 id 都是 {decision}"))
            folder.tables[decision] = table
    return folder


def placed(path: str, problems: tuple[Problem, ...]) -> list[Problem]:
    """The problems of one file, each saying which file; codes outside the published table would be a slip of ours."""
    return [
        Problem(p.element or path, CODES.get(p.code, (p.severity, ""))[0], p.code, f"{path}：{p.message}")
        for p in problems
    ]
