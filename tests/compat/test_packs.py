"""Packs on disk: which are found, what becomes of each, and that the example pack works."""

import importlib
import logging
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from engine.compat import object_info
from engine.compat.classes import Classes
from engine.compat.legacy.host import load_packs as load_into
from engine.compat.packs import Pack, Report, find_packs, load_packs, run_prestartup_scripts
from engine.node.context import Executing, entered
from engine.node.spec import NodeType, Result

EXAMPLES = Path(__file__).parents[2] / "custom_nodes"
NODE = """
class {name}:
    RETURN_TYPES = ("INT",)
    FUNCTION = "run"
    INPUT_TYPES = classmethod(lambda cls: {{"required": {{}}}})
    def run(self):
        return ({value},)
NODE_CLASS_MAPPINGS = {{"{name}": {name}}}
"""
V3 = """
from comfy_api.latest import ComfyExtension, io
loaded = []
class Three(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema("Three", display_name="Number three", outputs=[io.Int.Output()])
    @classmethod
    def execute(cls):
        return io.NodeOutput(3)
class Pack(ComfyExtension):
    async def on_load(self):
        loaded.append(True)
    async def get_node_list(self):
        return [Three] if loaded else []
async def comfy_entrypoint():
    return Pack()
"""


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def load(root: Path, classes: Classes, **options: Any) -> Report:
    return load_packs(list(find_packs([root], **options)), classes)


def only(report: Report) -> Pack:
    (pack,) = report.packs
    return pack


def value_of(classes: Classes, id: str) -> Any:
    return cast("Any", classes.registry.describe(id).make()()).values[0]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "custom_nodes"
    folder.mkdir()
    return folder


def test_files_and_folders_are_packs_and_what_is_switched_off_is_not(root: Path) -> None:
    for name in ("a.py", "b.py.disabled", "c.txt", "d/__init__.py", ".e/__init__.py", "f.disabled/__init__.py"):
        write(root, name, "")
    write(root, "__pycache__/x.py", "")
    assert [path.name for path in find_packs([root])] == [".e", "a.py", "d"]
    assert [path.name for path in find_packs([root], only=["d"])] == ["d"]
    assert list(find_packs([root / "absent"])) == []


def test_a_folder_and_a_single_file_give_their_nodes(root: Path, host: Classes) -> None:
    write(root, "My-Pack.v1/__init__.py", "from .inner import NODE_CLASS_MAPPINGS")
    write(root, "My-Pack.v1/inner.py", NODE.format(name="One", value=1))
    write(root, "two.py", NODE.format(name="Two", value=2))
    report = load(root, host)
    assert [(pack.name, pack.node_ids, pack.error) for pack in report.packs] == [
        ("My-Pack.v1", ("One",), None),
        (str(root / "two"), ("Two",), None),
    ]
    assert (value_of(host, "One"), value_of(host, "Two")) == (1, 2)
    assert str(root / "My-Pack.v1").replace(".", "_x_") in sys.modules
    assert host.registry.describe("One").module == "custom_nodes.My-Pack.v1"
    assert report.module_dirs["My-Pack.v1"] == root / "My-Pack.v1"


def test_a_broken_pack_is_reported_and_the_others_load(
    root: Path, host: Classes, caplog: pytest.LogCaptureFixture
) -> None:
    write(root, "broken/__init__.py", "import a_module_that_nobody_has")
    write(root, "exits.py", "raise SystemExit(1)")
    write(root, "good.py", NODE.format(name="Good", value=1))
    with caplog.at_level(logging.INFO):
        report = load(root, host)
    broken, exits, good = report.packs
    assert report.failed == (broken, exits)
    assert broken.error is not None
    assert "a_module_that_nobody_has" in broken.error
    assert "Traceback" in broken.traceback
    assert exits.error is not None
    assert good.node_ids == ("Good",)
    assert f"Cannot import {root / 'broken'} module for custom nodes" in caplog.text
    assert f"(IMPORT FAILED): {root / 'broken'}" in str(report)


