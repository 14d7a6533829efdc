"""Decision tables for tests, written as rows of text."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

DMN = "https://www.omg.org/spec/DMN/20191111/MODEL/"


def a_table(
    rules: Sequence[Sequence[str]],
    *,
    inputs: Sequence[str] = ("score",),
    outputs: Sequence[str] = ("decision",),
    hit_policy: str = "UNIQUE",
    type_ref: str = "",
    decision: str = "decide",
    more: str = "",
) -> bytes:
    """A DMN file with one decision. rules: input cells, then outputs; the n-th has the id `r<n>`. more: XML in the decision."""
    typed = f' typeRef="{type_ref}"' if type_ref else ""
    columns = "".join(
        f'<input id="in{n}"><inputExpression{typed}><text>{escape(text)}</text></inputExpression></input>'
        for n, text in enumerate(inputs)
    )
    columns += "".join(f'<output id="out{n}" name="{name}"/>' for n, name in enumerate(outputs))
    rows = ""
    for n, cells in enumerate(rules, 1):
        entries = "".join(
            f"<{tag}><text>{escape(cell)}</text></{tag}>"
            for cell, tag in zip(
                cells, ["inputEntry"] * len(inputs) + ["outputEntry"] * (len(cells) - len(inputs)), strict=True
            )
        )
        rows += f'<rule id="r{n}">{entries}</rule>'
    return (
        f'<definitions xmlns="{DMN}" id="d" name="d" namespace="t"><decision id="{decision}" name="决定">{more}'
        f'<decisionTable id="table" hitPolicy="{hit_policy}">{columns}{rows}</decisionTable></decision></definitions>'
    ).encode()
