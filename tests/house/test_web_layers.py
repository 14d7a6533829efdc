"""The console's house rules that no compiler checks."""

from __future__ import annotations

import os
import re
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "web" / "src"
IMPORT = re.compile(r"""(?:from|import\()\s*['"]((?:@|\.\.?)/[\w./-]+)['"]""")


def sources() -> list[Path]:
    return [path for path in sorted(SRC.rglob("*")) if path.suffix in {".ts", ".vue"} and path.name != "schema.d.ts"]


def imports_of(path: Path) -> list[str]:
    """What a file imports from our own, as paths below src."""
    found = IMPORT.findall(path.read_text())
    return [each[2:] if each.startswith("@/") else os.path.relpath(path.parent / each, SRC) for each in found]


def name_of(path: Path) -> str:
    return path.relative_to(SRC).as_posix()


def test_features_never_import_each_other_and_nothing_shared_imports_a_feature():
    wrong = [
        f"{name_of(path)} imports {imported}"
        for path in sources()
        for imported in imports_of(path)
        if imported.startswith("features/") and not _may_import_feature(path, imported)
    ]

    assert wrong == []


def test_forms_shared_and_api_know_nothing_of_the_shell():
    wrong = [
        f"{name_of(path)} imports {imported}"
        for path in sources()
        if path.relative_to(SRC).parts[0] in {"forms", "shared", "api"}
        for imported in imports_of(path)
        if imported.startswith("app/")
    ]

    assert wrong == []


def test_one_file_calls_fetch():
    callers = [
        name_of(path)
        for path in sources()
        if ".test." not in path.name and re.search(r"(?<![\w.])fetch\(|XMLHttpRequest|sendBeacon", path.read_text())
    ]

    assert callers == ["api/send.ts"]


def test_no_markup_is_made_of_strings_and_no_style_stands_in_it():
    # A name may hold a script; the policy of the console refuses style="…".
    wrong = [
        name_of(path)
        for path in sources()
        if ".test." not in path.name and re.search(r"v-html|innerHTML|insertAdjacentHTML|\sstyle=\"", path.read_text())
    ]

    assert wrong == []


def test_a_component_stays_short_and_nothing_is_any():
    for path in sources():
        text = path.read_text()
        without_style = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)

        assert len(without_style.splitlines()) <= (200 if path.suffix == ".vue" else 300), name_of(path)
        assert not re.search(r"(:|as|<)\s*any\b", text), name_of(path)


def _may_import_feature(path: Path, imported: str) -> bool:
    parts = path.relative_to(SRC).parts
    if parts[0] == "app":  # the shell registers the routes
        return path.name == "routes.ts"
    return parts[0] == "features" and imported.split("/")[1] == parts[1]
