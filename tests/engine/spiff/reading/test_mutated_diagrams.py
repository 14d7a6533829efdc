"""Diagrams mutated at random: each compiles, or is refused with published codes."""

from __future__ import annotations

from random import Random

from lxml import etree

from engine.errors import InvalidDiagram
from engine.flow.codes import CODES
from engine.machine import compile_process
from tests.engine.diagrams import Diagram, decision_table


def a_rich_diagram() -> bytes:
    """Every kind of hosted element once."""
    d = Diagram(lanes={"applicant": ["begin", "fill"], "system": ["read", "Check"]})
    d.start("begin")
    d.user("fill", form="information", due="PT2H", priority=3)
    d.boundary("idle", "fill", d.timer("P30D"))
    d.service("read", "document.read", result="reading", page="pages")
    d.boundary("broken", "read", d.error("unreadable"), result="why")
    d.rule("decide", "route")
    d.xor("choose")
    check = d.subprocess("Check")
    check.start("check_begin")
    check.parallel("fork")
    check.user("left")
    check.user("right")
    check.parallel("join")
    check.end("check_end")
    check.flow("check_begin", "fork", "left", "join", "check_end")
    check.flow("fork", "right", "join")
    d.race("either")
    d.catch("answer", d.message("answer"), correlation="number")
    d.catch("late", d.timer("working_days(3)"))
    withdraw = d.event_subprocess("Withdraw", "withdraw", d.message("withdraw"), result="request")
    withdraw.end("withdrawn", outcome="withdrawn")
    withdraw.flow("withdraw", "withdrawn")
    d.end("done", outcome="done")
    d.end("expired", outcome="expired")
    d.error_end("refused", "refused")
    d.flow("begin", "fill", "read", "decide", "choose")
    d.flow("choose", "Check", "either", "answer", "done", when="way == 'check'")
    d.flow("choose", "refused", default=True)
    d.flow("either", "late", "expired")
    d.flow("idle", "expired")
    d.flow("broken", "fill")
    return d.xml()


def mutated(xml: bytes, random: Random) -> bytes:
    root = etree.fromstring(xml)
    for _ in range(random.randint(1, 3)):
        elements = list(root.iter())
        chosen, other = random.choice(elements), random.choice(elements)
        names = list(chosen.attrib)
        match random.randrange(5):
            case 0 if chosen.getparent() is not None:
                chosen.getparent().remove(chosen)
            case 1 if names:
                chosen.set(
                    random.choice(names), random.choice(["", "x", "begin", "fill", "é", "a b", "__x", "Start", "true"])
                )
            case 2 if names:
                del chosen.attrib[random.choice(names)]
            case 3:
                chosen.text = random.choice(["", "((", "P1Y", "a.b", "1/0"])
            case _ if chosen not in other.iterancestors() and chosen is not other:
                other.append(chosen)
    return etree.tostring(root)


def test_a_mutated_diagram_compiles_or_is_refused_with_published_codes() -> None:
    seed = 20260302
    random, xml = Random(seed), a_rich_diagram()
    table = {"route.dmn": decision_table("route", ["reading"], ["way"], [["-", '"check"']])}
    compiled = refused = 0
    codes: set[str] = set()
    compile_process(xml, table)

    for _ in range(300):
        candidate = mutated(xml, random)
        try:
            compile_process(candidate, table)
            compiled += 1
        except InvalidDiagram as invalid:
            refused += 1
            codes |= {problem.code for problem in invalid.problems}

    print(f"seed {seed}: {compiled} compiled, {refused} refused")
    assert codes <= set(CODES) - {"compile.failed"}
    assert compiled > 30
    assert refused > 30
