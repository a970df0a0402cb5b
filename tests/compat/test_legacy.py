"""The modules that packs import from their host."""

import asyncio
import importlib
import operator
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from engine.compat.classes import Classes
from engine.compat.legacy import graph_utils, plain_classes
from engine.compat.legacy.install import MODULES, NODE_MODULES, install
from engine.graph.types import fits
from engine.node.context import Executing, Interrupted, entered
from engine.node.registry import Registry
from engine.node.spec import NodeType, Result
from engine.weights import folders


def imported(name: str) -> Any:
    return importlib.import_module(name)


def call(id: str = "5", index: int | None = 0) -> Executing:
    return Executing("prompt", id, index, lambda *_: None, lambda: False)


@pytest.mark.parametrize("name", [*MODULES, *NODE_MODULES])
def test_every_promised_module_can_be_imported(host: Classes, name: str) -> None:
    assert imported(name) is sys.modules[name]
    if name in MODULES:
        assert sys.modules[name] is sys.modules[MODULES[name]]


@pytest.mark.parametrize("name", ["comfy.samplers", "comfy.ldm.modules.attention", "execution", "latent_preview"])
def test_a_part_that_is_not_there_says_so(host: Classes, name: str) -> None:
    with pytest.raises(ImportError, match="is not there yet"):
        imported(name)


def test_a_part_that_is_not_there_says_so_when_it_is_imported_out_of_its_package(host: Classes) -> None:
    with pytest.raises(ImportError, match="is not there yet"):
        exec("from comfy import samplers", {})


def test_installing_again_takes_the_new_registry(host: Classes) -> None:
    other = install(Registry())
    assert imported("nodes").NODE_CLASS_MAPPINGS is other
    assert len([each for each in sys.meta_path if type(each).__name__ == "HostModules"]) == 1


