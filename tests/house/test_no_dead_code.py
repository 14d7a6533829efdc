"""What a module defines at its top is used by somebody: by another module, by itself, or by a registry it is entered in.

Tests are nobody, save for tools/, which serves them. What somebody outside Python names (`module:name`) is used as well.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from functools import cache

import pytest

from tests.house.sources import files, python_sources

UNUSED_FOR_A_REASON = {
    "tools.gunicorn_conf": "gunicorn reads every name of its settings",
    "domain.accounts.account.openid_of": "what is sealed for messages by WeChat, which nothing sends yet, can be read",
    "domain.credentials.credential.withdraw_credential": "no page or command lets its holder withdraw one yet",
}
# These only wrap; every other decorator is taken to register what it stands on.
WRAPPERS = {"cache", "contextmanager", "dataclass", "lru_cache", "unique"}
NAMED_ELSEWHERE = ("Procfile", "pyproject.toml", "*.ini")


@cache
def unused() -> list[str]:
    askers_of_tools = {path: text for path, text in files("tests/*.py").items() if "tools" in text}
    return unused_names(python_sources(), askers_of_tools, "\n".join(files(*NAMED_ELSEWHERE).values()))


def test_whatever_a_module_defines_is_used() -> None:
    found = [name for name in unused() if not {name, module_part(name)} & UNUSED_FOR_A_REASON.keys()]
    if found:
        pytest.fail("\n".join(["nothing uses:", *found]), pytrace=False)


def test_whatever_is_excused_is_unused_indeed() -> None:
    assert sorted(UNUSED_FOR_A_REASON.keys() - {*unused(), *map(module_part, unused())}) == []


def test_what_nobody_or_only_itself_or_only_a_test_names_is_found() -> None:
    sources = {
        "domain/grant.py": "LIMIT = 3\n\ndef used(): ...\ndef forgotten(): ...\ndef tested(): ...\ndef loops(): loops()\n",
        "api/grants.py": "from domain.grant import used\n\n@api.get('/')\ndef route(): return _told(used)\n\ndef _told(x): ...\n",
    }
    tests = {"tests/test_grant.py": "from domain.grant import tested\n"}

    assert unused_names(sources, tests, "") == [
        "domain.grant.LIMIT",
        "domain.grant.forgotten",
        "domain.grant.loops",
        "domain.grant.tested",
    ]


def test_a_name_counts_as_used_through_its_module_in_a_text_and_by_tests_of_tools() -> None:
    sources = {
        "domain/grant.py": "def by_module(): ...\n",
        "tasks/beat.py": "register(__name__, 'Quoted')\nclass Quoted: ...\nclass Steady: ...\n",
        "tools/cards.py": "def for_tests(): ...\n",
        "wsgi.py": "import tasks.beat\nfrom domain import grant as register\napp = register.by_module()\n",
    }
    tests = {"tests/test_cards.py": "from tools.cards import for_tests\n"}

    assert unused_names(sources, tests, "web: gunicorn wsgi:app\nbeat: --scheduler tasks.beat:Steady\n") == []


def unused_names(sources: Mapping[str, str], tests: Mapping[str, str], elsewhere: str) -> list[str]:
    """`module.name` of all that is defined at the top of a source and that nothing uses. sources, tests: text by path."""
    trees = {module_of(path): ast.parse(text) for path, text in sources.items()}
    test_trees = {module_of(path): ast.parse(text) for path, text in tests.items()}
    used = {name for module, tree in trees.items() for name in uses_of(module, tree, trees.keys())}
    in_tests = {name for module, tree in test_trees.items() for name in uses_of(module, tree, trees.keys())}
    used |= {name for name in in_tests if name[0].startswith("tools.")}
    texts = elsewhere + "\n".join(text for tree in trees.values() for text in strings_of(tree))
    return sorted(
        f"{module}.{name}"
        for module, tree in trees.items()
        for name in defined_in(tree)
        if (module, name) not in used and f"{module}:{name}" not in texts
    )


def module_part(name: str) -> str:
    return name.rpartition(".")[0]


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def defined_in(tree: ast.Module) -> Iterator[str]:
    """Names of functions, classes and constants, those that a decorator registers left out."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if all(_last_name(decorator) in WRAPPERS for decorator in node.decorator_list):
                yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]
            yield from (name for name in names if not name.startswith("__"))


def uses_of(module: str, tree: ast.Module, modules: Collection[str]) -> Iterator[tuple[str, str]]:
    """(module, name) of all this module asks for; what a definition says of itself is no use."""
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                if f"{node.module}.{each.name}" in modules:
                    aliases[each.asname or each.name] = f"{node.module}.{each.name}"
                else:
                    yield node.module, each.name
        elif isinstance(node, ast.Import):
            aliases |= {each.asname or each.name: each.name for each in node.names}
    for top in tree.body:
        own = getattr(top, "name", None)
        for node in ast.walk(top):
            if isinstance(node, ast.Attribute) and (named := _dotted(node.value)) in aliases:
                yield aliases[named], node.attr
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id != own:
                yield module, node.id
            elif isinstance(node, ast.Call) and any(_dotted(each) == "__name__" for each in node.args):
                yield from ((module, each.value) for each in node.args if isinstance(each, ast.Constant))


def strings_of(tree: ast.Module) -> Iterator[str]:
    """Those that may be `module:name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and ":" in node.value:
            yield node.value


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return f"{_dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def _last_name(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return _dotted(called).rpartition(".")[2]
