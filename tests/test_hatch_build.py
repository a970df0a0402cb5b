"""The package's build makes the canvas when its sources changed, and says why where it cannot."""

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

HOOK = Path(__file__).parent.parent / "hatch_build.py"
BUILD = "const fs=require('fs');fs.mkdirSync('../canvas');fs.copyFileSync('page.txt','../canvas/page.txt')"


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", HOOK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hatch_build"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A package of the same shape as the canvas, which needs nothing from anywhere."""
    web = tmp_path / "web"
    web.mkdir()
    (tmp_path / "engine" / "server").mkdir(parents=True)
    (tmp_path / "engine" / "server" / "openapi.yaml").write_text("openapi: 3.1.0\n")
    package = {"name": "page", "version": "1.0.0", "scripts": {"build": f'node -e "{BUILD}"'}}
    (web / "package.json").write_text(json.dumps(package))
    lock = {"name": "page", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "page"}}}
    (web / "package-lock.json").write_text(json.dumps(lock))
    (web / "page.txt").write_text("one")
    return web


def test_the_canvas_is_built_once_for_the_same_sources(hook: ModuleType, sources: Path) -> None:
    target = sources.parent / "canvas"
    assert hook.build_canvas(sources, target)
    assert (target / "page.txt").read_text() == "one"
    assert not hook.build_canvas(sources, target)
    (sources / "page.txt").write_text("two")
    assert hook.build_canvas(sources, target)
    assert (target / "page.txt").read_text() == "two"


def test_a_changed_interface_of_the_server_counts_too(hook: ModuleType, sources: Path) -> None:
    target = sources.parent / "canvas"
    hook.build_canvas(sources, target)
    (sources.parent / "engine" / "server" / "openapi.yaml").write_text("openapi: 3.1.1\n")
    assert hook.build_canvas(sources, target)


def test_a_failed_build_says_what_npm_said_and_is_tried_again(hook: ModuleType, sources: Path) -> None:
    target = sources.parent / "canvas"
    (sources / "page.txt").unlink()
    with pytest.raises(RuntimeError, match=r"(?s)npm run build.*page\.txt") as error:
        hook.build_canvas(sources, target)
    assert os.fspath(sources) in str(error.value)
    (sources / "page.txt").write_text("now")
    assert hook.build_canvas(sources, target)
