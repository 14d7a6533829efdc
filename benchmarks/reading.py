"""Reading photographed resident IDs: fields right at three levels of difficulty, wrong numbers, cpu seconds; JSON on stdout.

    python -m benchmarks.reading [--cards 300] [--seed 20260601] [--out FILE]

--cards fronts and half as many backs a level (tools/cards/scene.py gives the levels in numbers), read in two processes.
Baseline in the same run: tesseract (chi_sim) on the card as rectified here and with the same parser, 30 of each.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.baselines.tesseract import read_with_tesseract
from tasks.vision.documents.layout import BACK, FRONT
from tasks.vision.documents.reader import DocumentReader
from tasks.vision.pictures.images import decode_photo
from tasks.vision.text.ocr import TextReader
from tools.cards.people import TODAY, Person, make_person
from tools.cards.resident_id import draw_back, draw_front
from tools.cards.scene import LEVELS, photograph

MUSTS = {
    ("easy", FRONT): 0.97,
    ("medium", FRONT): 0.97,
    ("hard", FRONT): 0.80,
    ("easy", BACK): 0.98,
    ("medium", BACK): 0.98,
    ("hard", BACK): 0.85,
}
MOST_CPU_S = 0.5
PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Task:
    """One card to make, photograph and read. engine: "ours" | "tesseract"."""

    engine: str
    level: str
    side: str
    number: int
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """right: fields read as printed. wrong: given, but not as printed. unsure: of these, those a warning points at."""

    task: Task
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    absent: tuple[str, ...]
    unsure: tuple[str, ...]
    cpu_s: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cards", type=int, default=300, help="fronts a level; half as many backs")
    options.add_argument("--seed", type=int, default=20260601)
    options.add_argument("--out", type=Path, help="also write the result there")
    given = options.parse_args()
    tasks = list(_tasks(given.cards, given.seed))
    with tempfile.TemporaryDirectory() as cache_dir:
        TextReader(None, Path(cache_dir))  # describes the models once, before two processes want them
        with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
            outcomes = list(_shown(pool.map(partial(run_task, cache_dir=cache_dir), tasks, chunksize=6), len(tasks)))
    result = _result(outcomes, given.cards, given.seed)
    text = json.dumps(result, ensure_ascii=False)
    print(text)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _tasks(cards: int, seed: int) -> Iterable[Task]:
    for level in LEVELS:
        for side, count in ((FRONT, cards), (BACK, max(1, cards // 2))):
            compared = max(1, min(30, count // 2))
            for engine, n in (("ours", count), ("tesseract", compared)):
                yield from (Task(engine, level.name, side, number, seed) for number in range(n))


def _shown(outcomes: Iterable[Outcome], total: int) -> Iterable[Outcome]:
    for done, outcome in enumerate(outcomes, 1):
        if done % 50 == 0 or done == total:
            print(f"{done}/{total}", file=sys.stderr, flush=True)
        yield outcome


@cache
def _reader(cache_dir: str) -> DocumentReader:
    return DocumentReader(TextReader(None, Path(cache_dir)))


def run_task(task: Task, cache_dir: str) -> Outcome:
    """Make, photograph and read one card. cpu_s counts the reading only, from the decoded picture on."""
    rng = random.Random(f"{task.seed}:{task.level}:{task.side}:{task.number}")
    person = make_person(rng)
    card = draw_front(person) if task.side == FRONT else draw_back(person)
    level = next(level for level in LEVELS if level.name == task.level)
    photo = decode_photo(photograph(card, level, rng).jpeg)
    reader = _reader(cache_dir)
    started = time.process_time()
    page = reader.read(photo, today=TODAY)
    cpu_s = time.process_time() - started
    found = {name: field.value for name, field in page.fields.items()}
    unsure = [code.partition(".")[2] for code in page.warnings if code.startswith("low_confidence.")]
    if task.engine == "tesseract":
        found, cpu_s = read_with_tesseract(page.rectified_rgb, task.side)
        unsure = []
    return _judged(task, printed(person, task.side), found, unsure, cpu_s)


def printed(person: Person, side: str) -> dict[str, str]:
    """The fields a perfect reading of that side gives."""
    if side == BACK:
        return {"authority": person.authority, "validity": person.validity}
    return {
        "name": person.name,
        "sex": person.sex,
        "ethnicity": person.ethnicity,
        "birth": person.birth.isoformat(),
        "address": person.address,
        "id_number": person.id_number,
    }


def _judged(
    task: Task, truth: Mapping[str, str], found: Mapping[str, str], unsure: Sequence[str], cpu_s: float
) -> Outcome:
    wrong = tuple(name for name in truth if name in found and found[name] != truth[name])
    return Outcome(
        task,
        right=tuple(name for name in truth if found.get(name) == truth[name]),
        wrong=wrong,
        absent=tuple(name for name in truth if name not in found),
        unsure=tuple(name for name in wrong if name in unsure),
        cpu_s=cpu_s,
    )


def _result(outcomes: Sequence[Outcome], cards: int, seed: int) -> dict[str, Any]:
    ours = [outcome for outcome in outcomes if outcome.task.engine == "ours"]
    fronts = [outcome for outcome in ours if outcome.task.side == FRONT]
    wrong_numbers = sum("id_number" in outcome.wrong for outcome in fronts)
    cpu_s = sum(outcome.cpu_s for outcome in ours) / len(ours)
    groups = {
        f"{engine}/{level.name}/{side}": _group([o for o in outcomes if _is(o, engine, level.name, side)])
        for engine in ("ours", "tesseract")
        for level in LEVELS
        for side in (FRONT, BACK)
    }
    rows = [_share_row(groups, level, side, must) for (level, side), must in MUSTS.items()]
    baseline = sum("id_number" in o.wrong for o in outcomes if o.task.engine == "tesseract")
    rows.append(
        _row(f"wrong but valid numbers of {len(fronts)}", str(wrong_numbers), str(baseline), "0", wrong_numbers == 0)
    )
    rows.append(_row("cpu s a card", f"{cpu_s:.2f}", "—", f"≤ {MOST_CPU_S}", cpu_s <= MOST_CPU_S))
    return {
        "title": "证件识别：生成的身份证照片",
        "rows": rows,
        "seed": seed,
        "cards": {"fronts_a_level": cards, "backs_a_level": max(1, cards // 2)},
        "levels": [asdict(level) for level in LEVELS],
        "groups": groups,
    }


def _is(outcome: Outcome, engine: str, level: str, side: str) -> bool:
    return (outcome.task.engine, outcome.task.level, outcome.task.side) == (engine, level, side)


def _group(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """all_right with its Wilson interval (95 %), shares by field, how the rest failed, cpu seconds a card."""
    fields = sorted({name for o in outcomes for name in (*o.right, *o.wrong, *o.absent)})
    perfect = sum(not o.wrong and not o.absent for o in outcomes)
    return {
        "cards": len(outcomes),
        "all_right": round(perfect / len(outcomes), 4),
        "interval": wilson(perfect, len(outcomes)),
        "right": {name: round(sum(name in o.right for o in outcomes) / len(outcomes), 4) for name in fields},
        "wrong": {name: sum(name in o.wrong for o in outcomes) for name in fields},
        "wrong_with_warning": {name: sum(name in o.unsure for o in outcomes) for name in fields},
        "absent": {name: sum(name in o.absent for o in outcomes) for name in fields},
        "cpu_s": round(sum(o.cpu_s for o in outcomes) / len(outcomes), 3),
    }


def wilson(hits: int, tries: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson score interval of a share, 95 %."""
    share = hits / tries
    middle = share + z * z / (2 * tries)
    reach = z * math.sqrt(share * (1 - share) / tries + z * z / (4 * tries * tries))
    scale = 1 + z * z / tries
    return round((middle - reach) / scale, 4), round((middle + reach) / scale, 4)


def _share_row(groups: Mapping[str, dict[str, Any]], level: str, side: str, must: float) -> dict[str, Any]:
    ours, baseline = groups[f"ours/{level}/{side}"], groups[f"tesseract/{level}/{side}"]
    low, high = ours["interval"]
    share = ours["all_right"]
    figure = f"{level}: all {'front' if side == FRONT else 'back'} fields right"
    shown = f"{share:.3f} [{low:.3f}, {high:.3f}]"
    return _row(figure, shown, f"{baseline['all_right']:.2f}", f"≥ {must:.2f}", share >= must)


def _row(figure: str, ours: str, baseline: str, must: str, holds: bool) -> dict[str, Any]:
    return {"figure": figure, "ours": ours, "baseline": baseline, "must": must, "holds": holds}


if __name__ == "__main__":
    main()
