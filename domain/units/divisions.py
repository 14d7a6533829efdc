"""County-level divisions of 湖北省, as the seed file lists them. Pure."""

from __future__ import annotations

from functools import cache
from pathlib import Path

SEED = Path(__file__).parents[1] / "seeds" / "divisions_42.txt"
PROVINCE = "420000"


@cache
def divisions() -> dict[str, str]:
    """Code of GB/T 2260 → name, the province first; 117 of them."""
    lines = [line for line in SEED.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split(" ", 1) for line in lines)


def division_names() -> tuple[str, ...]:
    """Names of every city and county, without the province."""
    return tuple(name for code, name in divisions().items() if code != PROVINCE)


def superior_division(code: str) -> str | None:
    """The code of the division above; None for the province. Counties of 4290 belong to the province directly."""
    if code == PROVINCE:
        return None
    if code.endswith("00") or code.startswith("4290"):
        return PROVINCE
    return code[:4] + "00"
