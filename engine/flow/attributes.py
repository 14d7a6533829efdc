"""Attributes, properties and texts of the XML as values: the one place that reads them, and refuses what nobody can mean.

Of a value that is refused here something is read all the same: what the machine has always made of it. Versions deployed
before it was refused go on as they were (SINCE).
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import Problem
from engine.flow.codes import found
from engine.flow.vocabulary import (
    BPMN,
    CALLED_DECISION,
    DEFINITION,
    FLAGS,
    FOUR_EYES,
    KINDS,
    NAMING_ATTRIBUTES,
    NAMING_PROPERTIES,
    ONLY_ON,
    OPERATOR,
    SPIFF,
    TIMES,
)
from engine.flow.xml import Node as Xml
from engine.flow.xml import local_name, namespace

BLANKS, FLAG, MISPLACED, MARKUP = "attribute.blanks", "attribute.flag", "attribute.misplaced", "attribute.markup"
SEVERAL_TIMES = "timer.several"
SINCE = frozenset({BLANKS, FLAG, MISPLACED, MARKUP, SEVERAL_TIMES})
"""Codes of what earlier checks let through: a version that was deployed then is not refused for them now."""

_TEXTS = frozenset(
    {
        *("conditionExpression", "flowNodeRef", "loopCardinality", "loopDataInputRef", "loopDataOutputRef"),
        *("completionCondition", *TIMES),
    }
)
_NAMED = frozenset({"message", "signal"})
_MOST_PRIORITY = 100


def is_bpmn(xml: Xml, name: str) -> bool:
    return local_name(xml) == name and namespace(xml) == BPMN


def bpmn_children(xml: Xml) -> list[Xml]:
    return [child for child in xml if namespace(child) == BPMN]


def extensions(xml: Xml) -> list[Xml]:
    """The spiffworkflow elements in an element's extensionElements."""
    return list(xml.iterfind(f"{{{BPMN}}}extensionElements/{{{SPIFF}}}*"))


def flag(xml: Xml, name: str) -> bool:
    """An attribute of FLAGS. Only the word that is not the default says anything else than the default."""
    return xml.get(name) != "false" if FLAGS[name] else xml.get(name) == "true"


def text_of(xml: Xml | None) -> str:
    """The text in an element before any element in it, without comments and surrounding blanks."""
    if xml is None:
        return ""
    parts = [xml.text or ""]
    for child in xml:
        if isinstance(child.tag, str):
            break
        parts.append(child.tail or "")
    return "".join(parts).strip()


def text_in(xml: Xml, name: str) -> str:
    return text_of(xml.find(f"{{{BPMN}}}{name}"))


def properties_of(xml: Xml) -> dict[str, str]:
    """`spiffworkflow:properties` by name; of one given twice the last."""
    given = xml.iterfind(f"{{{BPMN}}}extensionElements/{{{SPIFF}}}properties/{{{SPIFF}}}property")
    return {item.get("name", ""): item.get("value", "").strip() for item in given}


def others_of(task: Xml) -> tuple[str, ...]:
    """Ids in the property `not_same_person_as`. Written for another tool it counts as well: who may not act must not."""
    found_others: tuple[str, ...] = ()
    for item in task.iter():
        if local_name(item) == "property" and item.get("name") == FOUR_EYES:
            found_others = tuple(item.get("value", "").split())
    return found_others


def priority_of(text: str) -> int | None:
    """0 to 100, None for anything else."""
    is_number = text.isascii() and text.isdigit() and len(text) <= 9
    return int(text) if is_number and int(text) <= _MOST_PRIORITY else None


