"""Reading stamped application forms: is there a round red seal, what does it say, is it the institution's; JSON on stdout.

    python -m benchmarks.seals [--forms 36] [--seed 20260601] [--out FILE]

--forms a level (tools/cards/forms.py gives the levels and the nine ways to stamp a form, in turn), read in two processes.
Baselines in the same run, on the same photographs: a count of red pixels for "there is a seal"; the page's own lines, read
without unrolling the ring, for what the seal says.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reading import wilson
from domain.institutions.name import name_key
from tasks.vision.pictures.images import decode_photo
from tasks.vision.seals.findings import Expected, agreement, judge_form
from tasks.vision.seals.stamped_form import FormReader
from tasks.vision.text.ocr import TextReader
from tools.cards.forms import KINDS, LEVELS, make_form, photograph_form

PROCESSES = 2
MOST_CPU_S = 3.5
RED_SHARE = 0.002  # of the picture: what a seal of 42 mm covers of a photographed page, about
MUSTS = {"easy": 0.90, "medium": 0.75, "hard": 0.45}


@dataclass(frozen=True, slots=True)
class Task:
    """One form to make, photograph and read. kind: name of one of forms.KINDS."""

    level: str
    kind: str
    number: int
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """is_red, is_own: the truth: a round red seal, and the institution's. The rest: what was said; plain_*: by the baselines."""

    task: Task
    is_red: bool
    is_own: bool
    found: bool
    text_right: bool
    seal: str
    name: str
    plain_found: bool
    plain_right: bool
    plain_seal: str
    cpu_s: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--forms", type=int, default=36, help="a level")
    options.add_argument("--seed", type=int, default=20260601)
    options.add_argument("--out", type=Path, help="also write the result there")
    given = options.parse_args()
    tasks = [
        Task(level.name, KINDS[n % len(KINDS)].name, n, given.seed) for level in LEVELS for n in range(given.forms)
    ]
    with tempfile.TemporaryDirectory() as cache_dir:
        TextReader(None, Path(cache_dir))  # describes the models once, before two processes want them
        with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
            outcomes = list(_shown(pool.map(partial(run_task, cache_dir=cache_dir), tasks, chunksize=3), len(tasks)))
    result = _result(outcomes, given.forms, given.seed)
    print(json.dumps(result, ensure_ascii=False))
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _shown(outcomes: Iterable[Outcome], total: int) -> Iterable[Outcome]:
    for done, outcome in enumerate(outcomes, 1):
        if done % 20 == 0 or done == total:
            print(f"{done}/{total}", file=sys.stderr, flush=True)
        yield outcome


@cache
def _reader(cache_dir: str) -> FormReader:
    return FormReader(TextReader(None, Path(cache_dir)))


def run_task(task: Task, cache_dir: str) -> Outcome:
    """cpu_s counts the reading only, from the decoded picture on."""
    rng = random.Random(f"{task.seed}:{task.level}:{task.number}")
    kind = next(kind for kind in KINDS if kind.name == task.kind)
    level = next(level for level in LEVELS if level.name == task.level)
    form = make_form(kind, rng)
    photo = decode_photo(photograph_form(form, level, rng).jpeg)
    reader = _reader(cache_dir)
    started = time.process_time()
    page = reader.read(photo)
    told = judge_form([page], Expected(form.printed_name))
    cpu_s = time.process_time() - started
    read = told.seal[1].text.text if told.seal else ""
    plain_found = _red_share(photo) > RED_SHARE
    plain = _most_like(page.text.lines, form.printed_name) if plain_found else None
    return Outcome(
        task,
        is_red=form.is_red,
        is_own=form.is_red and form.seal_name == form.printed_name,
        found=told.seal is not None,
        text_right=form.is_red and name_key(read) == name_key(form.seal_name or ""),
        seal=told.seal_agreement,
        name=told.text_agreement,
        plain_found=plain_found,
        plain_right=plain is not None and form.is_red and name_key(plain) == name_key(form.seal_name or ""),
        plain_seal=agreement(plain, 1.0, form.printed_name) if plain else "none",
        cpu_s=cpu_s,
    )


