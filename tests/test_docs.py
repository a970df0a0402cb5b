"""The docs keep up with the code: examples run, tables are fresh, and nothing is left out."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from engine.__main__ import main
from engine.node.declare import describe
from nodes import built_in_registry

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "custom_nodes").rglob("*.md")])


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_nodes_is_fresh() -> None:
    fresh = loaded(DOCS / "generate.py").nodes_page()
    assert (DOCS / "nodes.md").read_text("utf-8") == fresh, "run: python docs/generate.py"


def test_every_node_says_what_it_does() -> None:
    types = built_in_registry().snapshot()
    assert [id for id in types if not types[id].description] == []


def test_every_option_is_in_the_docs() -> None:
    page = "".join((DOCS / name).read_text("utf-8") for name in ("run-headless.md", "server.md"))
    assert isinstance(main, click.Group)
    options = {
        max(option.opts, key=len)
        for command in main.commands.values()
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
    }
    assert sorted(option for option in options if option not in page) == []


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert isinstance(main, click.Group)
    assert [
        name for name, command in main.commands.items() if not command.hidden and f"`heddle {name}" not in readme
    ] == []


def test_the_example_of_a_node_works() -> None:
    import torch

    page = (DOCS / "write-a-node.md").read_text("utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    module = ModuleType("example")
    sys.modules["example"] = module
    exec(compile(code, "write-a-node.md", "exec"), vars(module))
    keyed = module.key_out(torch.tensor([[[[0.1, 0.9, 0.2], [0.1, 0.2, 0.2]]]]))
    assert keyed.mask.tolist() == [[[1.0, 0.0]]]
    type_ = describe(module.key_out)
    assert [each.name for each in type_.inputs] == ["image", "channel", "threshold"]
    assert [each.name for each in type_.outputs] == ["IMAGE", "MASK"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"
