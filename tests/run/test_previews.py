"""Where a node stands, as a picture."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from PIL import Image
from safetensors.torch import save_file

from engine.diffusion import preview, small_decoders
from engine.diffusion.families.load import Checkpoint, load_checkpoint
from engine.diffusion.latent_format import SD15
from engine.diffusion.small_decoders import SmallDecoders
from engine.run.allowance import Pace
from engine.run.events import Progress, Where
from engine.run.previews import Previews
from engine.weights import folders, read
from engine.weights.folders import BUNDLED, Folders
from tests.tiny.small_decoder import make_small_decoder, numbered_layers

HERE = Where("1", "1", None, "1")


@cache
def bundled() -> Checkpoint:
    return load_checkpoint(BUNDLED / "checkpoints" / "heddle-scenes.safetensors")


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


class AtOnce(Executor):
    """Does work where it is asked for."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        fn(*args, **kwargs)
        return Future()


def shown(what: Any, form: Any = None, method: str = "auto", side: int = 512) -> bytes:
    """The one picture that comes of one look, whichever way it comes."""
    seen: list[bytes] = []
    made = Previews(side=side, executor=AtOnce()).of(method, seen.append)(Progress(HERE, 1, 2, what, form))
    return made or b"".join(seen)


@pytest.fixture
def vae_approx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which small decoders are looked for."""
    chosen = Folders.under(tmp_path)
    monkeypatch.setattr(folders, "current", lambda: chosen)
    folder = tmp_path / "models" / "vae_approx"
    folder.mkdir(parents=True)
    return folder


def as_picture(tiny: AutoencoderTiny, latent: torch.Tensor) -> Image.Image:
    """What a whole small autoencoder of diffusers makes of a latent, at its own size."""
    with torch.no_grad():
        planes = tiny.decode(latent[:1], return_dict=False)[0][0]
    return Image.fromarray(((planes + 1) / 2 * 255).clamp(0, 255).round().byte().movedim(0, -1).numpy())


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of channels, in steps of 255."""
    pixels = [torch.frombuffer(bytearray(each.convert("RGB").tobytes()), dtype=torch.uint8) for each in (one, other)]
    return (pixels[0].float() - pixels[1].float()).abs().mean().item()


def test_a_latent_shows_the_colours_of_its_picture() -> None:
    loaded = bundled()
    assert loaded.vae is not None
    halves = torch.zeros(1, 64, 64, 3)
    halves[:, :, :32] = torch.tensor([0.9, 0.1, 0.1])
    halves[:, :, 32:] = torch.tensor([0.1, 0.2, 0.8])
    form = loaded.model.latent_format
    seen = preview.picture(form.process_in(loaded.vae.encode(halves)), form)
    assert seen is not None
    assert seen.shape == (8, 8, 3)
    assert (seen[:, :3] - halves[0, 0, 0]).abs().mean() < 0.12
    assert (seen[:, 5:] - halves[0, 0, -1]).abs().mean() < 0.12


def test_previews_have_one_size_and_format() -> None:
    data = shown(torch.randn(2, 4, 8, 16), bundled().model.latent_format)
    assert (opened(data).size, opened(data).format) == ((512, 256), "JPEG")
    assert opened(shown(Image.new("RGB", (30, 60)))).size == (256, 512)
    assert opened(shown(("JPEG", Image.new("RGBA", (30, 30)), 512))).mode == "RGB"
    assert opened(shown(torch.rand(1, 10, 20, 3))).size == (512, 256)


@pytest.mark.parametrize("what", [None, "text", torch.rand(3), ("JPEG", "no picture", 1)])
def test_what_is_no_picture_is_not_shown(what: Any) -> None:
    assert shown(what) == b""
    assert shown(torch.randn(1, 4, 8, 8), SD15) == b""  # no autoencoder is known


def test_a_picture_sent_for_its_own_sake_is_sent_whole_and_always() -> None:
    sent = ("PNG", Image.new("RGB", (7, 5), (1, 2, 3)), None)
    made = shown(sent, method="none")
    assert (opened(made).format, opened(made).size, opened(made).getpixel((0, 0))) == ("PNG", (7, 5), (1, 2, 3))
    assert shown(Image.new("RGB", (7, 5)), method="none") == b""


def test_previews_take_a_small_share_of_the_time() -> None:
    now, made = 0.0, 0

    def clock() -> float:
        nonlocal now
        now += 0.25  # every look at the clock, so that making one takes a while
        return now

    def count(_picture: bytes) -> None:
        nonlocal made
        made += 1

    showing = Previews("auto", clock=clock, busy=clock, executor=AtOnce()).of(None, count)
    for _ in range(1000):
        showing(Progress(HERE, 1, 2, Image.new("RGB", (8, 8))))
    spent = showing._allowance.spent  # pyright: ignore[reportPrivateUsage]
    assert made > 1
    assert spent >= made * 0.25
    assert spent < 0.03 * now


def test_no_more_than_one_is_made_at_a_time_and_none_is_waited_for() -> None:
    begun, goes_on, seen = threading.Event(), threading.Event(), list[bytes]()

    def show(picture: bytes) -> None:
        begun.set()
        assert goes_on.wait(60)
        seen.append(picture)

    previews = Previews()
    showing = previews.of("auto", show)
    for _ in range(5):
        assert showing(Progress(HERE, 1, 2, Image.new("RGB", (8, 8)))) == b""
        assert begun.wait(60)
    goes_on.set()
    previews.executor.shutdown()
    assert len(seen) == 1


