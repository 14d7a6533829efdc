"""The console's house rules that no compiler checks."""

from __future__ import annotations

import os
import re
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "web" / "src"
IMPORT = re.compile(r"""(?:from|import\(|import)\s*['"]((?:@|\.\.?)/[\w./-]+)['"]""")
FOLDER_AT_MOST = 16  # sources; tests lie beside them and do not count

Graph = dict[str, set[str]]


def sources() -> list[Path]:
    return [path for path in sorted(SRC.rglob("*")) if path.suffix in {".ts", ".vue"} and path.name != "schema.d.ts"]


def imports_of(path: Path) -> list[str]:
    """What a file imports from our own, as paths below src."""
    found = IMPORT.findall(path.read_text())
    return [each[2:] if each.startswith("@/") else os.path.relpath(path.parent / each, SRC) for each in found]


def name_of(path: Path) -> str:
    return path.relative_to(SRC).as_posix()


def files_and_imports() -> Graph:
    """Each source with the sources it imports, types among them; without styles, and without what lies outside src."""
    known = {name_of(path) for path in sources()}
    return {
        name_of(path): {name for each in imports_of(path) for name in (each, f"{each}.ts") if name in known}
        for path in sources()
    }


def folders_of(graph: Graph) -> Graph:
    """Each folder with the other folders its files import from."""
    folders: Graph = {}
    for name, imported in graph.items():
        here = os.path.dirname(name)
        folders.setdefault(here, set()).update({os.path.dirname(each) for each in imported} - {here})
    return folders


def circle_in(graph: Graph) -> list[str]:
    """One circle, its first name again at the end; nothing where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


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


def test_every_import_is_understood():
    wrong = [
        f"{name_of(path)} imports {imported}"
        for path in sources()
        for imported in imports_of(path)
        if not imported.startswith("../../bpmn/")  # the forms of a flow, which a test draws
        and not any((SRC / f"{imported}{ending}").is_file() for ending in ("", ".ts", ".d.ts"))
    ]

    assert wrong == []
    assert "features/cases/CaseDesk.vue" in files_and_imports()["features/cases/CasePage.vue"]


def test_a_circle_is_found():
    graph: Graph = {"one/a.ts": {"two/b.ts"}, "two/b.ts": {"two/c.ts"}, "two/c.ts": set(), "one/d.ts": set()}

    assert circle_in(graph) == circle_in(folders_of(graph)) == []
    graph["two/c.ts"] = {"one/d.ts"}
    assert circle_in(graph) == []
    assert sorted(set(circle_in(folders_of(graph)))) == ["one", "two"]
    graph["two/c.ts"] = {"one/a.ts"}
    assert sorted(set(circle_in(graph))) == ["one/a.ts", "two/b.ts", "two/c.ts"]


def test_no_file_and_no_folder_is_part_of_a_circle():
    files = files_and_imports()

    assert circle_in(files) == []
    assert circle_in(folders_of(files)) == []


def test_a_folder_is_taken_in_at_a_glance():
    held = Counter(os.path.dirname(name_of(path)) for path in sources() if ".test." not in path.name)

    assert {folder: count for folder, count in held.items() if count > FOLDER_AT_MOST} == {}


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
