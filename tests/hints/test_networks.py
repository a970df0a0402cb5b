"""Networks that see hints: from files as they are published to pictures, and what is said where files are missing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.device import place
from engine.device.place import Placement
from engine.hints import depth, library, lines, networks, pose, segments
from engine.hints.annotators import MissingWeights, Weights
from engine.weights import read
from engine.weights.read import BadFile, Reading
from nodes import hints_colour, hints_depth, hints_lines, hints_pose

# Which file each node asks for first, and a tensor that the file is known to hold, by its name in the network.
NODES: list[tuple[Callable[..., Any], Weights, Callable[[], Any], str]] = [
    (hints_lines.hed_lines, lines.HED, lines._hed, "block1.convs.0.weight"),
    (hints_lines.fake_scribble, lines.HED, lines._hed, "block5.projection.bias"),
    (hints_lines.pidinet_lines, lines.PIDINET, lines._pidinet, "block1_1.conv1.weight"),
    (hints_lines.scribble_pidinet, lines.PIDINET, lines._pidinet, "classifier.weight"),
    (hints_lines.realistic_lineart, lines.LINEART, lines._lineart, "model0.1.weight"),
    (hints_lines.anime_lineart, lines.ANIME_LINEART, lines._anime_lineart, "model.model.0.weight"),
    (hints_lines.mlsd_lines, lines.MLSD, lines._mlsd, "backbone.features.0.0.weight"),
    (hints_lines.teed_lines, lines.TEED[0], lines._teed, "block_1.conv1.weight"),
    (hints_lines.anyline, lines.ANYLINE, lines._teed, "block_1.conv1.weight"),
    (hints_depth.midas_depth, depth.MIDAS, depth._midas, "pretrained.model.cls_token"),
    (hints_depth.midas_normals, depth.MIDAS, depth._midas, "scratch.refinenet1.out_conv.weight"),
    (hints_depth.zoe_depth, depth.ZOE, depth._zoe, "core.core.pretrained.model.cls_token"),
    (hints_depth.leres_depth, depth.LERES, depth._leres, "depth_model.encoder_modules.encoder.conv1.weight"),
    (hints_depth.bae_normals, depth.NORMALS, depth._normals, "encoder.original_model.conv_stem.weight"),
    (hints_pose.openpose, pose.BODY, pose._body, "model0.conv1_1.weight"),
    (hints_colour.sam_regions, next(iter(segments.KINDS)), segments.MAKERS["vit_t"], "mask_decoder.iou_token.weight"),
]


def picture(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3))


def drawn(make: Callable[[], Any]) -> dict[str, Tensor]:
    """The tensors of a network with weights drawn at random."""
    torch.manual_seed(11)
    with library.quiet():
        made: nn.Module = make()
    return {name: tensor.contiguous() for name, tensor in made.state_dict().items()}


def put(folder: Path, file: Weights, make: Callable[[], Any]) -> None:
    save_file(drawn(make), folder / file.names[0])


@pytest.mark.parametrize(("node", "file"), [each[:2] for each in NODES], ids=[each[0].__name__ for each in NODES])
def test_missing_weights_are_named_with_their_place_and_their_home(
    annotators: Path, node: Callable[..., Any], file: Weights
) -> None:
    stem = file.file.rpartition(".")[0]
    with pytest.raises(MissingWeights) as told:
        node(picture(1, 64, 64, 3))
    assert f"needs {file.file}, which is not among the annotators" in str(told.value)
    assert f"put {stem}.safetensors or {file.file} into {annotators}; it is published at" in str(told.value)
    assert f"https://huggingface.co/{file.repository}" in str(told.value)
    assert "--download-annotators" in str(told.value)


@pytest.mark.parametrize(("make", "name"), {each[2]: each[2:] for each in NODES[:-1]}.values())
def test_the_library_still_builds_each_network_with_the_names_of_its_file(
    make: Callable[[], Any], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with torch.device("meta"), library.quiet():
        assert name in make().state_dict()
    assert capsys.readouterr().out == ""  # standard output belongs to those who run workflows


@pytest.mark.parametrize(
    ("node", "file", "make"),
    [
        (hints_lines.hed_lines, lines.HED, lines._hed),
        (hints_lines.fake_scribble, lines.HED, lines._hed),
        (hints_lines.pidinet_lines, lines.PIDINET, lines._pidinet),
        (hints_lines.realistic_lineart, lines.LINEART, lines._lineart),
        (
            lambda image, **how: hints_lines.realistic_lineart(image, "enable", **how),
            lines.COARSE_LINEART,
            lines._lineart,
        ),
        (hints_lines.mlsd_lines, lines.MLSD, lines._mlsd),
        (hints_lines.teed_lines, lines.TEED[0], lines._teed),
        (hints_lines.teed_lines, lines.TEED[1], lines._teed),
        (hints_lines.anyline, lines.ANYLINE, lines._teed),
    ],
    ids=["HED", "HED scribble", "PiDiNet", "lineart", "coarse", "M-LSD", "TEED", "TEED elsewhere", "AnyLine"],
)
def test_every_picture_of_a_batch_gets_a_hint_of_its_aspect(
    annotators: Path, node: Callable[..., Tensor], file: Weights, make: Callable[[], Any]
) -> None:
    put(annotators, file, make)
    images = picture(2, 75, 101, 4)
    with torch.inference_mode():
        made = node(images, resolution=64)
    assert made.shape == (2, 64, 86, 3)
    assert made.dtype == torch.float32
    assert 0 <= made.min() <= made.max() <= 1
    with torch.inference_mode():
        assert torch.equal(node(images[1:], resolution=64), made[1:])


def test_a_hint_is_what_the_library_itself_makes_of_the_file(annotators: Path) -> None:
    torch.save(drawn(lines._hed), annotators / lines.HED.file)
    image = picture(1, 64, 128, 3)
    read.use(Reading(allow_pickle=True))
    try:
        ours = hints_lines.hed_lines(image, "disable", 64)
    finally:
        read.use(Reading())
    detector = library.module("hed").HEDdetector.from_pretrained(str(annotators))
    theirs = detector((image[0] * 255).byte().numpy(), detect_resolution=64, image_resolution=64, output_type="np")
    assert np.array_equal((ours[0] * 255).round().byte().numpy(), theirs)


def test_a_pickle_as_it_is_published_is_read_only_where_pickles_are(annotators: Path) -> None:
    tensors = {f"module.{name}": tensor for name, tensor in drawn(lines._pidinet).items()}
    torch.save({"epoch": 14, "state_dict": tensors}, annotators / lines.PIDINET.file)
    with pytest.raises(BadFile, match=r"table5_pidinet.pth: is a pickled checkpoint, .* start with --allow-pickle"):
        hints_lines.pidinet_lines(picture(1, 64, 64, 3), resolution=64)
    read.use(Reading(allow_pickle=True))
    try:
        assert hints_lines.pidinet_lines(picture(1, 64, 64, 3), resolution=64).shape == (1, 64, 64, 3)
    finally:
        read.use(Reading())


def test_weights_lie_anywhere_below_the_folder_and_are_read_once(annotators: Path) -> None:
    below = annotators / "lllyasviel" / "Annotators"
    below.mkdir(parents=True)
    put(below, lines.TEED[0], lines._teed)
    first = networks.network(lines.TEED[0], lines._teed, "TEED")
    assert networks.network(lines.TEED[0], lines._teed, "TEED") is first
    assert not any(each.requires_grad or each.is_inference() for each in first.parameters())


def test_files_before_batches_were_counted_are_read(annotators: Path) -> None:
    tensors = {name: each for name, each in drawn(lines._mlsd).items() if not name.endswith("num_batches_tracked")}
    save_file(tensors, annotators / lines.MLSD.names[0])
    assert hints_lines.mlsd_lines(picture(1, 64, 64, 3), resolution=64).shape == (1, 64, 64, 3)


@pytest.mark.parametrize(
    ("tensors", "told"),
    [
        ({"norm": torch.zeros(1, 3, 1, 1)}, r"it lacks block1.convs.0.weight and \d+ more"),
        ({}, r"it lacks norm and \d+ more"),
        (drawn(lines._hed) | {"norm": torch.zeros(1, 4, 1, 1)}, "size mismatch for norm"),
    ],
    ids=["incomplete", "empty", "another shape"],
)
def test_another_file_is_refused_by_name(annotators: Path, tensors: dict[str, Tensor], told: str) -> None:
    save_file(tensors, annotators / lines.HED.names[0])
    with pytest.raises(BadFile, match=f"ControlNetHED.safetensors: holds no weights of HED: {told}"):
        hints_lines.hed_lines(picture(1, 64, 64, 3), resolution=64)


def test_a_picture_without_straight_lines_has_none(annotators: Path) -> None:
    put(annotators, lines.MLSD, lines._mlsd)
    assert hints_lines.mlsd_lines(picture(1, 64, 64, 3), 2.0, 0.1, 64).max() == 0


def test_specks_of_line_art_are_left_out_and_edges_stay(annotators: Path) -> None:
    even = {name: torch.zeros_like(each) for name, each in drawn(lines._teed).items()}
    save_file(even, annotators / lines.ANYLINE.names[0])
    image = torch.ones(1, 64, 64, 3)
    image[:, 10:13, 10:13] = 0
    image[:, 30:33, 5:60] = 0
    few = hints_lines.anyline(image, resolution=64)
    all_ = hints_lines.anyline(image, resolution=64, object_min_size=1)
    changed = (all_ - few)[0, ..., 0]
    assert changed[11, 11] > 0
    assert changed[20:].abs().max() == 0


class _Plain(nn.Module):
    """Stands for a network of hundreds of megabytes: one convolution, called as the real one is."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


