"""A run that was killed at any step ends with the bits of one that was not."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.app import App, start
from engine.diffusion.drive import Ask, Prediction
from engine.graph.prompt import graph_from_prompt
from engine.run.events import Progress
from engine.run.journal import Journal
from engine.settings import CachePolicy, Settings
from engine.weights.folders import BUNDLED

STEPS = 4
MODEL = BUNDLED / "checkpoints" / "heddle-scenes.safetensors"


class Killed(BaseException):
    """Ends a run as nothing that it could catch."""


def workflow(sampler: str) -> dict[str, Any]:
    path = Path(__file__).parents[2] / "workflows" / "text_to_image.json"
    prompt = json.loads(path.read_text("utf-8"))
    prompt["5"]["inputs"] |= {"steps": STEPS, "sampler_name": sampler}
    del prompt["6"], prompt["7"]
    prompt["8"] = {"class_type": "SaveLatent", "inputs": {"samples": ["5", 0], "filename_prefix": "l"}}
    return prompt


def latent(base: Path, sampler: str, journal: Journal | None = None, die_at: float | None = None) -> bytes:
    """The bytes of the latent that a fresh process saves; killed after a step if asked."""
    app: App = start(Settings(base=base, device="cpu", precision="fp32", cache=CachePolicy("none")))
    verdict = app.check(graph_from_prompt(workflow(sampler)))
    assert not verdict.node_errors, verdict.node_errors
    for event in app.run(verdict, {}, journal=journal):
        if isinstance(event, Progress) and event.value == die_at:
            raise Killed
    (saved,) = (base / "output").rglob("*.latent")
    return saved.read_bytes()


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp_2m_sde", "euler_ancestral"])
def test_a_killed_run_goes_on_where_it_stood_with_the_same_bits(tmp_path: Path, sampler: str) -> None:
    whole = latent(tmp_path / "whole", sampler)
    for step in range(1, STEPS):
        path = tmp_path / f"{step}.journal"
        with pytest.raises(Killed):
            latent(tmp_path / f"killed{step}", sampler, Journal(path, after=0), step)
        again = Journal(path, after=0)
        assert latent(tmp_path / f"killed{step}", sampler, again) == whole
        assert again.replayed >= step


def ask(value: float, made: list[float]) -> Ask:
    def denoise(x: torch.Tensor, sigma: torch.Tensor) -> Prediction:
        made.append(value)
        return Prediction(x * 2, None, x.half())

    return Ask(denoise, torch.full((1, 4, 2, 2), value), torch.tensor(1.0), 0, 2)


def test_an_answer_fits_only_the_very_ask_that_it_was_given_to(tmp_path: Path) -> None:
    made: list[float] = []
    first = Journal(tmp_path / "j", after=0)
    first.answer("1", ask(1.0, made))
    first.answer("1", ask(2.0, made))
    again = Journal(tmp_path / "j", after=0)
    told = again.answer("1", ask(1.0, made))
    assert torch.equal(told.x0, torch.full((1, 4, 2, 2), 2.0))
    assert told.uncond is None
    assert told.variance is not None
    assert told.variance.dtype == torch.float16
    again.answer("1", ask(3.0, made))  # another than before
    again.answer("2", ask(1.0, made))  # another node
    assert made == [1.0, 2.0, 3.0, 1.0]
    assert again.replayed == 1


def test_what_was_cut_off_or_damaged_is_computed_again(tmp_path: Path) -> None:
    made: list[float] = []
    path = tmp_path / "j"
    first = Journal(path, after=0)
    first.answer("1", ask(1.0, made))
    whole = path.stat().st_size
    first.answer("1", ask(2.0, made))
    path.write_bytes(path.read_bytes()[:-5])
    again = Journal(path, after=0)
    again.answer("1", ask(1.0, made))
    assert path.stat().st_size == whole
    again.answer("1", ask(2.0, made))
    assert made == [1.0, 2.0, 2.0]
    third = Journal(path, after=0)
    third.answer("1", ask(1.0, made))
    third.answer("1", ask(2.0, made))
    assert third.replayed == 2
    path.write_bytes(b"nothing of the kind" * 10)
    assert Journal(path).answer("1", ask(4.0, made)).x0.mean() == 8


def test_short_runs_write_nothing(tmp_path: Path) -> None:
    now = 0.0
    journal = Journal(tmp_path / "j", after=60, clock=lambda: now)
    journal.answer("1", ask(1.0, []))
    assert not (tmp_path / "j").exists()
    now = 61.0
    journal.answer("1", ask(2.0, []))
    made: list[float] = []
    again = Journal(tmp_path / "j")
    again.answer("1", ask(1.0, made))
    assert made == []


def test_a_folder_that_cannot_be_written_to_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    journal = Journal(tmp_path / "file" / "j", after=0)
    assert journal.answer("1", ask(1.0, [])).x0.mean() == 2
    assert journal.answer("1", ask(2.0, [])).x0.mean() == 4