def attribute_problems(top: Xml, name: str) -> Iterator[Problem]:
    """What is written so that nobody can have meant what is read. top: a process, or what stands beside it; name: its id."""
    for xml in top.iter():
        if namespace(xml) == BPMN:
            element = xml.get("id") or _owner(xml, name)
            yield from _attributes(xml, element)
            yield from _texts(xml, element)
        elif namespace(xml) == SPIFF and local_name(xml) in {OPERATOR, CALLED_DECISION}:
            element = _owner(xml, name)
            yield from _names(xml, element)
            yield from _markup(xml, element) if local_name(xml) == CALLED_DECISION else ()
        if local_name(xml) == "property" and namespace(xml) != BPMN:
            yield from _property(xml, _owner(xml, name))


def _owner(xml: Xml, otherwise: str) -> str:
    """Id of the flow node, or what else has one, around an element."""
    around = (outer.get("id") for outer in xml.iterancestors() if namespace(outer) == BPMN)
    return next((element for element in around if element), otherwise)


def _attributes(xml: Xml, element: str) -> Iterator[Problem]:
    kind = local_name(xml)
    for name in FLAGS.keys() & xml.keys():
        if xml.get(name) not in ("true", "false"):
            yield found(element, FLAG, f"{name} 应写 true 或 false，不能是“{xml.get(name, '')[:40]}”")
    for name in ONLY_ON.keys() & xml.keys():
        if kind != ONLY_ON[name]:
            yield found(element, MISPLACED, f"{name} 只用于 {ONLY_ON[name]}，写在 {kind} 上不起作用")
    yield from _names(xml, element)


def _names(xml: Xml, element: str) -> Iterator[Problem]:
    naming = NAMING_ATTRIBUTES | (
        {"name"} if local_name(xml) in _NAMED else {"id"} if namespace(xml) == SPIFF else set()
    )
    for name in sorted(naming & set(xml.keys())):
        value = xml.get(name, "")
        if value != value.strip():
            yield found(element, BLANKS, f"{name} 的值“{value[:60]}”两端有空白")


def _texts(xml: Xml, element: str) -> Iterator[Problem]:
    kind = local_name(xml)
    if kind in _TEXTS:
        yield from _markup(xml, element)
    if kind in {"inputDataItem", "outputDataItem"} and text_of(xml):
        yield found(element, MISPLACED, f"{kind} 的变量写在 name 里，其中的文本“{text_of(xml)[:40]}”不起作用")
    if kind == "loopDataOutputRef" and not text_of(xml):
        yield found(element, MISPLACED, f"{kind} 的变量写在它的文本里，这里没有")
    if kind == f"timer{DEFINITION}":
        times = [part for part in TIMES if text_in(xml, part)]
        if len(times) > 1 or any(len(xml.findall(f"{{{BPMN}}}{part}")) > 1 for part in TIMES):
            yield found(element, SEVERAL_TIMES, f"定时器只能写一个时间，现有 {'、'.join(times) or '多个空的'}")


def _markup(xml: Xml, element: str) -> Iterator[Problem]:
    inner = next((local_name(child) for child in xml if isinstance(child.tag, str)), None)
    if inner is not None:
        yield found(element, MARKUP, f"{local_name(xml)} 里只能是文本，不能含有 {inner}")


def _property(item: Xml, element: str) -> Iterator[Problem]:
    """An entry of an element's properties, or one of another tool's that has the name of ours."""
    name, value = item.get("name", ""), item.get("value", "")
    around = [(namespace(outer), local_name(outer)) for outer in item.iterancestors()][:3]
    is_in_ours = around[:2] == [(SPIFF, "properties"), (BPMN, "extensionElements")]
    if namespace(item) != SPIFF or not is_in_ours or around[2][1] not in KINDS:
        if name == FOUR_EYES or is_in_ours:
            yield found(element, MISPLACED, f"属性 {name[:40]} 应写在元素自己的 spiffworkflow:properties 里")
    elif value and not value.strip():
        yield found(element, BLANKS, f"属性 {name[:40]} 的值只有空白")
    elif name in NAMING_PROPERTIES and value != value.strip():
        yield found(element, BLANKS, f"属性 {name} 的值“{value[:60]}”两端有空白")