def _red_share(photo: Any) -> float:  # Any: a picture, uint8
    red, green, blue = (photo[..., i].astype(np.int16) for i in range(3))
    return float(((red > 110) & (red > 1.4 * green) & (red > 1.4 * blue)).mean())


def _most_like(lines: Sequence[str], name: str) -> str | None:
    """The page's line that has most characters of the name, the printed name itself left out once: kindest to the baseline."""
    others = [line for line in lines if name_key(line) != name_key(name)] + [
        line for line in lines if name_key(line) == name_key(name)
    ][1:]
    return max(others, key=lambda line: len(set(line) & set(name)), default=None)


def _result(outcomes: Sequence[Outcome], forms: int, seed: int) -> dict[str, Any]:
    rows = [row for level in LEVELS for row in _rows_of_level(level.name, outcomes)]
    foreign = [o for o in outcomes if o.is_red and not o.is_own]
    wrong = sum(o.seal == "same" for o in foreign)
    cpu_s = sum(o.cpu_s for o in outcomes) / len(outcomes)
    rows.append(_row(f'another\'s seal called "same", of {len(foreign)}', str(wrong), "—", "0", wrong == 0))
    rows.append(_row("cpu s a form", f"{cpu_s:.2f}", "—", f"≤ {MOST_CPU_S}", cpu_s <= MOST_CPU_S))
    return {
        "title": "盖章申请表：生成的申请表照片",
        "rows": rows,
        "seed": seed,
        "forms_a_level": forms,
        "verdicts": {
            f"{level.name}/{kind.name}": _counted(
                [o for o in outcomes if (o.task.level, o.task.kind) == (level.name, kind.name)]
            )
            for level in LEVELS
            for kind in KINDS
        },
    }


def _rows_of_level(level: str, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    here = [o for o in outcomes if o.task.level == level]
    stamped = [o for o in here if o.is_red]
    known = [o for o in stamped if o.seal != "unread"]
    return [
        _share_row(
            f"{level}: round red seal told from none", here,
            lambda o: o.found == o.is_red, lambda o: o.plain_found == o.is_red, 0.97,
        ),
        _share_row(
            f"{level}: ring text right, faded and overprinted ones too", stamped,
            lambda o: o.text_right, lambda o: o.plain_right, MUSTS[level],
        ),
        _share_row(
            f"{level}: verdict on the seal right where one is given", known,
            lambda o: o.seal == ("same" if o.is_own else "different"),
            lambda o: o.plain_seal == ("same" if o.is_own else "different"), 0.9,
        ),
        _share_row(
            f"{level}: printed name right", here, lambda o: o.name == "same", None, 0.9
        ),
    ]  # fmt: skip


def _counted(outcomes: Sequence[Outcome]) -> dict[str, int]:
    return {verdict: sum(o.seal == verdict for o in outcomes) for verdict in ("same", "different", "unread", "none")}


def _share_row(
    figure: str,
    outcomes: Sequence[Outcome],
    ours: Callable[[Outcome], bool],
    baseline: Callable[[Outcome], bool] | None,
    must: float,
) -> dict[str, Any]:
    tries = max(len(outcomes), 1)
    hits = sum(map(ours, outcomes))
    low, high = wilson(hits, tries)
    share = hits / tries
    shown = f"{share:.3f} [{low:.3f}, {high:.3f}] of {len(outcomes)}"
    plain = f"{sum(map(baseline, outcomes)) / tries:.2f}" if baseline else "—"
    return _row(figure, shown, plain, f"≥ {must:.2f}", share >= must)


def _row(figure: str, ours: str, baseline: str, must: str, holds: bool) -> dict[str, Any]:
    return {"figure": figure, "ours": ours, "baseline": baseline, "must": must, "holds": holds}


if __name__ == "__main__":
    main()