def test_a_folder_without_an_init_file_is_reported(root: Path, host: Classes) -> None:
    (root / "empty").mkdir()
    assert "__init__.py" in (only(load(root, host)).error or "")


def test_a_pack_that_exports_nothing_is_skipped_but_its_web_folder_stays(root: Path, host: Classes) -> None:
    write(root, "looks/__init__.py", 'WEB_DIRECTORY = "./js"')
    write(root, "looks/js/a.js", "")
    report = load(root, host)
    assert "comfy_entrypoint" in (only(report).error or "")
    assert report.web == {"looks": root / "looks" / "js"}


def test_a_project_file_names_a_web_folder(root: Path, host: Classes) -> None:
    write(root, "pack/__init__.py", "NODE_CLASS_MAPPINGS = {}")
    write(root, "pack/pyproject.toml", '[project]\nname = "fancy"\n[tool.comfy]\nweb = "ui"\n')
    write(root, "pack/ui/a.js", "")
    assert load(root, host).web == {"fancy": root / "pack" / "ui"}


def test_a_project_file_that_cannot_be_read_harms_nothing(root: Path, host: Classes) -> None:
    write(root, "pack/__init__.py", "NODE_CLASS_MAPPINGS = {}")
    write(root, "pack/pyproject.toml", "[project\n")
    assert only(load(root, host)).error is None


def test_a_v3_entry_point_gives_its_nodes_after_it_was_loaded(root: Path, host: Classes) -> None:
    write(root, "three.py", V3)
    assert only(load(root, host)).node_ids == ("Three",)
    assert value_of(host, "Three") == 3
    assert host.titles["Three"] == "Number three"


@pytest.mark.parametrize(
    "text",
    ["comfy_entrypoint = 5", "comfy_entrypoint = lambda: 5", V3.replace("[Three] if loaded else []", "(Three,)")],
)
def test_an_entry_point_that_is_none_is_reported(root: Path, host: Classes, text: str) -> None:
    write(root, "pack.py", text)
    assert "TypeError" in (only(load(root, host)).error or "")


def test_a_built_in_name_cannot_be_taken_and_between_packs_the_last_one_has_it(root: Path, host: Classes) -> None:
    before = host.registry.describe("KSampler").title
    write(root, "a.py", NODE.format(name="KSampler", value=1) + 'NODE_DISPLAY_NAME_MAPPINGS = {"KSampler": "Mine"}')
    write(root, "b.py", NODE.format(name="Same", value=1))
    write(root, "c.py", NODE.format(name="Same", value=2))
    report = load(root, host)
    assert report.packs[0].ignored == ("KSampler",)
    assert host.registry.describe("KSampler").title == before == host.titles["KSampler"]
    assert value_of(host, "Same") == 2


def test_a_pack_may_write_into_the_mappings_of_the_host(root: Path, host: Classes) -> None:
    write(
        root,
        "pack.py",
        "import nodes\n"
        + NODE.format(name="Direct", value=7)
        .replace("NODE_CLASS_MAPPINGS =", "NODE_CLASS_MAPPINGS = {}; nodes.NODE_CLASS_MAPPINGS.update")
        .replace('update {"Direct": Direct}', 'update({"Direct": Direct})'),
    )
    assert only(load(root, host)).error is None
    assert value_of(host, "Direct") == 7


