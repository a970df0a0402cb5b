"""Who may import whom: the table of floors, read from the code itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# floor -> what it may import besides itself; a module is on the floor of its longest matching prefix
FLOORS: dict[str, set[str]] = {
    "engine.node": set(),
    "engine.graph": {"engine.node"},
    "engine.device": {"engine.node"},
    "engine.weights": {"engine.node", "engine.device"},
    "engine.pictures": {"engine.node", "engine.device"},
    "engine.diffusion": {"engine.node", "engine.device", "engine.weights", "engine.pictures"},
    "engine.hints": {"engine.node", "engine.device", "engine.weights", "engine.pictures"},
    "engine.training": {"engine.node", "engine.device", "engine.weights", "engine.pictures", "engine.diffusion"},
    "engine.compat": {"engine.node", "engine.graph"},
    "engine.compat.legacy": {
        "engine.node",
        "engine.graph",
        "engine.compat",
        "engine.device",
        "engine.weights",
        "engine.pictures",
        "engine.diffusion",
        "nodes",
    },
    "engine.run": {"engine.node", "engine.graph", "engine.diffusion", "engine.device"},
    "engine.queue": {"engine.node", "engine.graph", "engine.run", "engine.weights"},
    "engine.server": {"engine.node", "engine.graph", "engine.compat", "engine.queue", "engine.run", "engine.weights"},
    "engine.api": {"engine.node", "engine.diffusion", "engine.training"},
    "nodes": {
        "engine.api",
        "engine.node",
        "engine.training",
        "engine.hints",
        "engine.diffusion",
        "engine.pictures",
        "engine.weights",
        "engine.device",
    },
    "engine": {  # __main__, app, settings: the only files that know every floor
        "engine.node",
        "engine.graph",
        "engine.device",
        "engine.weights",
        "engine.pictures",
        "engine.diffusion",
        "engine.compat",
        "engine.compat.legacy",
        "engine.run",
        "engine.queue",
        "engine.server",
        "engine.training",
        "engine.hints",
        "nodes",
    },
}
FORBIDDEN_WORDS = ("utils", "helpers", "common", "base", "manager", "misc")
SOURCES = sorted([*(ROOT / "engine").rglob("*.py"), *(ROOT / "nodes").rglob("*.py")])


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(module: str) -> str | None:
    fitting = [floor for floor in FLOORS if module == floor or module.startswith(floor + ".")]
    return max(fitting, key=len) if fitting else None


def imports_of(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {id(inner) for node in ast.walk(tree) if _is_typing_block(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_typing_block(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_a_file_imports_its_own_floor_and_those_below(path: Path) -> None:
    mine = floor_of(module_of(path))
    assert mine is not None
    theirs = {floor for name in imports_of(path) if (floor := floor_of(name)) is not None}
    strangers = theirs - FLOORS[mine] - {mine}
    assert not strangers, f"{module_of(path)} is on the floor {mine} and may not import {sorted(strangers)}"


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_no_file_is_named_after_nothing(path: Path) -> None:
    assert path.stem not in FORBIDDEN_WORDS


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_every_file_says_what_it_is(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize(
    "floor", ["engine.node", "engine.graph", "engine.compat", "engine.queue", "engine.server", "nodes"]
)
def test_floors_that_must_start_at_once_load_no_torch(floor: str) -> None:
    modules = [module_of(path) for path in SOURCES if floor_of(module_of(path)) == floor]
    code = f"import sys, {', '.join(modules)}; sys.exit('torch._C' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
