"""Portraits on photographed cards against selfies: accepted per level, false accepts over all pairs, seconds; JSON on stdout.

    python -m benchmarks.faces [--per-person 3] [--seed 20260601] [--pack DIR]

The cards are generated and rectified by their known corners, so this measures faces only. A card's portrait and the selfies
of the same person come from one photograph of seven people (tools/cards/faces.py): likeness is flattered, strangers are few.
Baseline in the same run: dlib's own advice, "same" up to distance 0.6. --pack measures an insightface pack beside it.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tasks.vision.faces.dlib_engine import DlibEngine
from tasks.vision.faces.engine import Bands, Face, FaceEngine
from tasks.vision.faces.insightface_engine import InsightFaceEngine
from tasks.vision.faces.match import PORTRAIT
from tools.cards import faces
from tools.cards.people import make_person
from tools.cards.resident_id import CARD_SIZE, draw_front
from tools.cards.scene import LEVELS, Difficulty, Photograph, Rgb, photograph

ADVISED = Bands(same_from=0.40, unsure_from=0.40)  # dlib's examples: the same person up to distance 0.6


@dataclass(frozen=True, slots=True)
class Seen:
    person: int
    face: Face | None


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--per-person", type=int, default=3, help="cards and selfies of each person and level")
    options.add_argument("--seed", type=int, default=20260601)
    options.add_argument("--pack", type=Path, help="folder of an insightface pack to measure instead of dlib")
    given = options.parse_args()
    engine: FaceEngine = InsightFaceEngine(given.pack) if given.pack else DlibEngine()
    rng = random.Random(given.seed)
    selfies, selfie_s = _look(engine, [(p, faces.selfie(p, rng)) for p in _each(given.per_person)])
    levels = {}
    for level in LEVELS:
        cards = [(p, photographed_front(p, level, rng)) for p in _each(given.per_person)]
        portraits, portrait_s = _look(engine, cards)
        levels[level.name] = _compare(engine, portraits, selfies) | {"cpu_s_a_card": portrait_s}
    result = {
        "title": "人脸比对：证件头像与自拍",
        "rows": _rows(levels, selfie_s),
        "engine": engine.name,
        "seed": given.seed,
        "people": faces.count_people(),
        "bands": {"same_from": engine.bands.same_from, "unsure_from": engine.bands.unsure_from},
        "selfies": {"photos": len(selfies), "face_found": _found(selfies), "cpu_s_a_selfie": selfie_s},
        "levels": levels,
    }
    print(json.dumps(result, ensure_ascii=False))


def _rows(levels: dict[str, dict[str, Any]], selfie_s: float) -> list[dict[str, Any]]:
    rows = []
    for name, must in (("easy", 0.95), ("medium", 0.9), ("hard", 0.75)):
        ours, baseline = (levels[name][part] for part in ("bands", "baseline_0.6"))
        share = ours["own"]["same"] / ours["own"]["pairs"]
        advised = baseline["own"]["same"] / baseline["own"]["pairs"]
        rows.append(
            _row(f"{name}: own pairs in band same", f"{share:.2f}", f"{advised:.2f}", f"≥ {must}", share >= must)
        )
    ours_wrong, baseline_wrong, pairs = (
        sum(levels[name][part]["strangers"][what] for name in levels)
        for part, what in (("bands", "same"), ("baseline_0.6", "same"), ("bands", "pairs"))
    )
    rows.append(_row(f"strangers in band same, of {pairs}", str(ours_wrong), str(baseline_wrong), "0", ours_wrong == 0))
    seconds = selfie_s + max(level["cpu_s_a_card"] for level in levels.values())
    rows.append(_row("cpu s a comparison", f"{seconds:.2f}", "—", "≤ 0.6", seconds <= 0.6))
    return rows


def _row(figure: str, ours: str, baseline: str, must: str, holds: bool) -> dict[str, Any]:
    return {"figure": figure, "ours": ours, "baseline": baseline, "must": must, "holds": holds}


def photographed_front(person: int, level: Difficulty, rng: random.Random) -> Rgb:
    """The front of a made-up card with that person's face, photographed, then rectified by its known corners."""
    card = draw_front(make_person(rng), portrait=faces.card_portrait(person, rng))
    shot: Photograph = photograph(card, level, rng)
    picture = cv2.cvtColor(cv2.imdecode(np.frombuffer(shot.jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    width, height = CARD_SIZE
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return np.asarray(cv2.warpPerspective(picture, cv2.getPerspectiveTransform(shot.corners, flat), CARD_SIZE))


def _each(per_person: int) -> list[int]:
    return [person for person in range(faces.count_people()) for _ in range(per_person)]


def _look(engine: FaceEngine, photos: Sequence[tuple[int, Rgb]]) -> tuple[list[Seen], float]:
    started = time.process_time()
    seen = [Seen(person, next(iter(engine.find_faces(photo)), None)) for person, photo in photos]
    return seen, round((time.process_time() - started) / len(photos), 3)


def _found(seen: Sequence[Seen]) -> int:
    return sum(one.face is not None for one in seen)


def _compare(engine: FaceEngine, portraits: Sequence[Seen], selfies: Sequence[Seen]) -> dict[str, Any]:
    own: list[float] = []
    strangers: list[float] = []
    for portrait in portraits:
        for selfie in selfies:
            if portrait.face is not None and selfie.face is not None:
                scores = own if portrait.person == selfie.person else strangers
                scores.append(engine.score(portrait.face, selfie.face))
    return {
        "cards": len(portraits),
        "face_found": _found(portraits),
        "sharp_enough": sum(one.face is not None and one.face.sharpness >= PORTRAIT.min_sharpness for one in portraits),
        "sharpness": _spread([one.face.sharpness for one in portraits if one.face is not None]),
        "scores": {"own": _spread(own), "strangers": _spread(strangers)},
        "bands": {"own": _shares(own, engine.bands), "strangers": _shares(strangers, engine.bands)},
        "baseline_0.6": {"own": _shares(own, ADVISED), "strangers": _shares(strangers, ADVISED)},
    }


def _shares(scores: Sequence[float], bands: Bands) -> dict[str, int]:
    found = [bands.of(score) for score in scores]
    return {"pairs": len(found)} | {band: found.count(band) for band in ("same", "unsure", "different")}


def _spread(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
    return {
        name: round(float(value), 3)
        for name, value in (("min", min(values)), ("p5", low), ("p50", middle), ("p95", high), ("max", max(values)))
    }


if __name__ == "__main__":
    main()