def test_scripts_run_before_the_packs_and_one_that_fails_stops_nobody(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(root, "a/prestartup_script.py", "1 / 0")
    write(root, "b/prestartup_script.py", f"open({str(root / 'ran')!r}, 'w').close()")
    with caplog.at_level(logging.INFO):
        scripts = run_prestartup_scripts(list(find_packs([root])))
    assert [script.error is None for script in scripts] == [False, True]
    assert (root / "ran").exists()
    assert "(PRESTARTUP FAILED)" in caplog.text
    assert str(root / "b" / "prestartup_script") not in sys.modules


def test_a_process_loads_its_packs_in_one_step(root: Path, host: Classes) -> None:
    write(
        root, "pack/__init__.py", "import early\nWEB_DIRECTORY = 'js'\n" + NODE.format(name="One", value="early.VALUE")
    )
    write(root, "pack/js/a.js", "")
    early = "import sys, types; m = types.ModuleType('early'); m.VALUE = 9; sys.modules['early'] = m"
    write(root, "pack/prestartup_script.py", early)
    report = load_into([root], host.registry, root=root.parent)
    assert report.failed == ()
    assert value_of(host, "One") == 9
    nodes = importlib.import_module("nodes")
    assert {"pack": str(root / "pack" / "js")} == nodes.EXTENSION_WEB_DIRS
    assert {"pack": str(root / "pack")} == nodes.LOADED_MODULE_DIRS
    assert "One" in nodes.NODE_CLASS_MAPPINGS
    del sys.modules["early"]


@pytest.fixture
def example(host: Classes) -> Classes:
    report = load(EXAMPLES, host, only=["example_pack"])
    assert only(report).error is None
    assert len(only(report).node_ids) == 5
    return host


def of(classes: Classes, id: str) -> NodeType:
    return classes.registry.describe(f"Example{id}")


def test_all_example_nodes_are_listed(example: Classes) -> None:
    listed = object_info.object_info(example.registry.snapshot())
    assert {id for id in listed if id.startswith("Example")} == {id for id in example if id.startswith("Example")}


def test_the_example_grade_leaves_images_as_they_are_by_default_and_only_changes_what_the_mask_selects(
    example: Classes,
) -> None:
    image = torch.rand(2, 4, 4, 4)
    neutral = {"lift": 0.0, "gamma": 1.0, "gain": 1.0, "saturation": 1.0}
    made = of(example, "ColourGrade").make()
    torch.testing.assert_close(cast("Any", made(image=image, **neutral)).values[0], image)
    mask = torch.zeros(1, 4, 4)
    mask[:, 0] = 1
    graded = cast("Any", made(image=image, mask=mask, **(neutral | {"saturation": 0.0}))).values[0]
    torch.testing.assert_close(graded[:, 1:], image[:, 1:])
    torch.testing.assert_close(graded[:, 0, :, 0], graded[:, 0, :, 1])


def test_the_example_switch_asks_only_for_the_side_it_takes(example: Classes) -> None:
    type_ = of(example, "LazySwitch")
    made = type_.make()
    assert type_.unmet is not None
    assert type_.unmet(made, {"condition": False, "on_true": None, "on_false": None}) == ["on_false"]
    assert cast("Result", made(condition=False, on_true=None, on_false=4)).values == (4,)


def test_the_example_lists_split_and_join(example: Classes) -> None:
    split = of(example, "SplitLines")
    assert [each.is_list for each in split.outputs] == [True, False]
    assert cast("Result", split.make()(text="a\n\n b ", skip_empty=True)).values == (["a", "b"], 2)
    assert split.validator is not None
    assert split.validator.ask(text=" ") != True  # noqa: E712 - a text is what is wrong
    joined = cast("Result", of(example, "JoinLines").make()(lines=["a", "b"], separator=["-"]))
    assert (joined.values, joined.ui) == (("a-b",), {"text": ["a-b"]})


def test_the_example_loop_expands_into_a_chain_of_samplers(example: Classes) -> None:
    inputs = {"model": "m", "positive": "p", "negative": "n", "latent": "l", "seed": 5, "passes": 3}
    inputs |= {"steps": 4, "cfg": 7.0, "denoise": 0.5, "falloff": 0.5}
    call = Executing("prompt", "9", 0, lambda *_: None, lambda: False)
    with entered(call):
        result = cast("Result", of(example, "RefineLatent").make()(**inputs))
    assert result.expand is not None
    assert list(result.expand) == ["9.0.0.1", "9.0.0.2", "9.0.0.3"]
    assert result.values == (["9.0.0.3", 0],)
    assert result.expand["9.0.0.2"]["inputs"]["latent_image"] == ["9.0.0.1", 0]
    assert [node["inputs"]["denoise"] for node in result.expand.values()] == [0.5, 0.25, 0.125]
    assert {node["class_type"] for node in result.expand.values()} == {"KSampler"}
