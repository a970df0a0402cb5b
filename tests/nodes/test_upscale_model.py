"""UpscaleModelLoader and ImageUpscaleWithModel: from a file to a larger picture, with the sockets workflows know."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from spandrel.architectures.Compact import Compact

from engine.node.declare import declared
from engine.training.pictures import draw_all
from engine.training.scenes.examples import SceneDataset
from engine.training.upscaler import bicubic, psnr, shrunk
from engine.weights import shelf
from engine.weights.folders import BUNDLED, Folders
from engine.weights.shelf import Shelf
from nodes import upscale_model
from tests.nodes.test_sockets import as_published, inputs


@pytest.fixture(autouse=True)
def own_shelf() -> Iterator[None]:
    shelf.use(Shelf(1 << 30))
    yield
    shelf.use(None)


def test_a_file_enlarges_pictures_and_is_read_once(disk: Folders) -> None:
    torch.manual_seed(2)
    network = Compact(num_feat=8, num_conv=1, upscale=2)
    (disk.models / "upscale_models").mkdir(parents=True)
    save_file(network.state_dict(), disk.models / "upscale_models" / "small.safetensors")
    image = torch.rand(2, 10, 12, 3)
    with torch.inference_mode():
        model = upscale_model.upscale_model_loader("small.safetensors")
        made = upscale_model.image_upscale_with_model(model, image)
    assert upscale_model.upscale_model_loader("small.safetensors") is model
    with torch.no_grad():
        wanted = network(image.movedim(-1, 1)).clamp(0, 1).movedim(1, -1)
    assert torch.allclose(made, wanted, atol=1e-5)
    assert made.dtype == torch.float32


def test_the_model_that_comes_along_paints_scenes_it_never_saw_far_better_than_bicubic_interpolation(
    disk: Folders,
) -> None:
    name = "heddle-scenes-x2.safetensors"
    assert (BUNDLED / "upscale_models" / name).stat().st_size < 2 << 20
    assert name in disk.files("upscale_models")
    large = draw_all(SceneDataset(4, seed=999, side=128)).planes.float() / 255
    small = shrunk(large, 2)
    with torch.inference_mode():
        model = upscale_model.upscale_model_loader(name)
        made = upscale_model.image_upscale_with_model(model, small.movedim(1, -1)).movedim(-1, 1)
    gains = [psnr(made[i], large[i]) - psnr(bicubic(small, 2)[i], large[i]) for i in range(4)]
    assert min(gains) > 3
    assert sum(gains) / 4 > 5


def test_sockets_and_names_are_those_of_the_ecosystem(disk: Folders, spec_dir: Path) -> None:
    published = json.loads((spec_dir / "object_info.json").read_text("utf-8"))
    for describe in declared(upscale_model):
        found = describe()
        theirs = published[found.id]
        ours = inputs(found)["required"]
        assert list(ours) == theirs["input_order"]["required"]
        for name, said in theirs["input"]["required"].items():
            kind, options = as_published("required", said)
            assert ours[name][0] == kind
            assert set(ours[name][1]) == set(options)  # the files differ by installation
        assert [each.type for each in found.outputs] == theirs["output"]
        assert (found.title, found.category) == (theirs["display_name"], theirs["category"])
        assert (found.is_output, found.id in published) == (theirs["output_node"], True)