class _Midas(_Plain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[:, 0]


class _Zoe(_Plain):
    infer = _Plain.forward


class _Leres(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.depth_model = _Plain(1)


class _Bae(_Plain):
    def forward(self, x: Tensor) -> Any:
        return [[super().forward(x)]]


@pytest.mark.parametrize(
    ("node", "file", "maker", "small"),
    [
        (hints_depth.midas_depth, depth.MIDAS, "_midas", lambda: _Midas(1)),
        (hints_depth.midas_normals, depth.MIDAS, "_midas", lambda: _Midas(1)),
        (hints_depth.zoe_depth, depth.ZOE, "_zoe", lambda: _Zoe(1)),
        (hints_depth.leres_depth, depth.LERES, "_leres", _Leres),
        (hints_depth.bae_normals, depth.NORMALS, "_normals", lambda: _Bae(4)),
    ],
    ids=["MiDaS", "MiDaS normals", "Zoe", "LeReS", "BAE"],
)
def test_depth_and_normals_come_through_the_library(
    annotators: Path,
    monkeypatch: pytest.MonkeyPatch,
    node: Callable[..., Tensor],
    file: Weights,
    maker: str,
    small: Callable[[], nn.Module],
) -> None:
    monkeypatch.setattr(depth, maker, small)
    put(annotators, file, small)
    images = picture(2, 75, 101, 3)
    with torch.inference_mode():
        made = node(images, resolution=64)
    assert made.shape == (2, 64, 86, 3)
    assert made.std() > 0.01
    assert not torch.equal(made[0], made[1])
    is_coloured = not torch.equal(made, made[..., :1].expand_as(made))
    assert is_coloured is (node in (hints_depth.midas_normals, hints_depth.bae_normals))


def test_leres_looks_several_times_where_it_is_boosted(annotators: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depth, "_leres", _Leres)
    merge = lambda: nn.Conv2d(2, 1, 1)  # noqa: E731 - it stands for the network that merges two looks
    monkeypatch.setattr(depth, "_leres_merge", merge)
    put(annotators, depth.LERES, _Leres)
    image = picture(1, 64, 160, 3)
    with pytest.raises(MissingWeights, match=r"LeReS with boost needs latest_net_G.pth"):
        hints_depth.leres_depth(image, boost="enable", resolution=64)
    put(annotators, depth.LERES_MERGE, merge)
    quick = lambda size: np.ones((size[0] // 10, size[1] // 10), np.float32)  # noqa: E731 - a blur of 3000 pixels takes 12 s
    monkeypatch.setattr(library.module("leres.leres.depthmap"), "generatemask", quick)
    boosted = hints_depth.leres_depth(image, boost="enable", resolution=64)
    assert boosted.shape == (1, 64, 160, 3)
    assert not torch.equal(boosted, hints_depth.leres_depth(image, resolution=64))
    with pytest.raises(ValueError, match=r"needs 160 pixels on one side, not 64 x 64: raise resolution"):
        hints_depth.leres_depth(image[:, :, :64], boost="enable", resolution=64)


class _Working(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.went: list[str] = []

    def to(self, device: Any) -> "_Working":  # pyright: ignore[reportIncompatibleMethodOverride]
        self.went.append(str(device))
        return self


def test_networks_are_on_the_device_only_while_they_work() -> None:
    network = _Working()
    place.use(Placement(torch.device("meta")))
    try:
        with networks.at_work((network,), "a hint") as device:
            assert (device.type, network.went) == ("meta", ["meta"])
        with pytest.raises(ValueError, match="no"), networks.at_work((network,), "a hint"):
            raise ValueError("no")
    finally:
        place.use(None)
    assert network.went == ["meta", "cpu", "meta", "cpu"]


def _small_sam() -> Any:
    """Segment Anything as the library builds it, with a picture of 64 pixels and one layer in place of 1024 and 32."""
    parts = library.module("segment_anything.modeling")
    encoder = parts.ImageEncoderViT(
        img_size=64, embed_dim=16, depth=1, num_heads=2, out_chans=32, global_attn_indexes=(0,)
    )
    prompts = parts.PromptEncoder(embed_dim=32, image_embedding_size=(4, 4), input_image_size=(64, 64), mask_in_chans=4)
    transformer = parts.TwoWayTransformer(depth=1, embedding_dim=32, num_heads=2, mlp_dim=32)
    decoder = parts.MaskDecoder(transformer_dim=32, transformer=transformer, iou_head_hidden_dim=32)
    return parts.Sam(encoder, prompts, decoder)


def test_regions_are_painted_in_the_same_colours_in_every_run(
    annotators: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(segments.MAKERS, "vit_b", _small_sam)
    tensors = drawn(_small_sam)
    for name, each in tensors.items():  # so that it finds every mask good, and stable
        if "iou_prediction_head.layers.2.bias" in name:
            each += 5
        if "output_hypernetworks_mlps" in name and "layers.2" in name:
            each *= 1000
    file = next(each for each, kind in segments.KINDS.items() if kind == "vit_b")
    save_file(tensors, annotators / file.names[0])
    image = picture(1, 64, 64, 3)
    made = hints_colour.sam_regions(image, 64)
    assert made.shape == (1, 64, 64, 3)
    assert len(made.flatten(0, 2).unique(dim=0)) > 1
    assert torch.equal(made, hints_colour.sam_regions(image, 64))


def test_small_regions_lie_over_large_ones() -> None:
    large, small = np.ones((4, 4), bool), np.zeros((4, 4), bool)
    small[1:3, 1:3] = True
    regions = [{"segmentation": small, "area": 4}, {"segmentation": large, "area": 16}]
    painted = segments.painted(regions, (4, 4))
    assert len(np.unique(painted.reshape(-1, 3), axis=0)) == 2
    assert (painted[1:3, 1:3] == painted[1, 1]).all()
    assert (segments.painted([], (4, 4)) == 0).all()


def test_the_network_of_a_file_of_segment_anything_is_built() -> None:
    assert "mask_decoder.iou_token.weight" in drawn(segments.MAKERS["vit_t"])
