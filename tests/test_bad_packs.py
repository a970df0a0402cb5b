"""Packs that misbehave harm nobody but themselves; what they ask of the host, the host does."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nodes
from engine import app as application
from engine.app import App
from engine.compat.legacy import cli_args
from engine.compat.legacy.install import HostModules
from engine.device import place
from engine.graph.prompt import graph_from_prompt
from engine.settings import Settings
from engine.weights import folders

NODE = """
class Node:
    @classmethod
    def INPUT_TYPES(cls):
        {describe}
        return {{"required": {{"value": ("INT", {{"default": 0}})}}}}
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    CATEGORY = "test"
    OUTPUT_NODE = True
    def run(self, value):
        {run}
        return (value,)
NODE_CLASS_MAPPINGS = {{"{id}": Node}}
"""


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    before, known, options = folders.current(), set(sys.modules), dict(vars(cli_args.args))
    yield tmp_path
    folders.use(before)
    place.use(None)
    vars(cli_args.args).update(options)
    sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, HostModules)]
    for name in set(sys.modules) - known:
        if name.startswith(str(tmp_path)) or "comfy" in name:
            del sys.modules[name]


def pack(base: Path, name: str, *, run: str = "pass", describe: str = "pass", id: str = "", before: str = "") -> None:
    (base / "custom_nodes").mkdir(exist_ok=True)
    code = before + NODE.format(run=run, describe=describe, id=id or name)
    (base / "custom_nodes" / f"{name}.py").write_text(code)


def ran(app: App, **class_types: str) -> Any:
    """The last event of a run of one node each."""
    steps = {id: {"class_type": type, "inputs": {"value": 1}} for id, type in class_types.items()}
    graph = graph_from_prompt(steps)
    return list(app.run(app.check(graph), {}))[-1]


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("import sys; sys.exit('over')", "SystemExit: over"),
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("def f(:", "SyntaxError"),
    ],
    ids=["raises", "exits", "imports", "syntax"],
)
def test_a_pack_that_fails_at_import_stops_no_other(base: Path, before: str, told: str) -> None:
    pack(base, "bad", before=before + "\n")
    pack(base, "good")
    app = application.start(Settings(base=base))
    bad, good = app.load_packs().packs
    assert bad.error is not None
    assert told in bad.error
    assert good.node_ids == ("good",)
    assert type(ran(app, a="good")).__name__ == "RunFinished"


def test_a_pack_that_takes_a_built_in_name_does_not_get_it(base: Path) -> None:
    pack(base, "thief", id="EmptyImage")
    app = application.start(Settings(base=base))
    assert app.load_packs().packs[0].ignored == ("EmptyImage",)
    assert app.registry.snapshot()["EmptyImage"].category == "image"


def test_a_node_that_cannot_be_described_leaves_the_others_alone(base: Path) -> None:
    pack(base, "odd", describe="raise RuntimeError('no idea')")
    pack(base, "fine")
    app = application.start(Settings(base=base))
    app.load_packs()
    assert type(ran(app, a="fine", b="odd")).__name__ == "RunFinished"


@pytest.mark.parametrize("run", ["import sys; sys.exit(3)", "raise SystemExit(3)"])
def test_a_node_that_exits_fails_alone(base: Path, run: str) -> None:
    pack(base, "quitter", run=run)
    app = application.start(Settings(base=base))
    app.load_packs()
    last = ran(app, a="quitter")
    assert (type(last).__name__, last.node_type, last.exception_type) == ("RunFailed", "quitter", "SystemExit")
    assert not last.explained


def test_an_interrupt_from_the_keyboard_goes_through_a_node(base: Path) -> None:
    pack(base, "rude", run="raise KeyboardInterrupt")
    app = application.start(Settings(base=base))
    app.load_packs()
    with pytest.raises(KeyboardInterrupt):
        ran(app, a="rude")


@pytest.mark.parametrize(
    "order",
    [
        "import nodes; nodes.interrupt_processing()",
        "import comfy.model_management as m; m.interrupt_current_processing()",
    ],
    ids=["nodes", "model_management"],
)
def test_a_pack_can_stop_the_run_and_the_next_one_goes(base: Path, order: str) -> None:
    pack(base, "stopper", run=order)
    pack(base, "good")
    app = application.start(Settings(base=base))
    app.load_packs()
    last = ran(app, a="stopper", b="good")
    assert type(last).__name__ == "RunInterrupted"
    assert type(ran(app, b="good")).__name__ == "RunFinished"


def test_packs_are_told_what_the_user_chose(base: Path) -> None:
    pack(base, "reader", before="from comfy.cli_args import args\nSEEN = dict(vars(args))\n")
    settings = Settings(base=base, disable_metadata=True, device="cpu", output=base / "elsewhere")
    application.start(settings).load_packs()
    seen = sys.modules[str(base / "custom_nodes" / "reader")].SEEN
    assert seen["disable_metadata"] is True
    assert seen["cpu"] is True
    assert seen["output_directory"] == str(base / "elsewhere")
    assert seen["input_directory"] == str(base / "input")
    assert seen["preview_method"] is cli_args.LatentPreviewMethod.Auto
    assert callable(nodes.__dict__["interrupt_processing"])
