"""What a flow's notices say: the sentences of its flow.toml and the words for the codes its forms offer to tick."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.flow.flow import FlowConfig, NoticeRules
from engine.forms.schema import Form


@dataclass(frozen=True, slots=True)
class NoticeTexts:
    """Of one version of a flow. notices: by the name after the flow's key. words: code → as people read it."""

    flow_key: str
    notices: Mapping[str, NoticeRules]
    words: Mapping[str, str]


def notice_texts(config: FlowConfig, forms: Iterable[Form]) -> NoticeTexts:
    """A form's list of things to tick is told to people in its own labels, unless [words] says otherwise."""
    ticked = [field.choices for form in forms for field in form.fields.values() if field.schema.get("type") == "array"]
    words = {code: label for choices in ticked for code, label in choices.items()}
    return NoticeTexts(config.key, config.notices, {**words, **config.words})
