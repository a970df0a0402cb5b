"""Network calls are shared where they can be, and what is shared equals what is not."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.device import room
from engine.device.memory import OutOfMemory
from engine.diffusion.calls import Call, Piece, predictions
from engine.diffusion.conditioning import combine
from engine.diffusion.denoiser import Denoiser, answer_together
from engine.diffusion.drive import Ask
from engine.diffusion.entries import resolve
from engine.diffusion.guidance import BasicGuider, CfgGuider, Guider
from engine.diffusion.model import Block, BlockHook
from tests.diffusion.analytic_model import AnalyticModel, text

X = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3))
SIGMA = torch.tensor(2.0)


def denoiser_of(guider: Guider, x: Tensor = X) -> Denoiser:
    return Denoiser(guider, resolve(guider.lists, guider.model, x, None))


def piece(model: AnalyticModel, dist: str = "A", tokens: int = 77, x: Tensor = X, **more: Any) -> Piece:
    return Piece(model, x, SIGMA.expand(len(x)), text(dist, tokens)[0][0], {}, **more)


def calls(pieces: list[Piece], **limits: int) -> list[int]:
    model = pieces[0].model
    assert isinstance(model, AnalyticModel)
    predictions(pieces, **limits)
    return model.calls


def test_both_prompts_share_one_call_and_equal_two() -> None:
    model = AnalyticModel()
    together = denoiser_of(CfgGuider(model, text("A"), text("B"), 3.0))(X, SIGMA).x0
    assert model.calls == [4]
    cond, uncond = (denoiser_of(BasicGuider(model, text(dist)))(X, SIGMA).x0 for dist in "AB")
    assert torch.allclose(together, uncond + 3.0 * (cond - uncond), atol=1e-6)


def test_texts_of_different_length_share_a_call_up_to_four_repeats() -> None:
    model = AnalyticModel()
    assert calls([piece(model, tokens=77), piece(model, tokens=154), piece(model, tokens=308)]) == [6]
    model = AnalyticModel()
    assert calls([piece(model, tokens=77), piece(model, tokens=385)]) == [2, 2]


def test_models_that_read_text_otherwise_want_equal_lengths() -> None:
    model = AnalyticModel(repeats_text=False)
    assert calls([piece(model, tokens=77), piece(model, tokens=154), piece(model, tokens=77)]) == [4, 2]


def test_crops_of_other_shapes_and_other_models_have_calls_of_their_own() -> None:
    model, other = AnalyticModel(), AnalyticModel()
    pieces = [piece(model), piece(other), piece(model, x=X[..., :4]), piece(model, "B")]
    made = predictions(pieces)
    assert model.calls == [4, 2]
    assert other.calls == [2]
    alone = [predictions([each])[0] for each in pieces]
    assert all(torch.equal(one, two) for one, two in zip(made, alone, strict=True))


def test_a_call_is_bounded_and_takes_at_least_one_piece() -> None:
    assert calls([piece(AnalyticModel())] * 5, most_cells=2 * 2 * 64) == [4, 4, 2]
    assert calls([piece(AnalyticModel())] * 2, most_cells=1) == [2, 2]


def test_a_call_that_memory_does_not_hold_is_made_in_halves() -> None:
    class Small(AnalyticModel):
        def predict(self, x: Tensor, *rest: Any, **more: Any) -> Tensor:
            if len(x) > 2:
                raise torch.OutOfMemoryError("too many rows")
            return super().predict(x, *rest, **more)

    model = Small()
    made = predictions([piece(model, dist) for dist in "ABC"])
    assert model.calls == [2, 2, 2]
    assert all(
        torch.equal(one, predictions([piece(AnalyticModel(), dist)])[0]) for one, dist in zip(made, "ABC", strict=True)
    )


def test_a_piece_that_memory_does_not_hold_alone_fails() -> None:
    class Full(AnalyticModel):
        def predict(self, *rest: Any, **more: Any) -> Tensor:
            raise torch.OutOfMemoryError("nothing fits")

    with pytest.raises(OutOfMemory, match=r"one call of the model for 1 latent of 8 x 8 cells: not enough memory"):
        predictions([piece(Full()), piece(Full())])


@dataclass(frozen=True)
class Adding:
    """A control that notes its calls and adds a number in the middle of the network."""

    amount: float
    seen: list[Call] = field(default_factory=list)

    def blocks(self, call: Call) -> tuple[BlockHook, ...]:
        self.seen.append(call)
        return (lambda h, skip, block: (h + self.amount if block.part == "middle" else h, skip),)


class Hooked(AnalyticModel):
    """Shows its result to block hooks as if it were the middle of a network."""

    def predict(
        self,
        x: Tensor,
        sigma: Tensor,
        context: Tensor,
        extras: Mapping[str, Tensor],
        blocks: tuple[BlockHook, ...] = (),
    ) -> Tensor:
        h = super().predict(x, sigma, context, extras)
        for hook in blocks:
            h, _ = hook(h, None, Block("middle", 0))
        return h


def test_a_control_is_asked_once_for_the_entries_that_share_it() -> None:
    model, control = Hooked(), Adding(10.0)
    positive, negative = text("A", control=control), text("B", control=control)
    steered = denoiser_of(CfgGuider(model, positive, negative, 3.0))(X, SIGMA).x0
    plain = denoiser_of(CfgGuider(model, text("A"), text("B"), 3.0))(X, SIGMA).x0
    assert [call.rows for call in control.seen] == [(2, 2)]
    assert torch.allclose(steered, plain + 10, atol=1e-5)


def test_entries_with_and_without_control_do_not_share_a_call() -> None:
    model = Hooked()
    denoiser_of(CfgGuider(model, text("A", control=Adding(1.0)), text("B"), 3.0))(X, SIGMA)
    assert model.calls == [2, 2]


def test_a_list_without_active_entries_predicts_zero() -> None:
    model = AnalyticModel()
    prediction = denoiser_of(BasicGuider(model, text("A", start_percent=0.9)))(X, SIGMA)
    assert prediction.x0.count_nonzero() == 0
    assert model.calls == []


def test_strength_weighs_predictions() -> None:
    model = AnalyticModel()
    both = combine(text("A", strength=3.0), text("C", strength=1.0))
    a, c = (denoiser_of(BasicGuider(model, text(dist)))(X, SIGMA).x0 for dist in "AC")
    assert torch.allclose(denoiser_of(BasicGuider(model, both))(X, SIGMA).x0, (3 * a + c) / 4, atol=1e-6)


def test_asks_of_several_jobs_share_a_call_and_equal_their_own_answers() -> None:
    model = AnalyticModel()
    first = denoiser_of(CfgGuider(model, text("A"), text("B"), 3.0))
    second = denoiser_of(CfgGuider(model, text("C"), text("B", tokens=154), 1.0), X[:1])
    stranger = denoiser_of(CfgGuider(AnalyticModel(), text("A"), text("B"), 2.0))
    asks = [
        Ask(first, X, SIGMA, 0, 1),
        Ask(lambda x, sigma: stranger(x, sigma), X, SIGMA, 0, 1),
        Ask(second, X[:1], torch.tensor(0.3), 0, 1),
    ]
    together = answer_together(asks)
    assert model.calls == [5]
    for ask, answer in zip(asks, together, strict=True):
        assert torch.allclose(answer.x0, ask.answer().x0, atol=1e-6)


def test_a_batch_that_will_not_fit_is_divided_before_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    model = AnalyticModel(bytes_per_cell=1 << 20)
    monkeypatch.setattr(room, "free_ram", lambda: 2 * 64 << 20)  # two rows of 8 x 8 cells
    x, sigma = torch.randn(5, 4, 8, 8), torch.rand(5) + 0.5
    whole = Piece(model, x, sigma, torch.zeros(1, 77, 4), {})
    (made,) = predictions([whole])
    assert model.calls == [2, 1, 2]
    (expected,) = predictions([replace(whole, model=AnalyticModel())])
    assert torch.equal(made, expected)
    monkeypatch.setattr(room, "free_ram", lambda: 63 << 20)
    with pytest.raises(OutOfMemory, match=r"one call of the model for 1 latent of 8 x 8 cells needs 64 MiB"):
        predictions([whole])
