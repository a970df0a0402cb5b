"""What clients are told of node types; the built-in ones are told as the ecosystem knows them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.compat import object_info, v1
from engine.node.registry import Registry
from nodes import built_in_registry

BUILT_IN = built_in_registry()
QUIET_OPTIONS = {"tooltip"}


@pytest.fixture(scope="session")
def reference(spec_dir: Path) -> dict[str, dict[str, Any]]:
    return json.loads((spec_dir / "object_info.json").read_text("utf-8"))


def comparable(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry without what may differ: tooltips, and the files that are on this disk."""
    inputs = {
        section: {name: plain(spec) if section != "hidden" else spec for name, spec in named.items()}
        for section, named in entry["input"].items()
        if named
    }
    order = {section: names for section, names in entry["input_order"].items() if names}
    kept = ("output", "output_name", "output_is_list", "output_node", "category")
    shown = entry["display_name"] or entry["name"]  # clients show the id where there is no title
    flags = {flag: bool(entry.get(flag)) for flag in ("deprecated", "experimental")}
    return {"input": inputs, "input_order": order, **{key: entry[key] for key in kept}, "shown": shown, **flags}


def plain(spec: list[Any]) -> dict[str, Any]:
    options = dict(spec[1]) if len(spec) > 1 else {}
    return {"type": spec[0], "options": {key: value for key, value in options.items() if key not in QUIET_OPTIONS}}


def without_files(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Empty our lists where the reference has an empty one: there its disk held no files."""
    for section, named in theirs["input"].items():
        for name, spec in named.items():
            mine = ours["input"].get(section, {}).get(name)
            if section == "hidden" or mine is None:
                continue
            if spec["type"] == []:
                mine["type"] = [] if isinstance(mine["type"], list) else mine["type"]
            if spec["options"].get("options") == [] and isinstance(mine["options"].get("options"), list):
                mine["options"]["options"] = []
    for slot, type_ in enumerate(theirs["output"]):
        if type_ == [] and slot < len(ours["output"]) and isinstance(ours["output"][slot], list):
            ours["output"][slot] = []


def test_the_ecosystems_nodes_are_told_as_it_knows_them(reference: dict[str, Any]) -> None:
    shared = [id for id in BUILT_IN if id in reference]
    assert len(shared) > 150
    wrong: list[str] = []
    for id in shared:
        ours, theirs = comparable(object_info.entry(BUILT_IN.describe(id))), comparable(reference[id] | {"name": id})
        without_files(ours, theirs)
        in_order = all(list(named) == list(theirs["input"][section]) for section, named in ours["input"].items())
        if ours != theirs or not in_order:
            wrong.append(id)
    assert wrong == []


def test_listing_the_built_in_nodes_loads_no_torch() -> None:
    ask = (
        "import sys; from nodes import built_in_registry; from engine.compat.object_info import object_info; "
        "object_info(built_in_registry().snapshot()); sys.exit('torch._C' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", ask], cwd=Path(__file__).parents[2], check=False).returncode == 0


class Sound:
    INPUT_TYPES = classmethod(
        lambda cls: {
            "required": {"image": ("IMAGE",), "mode": (["a", "b"], {"default": "b"})},
            "hidden": {"id": "UNIQUE_ID"},
        }
    )
    RETURN_TYPES = ("IMAGE", "INT")
    RETURN_NAMES = ("picture", "count")
    OUTPUT_IS_LIST = (True, False)
    FUNCTION = "run"
    CATEGORY = "tests"
    EXPERIMENTAL = True


class Broken(Sound):
    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        raise RuntimeError("no network")


def test_an_entry_says_inputs_in_order_outputs_and_flags() -> None:
    entry = object_info.entry(v1.describe("Sound", Sound, "A sound node"))
    assert entry == {
        "input": {
            "required": {"image": ["IMAGE", {}], "mode": [["a", "b"], {"default": "b"}]},
            "hidden": {"id": "UNIQUE_ID"},
        },
        "input_order": {"required": ["image", "mode"], "hidden": ["id"]},
        "output": ["IMAGE", "INT"],
        "output_is_list": [True, False],
        "output_name": ["picture", "count"],
        "name": "Sound",
        "display_name": "A sound node",
        "description": "",
        "python_module": "nodes",
        "category": "tests",
        "output_node": False,
        "experimental": True,
    }


def test_a_class_that_fails_to_describe_itself_does_not_hide_the_others(caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry()
    registry.add("Broken", lambda: v1.describe("Broken", Broken))
    registry.add("Sound", lambda: v1.describe("Sound", Sound))
    assert list(object_info.object_info(registry.snapshot())) == ["Sound"]
    assert "Broken" in caplog.text
