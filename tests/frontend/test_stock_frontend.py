"""The stock frontend against a real server, in a real Chromium: an old and a late version of it.

They are skipped where `tests/frontend/fetch.py` has not put a version in place, or there is no Chromium.
"""

import json
import os
import shutil
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.frontend.fetch import VERSIONS, pages_of
from tests.frontend.screen import Screen, screen
from tests.server.serving import serving

WORKFLOWS = Path(__file__).parent / "workflows"
MAGENTA = (255, 0, 255)
PACK = """
import pathlib, time
import comfy.model_management as management

class Gate:
    RETURN_TYPES, FUNCTION, CATEGORY = ("IMAGE",), "go", "test"
    INPUT_TYPES = classmethod(lambda cls: {{"required": {{"image": ("IMAGE",)}}}})

    def go(self, image):
        while not pathlib.Path({opened!r}).exists():
            management.throw_exception_if_processing_interrupted()
            time.sleep(0.02)
        return (image,)

NODE_CLASS_MAPPINGS = {{"Gate": Gate}}
"""


@dataclass(frozen=True)
class Stage:
    """A server, and the frontend that it serves as a browser shows it."""

    screen: Screen
    address: str
    gate: Path  # the file that lets the node `Gate` go on

    def get(self, path: str) -> Any:
        """The JSON of a path."""
        with urllib.request.urlopen(self.address + path, timeout=60) as answer:
            return json.load(answer)

    def last(self) -> Any:
        """The history's latest entry, once nothing waits or runs any more."""
        for _ in range(600):
            if not any(self.get("/queue").values()):
                break
            self.screen.page.wait_for_timeout(100)
        return next(reversed(self.get("/history").values()))


@pytest.fixture(scope="module", params=VERSIONS)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    chromium, pages = shutil.which("chromium"), pages_of(request.param)
    if chromium is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    if not pages.is_file():
        pytest.skip(f"frontend {request.param} is not fetched: python tests/frontend/fetch.py")
    base = tmp_path_factory.mktemp("stage")
    user, pack, gate = base / "user" / "default", base / "custom_nodes" / "gate", base / "opened"
    shutil.copytree(WORKFLOWS, user / "workflows")
    (user / "comfy.settings.json").write_text('{"Comfy.TutorialCompleted": true}')  # no tour of the templates first
    pack.mkdir(parents=True)
    (pack / "__init__.py").write_text(PACK.format(opened=str(gate)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(pages.parents[2]), prepend=os.pathsep)
        with serving(base, "--frontend=stock") as server, screen(server.address, Path(chromium)) as shown:
            yield Stage(shown, server.address, gate)


def test_it_starts_knows_every_node_type_and_asks_nobody_else(stage: Stage) -> None:
    assert stage.screen.not_made(list(stage.get("/object_info"))) == []
    assert [each for each in stage.screen.errors if "Failed to fetch" not in each] == []
    # a late version's own first workflow names models that are not here, and it asks their host how large they are
    assert [each.url for each in stage.screen.strangers if each.method != "HEAD"] == []


def test_a_saved_workflow_is_opened_run_watched_and_its_picture_shown(stage: Stage) -> None:
    stage.screen.open_workflow("paint")
    stage.screen.run()
    stage.screen.see_running("KSampler", "[1-9][0-9]?")
    stage.screen.see_picture("KSampler", "blob:")
    stage.screen.see_picture("SaveImage", "/view?")
    stage.screen.see_idle()


def test_a_node_that_fails_is_told_with_its_reason(stage: Stage) -> None:
    stage.screen.open_workflow("fail")
    stage.screen.run()
    stage.screen.see_error("boom")
    assert stage.last()["status"]["messages"][-1][0] == "execution_error"


def test_a_run_is_interrupted(stage: Stage) -> None:
    stage.screen.open_workflow("sleep")
    stage.screen.run()
    stage.screen.see_running("Sleep")
    stage.screen.interrupt()
    stage.screen.see_idle()
    assert stage.last()["status"]["messages"][-1][0] == "execution_interrupted"


def test_the_result_of_a_run_comes_though_the_page_was_loaded_anew(stage: Stage) -> None:
    stage.screen.open_workflow("held")
    stage.screen.run()
    stage.screen.see_running("Gate")
    stage.screen.reload(opened="held")
    stage.gate.touch()
    stage.screen.see_picture("SaveImage", "/view?")
    stage.screen.see_colour(MAGENTA)
