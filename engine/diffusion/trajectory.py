"""What a model sees on its way: the clean latents it predicts along a run, kept while the run goes on."""

from typing import NamedTuple

from torch import Tensor

from engine.diffusion.drive import Ask, Asking, T
from engine.diffusion.latent_format import LatentFormat


class Glimpse(NamedTuple):
    """The clean latent (B, C, …) predicted at one step, in plain latent units on the CPU."""

    step: int  # how many steps were done
    sigma: float
    x0: Tensor


def watched(asking: Asking[T], form: LatentFormat, every: int) -> Asking[tuple[T, list[Glimpse]]]:
    """Hand on all that a run asks; ends with its result and the x0 of every `every`-th step, the last one included.

    Where a sampler asks several times in a step, the answer at the step's own level counts, the last such one: some ask
    at the next level for a trial first, others in between.
    """
    if every < 1:
        raise ValueError(f"every {every} steps cannot be; it should be 1 or more")
    kept: dict[int, Glimpse] = {}
    last: Glimpse | None = None
    try:
        ask = next(asking)
        while True:
            try:
                prediction = yield ask
            except Exception as error:  # the run's to answer, as if it had been asked directly
                ask = asking.throw(error)
                continue
            if last is None or ask.step != last.step or float(ask.sigma) == last.sigma:
                last = _glimpse(ask, prediction.x0, form)
                if ask.step % every == 0:
                    kept[ask.step] = last
            ask = asking.send(prediction)
    except StopIteration as done:
        if last is not None:
            kept[last.step] = last
        return done.value, [*kept.values()]
    finally:
        asking.close()


def _glimpse(ask: Ask, x0: Tensor, form: LatentFormat) -> Glimpse:
    return Glimpse(ask.step, float(ask.sigma), form.process_out(x0.detach().float()).cpu())