def test_what_a_pack_sets_on_a_module_is_what_others_see(host: Classes, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []
    utils = imported("comfy.utils")
    monkeypatch.setattr(utils, "PROGRESS_BAR_HOOK", lambda *args, **named: heard.append((*args, named["node_id"])))
    bar = utils.ProgressBar(10, node_id="3")
    bar.update(4)
    bar.update_absolute(20)
    assert heard == [(4, 10, None, "3"), (10, 10, None, "3")]


def test_progress_goes_to_the_run_and_stops_when_it_is_cancelled(host: Classes) -> None:
    heard: list[Any] = []
    is_cancelled = [False]
    running = Executing("p", "1", None, lambda *args: heard.append(args), lambda: is_cancelled[0])
    with entered(running):
        bar = imported("comfy.utils").ProgressBar(2)
        bar.update(1)
        is_cancelled[0] = True
        with pytest.raises(Interrupted):
            bar.update(1)
    assert heard == [(1, 2, None)]


def test_folder_paths_are_those_in_use(host: Classes, tmp_path: Path) -> None:
    paths = imported("folder_paths")
    assert Path(paths.models_dir) == tmp_path / "models"
    assert Path(paths.__file__).parent == tmp_path
    assert paths.folder_names_and_paths is folders.current().names
    paths.folder_names_and_paths["mine"] = ([str(tmp_path / "mine")], {".txt"})
    (tmp_path / "mine" / "deep").mkdir(parents=True)
    (tmp_path / "mine" / "deep" / "a.TXT").touch()
    assert paths.get_filename_list("mine") == ["deep/a.TXT"]
    assert paths.get_full_path("mine", "deep/a.TXT") == str(tmp_path / "mine" / "deep" / "a.TXT")
    assert paths.get_full_path("mine", "../mine/deep/a.TXT") is None
    assert paths.get_full_path("unknown", "a") is None
    with pytest.raises(FileNotFoundError):
        paths.get_full_path_or_raise("mine", "b.txt")
    with pytest.raises(KeyError):
        paths.get_folder_paths("unknown")


def test_folder_paths_know_old_names_and_new_folders(host: Classes, tmp_path: Path) -> None:
    paths = imported("folder_paths")
    assert paths.get_folder_paths("unet") == paths.get_folder_paths("diffusion_models")
    paths.add_model_folder_path("clip", str(tmp_path / "first"), is_default=True)
    assert paths.get_folder_paths("text_encoders")[0] == str(tmp_path / "first")
    paths.add_model_folder_path("new", str(tmp_path / "new"))
    assert paths.folder_names_and_paths["new"][1] == set()


def test_directories_can_be_set_in_both_ways(host: Classes, tmp_path: Path) -> None:
    paths = imported("folder_paths")
    paths.set_output_directory(str(tmp_path / "a"))
    assert paths.output_directory == str(tmp_path / "a")
    paths.output_directory = str(tmp_path / "b")
    assert paths.get_output_directory() == paths.get_directory_by_type("output") == str(tmp_path / "b")
    assert paths.get_directory_by_type("other") is None


def test_annotated_names_and_save_targets(host: Classes, tmp_path: Path) -> None:
    paths = imported("folder_paths")
    assert paths.annotated_filepath("x.png [temp]") == ("x.png", str(tmp_path / "temp"))
    assert paths.annotated_filepath("x.png") == ("x.png", None)
    assert paths.get_annotated_filepath("x.png") == str(tmp_path / "input" / "x.png")
    assert not paths.exists_annotated_filepath("x.png [output]")
    output = tmp_path / "output"
    folder, name, counter, subfolder, prefix = paths.get_save_image_path("a/b_%width%", str(output), 64)
    assert (Path(folder), name, counter, subfolder, prefix) == (output / "a", "b_64", 1, "a", "a/b_64")
    (output / "a" / "b_64_00007_.png").touch()
    assert paths.get_save_image_path("a/b_64", str(output))[2] == 8
    with pytest.raises(ValueError, match="outside|inside"):
        paths.get_save_image_path("../b", str(output))


def test_graphs_get_ids_of_the_call_that_builds_them(host: Classes) -> None:
    with entered(call("5", 2)):
        first, second = graph_utils.GraphBuilder(), graph_utils.GraphBuilder()
        assert (first.node("A").id, second.node("A").id) == ("5.2.0.1", "5.2.1.1")
    with entered(call("6", None)):
        assert graph_utils.GraphBuilder().node("A", "x").id == "6.0.0.x"
    with entered(call("5", 2)):
        assert graph_utils.GraphBuilder().prefix == "5.2.0."


def test_async_calls_do_not_share_their_prefix(host: Classes) -> None:
    async def build(id: str) -> str:
        with entered(call(id)):
            await asyncio.sleep(0)
            return graph_utils.GraphBuilder().prefix

    async def both() -> list[str]:
        return list(await asyncio.gather(build("1"), build("2")))

    assert asyncio.run(both()) == ["1.0.0.", "2.0.0."]


def test_a_default_prefix_can_be_set(host: Classes) -> None:
    with entered(call()):
        graph_utils.GraphBuilder.set_default_prefix("root", 3)
        assert graph_utils.GraphBuilder().prefix == "root.3.0."
        assert graph_utils.GraphBuilder.alloc_prefix() == "root.3.1."
        assert graph_utils.GraphBuilder.alloc_prefix("other", 0, 9) == "other.0.9."


def test_graphs_are_built_changed_and_finished(host: Classes) -> None:
    graph = graph_utils.GraphBuilder("p.")
    a = graph.node("A", x=1, y=None)
    b = graph.node("B", "b", a=a.out(0), other=a.out(1))
    assert graph.node("C", "b") is b
    assert graph.lookup_node("b") is b
    assert graph.lookup_node("none") is None
    b.set_override_display_id("9")
    b.set_input("x", 5)
    b.set_input("x", None)
    graph.replace_node_output("1", 0, ["7", 0])
    graph.replace_node_output("1", 1, None)
    assert graph.finalize()["p.b"] == {"class_type": "B", "inputs": {"a": ["7", 0]}, "override_display_id": "9"}
    graph.remove_node("1")
    assert list(graph.nodes) == ["p.b"]


def test_a_prefix_can_be_put_before_a_graph(host: Classes) -> None:
    graph = {"1": {"class_type": "A", "inputs": {"x": ["2", 0], "y": 3}, "_meta": {}}}
    moved = graph_utils.add_graph_prefix(graph, [["1", 0], 5], "p.")
    assert moved == ({"p.1": {"class_type": "A", "inputs": {"x": ["p.2", 0], "y": 3}}}, (["p.1", 0], 5))


def test_the_running_call_can_be_asked_for_and_set(host: Classes) -> None:
    utils = imported("comfy_execution.utils")
    assert utils.get_executing_context() is None
    with utils.CurrentNodeContext("p", "1", 2):
        assert utils.get_executing_context() == ("p", "1", 2)
    assert utils.get_executing_context() is None


def test_io_types_compare_by_whether_they_fit(host: Classes) -> None:
    io = imported("comfy.comfy_types").IO
    assert not operator.ne(io.ANY, "LATENT")
    assert not operator.ne("LATENT", io.ANY)
    assert not operator.ne(io.NUMBER, "INT")
    assert io.IMAGE != "LATENT"
    assert fits("LATENT", io.ANY)
    assert fits("STRING", io.PRIMITIVE)
    assert io.IMAGE == "IMAGE"
    assert imported("comfy.comfy_types.node_typing").IO is io


def test_lazy_mixin_asks_for_all_that_is_missing(host: Classes) -> None:
    mixin = imported("comfy.comfy_types").CheckLazyMixin()
    assert mixin.check_lazy_status(a=None, b=1, c=None) == ["a", "c"]


def test_conditionings_are_copied_before_they_are_changed(host: Classes) -> None:
    helpers = imported("node_helpers")
    before: list[Any] = [["tokens", {"a": [1], "b": 2}]]
    assert helpers.conditioning_set_values(before, {"b": 3}) == [["tokens", {"a": [1], "b": 3}]]
    assert helpers.conditioning_set_values(before, {"a": [2]}, append=True) == [["tokens", {"a": [1, 2], "b": 2}]]
    assert before == [["tokens", {"a": [1], "b": 2}]]


def test_messages_go_to_the_sink(host: Classes) -> None:
    server = imported("server")
    sent: list[Any] = []
    instance = server.PromptServer.instance
    instance.send_sync("event", {})
    instance.sink = lambda *message: sent.append(message)
    try:
        instance.send_sync("event", {"a": 1}, "client")
        instance.send_progress_text("hello", "12")
    finally:
        instance.sink = None
    text = b"\x00\x00\x00\x0212hello"
    assert sent == [("event", {"a": 1}, "client"), (server.BinaryEventTypes.TEXT, text, None)]


def test_state_dicts_are_renamed_by_prefix(host: Classes) -> None:
    utils = imported("comfy.utils")
    assert utils.state_dict_prefix_replace({"a.x": 1, "b": 2}, {"a.": "c."}) == {"c.x": 1, "b": 2}
    assert utils.state_dict_prefix_replace({"a.x": 1, "b": 2}, {"a.": ""}, filter_keys=True) == {"x": 1}
    assert utils.calculate_parameters({"a.x": torch.zeros(2, 3), "b": torch.zeros(5)}, "a.") == 6


def test_parts_of_modules_are_reached_by_dotted_paths(host: Classes) -> None:
    utils = imported("comfy.utils")
    model = torch.nn.Sequential(torch.nn.Linear(1, 1))
    before = utils.get_attr(model, "0.weight")
    assert utils.set_attr_param(model, "0.weight", torch.ones(1, 1)) is before
    assert not utils.get_attr(model, "0.weight").requires_grad


def test_sizes_change_as_asked(host: Classes) -> None:
    utils = imported("comfy.utils")
    x = torch.rand(2, 3, 4, 4)
    assert utils.common_upscale(x, 8, 6, "bilinear", "disabled").shape == (2, 3, 6, 8)
    assert utils.common_upscale(x[:, :, None], 8, 6, "bilinear", "center").shape == (2, 3, 1, 6, 8)
    assert utils.repeat_to_batch_size(x, 3).shape[0] == 3
    assert utils.repeat_to_batch_size(x, 2, dim=1).shape == (2, 2, 4, 4)
    scaled = utils.tiled_scale(x, lambda tile: tile.repeat_interleave(2, 2).repeat_interleave(2, 3), 3, 3, 1, 2)
    torch.testing.assert_close(scaled, x.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_weights_are_written_and_read(host: Classes, tmp_path: Path) -> None:
    utils = imported("comfy.utils")
    path = str(tmp_path / "w.safetensors")
    utils.save_torch_file({"a": torch.ones(2)}, path, {"k": "v"})
    loaded, metadata = utils.load_torch_file(path, return_metadata=True)
    assert torch.equal(loaded["a"], torch.ones(2))
    assert metadata == {"k": "v"}


def test_a_pack_can_stop_the_run(host: Classes) -> None:
    management = imported("comfy.model_management")
    assert not management.processing_interrupted()
    imported("nodes").interrupt_processing()
    assert management.processing_interrupted()
    with pytest.raises(management.InterruptProcessingException):
        management.throw_exception_if_processing_interrupted()
    management.throw_exception_if_processing_interrupted()


def test_what_model_management_lacks_it_says(host: Classes) -> None:
    with pytest.raises(AttributeError, match="not there yet"):
        imported("comfy.model_management").load_models_gpu([])


def test_all_node_types_can_be_asked_for_as_classes(host: Classes) -> None:
    nodes = imported("nodes")
    assert "KSampler" in nodes.NODE_CLASS_MAPPINGS
    assert nodes.NODE_CLASS_MAPPINGS["KSampler"] is nodes.KSampler
    assert nodes.KSampler.RETURN_TYPES == ("LATENT",)
    assert "seed" in nodes.KSampler.INPUT_TYPES()["required"]
    assert nodes.MAX_RESOLUTION == 16384
    with pytest.raises(AttributeError, match="NoSuchNode"):
        _ = nodes.NoSuchNode


def test_the_methods_that_packs_call_take_inputs_that_the_nodes_have(registry: Registry) -> None:
    for id, signature in plain_classes.METHODS.items():
        if id in registry:
            names = signature.partition("(")[2].rstrip(")").split(", ")
            inputs = [each.name for each in registry.describe(id).inputs]
            assert set(names) <= set(inputs), id


def test_built_in_nodes_are_called_as_plain_objects(host: Classes) -> None:
    nodes = imported("nodes")
    (latent,) = nodes.EmptyLatentImage().generate(64, 32, 2)
    assert latent["samples"].shape == (2, 4, 4, 8)
    (image,) = nodes.ImageScale().upscale(torch.rand(1, 4, 4, 3), "bilinear", 8, 6, "disabled")
    assert image.shape == (1, 6, 8, 3)
    entry: list[Any] = [torch.zeros(1, 1, 1), {}]
    assert len(nodes.ConditioningCombine().combine([entry], [entry])[0]) == 2


def test_an_adapted_node_fills_in_defaults_and_drops_newer_names_that_are_none() -> None:
    from engine.node.declare import describe, node

    @node("tests", id="Sum")
    def sum_up(a: int, b: int = 2) -> int:
        """Add."""
        return a + b

    cls = plain_classes.as_class("Sum", lambda: describe(sum_up))
    assert cls().execute(1) == (3,)
    assert cls().execute(1, b=5, newer=None) == (6,)
    with pytest.raises(TypeError, match="takes 2 arguments"):
        cls().execute(1, 2, 3)


def test_saved_images_carry_their_prompt_and_subclasses_choose_where_they_go(host: Classes, tmp_path: Path) -> None:
    from PIL import Image

    class Mine(imported("nodes").PreviewImage):
        def __init__(self) -> None:
            super().__init__()
            self.output_dir = str(tmp_path / "mine")
            self.prefix_append = "_x"

    shown = Mine().save_images(torch.ones(2, 4, 6, 3), "a/b", {"1": {}}, {"workflow": {"n": 1}})["ui"]["images"]
    assert shown == [{"filename": f"b_x_0000{n}_.png", "subfolder": "a", "type": "temp"} for n in (1, 2)]
    with Image.open(tmp_path / "mine" / "a" / "b_x_00001_.png") as picture:
        assert picture.size == (6, 4)
        assert cast("Any", picture).text == {"prompt": '{"1": {}}', "workflow": '{"n": 1}'}
        assert picture.getpixel((0, 0)) == (255, 255, 255)


def test_v3_helpers_save_what_they_show(host: Classes, tmp_path: Path) -> None:
    ui, io = imported("comfy_api.latest").ui, imported("comfy_api.latest").io
    images = torch.rand(3, 8, 8, 3)
    (result, *_) = ui.PreviewImage(images).as_dict()["images"]
    assert result["type"] == "temp"
    assert (tmp_path / "temp" / result.filename).exists()
    assert len(ui.PreviewMask(torch.rand(2, 8, 8)).as_dict()["images"]) == 2
    assert ui.PreviewText("x").as_dict() == {"text": ("x",)}
    shown = ui.ImageSaveHelper.get_save_animated_webp_ui(images, "w", None, 8.0, True, 80, 0).as_dict()
    assert shown["animated"] == (True,)
    assert (tmp_path / "output" / shown["images"][0]["filename"]).read_bytes()[8:12] == b"WEBP"
    animated = ui.ImageSaveHelper.save_animated_png(images, "p", io.FolderType.output, None, 8.0, 4)
    assert animated == {"filename": "p_00001_.png", "subfolder": "", "type": "output"}


def test_sounds_are_saved_and_videos_read_back(host: Classes, tmp_path: Path) -> None:
    pytest.importorskip("av")
    latest = imported("comfy_api.latest")
    sound = {"waveform": torch.sin(torch.arange(8000) / 10)[None, None] / 2, "sample_rate": 8000}
    for format in ("flac", "wav", "opus"):
        (saved,) = latest.ui.AudioSaveHelper.save_audio(sound, "s", latest.io.FolderType.output, None, format)
        assert (tmp_path / "output" / saved.filename).stat().st_size > 100
    parts = latest.Types.VideoComponents(images=torch.rand(5, 16, 32, 3), frame_rate=5, audio=sound)
    path = str(tmp_path / "v.mp4")
    latest.InputImpl.VideoFromComponents(parts).save_to(path, metadata={"prompt": {"1": {}}})
    video = latest.InputImpl.VideoFromFile(path)
    assert video.get_dimensions() == (32, 16)
    assert video.get_duration() == pytest.approx(1.0)
    read = video.get_components()
    assert read.images.shape == (5, 16, 32, 3)
    assert read.audio["sample_rate"] == 8000
    assert read.metadata["prompt"] == {"1": {}}


def test_progress_of_v3_nodes_reaches_the_run(host: Classes) -> None:
    latest = imported("comfy_api.latest")
    heard: list[Any] = []
    with entered(Executing("p", "1", None, lambda *args: heard.append(args), lambda: False)):
        latest.ComfyAPISync().execution.set_progress(1, 4)
        asyncio.run(latest.ComfyAPI().execution.set_progress(2, 4))
    assert heard == [(1, 4, None), (2, 4, None)]
    with pytest.raises(ValueError, match="while it runs"):
        latest.ComfyAPISync().execution.set_progress(1, 4)


def test_a_class_set_into_the_mappings_is_described_with_its_label(host: Classes) -> None:
    class Mine:
        INPUT_TYPES = classmethod(lambda cls: {})
        RETURN_TYPES = ("INT",)
        FUNCTION = "run"

        def run(self) -> tuple[int]:
            return (1,)

    host["Mine"] = Mine
    host.titles["Mine"] = "My node"
    type_: NodeType = host.registry.describe("Mine")
    assert type_.title == host.titles["Mine"] == "My node"
    assert cast("Result", type_.make()()).values == (1,)
    assert host["Mine"] is Mine
    del host["Mine"]
    assert "Mine" not in host