def test_work_of_unknown_size_is_approached_in_steps() -> None:
    pace, tried = Pace(first=64), list[int]()
    while not tried or tried[-1] < 4096:
        size = pace.next_try(4096)
        assert pace.expected(size) in (0.0, 4 * size / 4)
        pace.took(size, size)
        tried.append(size)
    assert tried == [64, 256, 1024, 4096]
    assert pace.expected(8192) == 8192
    assert pace.expected(10) == 64


def test_a_small_decoder_in_the_original_layout_shows_what_diffusers_shows(vae_approx: Path) -> None:
    tiny = make_small_decoder(vae_approx / "taesd_decoder.safetensors")
    latent = torch.randn(2, 4, 8, 6, generator=torch.Generator().manual_seed(1))
    made = opened(shown(latent, SD15, "taesd", side=64))
    assert (made.size, made.format) == ((48, 64), "JPEG")
    assert difference(made, as_picture(tiny, latent)) < 6  # JPEG
    assert difference(made, as_picture(tiny, -latent)) > 2 * difference(made, as_picture(tiny, latent))
    decoder = SmallDecoders().of(SD15)
    assert decoder is not None
    with torch.no_grad():
        theirs = tiny.decode(latent[:1], return_dict=False)[0][0].add(1).div(2).clamp(0, 1).movedim(0, -1)
        assert torch.equal(small_decoders.decoded(decoder, latent[0]), theirs)


def test_a_small_decoder_as_diffusers_saves_it_is_read_too(vae_approx: Path) -> None:
    tiny = make_small_decoder(vae_approx / "unused.safetensors")
    save_file(tiny.state_dict(), vae_approx / "taesd_decoder.safetensors")
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    assert difference(opened(shown(latent, SD15, "taesd", side=64)), as_picture(tiny, latent)) < 6


def test_a_pickled_decoder_is_read_where_pickles_are(vae_approx: Path, caplog: pytest.LogCaptureFixture) -> None:
    tiny = make_small_decoder(vae_approx / "unused.safetensors")
    torch.save(numbered_layers(tiny), vae_approx / "taesd_decoder.pth")
    latent = torch.randn(1, 4, 8, 8)
    assert shown(latent, SD15, "taesd") == b""
    assert "taesd_decoder.pth" in caplog.text
    assert "--allow-pickle" in caplog.text
    before = read.current()
    read.use(read.Reading(allow_pickle=True))
    try:
        assert difference(opened(shown(latent, SD15, "taesd", side=64)), as_picture(tiny, latent)) < 6
    finally:
        read.use(before)


def broken(path: Path) -> None:
    path.write_bytes(b"no weights")


def incomplete(path: Path) -> None:
    tensors = numbered_layers(make_small_decoder(path))
    save_file({name: tensor for name, tensor in tensors.items() if name != "3.conv.2.weight"}, path)


def of_another_model(path: Path) -> None:
    make_small_decoder(path, channels=16)


@pytest.mark.parametrize("make", [None, broken, incomplete, of_another_model])
def test_without_a_fitting_decoder_colours_are_shown_and_the_log_says_so_once(
    make: Callable[[Path], None] | None, vae_approx: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if make is not None:
        make(vae_approx / "taesd_decoder.safetensors")
    form, seen = bundled().model.latent_format, list[bytes]()
    latent = torch.randn(1, 4, 8, 16)
    previews = Previews(share=1e9, executor=AtOnce())
    for _ in range(2):
        showing = previews.of("taesd", seen.append)
        for _ in range(2):  # the first look tells that there is no decoder
            showing(Progress(HERE, 1, 2, latent, form))
    assert seen == [shown(latent, form, "latent2rgb")] * 2
    assert [record.message.count("taesd_decoder.safetensors") > 0 for record in caplog.records] == [True]


def test_a_method_that_does_not_exist_is_the_servers() -> None:
    previews = Previews("none", executor=AtOnce())
    assert [previews.of(each, print).method for each in ("default", None, "taesd")] == ["none", "none", "taesd"]


def test_a_failure_costs_the_previews_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    def show(_picture: bytes) -> None:
        raise OSError("the pipe is gone")

    showing = Previews(executor=AtOnce()).of("auto", show)
    for _ in range(3):
        assert showing(Progress(HERE, 1, 2, Image.new("RGB", (8, 8)))) == b""
    assert caplog.text.count("the pipe is gone") == 1
    noise = io.BytesIO()
    Image.effect_noise((64, 64), 64).save(noise, "PNG")
    assert shown(Image.open(io.BytesIO(noise.getvalue()[:200]))) == b""  # it is opened, and read when it is copied
    assert "truncated" in caplog.text


def test_the_colours_are_found_when_they_are_first_wanted(tmp_path: Path) -> None:
    asked: list[int] = []
    form = preview.seen_by(_Counting(asked), SD15)  # type: ignore[arg-type]
    assert asked == []
    with pytest.raises(ZeroDivisionError):
        preview.picture(torch.zeros(1, 4, 2, 2), form)
    assert asked == [1]


class _Counting:
    """An autoencoder that only says that it was asked."""

    factor = 8

    def __init__(self, asked: list[int]) -> None:
        self.asked = asked

    def encode(self, _pixels: torch.Tensor) -> torch.Tensor:
        self.asked.append(1)
        raise ZeroDivisionError
