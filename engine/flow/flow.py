"""A flow as it is written: a folder with flow.toml, a diagram, decision tables and forms."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from string import Template
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator

from engine.errors import InvalidDiagram, Problem
from engine.flow.groups import filled_group
from engine.inputs import Variables

ANYONE = "*"
STARTER = "starter"
NOBODY = "-"
CONFIG_FILE = "flow.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StartRules(_Section):
    """who: groups whose members may start, `*` for everyone. form: stem of the start form, "" for none.

    message: as `message` of versions deployed before diagrams had message start events; refused at deployment since.
    """

    who: tuple[str, ...] = ()
    form: str = ""
    message: str = ""
    one_running_per_starter: bool = False


class VariableRules(_Section):
    """public: shown to the starter. search: cases are found by their keyed hash."""

    public: tuple[str, ...] = ()
    search: tuple[str, ...] = ()


class OutcomeRules(_Section):
    label: str
    state: Literal["success", "failure", "neutral"] = "neutral"


class StatusRules(_Section):
    """What the starter reads before the first application, and while one runs."""

    none: str = "未办理"
    running: str = "办理中"


class LaneRules(_Section):
    """group: "starter", "-" (nobody works here) or a group, which may contain {variable}.

    claim: whether an item is claimed before anybody works on it; without, whoever of the group begins has it.
    """

    group: str = Field(min_length=1, max_length=200)
    claim: bool = True


class MessageRules(_Section):
    """A message that a person may send. who: `starter`, groups, which may contain {variable}. form: of its payload."""

    label: str
    who: tuple[str, ...]
    form: str = ""

    @field_validator("who", mode="before")
    @classmethod
    def _one_or_several(cls, who: object) -> object:
        return (who,) if isinstance(who, str) else who

    def may_send(self, groups: frozenset[str], variables: Variables, *, is_starter: bool) -> bool:
        """Whether somebody of these groups may send it to a case with these variables."""
        return any(is_starter if who == STARTER else filled_group(who, variables) in groups for who in self.who)


class InboxRules(_Section):
    """facet: variable whose value (a choice, nothing personal) items are listed and filtered by, "" for none."""

    facet: str = ""


class NoticeRules(_Section):
    """What a notice says. text: `$name` or `${name}` stand for the facts it is queued with."""

    title: str = Field(min_length=1, max_length=40)
    text: str = Field(min_length=1, max_length=500)

    @field_validator("text")
    @classmethod
    def _has_whole_names(cls, text: str) -> str:
        if not Template(text).is_valid():
            raise ValueError("$ 之后应为词的名称")
        return text


class RetentionRules(_Section):
    attachments_days: int = Field(default=180, ge=1, le=36500)


class FlowConfig(_Section):
    """flow.toml. lanes: by id of the lane; written as a table, or as the group alone.

    changes: as progress, for those a change is about who did not start the case, where it is told otherwise to them.
    notices: by name; a diagram says `<key>.<name>`. words: codes in notices that forms label otherwise.
    """

    key: str = Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")
    title: str = Field(min_length=1, max_length=200)
    process: str = "process.bpmn"
    start: StartRules = StartRules()
    lanes: dict[str, LaneRules] = {}
    settings: dict[str, JsonValue] = {}
    variables: VariableRules = VariableRules()
    status: StatusRules = StatusRules()
    outcomes: dict[str, OutcomeRules] = {}
    progress: dict[str, str] = {}
    changes: dict[str, str] = {}
    messages: dict[str, MessageRules] = {}
    inbox: InboxRules = InboxRules()
    notices: dict[str, NoticeRules] = {}
    words: dict[str, str] = {}
    retention: RetentionRules = RetentionRules()

    @field_validator("lanes", mode="before")
    @classmethod
    def _group_alone(cls, lanes: object) -> object:
        if not isinstance(lanes, dict):
            return lanes
        return {lane: {"group": rules} if isinstance(rules, str) else rules for lane, rules in lanes.items()}

    def group_of(self, lane: str) -> str:
        """What flow.toml says of a lane: "starter", "-", a group as written; "" for a lane it does not name."""
        rules = self.lanes.get(lane)
        return rules.group if rules else ""


@dataclass(frozen=True, slots=True)
class Flow:
    """files: what a deployment keeps, by path in the folder (`flow.toml`, `process.bpmn`, `forms/x.json`, …)."""

    config: FlowConfig
    files: Mapping[str, bytes]

    @property
    def key(self) -> str:
        return self.config.key

    @property
    def bpmn(self) -> bytes:
        return self.files[self.config.process]

    @property
    def called(self) -> dict[str, bytes]:
        """File name → BPMN of the flow's further diagrams, which call activities call."""
        own = self.config.process
        return {path: content for path, content in self.files.items() if path.endswith(".bpmn") and path != own}

    @property
    def decisions(self) -> dict[str, bytes]:
        """File name → DMN."""
        return {path: content for path, content in self.files.items() if path.endswith(".dmn")}

    @property
    def forms(self) -> dict[str, bytes]:
        """Stem → JSON Schema."""
        return {
            PurePosixPath(path).stem: content
            for path, content in self.files.items()
            if path.startswith("forms/") and path.endswith(".json")
        }

    @property
    def digest(self) -> str:
        """SHA-256 in hex over every file's path and bytes."""
        summed = hashlib.sha256()
        for path in sorted(self.files):
            for part in (path.encode(), self.files[path]):
                summed.update(len(part).to_bytes(8) + part)
        return summed.hexdigest()


def load_flow(folder: Path) -> Flow:
    """Raises InvalidDiagram where flow.toml is missing or says something else than the table of docs/add-a-flow.md."""
    paths = [folder / CONFIG_FILE, *folder.glob("*.bpmn"), *folder.glob("*.dmn"), *folder.glob("forms/*.json")]
    return flow_of_files({p.relative_to(folder).as_posix(): p.read_bytes() for p in paths if p.is_file()})


def flow_of_files(files: Mapping[str, bytes]) -> Flow:
    """As load_flow(), of files in memory: paths relative to the flow's folder."""
    if CONFIG_FILE not in files:
        raise InvalidDiagram([Problem("", "error", "flow.no_config", "缺少 flow.toml。")])
    try:
        config = FlowConfig.model_validate(tomllib.loads(files[CONFIG_FILE].decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidDiagram([Problem("", "error", "flow.bad_config", f"flow.toml 无法读取：{error}")]) from error
    except ValidationError as error:
        raise InvalidDiagram([_config_problem(e["loc"], e["msg"]) for e in error.errors()]) from error
    if config.process not in files:
        raise InvalidDiagram([Problem("", "error", "flow.no_process", f"缺少流程图文件 {config.process}。")])
    return Flow(config, dict(files))


def flow_folders(flows_dir: Path) -> list[Path]:
    """Folders below `flows_dir` that hold a flow, by name."""
    return sorted(path.parent for path in flows_dir.glob(f"*/{CONFIG_FILE}"))


def _config_problem(place: tuple[int | str, ...], message: str) -> Problem:
    where = ".".join(str(part) for part in place)
    return Problem(where, "error", "flow.bad_config", f"flow.toml 的 {where} 不符合要求：{message}")
